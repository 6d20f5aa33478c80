"""The draft of an override: what it holds, what it warns of, how it is changed again."""

import copy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steered import ADVANCE, PRUNE

from esper_tui.karn.view import legality_now
from esper_tui.leyline.choices import HEAD_CHOICES, LIVE_HEADS, WAIT, Decision, Head, Op
from esper_tui.leyline.session import Ack, Override
from esper_tui.sanctum.author import author_name
from esper_tui.sanctum.draft import WHENS, Draft, fitting, guarded, offer
from esper_tui.sanctum.losses import loss_sentences, warnings
from esper_tui.sanctum.outbox import Outbox

# --- the draft -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", list(Op))
def test_every_head_that_counts_has_a_row_and_no_other(op):
    draft = Draft.start([0], "r0c1", 13).choose(Head.OP, op.name)
    assert draft.fields(closed=False) == [*LIVE_HEADS[op], "when", "held"]
    assert draft.fields(closed=True) == [*LIVE_HEADS[op], "when", "waits", "held"]
    assert draft.decision.op is op


def test_what_is_closed_waits_unless_a_person_says_otherwise():
    draft = Draft.start([0], "r0c1", 13).choose(Head.OP, "ADVANCE")
    assert [draft.timing(closed) for closed in (False, True)] == ["now", "when legal"]
    assert draft.overrides(False) == [Override(0, ADVANCE)]
    assert draft.overrides(True) == [Override(0, ADVANCE, when="when_legal", wait_epochs=5)]
    insisting = replace(draft, when="now")
    assert insisting.overrides(True) == [Override(0, ADVANCE)]
    later = replace(draft, when="at epoch", epoch=20, held=0)
    assert later.overrides(True) == [Override(0, ADVANCE, at_epoch=20, hold=0)]


def test_numbers_have_a_least_value_and_choices_go_round():
    draft = Draft.start([0], "r0c1", 1)
    assert draft.moved("waits", -99, (), False).waits == 0
    assert draft.moved("held", -1, (), False).held == 0
    assert draft.moved("epoch", -5, (), False).epoch == 1
    assert draft.moved("when", -1, (), False).when == WHENS[-1]
    assert draft.moved(Head.OP, -1, HEAD_CHOICES[Head.OP], False).op is Op.ADVANCE


def test_an_override_is_changed_again_as_it_was_asked():
    for asked in (
        Override(3, PRUNE, when="when_legal", wait_epochs=7),
        Override(3, WAIT, hold=4),
        Override(3, ADVANCE, at_epoch=19),
    ):
        assert Draft.of(asked, "r0c0", 13).overrides(False) == [asked]


MOVES = st.lists(st.tuples(st.integers(0, 8), st.sampled_from([-10, -1, 1, 10])), max_size=30)


@given(MOVES, st.sampled_from([5, 6, 9, 13, 16, 25]), st.integers(0, 5), st.sampled_from(["r0c0", "r0c1", "r0c2"]))
def test_whatever_is_pressed_the_draft_is_a_decision(records, moves, epoch, env, slot):
    """The dialog's moves in any order: rows, choices, numbers."""
    record = records[epoch]
    legal = {env: legality_now(record, env)}
    draft = fitting(Draft.start([env], slot, epoch + 1), record, legal[env])
    for row, step in moves:
        closed = bool(draft.refusals(legal))
        fields = draft.fields(closed)
        field = fields[row % len(fields)]
        offered = offer(draft, field, record, legal[env]).choices if isinstance(field, Head) else ()
        draft = draft.moved(field, step, offered, closed)
        if field in (Head.OP, Head.SLOT):
            draft = fitting(draft, record, legal[env])
        for head in LIVE_HEADS[draft.op]:
            assert draft.choices[head] in offer(draft, head, record, legal[env]).choices
        asked = draft.overrides(closed)[0]
        assert legal[env].refusal(asked.decision) == draft.refusals(legal).get(env)


