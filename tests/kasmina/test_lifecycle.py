"""The state machine of a slot: every stage × every operation, clocks, ramps, and random lives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.kasmina.gates import check_g1, check_g3
from esper_tui.kasmina.lifecycle import Slot, plant
from esper_tui.leyline.choices import ALPHA_SPEEDS, CURVES, HEAD_CHOICES, Decision, Head, Op
from esper_tui.leyline.legality import Code, legality
from esper_tui.leyline.stages import CLEANUP, GRAFTED, Stage, is_legal_transition
from esper_tui.leyline.state import EnvState
from tests.states import passed, rules

HOLD = 20
GERMINATE = Decision(
    op=Op.GERMINATE, slot="r0c0", blueprint="NORM", style="LINEAR_ADD", tempo="FAST", alpha_target="FULL"
)
DECISIONS = {
    Op.WAIT: Decision(op=Op.WAIT),
    Op.GERMINATE: GERMINATE,
    Op.SET_ALPHA_TARGET: Decision(
        op=Op.SET_ALPHA_TARGET, slot="r0c0", style="SIGMOID_ADD", alpha_target="HALF", alpha_speed="FAST",
        alpha_curve="LINEAR",
    ),
    Op.PRUNE: Decision(op=Op.PRUNE, slot="r0c0", alpha_speed="INSTANT", alpha_curve="LINEAR"),
    Op.FOSSILIZE: Decision(op=Op.FOSSILIZE, slot="r0c0"),
    Op.ADVANCE: Decision(op=Op.ADVANCE, slot="r0c0"),
}  # fmt: skip
FADE = Decision(op=Op.PRUNE, slot="r0c0", alpha_speed="FAST", alpha_curve="LINEAR")


def carry_out(slot, decision):
    if decision.op is Op.GERMINATE:
        return [slot.germinate(plant(decision, uid=7, params=30, epoch=10))]
    return slot.apply(decision)


def live(slot, epochs=1, hold=HOLD):
    """Lets epochs pass without a decision; the changes they made, by epoch."""
    return [slot.begin_epoch(hold) + slot.end_epoch() for _ in range(epochs)]


ROAD = (Stage.GERMINATED, Stage.TRAINING, Stage.BLENDING, Stage.HOLDING, Stage.FOSSILIZED)


def grown(stage: Stage, epochs: int = 5) -> Slot:
    """A slot that came into a stage the ordinary way and was some epochs in each."""
    slot = Slot("r0c0")
    goal = Stage.HOLDING if stage in CLEANUP else stage
    for step in ROAD[: ROAD.index(goal) + 1] if goal in ROAD else ():
        carry_out(slot, DECISIONS[{ROAD[0]: Op.GERMINATE, ROAD[-1]: Op.FOSSILIZE}.get(step, Op.ADVANCE)])
        live(slot, epochs)
    if stage in CLEANUP:
        carry_out(slot, DECISIONS[Op.PRUNE])
        live(slot, {Stage.PRUNED: 0, Stage.EMBARGOED: 1, Stage.RESETTING: 5}[stage])
    assert slot.stage is stage
    return slot


def state(slot, epoch=10):
    return EnvState(epoch, 60, (slot.state(),))


def reason(slot, decision, epoch=10):
    return legality(state(slot, epoch), rules(("r0c0",), seed_limit=2, concurrent=2)).refusal(decision)


# --- every stage × every operation ---------------------------------------------------------------------------------

OCCUPIED, WRONG = Code.SLOT_OCCUPIED, Code.WRONG_STAGE
EMPTY_ROW = {Op.SET_ALPHA_TARGET: WRONG, Op.PRUNE: WRONG, Op.FOSSILIZE: WRONG, Op.ADVANCE: WRONG}
FULL_ROW = EMPTY_ROW | {Op.GERMINATE: OCCUPIED}
READY = {
    Stage.DORMANT: EMPTY_ROW | {Op.GERMINATE: Stage.GERMINATED},
    Stage.GERMINATED: FULL_ROW | {Op.ADVANCE: Stage.TRAINING, Op.PRUNE: Stage.PRUNED},
    Stage.TRAINING: FULL_ROW | {Op.ADVANCE: Stage.BLENDING, Op.PRUNE: Stage.PRUNED},
    Stage.BLENDING: FULL_ROW | {Op.ADVANCE: Stage.HOLDING, Op.PRUNE: Stage.PRUNED, Op.SET_ALPHA_TARGET: Stage.BLENDING},
    Stage.HOLDING: FULL_ROW
    | {Op.FOSSILIZE: Stage.FOSSILIZED, Op.PRUNE: Stage.PRUNED, Op.SET_ALPHA_TARGET: Stage.BLENDING},
    Stage.FOSSILIZED: FULL_ROW,
    Stage.PRUNED: FULL_ROW,
    Stage.EMBARGOED: FULL_ROW,
    Stage.RESETTING: FULL_ROW,
}
"""Stage → operation → the stage it leads to, or why it is refused, for a seed that is old enough, rests, and whose
next gate is open.  WAIT leaves everything as it is."""
NEXT_GATE = {Stage.GERMINATED: "G1", Stage.TRAINING: "G2", Stage.BLENDING: "G3", Stage.HOLDING: "G5"}


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("op", Op)
def test_every_stage_and_operation(stage, op):
    slot, decision = grown(stage), DECISIONS[op]
    if stage in NEXT_GATE:
        slot.verdict = passed(NEXT_GATE[stage])
    expected = stage if op is Op.WAIT else READY[stage][op]
    refused = reason(slot, decision)
    if isinstance(expected, Code):
        assert refused is not None
        assert refused.code is expected
        with pytest.raises(ValueError):
            carry_out(slot, decision)
        assert slot.stage is stage
        return
    assert refused is None
    changes = carry_out(slot, decision)
    assert slot.stage is expected
    assert slot.verdict is None or op is Op.WAIT
    assert [(c.source, c.target, c.cause) for c in changes] == ([(stage, expected, "decision")] * (stage != expected))
    assert all(is_legal_transition(c.source, c.target) for c in changes)


UNREADY = {
    Stage.GERMINATED: {Op.ADVANCE: Code.GATE_FAILED, Op.PRUNE: Code.TOO_YOUNG},
    Stage.TRAINING: {Op.ADVANCE: Code.GATE_FAILED, Op.PRUNE: Code.TOO_YOUNG},
    Stage.BLENDING: {
        Op.ADVANCE: Code.GATE_FAILED, Op.PRUNE: Code.TOO_YOUNG, Op.SET_ALPHA_TARGET: Code.ALPHA_RAMPING,
    },
    Stage.HOLDING: {Op.FOSSILIZE: Code.GATE_FAILED},
}  # fmt: skip


@pytest.mark.parametrize("stage", UNREADY)
@pytest.mark.parametrize("op", [op for op in Op if op not in (Op.WAIT, Op.GERMINATE)])
def test_a_seed_that_just_came_into_its_stage(stage, op):
    """Nothing was looked at yet, the ramp has only begun, and the seed is younger than five epochs."""
    slot = grown(stage, epochs=0 if stage is not Stage.HOLDING else 5)
    refused = reason(slot, DECISIONS[op])
    expected = UNREADY[stage].get(op, READY[stage][op])
    assert (refused.code if refused else None) == (expected if isinstance(expected, Code) else None)


def test_only_the_passed_gate_is_told():
    """A seed that is pruned or sent back did not pass a gate, whatever its last verdict was."""
    slot = grown(Stage.HOLDING)
    slot.verdict = passed("G5")
    assert slot.fossilize().verdict == passed("G5")
    slot = grown(Stage.HOLDING)
    slot.verdict = passed("G5")
    assert [c.verdict for c in carry_out(slot, DECISIONS[Op.PRUNE])] == [None]


# --- clocks --------------------------------------------------------------------------------------------------------


def test_cleanup_clocks():
    """Pruned at the boundary after epoch 0: embargoed in epochs 1 to 5, resetting in 6, free at the boundary after."""
    slot = grown(Stage.HOLDING)
    carry_out(slot, DECISIONS[Op.PRUNE])
    seen = [(slot.stage.name, slot.state().clock)]
    for _ in range(6):
        live(slot)
        seen.append((slot.stage.name, slot.state().clock))
    assert seen == [
        ("PRUNED", 6), ("EMBARGOED", 5), ("EMBARGOED", 4), ("EMBARGOED", 3), ("EMBARGOED", 2), ("RESETTING", 1),
        ("DORMANT", 0),
    ]  # fmt: skip
    assert carry_out(slot, GERMINATE)[0].target is Stage.GERMINATED


def test_a_seed_removed_by_its_ramp_is_cleaned_up_as_long():
    slot = grown(Stage.HOLDING)
    carry_out(slot, FADE)
    live(slot, 3)
    assert (slot.stage, slot.state().clock) == (Stage.PRUNED, 6)
    live(slot, 6)
    assert slot.stage is Stage.DORMANT


def test_time_is_up_in_holding():
    slot = grown(Stage.HOLDING, epochs=5)
    made = live(slot, HOLD - 5)
    assert not any(made)
    first, *rest = live(slot, 5)
    assert [(c.source.name, c.target.name, c.cause) for c in first] == [("HOLDING", "BLENDING", "timeout")]
    assert [(c.source.name, c.target.name, c.cause) for epoch in rest for c in epoch] == [
        ("BLENDING", "PRUNED", "timeout")
    ]
    assert slot.seed is None


def test_turning_a_seed_down_and_up_again_does_not_put_off_its_time():
    """12 epochs in HOLDING, away and back at once, 8 more: 20 in all."""
    slot = grown(Stage.HOLDING, epochs=5)
    live(slot, 12 - 5)
    down, up = (
        Decision(
            op=Op.SET_ALPHA_TARGET, slot="r0c0", style=slot.seed.style, alpha_target=target, alpha_speed="INSTANT",
            alpha_curve="LINEAR",
        )
        for target in ("HALF", "FULL")
    )  # fmt: skip
    carry_out(slot, down)
    assert slot.stage is Stage.BLENDING
    carry_out(slot, up)
    slot.advance()
    assert not any(live(slot, HOLD - 12))
    assert [c.cause for c in live(slot, 1)[0]] == ["timeout"]


def test_a_fossil_stays_for_good():
    slot = grown(Stage.FOSSILIZED)
    assert not any(live(slot, 3 * HOLD))
    assert (slot.stage, slot.alpha.value) == (Stage.FOSSILIZED, 1.0)


# --- ramps ---------------------------------------------------------------------------------------------------------


def test_the_first_ramp_follows_tempo_style_and_target():
    slot = Slot("r0c0")
    wish = Decision(
        op=Op.GERMINATE, slot="r0c0", blueprint="NORM", style="SIGMOID_ADD", tempo="STANDARD", alpha_target="SEVENTY"
    )
    carry_out(slot, wish)
    slot.advance()
    slot.advance()
    values = []
    for _ in range(6):
        live(slot)
        values.append(slot.alpha.value)
    # 0.7 times the sigmoid with k = 12 at 0.2, 0.4, 0.6, 0.8, 1; then it rests
    assert values == pytest.approx([0.0170, 0.1611, 0.5389, 0.6830, 0.7, 0.7], abs=1e-4)


def test_fading_out_before_the_seed_goes():
    slot = grown(Stage.HOLDING)
    assert [(c.target, c.cause) for c in carry_out(slot, FADE)] == [(Stage.BLENDING, "decision")]
    values = []
    while slot.stage is Stage.BLENDING:
        values.append(slot.alpha.value)
        made = live(slot)
    assert values == pytest.approx([1.0, 2 / 3, 1 / 3])
    assert [(c.target, c.cause, c.blueprint) for c in made[0]] == [(Stage.PRUNED, "ramp", "NORM")]


def test_fading_seeds_cannot_come_back():
    """The open gate to HOLDING that a resting seed had does not outlive the decision to take it away."""
    slot = grown(Stage.BLENDING)
    slot.verdict = check_g3(slot.alpha.target, slot.alpha.left)
    assert reason(slot, DECISIONS[Op.ADVANCE]) is None
    assert carry_out(slot, FADE) == []
    assert slot.verdict is None
    for op in (Op.ADVANCE, Op.PRUNE, Op.SET_ALPHA_TARGET):
        assert reason(slot, DECISIONS[op]).code is Code.ALPHA_RAMPING
    with pytest.raises(ValueError, match="still moves"):
        carry_out(slot, FADE)


@pytest.mark.parametrize("stage", [Stage.GERMINATED, Stage.TRAINING])
def test_a_seed_that_never_blended_has_nothing_to_fade(stage):
    assert [c.target for c in carry_out(grown(stage), FADE)] == [Stage.PRUNED]


@pytest.mark.parametrize("target", [0.5, 0.7])
def test_holding_below_full_strength_is_blending(target):
    slot = grown(Stage.HOLDING)
    slot.verdict = passed("G5")
    changes = slot.set_alpha_target("SIGMOID_ADD", target, CURVES["LINEAR"], ALPHA_SPEEDS["FAST"])
    assert [c.target for c in changes] == [Stage.BLENDING]
    assert (slot.seed.style, slot.verdict) == ("SIGMOID_ADD", None)
    live(slot, 3)
    assert slot.alpha.value == target
    assert not check_g3(slot.alpha.target, slot.alpha.left).passed
    slot.set_alpha_target("LINEAR_ADD", 1.0, CURVES["LINEAR"], ALPHA_SPEEDS["INSTANT"])
    assert check_g3(slot.alpha.target, slot.alpha.left).passed
    assert slot.advance().target is Stage.HOLDING


def test_what_set_alpha_target_refuses():
    slot = grown(Stage.HOLDING)
    with pytest.raises(ValueError, match="cannot become GATED"):
        slot.set_alpha_target("GATED", 0.5, CURVES["LINEAR"], 3)
    with pytest.raises(ValueError, match="already rests at 1"):
        slot.set_alpha_target("LINEAR_ADD", 1.0, CURVES["LINEAR"], 3)


def test_looks_are_counted_over_the_life_of_a_seed():
    """Leaving HOLDING and coming back buys no further looks; the next seed starts with none."""
    slot = grown(Stage.HOLDING)
    slot.looks = 3
    slot.set_alpha_target("LINEAR_ADD", 0.5, CURVES["LINEAR"], 0)
    slot.set_alpha_target("LINEAR_ADD", 1.0, CURVES["LINEAR"], 0)
    slot.advance()
    assert (slot.looks, slot.epochs_in_stage) == (3, 0)
    carry_out(slot, DECISIONS[Op.PRUNE])
    live(slot, 6)
    carry_out(slot, GERMINATE)
    assert slot.looks == 0


# --- random lives --------------------------------------------------------------------------------------------------


def legal_decisions(slot, epoch):
    """One decision per open operation and distinguishing choice."""
    made = []
    for op in Op:
        for target in HEAD_CHOICES[Head.ALPHA_TARGET] if op is Op.SET_ALPHA_TARGET else ("",):
            decision = DECISIONS[op]
            if target:
                heads = decision.named() | {"alpha_target": target, "style": slot.seed.style if slot.seed else "GATED"}
                decision = Decision.from_named(heads)
            made.append(decision)
    return [d for d in [*made, FADE] if reason(slot, d, epoch) is None]


def look(slot, luck):
    """Verdicts as the run would set them; G2 and G5 by luck."""
    if slot.stage is Stage.GERMINATED:
        slot.verdict = check_g1(slot.epochs_in_stage)
    elif slot.stage is Stage.BLENDING and slot.alpha.target > 0:
        slot.verdict = check_g3(slot.alpha.target, slot.alpha.left)
    elif slot.stage in NEXT_GATE and luck:
        slot.verdict = passed(NEXT_GATE[slot.stage])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=60))
def test_no_life_leaves_the_table(choices):
    slot, hold, busy = Slot("r0c0"), 8, 0
    for epoch, (luck, choice) in enumerate(choices, 5):
        before, clock = slot.stage, slot.state().clock
        changes = slot.begin_epoch(hold) + slot.end_epoch()
        if before in CLEANUP:
            assert slot.state().clock == clock - 1
        look(slot, luck)
        open_now = legal_decisions(slot, min(epoch, 40))
        changes += carry_out(slot, open_now[choice % len(open_now)])
        for change in changes:
            assert change.source is before
            assert is_legal_transition(change.source, change.target)
            before = change.target
        assert slot.stage is before
        busy = busy + 1 if slot.stage is Stage.HOLDING else 0
        assert busy <= hold
        shown = slot.state()
        assert (slot.seed is None) == (slot.stage is Stage.DORMANT or slot.stage in CLEANUP)
        assert 0.0 <= shown.alpha <= 1.0
        assert shown.alpha == 0.0 or slot.stage in GRAFTED
        assert shown.alpha == 1.0 or slot.stage not in (Stage.HOLDING, Stage.FOSSILIZED)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("epochs", [0, 1, 2])
def test_what_is_said_to_open_opens_then(stage, epochs):
    """For every refusal with a date: closed for the same reason the epoch before, and over at the date."""
    if stage in (Stage.HOLDING, Stage.FOSSILIZED):
        return
    slot = grown(stage, epochs) if stage not in CLEANUP else grown(stage)
    look(slot, False)
    closed = {op: reason(slot, DECISIONS[op]) for op in Op}
    dated = {op: why for op, why in closed.items() if why is not None and why.opens is not None}
    for epoch in range(11, 20):
        live(slot)
        look(slot, False)
        for op, promised in dated.items():
            now = reason(slot, DECISIONS[op], epoch)
            if epoch < promised.opens:
                assert now is not None
                assert now.opens == promised.opens
            elif epoch == promised.opens:
                assert now is None or now.code is not promised.code
