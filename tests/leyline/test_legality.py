"""What is open and what is closed: the clauses of the contract as one plain predicate, and each reason by hand."""

import pytest
from hypothesis import given

from esper_tui.leyline.choices import ALPHA_TARGETS, BLUEPRINTS, STYLES, WAIT, Decision, Op
from esper_tui.leyline.legality import Code, legality
from esper_tui.leyline.stages import Stage
from tests import states
from tests.states import CNN, env, failed, passed, rules, seeded

DEVELOPING = ("GERMINATED", "TRAINING", "BLENDING", "HOLDING")


def germinate(slot="r0c0", blueprint="NORM"):
    return Decision(
        op=Op.GERMINATE, slot=slot, blueprint=blueprint, style="GATED", tempo="FAST", alpha_target="FULL"
    )  # fmt: skip


# --- the contract as a predicate -----------------------------------------------------------------------------------


def opens_gate(slot, gate):
    return slot.verdict is not None and slot.verdict.gate == gate and slot.verdict.passed


def affordable(view, given_rules, slot):
    spent = sum(s.params for s in view.slots)
    return {
        b for b in given_rules.allowed if spent + given_rules.seed_params[slot.slot][b] <= given_rules.parameter_budget
    }


def is_open(view, given_rules, op, slot):
    """One operation in one slot, as the contract puts it."""
    stage = slot.stage.name
    if op is Op.GERMINATE:
        growing = sum(s.stage.name in DEVELOPING for s in view.slots)
        planted = growing + sum(s.stage is Stage.FOSSILIZED for s in view.slots)
        return (
            stage == "DORMANT"
            and planted < given_rules.seed_limit
            and growing < given_rules.concurrent
            and 5 <= view.epoch <= given_rules.last_germination
            and bool(affordable(view, given_rules, slot))
        )
    if op is Op.ADVANCE:
        gate = {"GERMINATED": "G1", "TRAINING": "G2", "BLENDING": "G3"}.get(stage)
        leaves = stage == "BLENDING" and slot.alpha_target == 0
        return gate is not None and opens_gate(slot, gate) and not leaves
    if op is Op.FOSSILIZE:
        return stage == "HOLDING" and opens_gate(slot, "G5")
    if op is Op.PRUNE:
        return stage in DEVELOPING and slot.age >= 5 and slot.ramp_left == 0
    return stage in ("BLENDING", "HOLDING") and slot.ramp_left == 0


@given(states.env_states(), states.rule_sets())
def test_operations_against_the_contract(view, given_rules):
    legal = legality(view, given_rules)
    for op in (op for op in Op if op is not Op.WAIT):
        for slot in view.slots:
            assert (legal.ops[op][slot.slot] is None) == is_open(view, given_rules, op, slot), (op, slot)
    assert legal.refusal(WAIT) is None
    assert legal.open_ops()[0] is Op.WAIT


@given(states.env_states(), states.rule_sets())
def test_choices_within_a_slot(view, given_rules):
    legal = legality(view, given_rules)
    for slot in view.slots:
        assert set(legal.open_blueprints(slot.slot)) == affordable(view, given_rules, slot)
        own = {n for n, style in STYLES.items() if slot.form is None or style.form is slot.form}
        assert {n for n, reason in legal.styles[slot.slot].items() if reason is None} == own
        others = {n for n, value in ALPHA_TARGETS.items() if value != slot.alpha_target}
        assert {n for n, reason in legal.targets[slot.slot].items() if reason is None} == others


@given(states.env_states(), states.rule_sets())
def test_what_is_open_leaves_a_choice_in_every_head(view, given_rules):
    legal = legality(view, given_rules)
    for slot in legal.slots(Op.GERMINATE):
        assert legal.open_blueprints(slot)
        assert all(reason is None for reason in (legal.styles[slot] | legal.targets[slot]).values())
    for slot in legal.slots(Op.SET_ALPHA_TARGET):
        assert None in legal.styles[slot].values()
        assert None in legal.targets[slot].values()


