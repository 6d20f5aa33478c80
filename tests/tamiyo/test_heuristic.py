"""The rules of the heuristic, each with the trace it leaves."""

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given

from esper_tui.leyline.choices import WAIT, Decision, Op
from esper_tui.leyline.legality import legality
from esper_tui.leyline.stages import Stage
from esper_tui.leyline.state import SlotState
from esper_tui.tamiyo.heuristic import Heuristic, HeuristicRules, Memory
from tests import states
from tests.states import env, failed, observation, passed, rules, seeded, signals

ROTATION = ("CONV_LIGHT", "CONV_HEAVY")
SETTINGS = HeuristicRules(
    stall_gain=0.02, min_gain=0.01, germinate_by=6, rotation=ROTATION, slot_order=("r0c1", "r0c0", "r0c2"),
    style="LINEAR_ADD", tempo="FAST",
)  # fmt: skip
TAMIYO = Heuristic(SETTINGS)
IMPROVING = (2.0, 1.9, 1.8, 1.7, 1.6)
STALLED = (2.0, 1.605, 1.62, 1.59, 1.59)
"""The loss four epochs ago and now: 1.605 − 1.59 = 0.015, less than 0.02 over 3 epochs."""


def decide(view, seen=None, memory=None, given_rules=None, env_index=0, tamiyo=TAMIYO):
    """Decision, fired rules and memory of one environment; others like it before it."""
    count = env_index + 1
    state = [memory or Memory()] * count
    step = tamiyo.act(observation([view] * count, given_rules or rules(), [seen or signals()] * count), state)
    fired = [rule["rule"] for rule in step.traces[-1] if rule["fired"]]
    return step.decisions[-1], fired, step.state[-1]


# --- planting ------------------------------------------------------------------------------------------------------


def test_the_host_still_improves():
    decision, fired, _ = decide(env(epoch=5), signals(IMPROVING))
    assert decision is WAIT
    assert fired == ["a slot is open"]


def test_the_host_has_stalled():
    decision, fired, _ = decide(env(epoch=5), signals(STALLED))
    assert decision.named() == {
        "op": "GERMINATE", "slot": "r0c1", "blueprint": "CONV_LIGHT", "style": "LINEAR_ADD", "tempo": "FAST",
        "alpha_target": "FULL",
    }  # fmt: skip
    assert fired == ["a slot is open", "the host stalled over 3 epochs", "next in the rotation"]


@pytest.mark.parametrize(("improved", "plants"), [(0.0199, True), (0.0201, False), (-0.5, True)])
def test_what_a_stall_is(improved, plants):
    losses = (3.0, 1.0 + improved, 0.9, 0.8, 1.0)
    assert (decide(env(epoch=5), signals(losses))[0].op is Op.GERMINATE) == plants


def test_three_epochs_need_four_losses():
    assert decide(env(epoch=5), signals((1.0, 1.0, 1.0)))[0] is WAIT
    assert decide(env(epoch=5), signals((1.0, 1.0, 1.0, 1.0)))[0].op is Op.GERMINATE


def test_at_the_latest_at_epoch_six():
    decision, fired, _ = decide(env(epoch=6), signals(IMPROVING))
    assert decision.op is Op.GERMINATE
    assert "planting waits no longer" in fired
    patient = Heuristic(replace(SETTINGS, germinate_by=9))
    assert decide(env(epoch=8), signals(IMPROVING), tamiyo=patient)[0] is WAIT
    assert decide(env(epoch=9), signals(IMPROVING), tamiyo=patient)[0].op is Op.GERMINATE


def test_no_slot_is_open():
    full = env(*(seeded(slot, Stage.FOSSILIZED) for slot in states.SLOTS))
    decision, fired, _ = decide(full, signals(STALLED))
    assert (decision, fired) == (WAIT, [])


def test_the_preferred_slot_that_is_open():
    assert decide(env(seeded("r0c1", Stage.FOSSILIZED)), signals(STALLED))[0].slot == "r0c0"
    unordered = Heuristic(replace(SETTINGS, slot_order=()))
    assert decide(env(), signals(STALLED), tamiyo=unordered)[0].slot == "r0c0"


# --- blueprints ----------------------------------------------------------------------------------------------------


