"""What the policy did in a round, counted: operations, blueprints kept and lost, gates passed and failed.  Pure."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from esper_tui.karn.record import Epoch, Place, Round
from esper_tui.sanctum.summaries import mean_se
from esper_tui.sanctum.text import column, number

Row = dict[str, Any]


@dataclass
class GateCount:
    """How often a gate was looked at and what came of it; ``last`` is the newest failure's sentence."""

    passed: int = 0
    failed: int = 0
    last: str = ""


@dataclass
class Tally:
    """Counts of one round.  ``update`` takes in only what is new.

    Attributes:
        ops: operation → how often it was carried out.
        planted, kept, lost: by blueprint.
        living: where a seed lives, its blueprint and the epoch it was planted.
        gains: (env, slot, epoch of planting) → blueprint and the gain that was measured last, in nats.
        gates: in the order they were met.
    """

    round: Round | None = None
    ops: Counter[str] = field(default_factory=Counter)
    planted: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    living: dict[Place, tuple[str, int]] = field(default_factory=dict)
    gains: dict[tuple[int, str, int], tuple[str, float]] = field(default_factory=dict)
    gates: dict[str, GateCount] = field(default_factory=dict)
    epochs: int = 0
    decisions: int = 0
    changes: int = 0

    @property
    def state(self) -> tuple[int, int, int]:
        """Changes when something was taken in."""
        return self.epochs, self.decisions, self.changes

    def update(self, current: Round) -> None:
        for decision in current.decisions[self.decisions :]:
            op = decision["decision"]["op"]
            if op != "WAIT" and not decision.get("refused"):
                self.ops[op] += 1
        for epoch in current.epochs[self.epochs :]:
            self._take_changes(current, epoch.number)
            self._take_epoch(epoch, current.slots)
        self._take_changes(current, None)
        self.epochs, self.decisions = len(current.epochs), len(current.decisions)

    def _take_changes(self, current: Round, until: int | None) -> None:
        """Changes up to an epoch, in order; all that are left without one."""
        changes = current.changes
        while self.changes < len(changes) and (until is None or changes[self.changes]["epoch"] <= until):
            self._take_change(changes[self.changes])
            self.changes += 1

    def _take_change(self, change: Row) -> None:
        place, blueprint = (change["env"], change["slot"]), change.get("blueprint") or "?"
        if change["target"] == "GERMINATED":
            self.planted[blueprint] += 1
            self.living[place] = (blueprint, change["epoch"])
        elif change["target"] == "FOSSILIZED":
            self.kept[blueprint] += 1
        elif change["target"] == "PRUNED" and place in self.living:
            self.lost[self.living.pop(place)[0]] += 1

    def _take_epoch(self, epoch: Epoch, slots: list[str]) -> None:
        self.ops["WAIT"] += len(epoch.waits)
        for (env, slot), (blueprint, born) in self.living.items():
            gain = number(column(epoch.columns, "seed/gain", env, slots.index(slot), 0))
            if gain is not None:
                self.gains[env, slot, born] = (blueprint, gain)
        for _, _, gate, passed, _, _, text in epoch.verdicts:
            count = self.gates.setdefault(gate, GateCount())
            count.passed += bool(passed)
            count.failed += not passed
            count.last = count.last if passed else text

    def gain_of(self, blueprint: str) -> tuple[float | None, float | None, int]:
        """Mean over the blueprint's seeds of what each gained at last, its standard error, and the number of seeds."""
        gains = [gain for name, gain in self.gains.values() if name == blueprint]
        return (*mean_se(gains), len(gains))


def tallied(before: Tally, current: Round) -> Tally:
    """The tally of a round: the one before, taken further, or a new one where a replay went back."""
    now = (len(current.epochs), len(current.decisions), len(current.changes))
    goes_on = before.round is current and all(a >= b for a, b in zip(now, before.state, strict=True))
    tally = before if goes_on else Tally(current)
    tally.update(current)
    return tally
