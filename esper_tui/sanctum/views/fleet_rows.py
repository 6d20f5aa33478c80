"""The rows of the fleet: one environment each, in as many columns as there is room for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from esper_tui.karn.record import Round, RunRecord
from esper_tui.sanctum.chips import chip, slot_of
from esper_tui.sanctum.glyphs import Glyphs
from esper_tui.sanctum.ink import Line, line, plain, word
from esper_tui.sanctum.lines import SHORT_OPS
from esper_tui.sanctum.override_rows import state_of
from esper_tui.sanctum.text import DASH, column, fit, number, percent, plus_minus
from esper_tui.sanctum.widgets.grid import Column, LazyRow
from esper_tui.sanctum.widgets.spark import sparkline

TREND_EPOCHS, CHANGE_EPOCHS = 50, 5
STATES = {"nan": "NAN", "stalled": "STALL", "exploding": "GRAD^", "vanishing": "GRADv", "ransom": "RANSM"}
"""Alerts by rule as the column ``st`` names them."""
SMALL, LARGE = 8, 13
"""Cells of a chip that has a name, and of one that has all it can say."""


def fleet_columns(slots: Sequence[str], width: int, control: bool) -> list[Column]:
    """The columns for a grid of so many cells.  Chips have a name where there is room, else letter and flag."""
    before = [Column("env", "env", 3, ">"), Column("acc", "acc%", 5, ">"), Column("d5", "Δ5ep", 5, ">", drop=4)]
    if control:
        before.append(Column("gain", "gain ±", 10, ">", drop=1))
    before.append(Column("trend", "trend", 8, grow=16, drop=2))
    after = [Column("last", "last act", 9, grow=14, drop=3), Column("st", "st", 5)]
    room = (width - sum(c.width + 1 for c in (*before, *after) if c.key != "d5")) // max(1, len(slots)) - 1
    cells = 2 if room < SMALL else min(LARGE, room)
    chips = [Column(f"slot-{slot}", _title(slot, cells), cells) for slot in slots]
    return [*before, *chips, *after]


def _title(slot: str, cells: int) -> str:
    """The slot's name, or only its digits: row and column."""
    return slot if cells >= len(slot) else slot.replace("r", "").replace("c", "")[-2:]


def severity_of(alerts: Sequence[dict[str, Any]], env: int) -> int:
    """2 for an error, 1 for a warning, 0 for none."""
    raised = [a for a in alerts if a.get("env") == env]
    return max((2 if a.get("severity") == "error" else 1 for a in raised), default=0)


@dataclass(frozen=True)
class Sight:
    """What rows are drawn with besides the run: widths by column, glyphs, what is selected and pinned."""

    widths: dict[str, int]
    glyphs: Glyphs
    selected: tuple[int, str]
    pinned: frozenset[int] = frozenset()


def fleet_rows(record: RunRecord, current: Round, order: Sequence[int], sight: Sight) -> list[LazyRow]:
    """Rows in order, pinned ones first; the chip of the selected slot is underlined."""
    best = best_env(current)
    ordered = sorted(order, key=lambda env: env not in sight.pinned)
    return [
        LazyRow(env, partial(_cells, record, current, env, sight, env == best),
                partial(_facts, record, current, env, env == best))
        for env in ordered
    ]  # fmt: skip


def best_env(current: Round) -> int | None:
    """The environment with the lowest validation loss now, once there is something to compare."""
    losses = column(current.epochs[-1].columns, "val/loss") if current.epochs else None
    known = {env: v for env, v in enumerate(losses or []) if isinstance(v, float)}
    return min(known, key=known.__getitem__) if len(known) > 1 else None


