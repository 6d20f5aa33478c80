"""What a run record says about one slot: the life of its seed, its gates, its alpha, what touched it.  Pure."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from esper_tui.karn.record import Round, RunRecord
from esper_tui.karn.view import GATE_OF, env_now, legality_now
from esper_tui.leyline.choices import ALPHA_SPEEDS, STYLES, TEMPOS, Op
from esper_tui.leyline.stages import CLEANUP, Stage, parse_stage
from esper_tui.sanctum.text import column, number
from esper_tui.sanctum.worth import gradient_ratio, pair_measures, seed_measure, shapley_measure

Row = dict[str, Any]
GATES: dict[str, Stage] = {gate: stage for stage, gate in GATE_OF.items()}
"""Gate → the stage that it leads out of."""


def of_env(record: RunRecord, env: int) -> RunRecord:
    """The record with what happened to one environment in this round; what follows looks through it many times."""
    current = record.round
    if current is None:
        return record
    own = replace(
        current,
        changes=[c for c in current.changes if c["env"] == env],
        decisions=[d for d in current.decisions if d["env"] == env],
    )
    return replace(record, rounds=[own])


def stage_now(current: Round, env: int, slot: str) -> Stage:
    """Decisions of the last boundary included."""
    return parse_stage(current.stages[env][current.slots.index(slot)])


def life_changes(current: Round, env: int, slot: str) -> list[Row]:
    """Stage changes of the seed that lives in a slot or lived there last, from its germination on."""
    own = [c for c in current.changes if c["env"] == env and c["slot"] == slot]
    starts = [i for i, c in enumerate(own) if c["target"] == "GERMINATED"]
    return own[starts[-1] :] if starts else []


def slot_decisions(current: Round, env: int, slot: str, since: int = 0) -> list[Row]:
    """Decisions about a slot from a boundary on, and what people decided for its environment as a whole."""
    return [
        d for d in current.decisions
        if d["env"] == env and d["epoch"] >= since
        and (d["decision"].get("slot") == slot or ("slot" not in d["decision"] and d["by"] == "human"))
    ]  # fmt: skip


def slot_interventions(current: Round, env: int, slot: str) -> list[Row]:
    """Overrides that people asked for a slot, or for its environment as a whole, oldest first."""
    return [
        e for e in current.interventions.values()
        if e["intervention"]["env"] == env and e["intervention"]["decision"].get("slot", slot) == slot
    ]  # fmt: skip


# --- the seed ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seed:
    """The seed that lives in a slot, or lived there last.

    Attributes:
        planting: the decision that planted it, if the log holds it.
        born: the boundary at which it was planted.
        gone: whether it was taken away.
    """

    number: int | None
    blueprint: str
    style: str
    params: int
    born: int
    planting: Row | None
    gone: bool

    @property
    def by(self) -> str:
        """Who planted it: tamiyo, or a person by name."""
        if self.planting is None:
            return "nobody knows"
        return "a person" if self.planting["by"] == "human" else str(self.planting["by"])


def seed_of(current: Round, env: int, slot: str) -> Seed | None:
    """None for a slot that was empty since the round began."""
    changes = life_changes(current, env, slot)
    if not changes:
        return None
    first, living = changes[0], current.seeds.get((env, slot))
    told = living or first
    planting = next((d for d in slot_decisions(current, env, slot, first["epoch"]) if _planted(d, first)), None)
    return Seed(
        told.get("seed"), str(told.get("blueprint") or ""), str(told.get("style") or ""),
        int(told.get("params") or 0), first["epoch"], planting, living is None,
    )  # fmt: skip


def _planted(decision: Row, first: Row) -> bool:
    return decision["epoch"] == first["epoch"] and decision["decision"]["op"] == "GERMINATE"


@dataclass(frozen=True)
class AlphaRamp:
    """How a slot is blended: ``left`` ticks to ``target``; ``curve`` and ``ticks`` of the present or the next ramp."""

    now: float
    target: float
    left: int
    curve: str
    ticks: int | None


def alpha_of(current: Round, env: int, slot: str) -> AlphaRamp | None:
    """None before the first epoch and for a slot without a seed."""
    seed = seed_of(current, env, slot)
    if seed is None or not current.epochs or stage_now(current, env, slot) is Stage.DORMANT:
        return None
    last, index = current.epochs[-1], current.slots.index(slot)
    ramps = [d["decision"] for d in slot_decisions(current, env, slot, seed.born) if "alpha_speed" in d["decision"]]
    if ramps:
        curve, ticks = ramps[-1]["alpha_curve"], ALPHA_SPEEDS.get(ramps[-1]["alpha_speed"])
    else:
        chosen = seed.planting["decision"] if seed.planting else {}
        style = STYLES.get(chosen.get("style", seed.style))
        curve, ticks = style.curve.kind.upper() if style else "", TEMPOS.get(chosen.get("tempo", ""))
    return AlphaRamp(
        last.alphas[env][index], last.targets[env][index], last.ramps[env][index], curve, ticks
    )  # fmt: skip


def stage_series(current: Round, env: int, slot: str) -> list[Stage]:
    """The stage of a slot at every measured epoch."""
    index = current.slots.index(slot)
    return [parse_stage(epoch.stages[env][index]) for epoch in current.epochs]


def alpha_series(current: Round, env: int, slot: str) -> list[float | None]:
    """Alpha at every measured epoch; None where there was no seed."""
    index = current.slots.index(slot)
    empty = {Stage.DORMANT, *CLEANUP}
    return [None if parse_stage(e.stages[env][index]) in empty else e.alphas[env][index] for e in current.epochs]


# --- gates ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gate:
    """A gate of a seed.  ``state`` is passed, open, closed, or ahead where it was not looked at."""

    name: str
    state: str
    measured: float | None = None
    threshold: float | None = None
    text: str = ""
    epoch: int | None = None


def gates_of(current: Round, env: int, slot: str) -> list[Gate]:
    """All gates of the seed in a slot: those behind it as they were passed, the next as it was looked at last."""
    changes, stage = life_changes(current, env, slot), stage_now(current, env, slot)
    passed = {c["gate"]["gate"]: (c["epoch"], c["gate"]) for c in changes if isinstance(c.get("gate"), dict)}
    return [_gate(current, env, slot, name, stage, passed) for name in GATES]


def _gate(current: Round, env: int, slot: str, name: str, stage: Stage, passed: dict[str, Any]) -> Gate:
    if name in passed:
        epoch, verdict = passed[name]
        return Gate(name, "passed", verdict["measured"], verdict["threshold"], verdict["text"], epoch)
    epoch, verdict = current.verdicts.get((env, slot), (None, None))
    if verdict is not None and verdict[0] == name:
        _, is_open, measured, threshold, text = verdict
        return Gate(name, "open" if is_open else "closed", measured, threshold, text, epoch)
    ahead = "not looked at yet" if GATES[name] is stage else f"after {GATES[name].name}"
    return Gate(name, "ahead", text=ahead)


# --- as a document -------------------------------------------------------------------------------------------------


def slot_document(record: RunRecord, env: int, slot: str) -> Row:
    """Everything above as plain values, to be copied."""
    current = record.round
    if current is None:
        return {}
    seed, ramp, legal = seed_of(current, env, slot), alpha_of(current, env, slot), legality_now(record, env)
    measures = {
        "gain": seed_measure(current, "seed/gain", env, slot),
        "dependence": seed_measure(current, "seed/dependence", env, slot),
        "shapley": shapley_measure(current, env, slot),
        **{f"with {other}": both for other, both in pair_measures(current, env, slot).items()},
    }
    state = next((s for s in env_now(record, env).slots if s.slot == slot), None)
    return {
        "env": env, "slot": slot, "round": current.number, "stage": stage_now(current, env, slot).name,
        "state": asdict(state) if state else None,
        "seed": asdict(seed) if seed else None,
        "alpha": asdict(ramp) if ramp else None,
        "gates": [asdict(gate) for gate in gates_of(current, env, slot)],
        "measured": {name: asdict(m) if m else None for name, m in measures.items()},
        "gradient_ratio": gradient_ratio(current, env, slot),
        "closed": _closed(legal, slot),
        "overrides": slot_interventions(current, env, slot),
    }  # fmt: skip


def _closed(legal: Any, slot: str) -> Row:
    if legal is None:
        return {}
    reasons = {op.name: legal.ops[op].get(slot) for op in Op if op in legal.ops}
    return {op: asdict(reason) for op, reason in reasons.items() if reason is not None}


def credit_of(current: Round, env: int, slot: str) -> float | None:
    """The seed's share of the environment's gain, in nats."""
    return _latest(current, "seed/credit", env, slot)


def index_of(current: Round, env: int, slot: str) -> float | None:
    """The dependence index, 0 to 1."""
    return _latest(current, "seed/index", env, slot)


def _latest(current: Round, key: str, env: int, slot: str) -> float | None:
    if not current.epochs:
        return None
    return number(column(current.epochs[-1].columns, key, env, current.slots.index(slot)))
