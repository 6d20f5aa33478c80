"""What came after a decision: how the gain moved, one epoch and five epochs later.  Pure."""

from esper_tui.karn.record import Round
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.text import DASH, column, number, short
from esper_tui.sanctum.worth import epoch_at

SPANS = (1, 5)
"""Epochs after a boundary at which its decisions are looked back at."""


def gain_change(current: Round, env: int, boundary: int, span: int) -> float | None:
    """Gain of the environment ``span`` epochs after a boundary minus the gain at it, in nats.

    None before it is measured, and in a run without controls: what happened is no one decision's doing, but with a
    control at least the host's own progress is left out.
    """
    before, after = epoch_at(current, boundary), epoch_at(current, boundary + span)
    if before is None or after is None:
        return None
    start, end = (number(column(epoch.columns, "gain/loss", env)) for epoch in (before, after))
    return None if start is None or end is None else end - start


def effect_line(current: Round, env: int, boundary: int) -> Line:
    """Both changes in a few cells: ``+.012 +.108``; – where it is not measured."""
    return line(*(part for span in SPANS for part in (*change_line(gain_change(current, env, boundary, span)), " ")))


def change_line(change: float | None) -> Line:
    if change is None:
        return line((DASH, "dim"))
    return line((short(change, 3, sign=True), "good" if change > 0 else "bad" if change < 0 else ""))
