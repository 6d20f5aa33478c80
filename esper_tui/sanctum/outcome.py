"""What came after a decision: how the gain moved, one epoch and five epochs later.  Pure."""

from esper_tui.karn.record import Round
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.text import DASH, column, number, short
from esper_tui.sanctum.worth import Measure, epoch_at, tone

SPANS = (1, 5)
"""Epochs after a boundary at which its decisions are looked back at."""


def gain_change(current: Round, env: int, boundary: int, span: int) -> Measure | None:
    """Gain of the environment ``span`` epochs after a boundary minus the gain at it, in nats.

    None before it is measured, and in a run without controls: what happened is no one decision's doing, but with a
    control at least the host's own progress is left out.  The standard error is that of the later gain; both are
    means over the same images, so it is rather too large.
    """
    before, after = epoch_at(current, boundary), epoch_at(current, boundary + span)
    if before is None or after is None:
        return None
    start, end = (number(column(epoch.columns, "gain/loss", env)) for epoch in (before, after))
    if start is None or end is None:
        return None
    return Measure(end - start, number(column(after.columns, "gain/se", env)) or 0.0, after.number)


def effect_line(current: Round, env: int, boundary: int) -> Line:
    """Both changes in a few cells: ``+.012 +.108``; – where it is not measured."""
    return line(*(line(change_line(gain_change(current, env, boundary, span)), " ") for span in SPANS))


def change_line(change: Measure | None) -> Line:
    """Green or red only where it is more than noise."""
    return line((DASH, "dim") if change is None else (short(change.value, 3, sign=True), tone(change)))