@given(states.env_states(), states.rule_sets())
def test_every_reason_is_a_sentence_and_ends_later(view, given_rules):
    legal = legality(view, given_rules)
    tables = [*legal.ops.values(), *legal.blueprints.values(), *legal.styles.values(), *legal.targets.values()]
    for reason in (r for table in tables for r in table.values() if r is not None):
        assert len(reason.text) > 10
        assert reason.opens is None or reason.opens > view.epoch


# --- every reason, by hand -----------------------------------------------------------------------------------------

CLEARING = [(Stage.PRUNED, 6), (Stage.EMBARGOED, 4), (Stage.RESETTING, 1)]


def refusal(decision, *slots, epoch=10, **changes):
    reason = legality(env(*slots, epoch=epoch), rules(**changes)).refusal(decision)
    return None if reason is None else (reason.code, reason.opens)


def test_planting():
    holding, fossil = seeded("r0c1", Stage.HOLDING), seeded("r0c1", Stage.FOSSILIZED)
    assert refusal(germinate()) is None
    assert refusal(germinate(), epoch=4) == (Code.TOO_EARLY, 5)
    assert refusal(germinate(), epoch=4, last_germination=4) == (Code.TOO_LATE_IN_EPISODE, None)  # it will not open
    assert refusal(germinate(), epoch=5) is None
    assert refusal(germinate(), epoch=12, last_germination=12) is None
    assert refusal(germinate(), epoch=13, last_germination=12) == (Code.TOO_LATE_IN_EPISODE, None)
    assert refusal(germinate(), holding, seed_limit=1) == (Code.SEED_LIMIT, None)
    assert refusal(germinate(), fossil, seed_limit=1) == (Code.SEED_LIMIT, None)
    assert refusal(germinate(), holding, concurrent=1) == (Code.DEVELOPING_SEED, None)
    assert refusal(germinate(), fossil, concurrent=1) is None
    assert refusal(germinate("r0c1"), holding) == (Code.SLOT_OCCUPIED, None)


@pytest.mark.parametrize(("stage", "clock"), CLEARING)
def test_a_slot_in_cleanup_is_occupied_but_does_not_develop(stage, clock):
    clearing = states.SlotState("r0c0", stage, clock=clock)
    assert refusal(germinate(), clearing) == (Code.SLOT_OCCUPIED, 10 + clock)
    assert refusal(germinate("r0c1"), clearing, concurrent=1, seed_limit=1) is None


def test_the_parameter_budget():
    # NORM is the third blueprint and has 30 parameters here, CONV_LIGHT the first with 10.
    planted = seeded("r0c1", Stage.FOSSILIZED, params=100)
    assert refusal(germinate(), planted, parameter_budget=130) is None
    assert refusal(germinate(), planted, parameter_budget=129) == (Code.PARAMETER_BUDGET, None)
    assert refusal(germinate(blueprint="CONV_LIGHT"), planted, parameter_budget=110) is None
    assert refusal(germinate(blueprint="CONV_LIGHT"), planted, parameter_budget=109) == (Code.PARAMETER_BUDGET, None)


@pytest.mark.parametrize("blueprint", [b for b in BLUEPRINTS if b not in CNN])
def test_blueprints_of_another_kind_are_refused(blueprint):
    assert refusal(germinate(blueprint=blueprint)) == (Code.BLUEPRINT_TOPOLOGY, None)


def test_blueprints_that_the_preset_does_not_offer():
    assert refusal(germinate(), allowed=("CONV_LIGHT",)) == (Code.BLUEPRINT_TOPOLOGY, None)