def blueprint(memory=None, **options):
    decision, fired, _ = decide(env(), signals(STALLED), memory=memory, **options)
    return decision.blueprint, fired[-1]


def test_the_rotation_starts_elsewhere_in_every_environment():
    assert [blueprint(env_index=i)[0] for i in range(4)] == ["CONV_LIGHT", "CONV_HEAVY", "CONV_LIGHT", "CONV_HEAVY"]


def test_what_was_lost_here_is_not_tried_again_while_others_wait():
    assert blueprint(Memory(lost=("CONV_LIGHT",))) == ("CONV_HEAVY", "next in the rotation")
    assert blueprint(Memory(lost=("CONV_LIGHT", "CONV_HEAVY")))[0] == "ATTENTION"
    assert blueprint(Memory(lost=states.CNN))[0] == "CONV_LIGHT"


def test_what_paid_here_is_planted_again():
    assert blueprint(Memory(kept=("NORM",))) == ("NORM", "this blueprint has paid here")
    assert blueprint(Memory(kept=("NORM", "CONV_HEAVY", "CONV_HEAVY")))[0] == "CONV_HEAVY"
    assert blueprint(Memory(kept=("NORM",), lost=("NORM",)))[0] == "NORM"


def test_only_blueprints_that_are_legal():
    assert blueprint(given_rules=rules(allowed=("NORM", "CONV_HEAVY")))[0] == "CONV_HEAVY"
    assert blueprint(given_rules=rules(allowed=("NORM",)))[0] == "NORM"
    assert blueprint(Memory(kept=("CONV_SMALL",)), given_rules=rules(allowed=("NORM",)))[0] == "NORM"


# --- moving on, committing, pruning --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "gate"), [(Stage.GERMINATED, "G1"), (Stage.TRAINING, "G2"), (Stage.BLENDING, "G3")]
)  # fmt: skip
def test_advance_when_the_gate_passes(stage, gate):
    one = rules(concurrent=1)
    decision, fired, _ = decide(env(seeded("r0c2", stage, verdict=passed(gate))), given_rules=one)
    assert (decision, fired) == (Decision(op=Op.ADVANCE, slot="r0c2"), ["the gate is open"])
    assert decide(env(seeded("r0c2", stage, verdict=failed(gate))), given_rules=one)[0] is WAIT


def test_commit_when_g5_has_passed():
    decision, fired, _ = decide(env(seeded("r0c0", Stage.HOLDING, verdict=passed("G5"))))
    assert (decision, fired) == (Decision(op=Op.FOSSILIZE, slot="r0c0"), ["G5 passed"])


@pytest.mark.parametrize(
    ("gain", "prunes"),
    [
        ((-0.05, 0.01), True),
        ((-0.05, 0.03), False),
        ((-0.02, 0.001), True),
        ((-0.005, 0.0), False),
        ((0.05, 0.0), False),
    ],
)
def test_prune_when_the_gain_is_clearly_negative(gain, prunes):
    """Two standard errors below −0.01."""
    view = env(seeded("r0c0", Stage.HOLDING, verdict=failed("G5")))
    decision, fired, _ = decide(view, signals(r0c0=gain), given_rules=rules(concurrent=1))
    assert (decision.op is Op.PRUNE) == prunes
    assert ("the gain is clearly negative" in fired) == prunes
    if prunes:
        assert (decision.slot, decision.alpha_speed) == ("r0c0", "FAST")


def test_a_seed_that_was_not_measured_yet_is_kept():
    view = env(seeded("r0c0", Stage.HOLDING, epochs_in_stage=2))
    assert decide(view, given_rules=rules(concurrent=1))[:2] == (WAIT, [])


def test_a_seed_that_cannot_be_committed_any_more_makes_room_for_the_host():
    held = seeded("r0c0", Stage.HOLDING, verdict=failed("G5"))
    one = rules(concurrent=1)
    assert decide(env(held, epoch=53), given_rules=one)[0] is WAIT
    decision, fired, _ = decide(env(held, epoch=54), given_rules=one)
    assert (decision.op, fired) == (Op.PRUNE, ["too late to be committed"])
    late = env(replace(held, verdict=passed("G5")), epoch=54)
    assert decide(late, given_rules=one)[0].op is Op.FOSSILIZE


