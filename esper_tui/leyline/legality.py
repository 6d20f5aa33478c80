"""What may be done in an environment now, and why not: the one source of masks and of the person's reasons.

``legality(env, rules)`` gives, for every operation and slot, ``None`` (open) or a ``Reason`` (closed).  An
operation is open if one slot is.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from esper_tui.leyline.choices import ALPHA_TARGETS, BLUEPRINTS, STYLES, Decision, Op
from esper_tui.leyline.stages import CLEANUP, DEVELOPING, Stage
from esper_tui.leyline.state import EnvState, SlotState

MIN_PRUNE_AGE = 5
"""Epochs a seed must have lived before it may be pruned."""
SETTLING_EPOCHS = 5
"""Epochs that must be measured before the first germination: the window that gain is compared with."""
LATE_FRAC = 0.2
"""Share of the episode at its end in which the learning rate decays and no seed may still be in its first life."""


class Code(StrEnum):
    SLOT_OCCUPIED = "SLOT_OCCUPIED"
    SEED_LIMIT = "SEED_LIMIT"
    PARAMETER_BUDGET = "PARAMETER_BUDGET"
    TOO_EARLY = "TOO_EARLY"
    TOO_LATE_IN_EPISODE = "TOO_LATE_IN_EPISODE"
    DEVELOPING_SEED = "DEVELOPING_SEED"
    WRONG_STAGE = "WRONG_STAGE"
    TOO_YOUNG = "TOO_YOUNG"
    ALPHA_RAMPING = "ALPHA_RAMPING"
    GATE_FAILED = "GATE_FAILED"
    BLUEPRINT_TOPOLOGY = "BLUEPRINT_TOPOLOGY"
    STYLE_FORM = "STYLE_FORM"
    SAME_TARGET = "SAME_TARGET"
    STALE = "STALE"


@dataclass(frozen=True)
class Reason:
    """Why something is closed; ``opens`` is the epoch at whose boundary it is expected to open, if known."""

    code: Code
    text: str
    opens: int | None = None


@dataclass(frozen=True)
class Rules:
    """The fixed part of the question, derived from the configuration once per run.

    Attributes:
        seed_params: slot → blueprint → parameters of the largest form of that seed in that slot.
        topology: blueprints that exist for the host.
        allowed: blueprints the preset offers.
        last_germination: the last epoch at whose boundary a seed may be planted.
    """

    seed_params: dict[str, dict[str, int]]
    topology: tuple[str, ...]
    allowed: tuple[str, ...]
    seed_limit: int
    parameter_budget: int
    concurrent: int
    last_germination: int


Table = dict[str, Reason | None]


@dataclass(frozen=True)
class Legality:
    """``ops[op][slot]``, ``blueprints[slot][blueprint]``, ``styles[slot][style]``, ``targets[slot][target]``."""

    ops: dict[Op, Table]
    blueprints: dict[str, Table]
    styles: dict[str, Table] = field(default_factory=dict)
    targets: dict[str, Table] = field(default_factory=dict)

    def slots(self, op: Op) -> list[str]:
        """Slots in which the operation is open; WAIT has none and is always open."""
        return [slot for slot, reason in self.ops.get(op, {}).items() if reason is None]

    def open_ops(self) -> list[Op]:
        return [Op.WAIT] + [op for op in Op if op is not Op.WAIT and self.slots(op)]

    def open_blueprints(self, slot: str) -> list[str]:
        return [name for name, reason in self.blueprints[slot].items() if reason is None]

    def refusal(self, decision: Decision) -> Reason | None:
        """The first reason against a decision, None if it is legal."""
        op, slot = decision.op, decision.slot
        if op is Op.WAIT or slot is None:
            return None
        if slot not in self.ops[op]:
            return Reason(Code.WRONG_STAGE, f"the host has no slot {slot}")
        if reason := self.ops[op][slot]:
            return reason
        if op is Op.GERMINATE and decision.blueprint is not None:
            unknown = Reason(Code.BLUEPRINT_TOPOLOGY, f"{decision.blueprint} does not exist for this host")
            return self.blueprints[slot].get(decision.blueprint, unknown)
        if op is Op.SET_ALPHA_TARGET and decision.style is not None and decision.alpha_target is not None:
            return self.styles[slot][decision.style] or self.targets[slot][decision.alpha_target]
        return None


def legality(env: EnvState, rules: Rules) -> Legality:
    """Everything that is open or closed in one environment at one boundary.  Pure."""
    blueprints = {s.slot: _blueprints(env, s, rules) for s in env.slots}
    plant = _cannot_plant_anywhere(env, rules)
    ops: dict[Op, Table] = {
        Op.GERMINATE: {s.slot: plant or _germinate(env, s, blueprints[s.slot]) for s in env.slots},
        Op.SET_ALPHA_TARGET: {s.slot: _set_alpha(env, s) for s in env.slots},
        Op.PRUNE: {s.slot: _prune(env, s) for s in env.slots},
        Op.FOSSILIZE: {s.slot: _fossilize(s) for s in env.slots},
        Op.ADVANCE: {s.slot: _advance(env, s) for s in env.slots},
    }
    return Legality(
        ops,
        blueprints,
        styles={s.slot: _styles(s) for s in env.slots},
        targets={s.slot: _targets(s) for s in env.slots},
    )


def _wrong_stage(slot: SlotState, needs: str) -> Reason:
    return Reason(Code.WRONG_STAGE, f"{slot.slot} is {slot.stage.name}, needs {needs}")


def _ramping(env: EnvState, slot: SlotState) -> Reason | None:
    if slot.leaving:
        return Reason(Code.ALPHA_RAMPING, f"the seed in {slot.slot} is being taken away")
    if slot.ramp_left == 0:
        return None
    text = f"the alpha ramp of {slot.slot} still moves"
    return Reason(Code.ALPHA_RAMPING, text, env.epoch + slot.ramp_left)


def _cannot_plant_anywhere(env: EnvState, rules: Rules) -> Reason | None:
    developing = sum(s.stage in DEVELOPING for s in env.slots)
    planted = developing + sum(s.stage is Stage.FOSSILIZED for s in env.slots)
    if env.epoch < SETTLING_EPOCHS <= rules.last_germination:
        return Reason(Code.TOO_EARLY, f"gain needs {SETTLING_EPOCHS} epochs measured before", SETTLING_EPOCHS)
    if max(env.epoch, SETTLING_EPOCHS) > rules.last_germination:
        text = f"too late: a seed planted after epoch {rules.last_germination} cannot be judged in time"
        return Reason(Code.TOO_LATE_IN_EPISODE, text)
    if planted >= rules.seed_limit:
        return Reason(Code.SEED_LIMIT, f"{planted} of {rules.seed_limit} seeds are planted")
    if developing >= rules.concurrent:
        text = f"{developing} of {rules.concurrent} seeds develop (growth.concurrent)"
        return Reason(Code.DEVELOPING_SEED, text)
    return None


def _germinate(env: EnvState, slot: SlotState, blueprints: Table) -> Reason | None:
    if slot.stage in CLEANUP:
        return Reason(Code.SLOT_OCCUPIED, f"{slot.slot} is being cleaned up", env.epoch + slot.clock)
    if slot.stage is not Stage.DORMANT:
        return Reason(Code.SLOT_OCCUPIED, f"{slot.slot} is not empty ({slot.stage.name})")
    if all(reason is not None for reason in blueprints.values()):
        return Reason(Code.PARAMETER_BUDGET, "no allowed blueprint fits into growth.parameter_budget")
    return None


def _blueprints(env: EnvState, slot: SlotState, rules: Rules) -> Table:
    spent = env.seed_params
    table: Table = {}
    for name in BLUEPRINTS:
        params = rules.seed_params[slot.slot].get(name)
        if params is None or name not in rules.topology:
            table[name] = Reason(Code.BLUEPRINT_TOPOLOGY, f"{name} does not exist for this host")
        elif name not in rules.allowed:
            table[name] = Reason(Code.BLUEPRINT_TOPOLOGY, f"{name} is not in growth.blueprints")
        elif spent + params > rules.parameter_budget:
            text = f"{params} parameters are over the {rules.parameter_budget - spent} left"
            table[name] = Reason(Code.PARAMETER_BUDGET, text)
        else:
            table[name] = None
    return table


def _set_alpha(env: EnvState, slot: SlotState) -> Reason | None:
    if slot.stage not in (Stage.BLENDING, Stage.HOLDING):
        return _wrong_stage(slot, "BLENDING or HOLDING")
    return _ramping(env, slot)


def _prune(env: EnvState, slot: SlotState) -> Reason | None:
    if slot.stage not in DEVELOPING:
        return _wrong_stage(slot, "a living seed that is not fossilised")
    if slot.age < MIN_PRUNE_AGE:
        opens = env.epoch + MIN_PRUNE_AGE - slot.age
        return Reason(Code.TOO_YOUNG, f"the seed in {slot.slot} is {slot.age} of {MIN_PRUNE_AGE} epochs old", opens)
    return _ramping(env, slot)


def _fossilize(slot: SlotState) -> Reason | None:
    if slot.stage is not Stage.HOLDING:
        return _wrong_stage(slot, "HOLDING")
    return _gate(slot, "G5")


def _advance(env: EnvState, slot: SlotState) -> Reason | None:
    gates = {Stage.GERMINATED: "G1", Stage.TRAINING: "G2", Stage.BLENDING: "G3"}
    if slot.stage not in gates:
        return _wrong_stage(slot, "GERMINATED, TRAINING or BLENDING")
    if slot.leaving:
        return _ramping(env, slot)
    return _gate(slot, gates[slot.stage], _gate_opens(env, slot))


def _gate_opens(env: EnvState, slot: SlotState) -> int | None:
    """When the next gate opens by itself: G1 at the next epoch, G3 at the end of a ramp to full strength."""
    if slot.stage is Stage.GERMINATED:
        return env.epoch + 1
    if slot.stage is Stage.BLENDING and slot.alpha_target == 1.0:
        return env.epoch + max(1, slot.ramp_left)
    return None


def _gate(slot: SlotState, gate: str, opens: int | None = None) -> Reason | None:
    verdict = slot.verdict
    if verdict is None or verdict.gate != gate:
        return Reason(Code.GATE_FAILED, f"{gate} has not been looked at yet", opens)
    return None if verdict.passed else Reason(Code.GATE_FAILED, f"{gate}: {verdict.text}", opens)


def _styles(slot: SlotState) -> Table:
    if slot.form is None:
        return dict.fromkeys(STYLES)
    text = f"the seed in {slot.slot} blends by {slot.form.value}; changing the form would make the function jump"
    closed = Reason(Code.STYLE_FORM, text)
    return {name: None if style.form is slot.form else closed for name, style in STYLES.items()}


def _targets(slot: SlotState) -> Table:
    same = Reason(Code.SAME_TARGET, f"{slot.slot} already rests at {slot.alpha_target:g}")
    return {name: same if value == slot.alpha_target else None for name, value in ALPHA_TARGETS.items()}