def _cells(record: RunRecord, current: Round, env: int, sight: Sight, best: bool) -> dict[str, Line]:
    widths, acc = sight.widths, series(current, "val/acc", env, TREND_EPOCHS)
    gain, se = latest(current, "gain/loss", env), latest(current, "gain/se", env)
    change = _change(acc)
    cells = {
        "env": word(f"{'=' if env in sight.pinned else ''}{env}", "bold" if env == sight.selected[0] else ""),
        "acc": word(percent(acc[-1] if acc else None)),
        "d5": word(percent(change, 1, sign=True), _tone(change, 0.001)),
        "gain": word(plus_minus(gain, se), _tone(gain, 2 * (number(se) or 0.0))),
        "trend": word(sparkline(acc, widths.get("trend", 0), sight.glyphs), "series-0"),
        "last": _last(*last_act(current, env), widths.get("last", 0)),
        "st": word(*_state(record, current, env, best)),
    }
    for index, name in enumerate(current.slots):
        slot, room = slot_of(current, env, index, record.alerts), widths.get(f"slot-{name}", 2)
        cells[f"slot-{name}"] = chip(slot, room, sight.selected == (env, name))
    return cells


def _facts(record: RunRecord, current: Round, env: int, best: bool) -> dict[str, Any]:
    """Values to sort and filter by; accuracies in percent, as they are shown."""
    acc, act = series(current, "val/acc", env, TREND_EPOCHS), last_act(current, env)[0]
    chips = (chip(slot_of(current, env, index, record.alerts), LARGE) for index in range(len(current.slots)))
    return {
        "env": env, "acc": _points(acc[-1] if acc else None), "d5": _points(_change(acc)),
        "gain": number(latest(current, "gain/loss", env)), "last": SHORT_OPS[act["decision"]["op"]] if act else None,
        "st": _state(record, current, env, best)[0], "slots": " ".join(plain(c).strip() for c in chips),
    }  # fmt: skip


def _change(acc: Sequence[float | None]) -> float | None:
    before, now = (acc[-1 - CHANGE_EPOCHS], acc[-1]) if len(acc) > CHANGE_EPOCHS else (None, None)
    return None if now is None or before is None else now - before


def _points(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _tone(value: Any, margin: float) -> str:
    """Green or red where a value is away from zero by more than a margin."""
    known = number(value)
    if known is None or abs(known) <= margin:
        return ""
    return "good" if known > 0 else "bad"


def series(current: Round, key: str, env: int, newest: int) -> list[float | None]:
    """A metric of an environment over the newest epochs of the round."""
    return [number(column(epoch.columns, key, env)) for epoch in current.epochs[-newest:]]


def latest(current: Round, key: str, *path: int) -> Any:
    """The newest value of a metric; None before the first epoch."""
    return column(current.epochs[-1].columns, key, *path) if current.epochs else None


def last_act(current: Round, env: int) -> tuple[dict[str, Any] | None, int]:
    """The last decision of an environment that was not WAIT, and how many epochs ago it was taken."""
    now = current.epochs[-1].number if current.epochs else 0
    for event in reversed(current.decisions):
        if event["env"] == env and event["decision"]["op"] != "WAIT":
            return event, now - int(event["epoch"])
    return None, 0


def _last(event: dict[str, Any] | None, ago: int, width: int) -> Line:
    if event is None:
        return line((DASH, "dim"))
    decision, human = event["decision"], event.get("intervention") is not None
    op = decision["op"] if width >= 18 else SHORT_OPS[decision["op"]]
    where = f" {decision['slot']}" if width >= 18 and "slot" in decision else ""
    age = f" {ago}ep" if ago else ""
    what = fit(f"{op}{'*' if human else ''}{where}", max(0, width - len(age))).rstrip()
    return line((what, "human" if human else ""), (age, "dim"))


def _state(record: RunRecord, current: Round, env: int, best: bool) -> tuple[str, str]:
    """The worst that is known of an environment, in at most five letters, and its style."""
    raised = sorted((a for a in record.alerts if a.get("env") == env), key=lambda a: a.get("severity") != "error")
    if raised:
        rule, bad = raised[0]["rule"], raised[0].get("severity") == "error"
        return STATES.get(rule, rule.upper()[:5]), "bad" if bad else "warn"
    if any(e["env"] == env and state_of(e) == "held" for e in current.interventions.values()):
        return "held", "human"
    return ("best", "good") if best else ("ok", "")
