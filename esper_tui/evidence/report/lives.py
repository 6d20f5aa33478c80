"""The life of every seed of a round: when it was in which stage, what came of it, what was measured of it last."""

from dataclasses import dataclass, field
from typing import Any

from esper_tui.evidence.report.numbers import column, pair
from esper_tui.karn.record import Round

Row = dict[str, Any]


@dataclass
class SeedLife:
    """One seed.

    Attributes:
        stages: (first boundary, name of the stage), in order; it leaves a stage where the next one begins.
        end: the boundary at which it was kept or pruned; None while it is on trial.
        gate: the verdict that let it be kept.
        gain, dependence: (value, standard error) as measured last.
    """

    env: int
    slot: str
    number: int | None
    blueprint: str
    style: str
    params: int
    stages: list[tuple[int, str]] = field(default_factory=list)
    end: int | None = None
    cause: str = ""
    gate: Row | None = None
    by_person: bool = False
    gain: tuple[float | None, float | None] = (None, None)
    dependence: tuple[float | None, float | None] = (None, None)

    @property
    def born(self) -> int:
        return self.stages[0][0]

    @property
    def fate(self) -> str:
        return {"FOSSILIZED": "kept", "PRUNED": "pruned"}.get(self.stages[-1][1], "on trial")


def seed_lives(current: Round) -> list[SeedLife]:
    """All seeds of a round, by environment, slot and time of birth."""
    living: dict[tuple[int, str], SeedLife] = {}
    found: list[SeedLife] = []
    for change in current.changes:
        place = (int(change["env"]), str(change["slot"]))
        if change["target"] == "GERMINATED":
            living[place] = _born(current, place, change)
            found.append(living[place])
        if place not in living:
            continue
        life = living[place]
        life.stages.append((int(change["epoch"]), str(change["target"])))
        if change["target"] in ("FOSSILIZED", "PRUNED"):
            life.end, life.cause, life.gate = int(change["epoch"]), str(change["cause"]), change.get("gate")
            del living[place]
    for life in found:
        _measure(current, life)
    return sorted(found, key=lambda life: (life.env, current.slots.index(life.slot), life.born))


def _born(current: Round, place: tuple[int, str], change: Row) -> SeedLife:
    """A seed at its germination; its style is that of the last time somebody chose it."""
    env, slot = place
    living = current.seeds.get(place, {})
    told = living if living.get("seed") == change.get("seed") else change
    life = SeedLife(
        env, slot, change.get("seed"), str(change.get("blueprint") or "?"), str(told.get("style") or "?"),
        int(change.get("params") or 0),
    )  # fmt: skip
    life.by_person = any(
        d["by"] == "human" and d["epoch"] == change["epoch"] and d["env"] == env and d["decision"].get("slot") == slot
        for d in current.decisions
    )
    return life


def _measure(current: Round, life: SeedLife) -> None:
    """The newest measurements of the seed itself, not of one that lived in the slot before or after it."""
    index = current.slots.index(life.slot)
    last = life.end if life.fate == "pruned" else None
    for epoch in current.epochs:
        if epoch.number <= life.born or (last is not None and epoch.number > last):
            continue
        for key, name in (("seed/gain", "gain"), ("seed/dependence", "dependence")):
            value = pair(column(epoch.columns, key, life.env, index))
            if value[0] is not None:
                setattr(life, name, value)
