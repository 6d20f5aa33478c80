"""What was measured of a seed last, and how long ago: gain, dependence, Shapley values, gradients.  Pure."""

from dataclasses import dataclass
from typing import Any

from esper_tui.karn.record import Epoch, Round, RunRecord
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.text import DASH, column, fixed, number, short, stale

ERRORS = 2.0
"""Half the width of an interval in standard errors: the margin that gates use."""


@dataclass(frozen=True)
class Measure:
    """A value in nats with its standard error, measured at the end of an epoch."""

    value: float
    se: float
    epoch: int

    @property
    def low(self) -> float:
        return self.value - ERRORS * self.se

    @property
    def high(self) -> float:
        return self.value + ERRORS * self.se


def epoch_at(current: Round, wanted: int) -> Epoch | None:
    """A measured epoch by its number; None if the log does not hold it."""
    place = wanted - current.epochs[0].number if current.epochs else -1
    if 0 <= place < len(current.epochs) and current.epochs[place].number == wanted:
        return current.epochs[place]
    return next((e for e in current.epochs if e.number == wanted), None)


def now_of(current: Round) -> int:
    """The epoch that was measured last; 0 before the first."""
    return current.epochs[-1].number if current.epochs else 0


def seed_measure(current: Round, key: str, env: int, slot: str) -> Measure | None:
    """The newest measurement of the seed that lives in a slot; nothing of a seed that lived there before it."""
    born, index = current.births.get((env, slot)), current.slots.index(slot)
    if born is None:
        return None
    for epoch in reversed(current.epochs):
        if epoch.number <= born:
            break
        pair = column(epoch.columns, key, env, index)
        if isinstance(pair, list) and number(pair[0]) is not None:
            return Measure(number(pair[0]) or 0.0, number(pair[1]) or 0.0, epoch.number)
    return None


def shapley_measure(current: Round, env: int, slot: str) -> Measure | None:
    """The Shapley value of the seed that lives in a slot, as the coalitions last said."""
    epoch, row = current.shapley.get(env, (0, {}))
    pair = row.get("values", {}).get(slot)
    if pair is None or not _of_this_seed(current, env, slot, epoch):
        return None
    return Measure(number(pair[0]) or 0.0, number(pair[1]) or 0.0, epoch)


def pair_measures(current: Round, env: int, slot: str) -> dict[str, Measure]:
    """Other slot → what both seeds add more together than apart, as the coalitions last said."""
    epoch, row = current.shapley.get(env, (0, {}))
    found = {}
    for one, other, value, se in row.get("pairs", []):
        partner = other if one == slot else one if other == slot else None
        if partner and all(_of_this_seed(current, env, s, epoch) for s in (slot, partner)):
            found[partner] = Measure(number(value) or 0.0, number(se) or 0.0, epoch)
    return found


def _of_this_seed(current: Round, env: int, slot: str, epoch: int) -> bool:
    born = current.births.get((env, slot))
    return born is not None and epoch > born


def gradient_ratio(current: Round, env: int, slot: str) -> float | None:
    """The seed's mean gradient norm over the host's, in the epoch measured last."""
    if not current.epochs:
        return None
    columns = current.epochs[-1].columns
    seed = number(column(columns, "grad/seed", env, current.slots.index(slot)))
    host = number(column(columns, "grad/host", env))
    return None if seed is None or not host else seed / host


def flags_of(record: RunRecord, env: int, slot: str) -> list[dict[str, Any]]:
    """Alerts that are raised for a slot."""
    return [a for a in record.alerts if a.get("env") == env and a.get("slot") == slot]


# --- as text -------------------------------------------------------------------------------------------------------


def interval(measure: Measure | None, now: int, digits: int = 3) -> Line:
    """Value, interval of 2 standard errors and age: ``+.221 [+.173, +.268] (3 ep old)``; green or red where sure."""
    if measure is None:
        return line((DASH, "dim"))
    ends = ", ".join(short(end, digits, sign=True) for end in (measure.low, measure.high))
    old = f" {age}" if (age := stale(measure.epoch, now)) else ""
    return line((short(measure.value, digits, sign=True), tone(measure)), f" [{ends}]", (old, "dim"))


def tone(measure: Measure) -> str:
    """Green or red where the interval leaves zero out."""
    return "good" if measure.low > 0 else "bad" if measure.high < 0 else ""


def ratio_text(ratio: float | None) -> str:
    """How many times the host's gradient: 0.36x, 14.2x."""
    return DASH if ratio is None else f"{fixed(ratio, 2 if ratio < 9.95 else 1)}x"
