"""The surrogate as Tamiyo sees a run: states, signals and legality, from arrays to the types of ``leyline``."""

import numpy as np

from esper_tui.bench.surrogate import MIN_GAIN, Noise, Surrogate, World
from esper_tui.leyline.choices import HEAD_CHOICES, TOPOLOGY_BLUEPRINTS, Head
from esper_tui.leyline.legality import Rules, legality
from esper_tui.leyline.protocols import Observation
from esper_tui.leyline.stages import CLEANUP, EMBARGO_EPOCHS, GRAFTED, RESET_EPOCHS, Stage
from esper_tui.leyline.state import EnvSignals, EnvState, Estimate, SeedSignals, SlotState, Verdict
from esper_tui.simic.attribution import WINDOW
from esper_tui.tamiyo.features import Layout

BLUEPRINT_NAMES, STYLE_NAMES = HEAD_CHOICES[Head.BLUEPRINT], HEAD_CHOICES[Head.STYLE]
GATES = {Stage.GERMINATED: "G1", Stage.TRAINING: "G2", Stage.BLENDING: "G3", Stage.HOLDING: "G5"}
BUDGET = 10
ERROR = Noise().measure
"""Standard error that is reported, in the world without noise too: a policy is scored as it was trained."""


def rules_of(world: World) -> Rules:
    params = {
        slot: {b: int(world.params[s, BLUEPRINT_NAMES.index(b)]) for b in world.blueprints}
        for s, slot in enumerate(world.slots)
    }
    return Rules(
        params, TOPOLOGY_BLUEPRINTS["cnn"], tuple(world.blueprints), len(world.slots), BUDGET * world.host_params,
        concurrent=1, last_germination=world.last,
    )  # fmt: skip


def layout_of(world: World) -> Layout:
    places = {slot: ((s + 1) / len(world.slots), 8 * 2**s) for s, slot in enumerate(world.slots)}
    return Layout(world.ln_classes, world.host_params, BUDGET * world.host_params, places)


def observe_surrogate(made: Surrogate, rules: Rules, round_: int = 0) -> Observation:
    """What a policy sees at the present boundary."""
    states = [_state(made, env) for env in range(made.envs)]
    signals = [_signals(made, env) for env in range(made.envs)]
    return Observation(round_, made.epoch, states, signals, [legality(state, rules) for state in states])


def _state(made: Surrogate, env: int) -> EnvState:
    slots = tuple(_slot(made, env, s) for s in range(len(made.world.slots)))
    return EnvState(made.epoch, made.world.epochs, slots)


def _slot(made: Surrogate, env: int, s: int) -> SlotState:
    stage, name, in_stage = Stage(int(made.stage[env, s])), made.world.slots[s], int(made.in_stage[env, s])
    if stage is Stage.DORMANT or stage in CLEANUP:
        return SlotState(name, stage, epochs_in_stage=in_stage, clock=_clock(stage, in_stage))
    blueprint = int(made.blueprint[env, s])
    return SlotState(
        name, stage, int(made.uid[env, s]), BLUEPRINT_NAMES[blueprint], STYLE_NAMES[int(made.style[env, s])],
        int(made.world.params[s, blueprint]), int(made.age[env, s]), in_stage, float(made.alpha[env, s]),
        float(made.target[env, s]), int(made.ticks[env, s] - made.done[env, s]), verdict=_verdict(made, env, s, stage),
    )  # fmt: skip


def _clock(stage: Stage, in_stage: int) -> int:
    if stage is Stage.RESETTING:
        return RESET_EPOCHS - in_stage
    return EMBARGO_EPOCHS + RESET_EPOCHS - (in_stage if stage is Stage.EMBARGOED else 0) if stage in CLEANUP else 0


def _verdict(made: Surrogate, env: int, s: int, stage: Stage) -> Verdict | None:
    """The gate ahead, once it was looked at."""
    looked = made.in_stage[env, s] >= (WINDOW if stage is Stage.HOLDING else 1)
    if stage not in GATES or not looked or (stage is Stage.BLENDING and made.target[env, s] == 0.0):
        return None
    gate, passed = GATES[stage], bool(made.passed[env, s])
    if stage is not Stage.HOLDING:
        return Verdict(gate, passed, None, None, "")
    return Verdict(gate, passed, float(made.window[:, env, s].mean()), MIN_GAIN * made.world.ln_classes, "")


def _signals(made: Surrogate, env: int) -> EnvSignals:
    """Losses of a host that learns as the real one does; the gain as it was measured."""
    control = tuple(0.7 + 1.6 * np.exp(-t / 8.0) for t in range(1, made.epoch + 1))
    gain = float(made.gain[env]) * made.world.ln_classes
    losses = (*control[:-1], control[-1] - gain) if control else ()
    seeds = {}
    for s, slot in enumerate(made.world.slots):
        if made.stage[env, s] in GRAFTED:
            seen = Estimate(float(made.window[:, env, s].mean()), ERROR / WINDOW**0.5)
            whole = made.stage[env, s] != Stage.BLENDING and made.epoch - made.grafted[env, s] >= WINDOW
            now = float(made.seen[env, s])
            seeds[slot] = SeedSignals(seen if whole else None, Estimate(now, ERROR), now, 0)
    return EnvSignals(losses, control, Estimate(gain, ERROR), seeds)
