"""Observations of environments in every stage, with any number of slots, for tests of the learned policy."""

import random

from esper_tui.leyline.choices import TOPOLOGY_BLUEPRINTS
from esper_tui.leyline.legality import Rules, legality
from esper_tui.leyline.protocols import Observation
from esper_tui.leyline.stages import DEVELOPING, Stage
from esper_tui.leyline.state import EnvSignals, EnvState, Estimate, SeedSignals, SlotState, Verdict
from esper_tui.tamiyo.features import Layout

EPOCHS = 30
GATES = {Stage.GERMINATED: "G1", Stage.TRAINING: "G2", Stage.BLENDING: "G3", Stage.HOLDING: "G5"}


def slot_names(slots: int) -> tuple[str, ...]:
    return tuple(f"r0c{i}" for i in range(slots))


def layout(slots: int) -> Layout:
    names = slot_names(slots)
    return Layout(2.3, 6418, 64180, {name: ((i + 1) / slots, 8 * 2 ** min(i, 3)) for i, name in enumerate(names)})


def rules(slots: int, concurrent: int = 12) -> Rules:
    blueprints = TOPOLOGY_BLUEPRINTS["cnn"]
    params = {name: {b: 200 + 100 * i for i, b in enumerate(blueprints)} for name in slot_names(slots)}
    return Rules(params, blueprints, blueprints, slots, 64180, concurrent, last_germination=14)


def slot(rng: random.Random, name: str) -> SlotState:
    stage = rng.choice(list(Stage))
    if stage not in DEVELOPING and stage is not Stage.FOSSILIZED:
        return SlotState(name, stage, clock=3 if stage is Stage.EMBARGOED else 0)
    gate = GATES.get(stage)
    passed = rng.random() < 0.7
    return SlotState(
        name, stage, seed=1, blueprint=rng.choice(TOPOLOGY_BLUEPRINTS["cnn"]),
        style=rng.choice(["LINEAR_ADD", "GATED"]), params=rng.randrange(100, 5000), age=rng.randrange(12),
        epochs_in_stage=rng.randrange(6), alpha=rng.random(), alpha_target=rng.choice([0.5, 0.7, 1.0]),
        ramp_left=rng.choice([0, 0, 2]), verdict=Verdict(gate, passed, 0.1, 0.05, "") if gate else None,
    )  # fmt: skip


def signals(rng: random.Random, state: EnvState) -> EnvSignals:
    own = tuple(2.3 - 0.05 * t + 0.01 * rng.random() for t in range(state.epoch))
    control = tuple(2.3 - 0.045 * t + 0.01 * rng.random() for t in range(state.epoch))
    seeds = {
        s.slot: SeedSignals(Estimate(rng.gauss(0, 0.1), 0.02), Estimate(rng.gauss(0, 0.1), 0.02), 0.01, 1, 0.5)
        for s in state.slots
        if s.grafted and rng.random() < 0.7
    }
    return EnvSignals(own, control, Estimate(0.05, 0.01), seeds, host_grad=1.0)


def observation(slots: int, envs: int, epoch: int, seed: int = 0) -> Observation:
    rng = random.Random(f"{seed}-{epoch}")
    states = [EnvState(epoch, EPOCHS, tuple(slot(rng, n) for n in slot_names(slots))) for _ in range(envs)]
    legal = [legality(state, rules(slots)) for state in states]
    return Observation(0, epoch, states, [signals(rng, state) for state in states], legal)