@pytest.mark.parametrize("stage", [Stage.TRAINING, Stage.BLENDING])
@pytest.mark.parametrize(("epochs", "prunes"), [(9, False), (10, True)])
def test_a_seed_whose_gate_stays_shut_is_given_up(stage, epochs, prunes):
    slot = replace(seeded("r0c0", stage), epochs_in_stage=epochs, age=12, ramp_left=0)
    decision, fired, _ = decide(env(slot, epoch=15))
    assert (decision.op is Op.PRUNE) == prunes
    assert ("the seed is stuck" in fired) == prunes


def test_judging_comes_before_advancing_and_planting():
    ready = seeded("r0c1", Stage.TRAINING, verdict=passed("G2"))
    held = seeded("r0c2", Stage.HOLDING, verdict=passed("G5"))
    assert decide(env(ready, held), signals(STALLED))[0].op is Op.FOSSILIZE
    waiting = replace(held, verdict=failed("G5"))
    assert decide(env(ready, waiting), signals(STALLED))[0].op is Op.ADVANCE
    assert decide(env(waiting), signals(STALLED))[0].op is Op.GERMINATE


def test_the_trace_holds_values_and_thresholds():
    view = env(seeded("r0c0", Stage.HOLDING, verdict=failed("G5")))
    step = TAMIYO.act(observation([view], rules(), [signals(r0c0=(-0.05, 0.01))]), [Memory()])
    assert step.traces[0] == [
        {"rule": "G5 passed", "slot": "r0c0", "value": 0.1, "threshold": 0.5, "fired": False},
        {"rule": "the gain is clearly negative", "slot": "r0c0", "value": -0.05, "threshold": -0.01, "fired": True},
        {"rule": "too late to be committed", "slot": "r0c0", "value": 50, "threshold": 6, "fired": False},
    ]


# --- memory --------------------------------------------------------------------------------------------------------


def test_what_becomes_of_seeds_is_remembered():
    growing = seeded("r0c0", Stage.HOLDING, blueprint="NORM")
    memory = decide(env(growing))[2]
    assert memory == Memory(living={"r0c0": "NORM"})
    kept = decide(env(replace(growing, stage=Stage.FOSSILIZED)), memory=memory)[2]
    assert kept == Memory(kept=("NORM",))
    lost = decide(env(SlotState("r0c0", Stage.PRUNED, clock=6)), memory=memory)[2]
    assert lost == Memory(lost=("NORM",))


def test_a_life_in_one_environment():
    """A first seed is lost, the next of the rotation is kept and planted again."""
    memory, planted = Memory(), []
    one = rules(concurrent=1)
    fates = [SlotState("r0c1", Stage.PRUNED, clock=6), seeded("r0c1", Stage.FOSSILIZED, blueprint="CONV_HEAVY")]
    for fate in fates:
        decision, _, memory = decide(env(), signals(STALLED), memory, one)
        planted.append(decision.blueprint)
        living = seeded("r0c1", Stage.TRAINING, blueprint=decision.blueprint)
        memory = decide(env(living), signals(STALLED), memory, one)[2]
        memory = decide(env(fate, epoch=58), signals(STALLED), memory, one)[2]
    decision, fired, _ = decide(env(fates[1]), signals(STALLED), memory, one)
    assert [*planted, decision.blueprint] == ["CONV_LIGHT", "CONV_HEAVY", "CONV_HEAVY"]
    assert fired[-1] == "this blueprint has paid here"


# --- always --------------------------------------------------------------------------------------------------------


@given(states.env_states(), states.rule_sets(), states.env_signals())
def test_legal_explained_and_without_touching_the_state(view, given_rules, seen):
    state = [Memory(("NORM",), ("CONV_LIGHT",), {"r0c0": "NORM"})]
    kept = deepcopy(state)
    step = TAMIYO.act(observation([view], given_rules, [seen]), state)
    assert legality(view, given_rules).refusal(step.decisions[0]) is None
    assert state == kept
    assert step.decisions[0] is WAIT or any(rule["fired"] for rule in step.traces[0])
    assert TAMIYO.act(observation([view], given_rules, [seen]), state) == step
