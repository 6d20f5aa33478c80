"""Environments at a boundary: made by hand, or by Hypothesis over everything that can occur."""

from hypothesis import strategies as st

from esper_tui.leyline.choices import (
    ALPHA_TARGETS,
    HEAD_CHOICES,
    LIVE_HEADS,
    STYLES,
    TOPOLOGY_BLUEPRINTS,
    Decision,
    Head,
    Op,
)
from esper_tui.leyline.legality import Rules, legality
from esper_tui.leyline.protocols import Observation
from esper_tui.leyline.stages import CLEANUP, EMBARGO_EPOCHS, RESET_EPOCHS, Stage
from esper_tui.leyline.state import EnvSignals, EnvState, Estimate, SeedSignals, SlotState, Verdict

CNN = TOPOLOGY_BLUEPRINTS["cnn"]
SLOTS = ("r0c0", "r0c1", "r0c2")
GATES = ("G1", "G2", "G3", "G5")


def rules(slots: tuple[str, ...] = SLOTS, **changes) -> Rules:
    """Room for everything, unless changed."""
    settings = {
        "seed_params": {slot: {b: 10 * (i + 1) for i, b in enumerate(CNN)} for slot in slots},
        "topology": CNN, "allowed": CNN, "seed_limit": len(slots), "parameter_budget": 10_000,
        "concurrent": len(slots), "last_germination": 40,
    }  # fmt: skip
    return Rules(**settings | changes)


def seeded(slot: str, stage: Stage, **changes) -> SlotState:
    """A slot with a seed of 10 epochs, its ramp at rest, and no verdict."""
    full = 1.0 if stage in (Stage.BLENDING, Stage.HOLDING, Stage.FOSSILIZED) else 0.0
    settings = {
        "seed": 1, "blueprint": "CONV_LIGHT", "style": "LINEAR_ADD", "params": 10, "age": 10, "epochs_in_stage": 5,
        "alpha": full, "alpha_target": full,
    }  # fmt: skip
    return SlotState(slot, stage, **settings | changes)


def env(*slots: SlotState, epoch: int = 10, epochs: int = 60, names: tuple[str, ...] = SLOTS) -> EnvState:
    """An environment; slots that are not given are empty."""
    given = {s.slot: s for s in slots}
    return EnvState(epoch, epochs, tuple(given.get(name, SlotState(name)) for name in names))


def passed(gate: str) -> Verdict:
    return Verdict(gate, True, 1.0, 0.5, "passed")


def failed(gate: str) -> Verdict:
    return Verdict(gate, False, 0.1, 0.5, "failed")


def signals(losses: tuple[float, ...] = (), **gains: tuple[float, float]) -> EnvSignals:
    """Validation losses, and slot → (gain, standard error)."""
    seeds = {slot: SeedSignals(gain=Estimate(*gain)) for slot, gain in gains.items()}
    return EnvSignals(tuple(losses), (), None, seeds)


def observation(states: list[EnvState], given: Rules, seen: list[EnvSignals] | None = None) -> Observation:
    seen = seen or [signals() for _ in states]
    return Observation(0, states[0].epoch, states, seen, [legality(s, given) for s in states])


# --- by Hypothesis -------------------------------------------------------------------------------------------------

verdicts = st.none() | st.builds(
    Verdict,
    st.sampled_from(GATES),
    st.booleans(),
    st.none() | st.floats(-1, 1),
    st.floats(0, 1),
    st.just("what was found"),
)
decisions = st.sampled_from(list(Op)).flatmap(
    lambda op: st.fixed_dictionaries(
        {head.value: st.sampled_from(HEAD_CHOICES.get(head, SLOTS)) for head in LIVE_HEADS[op] if head is not Head.OP}
    ).map(lambda heads: Decision(op=op, **heads))
)


@st.composite
def slot_states(draw, slot: str) -> SlotState:
    """A slot in any stage that is consistent in itself; the verdict may be of any gate."""
    stage = draw(st.sampled_from(list(Stage)))
    if stage is Stage.DORMANT:
        return SlotState(slot)
    if stage in CLEANUP:
        first = {Stage.PRUNED: EMBARGO_EPOCHS + RESET_EPOCHS, Stage.RESETTING: RESET_EPOCHS}
        clock = first.get(stage) or draw(st.integers(RESET_EPOCHS + 1, EMBARGO_EPOCHS + RESET_EPOCHS))
        return SlotState(slot, stage, clock=clock)
    age = draw(st.integers(0, 30))
    target = 1.0 if stage in (Stage.HOLDING, Stage.FOSSILIZED) else 0.0
    left = 0
    if stage is Stage.BLENDING:
        target = draw(st.sampled_from([0.0, *ALPHA_TARGETS.values()]))
        left = draw(st.integers(0 if target else 1, 8))
    return SlotState(
        slot, stage, seed=draw(st.integers(1, 9)), blueprint=draw(st.sampled_from(CNN)),
        style=draw(st.sampled_from(list(STYLES))), params=draw(st.integers(1, 300)), age=age,
        epochs_in_stage=draw(st.integers(0, age)), alpha=draw(st.floats(0, 1)) if left else target,
        alpha_target=target, ramp_left=left, verdict=draw(verdicts),
    )  # fmt: skip


@st.composite
def rule_sets(draw, slots: tuple[str, ...] = SLOTS) -> Rules:
    params = {slot: {b: draw(st.integers(1, 300)) for b in CNN} for slot in slots}
    return Rules(
        seed_params=params, topology=CNN, allowed=tuple(draw(st.lists(st.sampled_from(CNN), min_size=1, unique=True))),
        seed_limit=draw(st.integers(1, len(slots))), parameter_budget=draw(st.integers(0, 900)),
        concurrent=draw(st.integers(1, len(slots))), last_germination=draw(st.integers(-5, 50)),
    )  # fmt: skip


@st.composite
def env_states(draw, slots: tuple[str, ...] = SLOTS) -> EnvState:
    epoch = draw(st.integers(0, 60))
    return EnvState(epoch, 60, tuple(draw(slot_states(slot)) for slot in slots))


estimates = st.none() | st.builds(Estimate, st.floats(-0.5, 0.5), st.floats(0, 0.1))


@st.composite
def env_signals(draw, slots: tuple[str, ...] = SLOTS) -> EnvSignals:
    losses = tuple(draw(st.lists(st.floats(0.1, 3.0), max_size=8)))
    gains = {slot: SeedSignals(gain=draw(estimates)) for slot in slots}
    return EnvSignals(losses, (), None, gains)