def test_choices_fit_the_seed_that_is_there(records):
    record = records[12]
    legal = legality_now(record, 0)
    draft = fitting(Draft.start([0], "r0c1", 13).choose(Head.OP, "SET_ALPHA_TARGET"), record, legal)
    assert draft.choices[Head.ALPHA_TARGET] == "HALF"
    assert set(offer(draft, Head.STYLE, record, legal).closed) == {"LINEAR_MULTIPLY", "GATED"}
    assert offer(draft, Head.BLUEPRINT, record, legal).choices == tuple(record.rules["topology"])


def test_the_seed_that_was_seen_is_guarded_and_planting_is_not(records):
    assert guarded(records[12], Override(0, PRUNE)).expect == 1
    assert guarded(records[12], Override(0, WAIT)).expect is None
    plant = Decision(op=Op.GERMINATE, slot="r0c1", blueprint="NORM", style="GATED", tempo="FAST", alpha_target="FULL")
    assert guarded(records[12], Override(0, plant)).expect is None


# --- advice ----------------------------------------------------------------------------------------------------


def test_advice_warns_of_gains_sizes_and_jumps(records):
    record = copy.deepcopy(records[16])
    assert warnings(record, Override(0, PRUNE))[0].startswith("this seed pays: gain +.159")
    record.round.epochs[-1].columns["seed/gain"][0][1] = [-0.2, 0.01]
    assert warnings(record, Override(0, ADVANCE)) == ["this seed hurts: gain -.200 [-.220, -.180] nat"]
    record.round.epochs[-1].columns["seed/gain"][0][1] = [0.01, 0.01]
    commit = Override(0, Decision(op=Op.FOSSILIZE, slot="r0c1"))
    assert warnings(record, commit) == ["it is not clear that this seed pays: gain +.010 [-.010, +.030] nat"]
    instant = Decision(op=Op.PRUNE, slot="r0c1", alpha_speed="INSTANT", alpha_curve="LINEAR")
    assert any("jumps" in text for text in warnings(record, Override(0, instant)))


def test_rent_is_the_rise_of_the_rewards_rent(records):
    """Host 6,418 and CONV_LIGHT 2,500 of 6,418: 50 · 0.01 · ln(1 + 2500 / 6418) = 0.164."""
    record = copy.deepcopy(records[5])
    record.config["reward"] |= {"kappa": 50.0, "rho": 0.01}
    record.rules["seed_params"]["r0c1"]["CONV_LIGHT"] = 2500
    plant = Decision(op=Op.GERMINATE, slot="r0c1", blueprint="CONV_LIGHT", style="GATED", tempo="FAST",
                     alpha_target="FULL")  # fmt: skip
    assert warnings(record, Override(0, plant)) == ["CONV_LIGHT adds 2.5k parameters, 39 % of the host, rent -0.16"]


def test_what_is_lost_is_named(records):
    assert loss_sentences(records[16], Override(0, PRUNE)) == [
        "env 0 r0c1: seed 1 CONV_LIGHT, 2.3k parameters and 10 epochs of training are lost, gain +.159 [+.080, +.238]"
    ]
    assert "stays for good" in loss_sentences(records[16], Override(0, Decision(op=Op.FOSSILIZE, slot="r0c1")))[0]
    assert "no seed is there" in loss_sentences(records[16], Override(0, replace(PRUNE, slot="r0c0")))[0]


# --- on the way ----------------------------------------------------------------------------------------------------


def test_what_was_sent_waits_until_the_run_tells_of_it():
    box = Outbox()
    box.send(7, Override(0, WAIT))
    assert [s.number for s in box.waiting] == [None]
    box.answered(Ack(7, "accepted", intervention=3))
    assert [s.number for s in box.waiting] == [3]
    box.told(3)
    assert box.waiting == []
    box.send(8, Override(0, ADVANCE))
    box.answered(Ack(8, "rejected", reason="no"))
    box.answered(Ack(99, "accepted"))
    assert box.waiting == []


def test_the_author_is_a_person_at_a_place():
    name = author_name({})
    assert name.count("@") == 1
    assert author_name({"SSH_CONNECTION": "1 2 3 4"}) == name + "/ssh"
