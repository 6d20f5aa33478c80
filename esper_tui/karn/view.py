"""From a run record back to what the loop knew: slot states, and legality asked of a recording."""

from dataclasses import replace
from typing import Any

from esper_tui.karn.record import Epoch, Round, RunRecord
from esper_tui.leyline.legality import Legality, Rules, legality
from esper_tui.leyline.stages import EMBARGO_EPOCHS, RESET_EPOCHS, Stage, parse_stage
from esper_tui.leyline.state import EnvState, SlotState, Verdict


def rules_of(record: RunRecord) -> Rules | None:
    """The fixed part of legality; None for a log that does not hold it."""
    if not record.rules:
        return None
    listed = {"topology", "allowed"}
    values: dict[str, Any] = {key: tuple(value) if key in listed else value for key, value in record.rules.items()}
    return Rules(**values)


def env_state(record: RunRecord, env: int) -> EnvState:
    """An environment at the latest boundary.  Before the first epoch was measured every slot is empty."""
    current = _round(record)
    epochs = int(record.config["run"]["epochs"])
    if not current.epochs:
        return EnvState(0, epochs, tuple(SlotState(slot) for slot in current.slots))
    last = current.epochs[-1]
    slots = tuple(_slot(current, last, env, index) for index in range(len(current.slots)))
    return EnvState(last.number, epochs, slots)


def env_now(record: RunRecord, env: int) -> EnvState:
    """An environment as it stands: at the latest boundary, with what was decided there carried out."""
    state, current = env_state(record, env), _round(record)
    stages = [parse_stage(number) for number in current.stages[env]]
    slots = (_moved(current, env, *pair) for pair in zip(state.slots, stages, strict=True))
    return replace(state, slots=tuple(slots))


def _moved(current: Round, env: int, slot: SlotState, stage: Stage) -> SlotState:
    """The slot in the stage that the last decision brought it to; what is measured of it comes with the next epoch."""
    if stage is slot.stage:
        return slot
    seed = current.seeds.get((env, slot.slot))
    if seed is None:
        clock = EMBARGO_EPOCHS + RESET_EPOCHS if stage is Stage.PRUNED else 0
        return SlotState(slot.slot, stage, clock=clock)
    return replace(
        slot, stage=stage, epochs_in_stage=0, verdict=None, seed=seed.get("seed"), blueprint=seed.get("blueprint"),
        style=seed.get("style"), params=int(seed.get("params") or 0),
    )  # fmt: skip


def legality_now(record: RunRecord, env: int) -> Legality | None:
    """What may be done in an environment as it stands, and why not: a preview of the next boundary."""
    rules = rules_of(record)
    return legality(env_now(record, env), rules) if rules is not None else None


def env_legality(record: RunRecord, env: int) -> Legality | None:
    """What may be done at the latest boundary, and why not."""
    rules = rules_of(record)
    return legality(env_state(record, env), rules) if rules is not None else None


def _round(record: RunRecord) -> Round:
    if record.round is None:
        raise ValueError("the run has not started a round yet")
    return record.round


def _slot(current: Round, last: Epoch, env: int, index: int) -> SlotState:
    slot = current.slots[index]
    stage = parse_stage(last.stages[env][index])
    seed: dict[str, Any] = current.seeds.get((env, slot), {})
    if seed and current.births[env, slot] >= last.number:
        seed = {}  # planted after the epoch that is described
    return SlotState(
        slot, stage, seed.get("seed"), seed.get("blueprint"), seed.get("style"), seed.get("params", 0),
        age=last.ages[env][index], epochs_in_stage=last.in_stage[env][index], alpha=last.alphas[env][index],
        alpha_target=last.targets[env][index], ramp_left=last.ramps[env][index], clock=last.clocks[env][index],
        verdict=_verdict(current, env, slot, stage),
    )  # fmt: skip


GATE_OF = {Stage.GERMINATED: "G1", Stage.TRAINING: "G2", Stage.BLENDING: "G3", Stage.HOLDING: "G5"}
"""The gate that leads out of a stage."""


def _verdict(current: Round, env: int, slot: str, stage: Stage) -> Verdict | None:
    """The last verdict, if it speaks of the gate ahead."""
    found = current.verdicts.get((env, slot))
    if found is None or found[1][0] != GATE_OF.get(stage):
        return None
    return Verdict(*found[1])