def test_advancing():
    advance = Decision(op=Op.ADVANCE, slot="r0c0")
    for stage, gate, opens in ((Stage.GERMINATED, "G1", 11), (Stage.TRAINING, "G2", None), (Stage.BLENDING, "G3", 11)):
        assert refusal(advance, seeded("r0c0", stage, verdict=passed(gate))) is None
        assert refusal(advance, seeded("r0c0", stage, verdict=failed(gate))) == (Code.GATE_FAILED, opens)
        assert refusal(advance, seeded("r0c0", stage, verdict=passed("G5"))) == (Code.GATE_FAILED, opens)
    rising = seeded("r0c0", Stage.BLENDING, alpha=0.4, ramp_left=3, verdict=failed("G3"))
    assert refusal(advance, rising) == (Code.GATE_FAILED, 13)
    below = seeded("r0c0", Stage.BLENDING, alpha=0.5, alpha_target=0.5, verdict=failed("G3"))
    assert refusal(advance, below) == (Code.GATE_FAILED, None)
    assert refusal(advance, seeded("r0c0", Stage.HOLDING, verdict=passed("G5"))) == (Code.WRONG_STAGE, None)


def test_committing():
    fossilize = Decision(op=Op.FOSSILIZE, slot="r0c0")
    assert refusal(fossilize, seeded("r0c0", Stage.HOLDING, verdict=passed("G5"))) is None
    assert refusal(fossilize, seeded("r0c0", Stage.HOLDING, verdict=failed("G5"))) == (Code.GATE_FAILED, None)
    assert refusal(fossilize, seeded("r0c0", Stage.HOLDING)) == (Code.GATE_FAILED, None)
    assert refusal(fossilize, seeded("r0c0", Stage.BLENDING, verdict=passed("G5"))) == (Code.WRONG_STAGE, None)


def test_pruning():
    prune = Decision(op=Op.PRUNE, slot="r0c0", alpha_speed="FAST", alpha_curve="LINEAR")
    assert refusal(prune, seeded("r0c0", Stage.TRAINING, age=5)) is None
    assert refusal(prune, seeded("r0c0", Stage.TRAINING, age=3)) == (Code.TOO_YOUNG, 12)
    assert refusal(prune, seeded("r0c0", Stage.BLENDING, alpha=0.4, ramp_left=4)) == (Code.ALPHA_RAMPING, 14)
    assert refusal(prune, seeded("r0c0", Stage.FOSSILIZED)) == (Code.WRONG_STAGE, None)
    assert refusal(prune) == (Code.WRONG_STAGE, None)


@pytest.mark.parametrize("op", [Op.ADVANCE, Op.PRUNE, Op.SET_ALPHA_TARGET])
def test_a_seed_on_its_way_out_is_left_alone(op):
    """Even if an old verdict still says that the gate to HOLDING is open; and there is no end to wait for."""
    leaving = seeded("r0c0", Stage.BLENDING, alpha=0.6, alpha_target=0.0, ramp_left=2, verdict=passed("G3"))
    reason = legality(env(leaving), rules()).ops[op]["r0c0"]
    assert (reason.code, reason.opens) == (Code.ALPHA_RAMPING, None)


def set_alpha(style="LINEAR_ADD", target="HALF"):
    return Decision(
        op=Op.SET_ALPHA_TARGET, slot="r0c0", style=style, alpha_target=target, alpha_speed="FAST", alpha_curve="COSINE"
    )  # fmt: skip


def test_setting_alpha():
    holding = seeded("r0c0", Stage.HOLDING)
    assert refusal(set_alpha(), holding) is None
    assert refusal(set_alpha("SIGMOID_ADD"), holding) is None
    assert refusal(set_alpha("GATED"), holding) == (Code.STYLE_FORM, None)
    assert refusal(set_alpha("LINEAR_MULTIPLY"), holding) == (Code.STYLE_FORM, None)
    assert refusal(set_alpha(target="FULL"), holding) == (Code.SAME_TARGET, None)
    assert refusal(set_alpha(), seeded("r0c0", Stage.BLENDING, alpha=0.4, ramp_left=1)) == (Code.ALPHA_RAMPING, 11)
    assert refusal(set_alpha(), seeded("r0c0", Stage.TRAINING)) == (Code.WRONG_STAGE, None)


def test_a_slot_that_is_not_there():
    assert refusal(germinate("r9c9")) == (Code.WRONG_STAGE, None)
