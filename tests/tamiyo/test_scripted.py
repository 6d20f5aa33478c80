"""Policies without a view: nobody decides anything that is not legal, and the same seed decides the same."""

import random
from copy import deepcopy
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.leyline.choices import WAIT, Decision, Op
from esper_tui.leyline.legality import legality
from esper_tui.leyline.stages import Stage
from esper_tui.runtime.seeding import decision_random
from esper_tui.tamiyo.scripted import Manual, Random, Schedule, Wait
from tests import states
from tests.states import env, observation, passed, rules, seeded

ADVANCE, FOSSILIZE = Decision(op=Op.ADVANCE, slot="r0c0"), Decision(op=Op.FOSSILIZE, slot="r0c0")
PLANT = Decision(op=Op.GERMINATE, slot="r0c0", blueprint="NORM", style="LINEAR_ADD", tempo="FAST", alpha_target="FULL")
OPEN, OCCUPIED = env(), env(seeded("r0c0", Stage.TRAINING))


def random_policy(germination=0.3, prune=0.03, seed=1):
    return Random(germination, prune, partial(decision_random, seed))


def ops_of(policy, view, given_rules, count=2000):
    """Operations decided in many environments that look the same."""
    step = policy.act(observation([view] * count, given_rules), policy.initial_state(count))
    return [decision.op for decision in step.decisions]


def share(ops, op):
    return ops.count(op) / len(ops)


@pytest.mark.parametrize("policy", [Wait(), Manual()])
def test_wait_and_manual_wait(policy):
    step = policy.act(observation([OPEN, OCCUPIED], rules()), policy.initial_state(2))
    assert step.decisions == [WAIT, WAIT]
    assert len(step.traces) == 2


# --- random --------------------------------------------------------------------------------------------------------


@given(states.env_states(), states.rule_sets(), st.integers(0, 99))
def test_random_is_legal(view, given_rules, seed):
    seen = observation([view] * 2, given_rules)
    for decision, legal in zip(random_policy(1.0, 0.5, seed).act(seen, None).decisions, seen.legality, strict=True):
        assert legal.refusal(decision) is None


def test_random_reaches_every_operation_and_every_choice():
    """200 observations of four situations: every operation, and every legal choice of every head."""
    holding, gated = passed("G5"), passed("G3")
    situations = [
        OPEN, env(seeded("r0c0", Stage.HOLDING, verdict=holding)),
        env(seeded("r0c0", Stage.BLENDING, verdict=gated)), env(seeded("r0c0", Stage.BLENDING, alpha_target=0.5)),
    ]  # fmt: skip
    given_rules = rules(concurrent=1)
    decisions = random_policy(0.9, 0.4).act(observation(situations * 50, given_rules), None).decisions
    assert {decision.op for decision in decisions} == set(Op)
    planted = [d for d in decisions if d.op is Op.GERMINATE]
    assert {d.blueprint for d in planted} == set(states.CNN)
    assert {d.style for d in planted} == {"LINEAR_ADD", "LINEAR_MULTIPLY", "SIGMOID_ADD", "GATED"}
    assert {d.slot for d in planted} == set(states.SLOTS)
    assert {d.alpha_target for d in planted} == {"HALF", "SEVENTY", "FULL"}
    assert {d.alpha_speed for d in decisions if d.op is Op.PRUNE} == {"INSTANT", "FAST", "MEDIUM", "SLOW"}
    assert {d.style for d in decisions if d.op is Op.SET_ALPHA_TARGET} == {"LINEAR_ADD", "SIGMOID_ADD"}


def test_same_seed_same_decisions():
    seen = observation([OPEN, OCCUPIED] * 20, rules())
    first = random_policy().act(seen, None).decisions
    assert random_policy().act(seen, None).decisions == first
    assert random_policy(seed=2).act(seen, None).decisions != first


def test_an_environment_decides_alike_whoever_is_beside_it():
    alone = random_policy().act(observation([OPEN], rules()), None).decisions
    crowd = random_policy().act(observation([OPEN] * 8, rules()), None).decisions
    assert crowd[0] == alone[0]
    assert len({d.op for d in random_policy(0.5).act(observation([OPEN] * 40, rules()), None).decisions}) == 2


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 1.0])
def test_germination_rate(rate):
    # Of 2000, four standard deviations are at most 4·√(0.25/2000) = 0.045.
    ops = ops_of(random_policy(germination=rate), OPEN, rules())
    assert share(ops, Op.GERMINATE) == pytest.approx(rate, abs=0.045)
    assert share(ops, Op.WAIT) == pytest.approx(1 - rate, abs=0.045)


@pytest.mark.parametrize("rate", [0.0, 0.03, 0.5])
def test_prune_rate(rate):
    """A seed that could be advanced is advanced unless it is pruned."""
    ready = env(seeded("r0c0", Stage.TRAINING, verdict=passed("G2")))
    ops = ops_of(random_policy(prune=rate), ready, rules(concurrent=1))
    assert share(ops, Op.PRUNE) == pytest.approx(rate, abs=0.045)
    assert share(ops, Op.ADVANCE) == pytest.approx(1 - rate, abs=0.045)


# --- schedule ------------------------------------------------------------------------------------------------------


def test_a_schedule_waits_until_it_is_due_and_legal():
    policy = Schedule([(8, PLANT), (9, ADVANCE)])
    state = policy.initial_state(2)
    early = policy.act(observation([env(epoch=7)] * 2, rules()), state)
    assert (early.decisions, early.state) == ([WAIT, WAIT], [0, 0])
    # Due, but the slot of the second environment is taken.
    due = policy.act(observation([env(epoch=8), env(seeded("r0c0", Stage.TRAINING), epoch=8)], rules()), early.state)
    assert (due.decisions, due.state) == ([PLANT, WAIT], [1, 0])
    gate = seeded("r0c0", Stage.GERMINATED, verdict=passed("G1"))
    late = policy.act(observation([env(gate, epoch=9), env(epoch=9)], rules()), due.state)
    assert (late.decisions, late.state) == ([ADVANCE, PLANT], [2, 1])
    assert policy.act(observation([OPEN, env(gate)], rules()), late.state).decisions == [WAIT, ADVANCE]
    assert state == [0, 0]


def test_a_schedule_may_ask_for_what_never_becomes_legal():
    lora = Decision(
        op=Op.GERMINATE, slot="r0c0", blueprint="LORA", style="LINEAR_ADD", tempo="FAST", alpha_target="FULL"
    )
    policy = Schedule([(5, lora)])
    assert policy.act(observation([OPEN], rules()), policy.initial_state(1)).decisions == [WAIT]


@given(states.env_states(), states.rule_sets(), st.lists(states.decisions, max_size=4))
def test_a_schedule_is_legal_and_keeps_the_state_it_was_given(view, given_rules, plan):
    policy = Schedule([(0, decision) for decision in plan])
    state = policy.initial_state(1)
    kept = deepcopy(state)
    decision = policy.act(observation([view], given_rules), state).decisions[0]
    assert legality(view, given_rules).refusal(decision) is None
    assert state == kept


def test_random_does_not_touch_shared_generators():
    random.seed(5)
    before = random.getstate()
    random_policy().act(observation([OPEN] * 4, rules()), None)
    assert random.getstate() == before
