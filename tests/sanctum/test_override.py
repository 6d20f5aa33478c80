"""Deciding in Tamiyo's place: the draft, the dialog, the queue, and what becomes of what was asked."""

import copy
from dataclasses import replace

import pytest
from fake import FakeSession
from hypothesis import given
from hypothesis import strategies as st
from shapes import SLOTS, with_slots
from steered import SteeredSession

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.karn.view import legality_now
from esper_tui.leyline.choices import HEAD_CHOICES, LIVE_HEADS, WAIT, Decision, Head, Op
from esper_tui.leyline.session import Ack, Cancel, Override
from esper_tui.sanctum.author import author_name
from esper_tui.sanctum.draft import WHENS, Draft, fitting, guarded, offer
from esper_tui.sanctum.ink import plain
from esper_tui.sanctum.losses import loss_sentences, warnings
from esper_tui.sanctum.outbox import Outbox
from esper_tui.sanctum.override_rows import asked_again, learning_lines, override_rows, state_of
from esper_tui.sanctum.pictures import screen_text

ADVANCE = Decision(op=Op.ADVANCE, slot="r0c1")
PRUNE = Decision(op=Op.PRUNE, slot="r0c1", alpha_speed="FAST", alpha_curve="LINEAR")


@pytest.fixture(scope="module")
def records(quick_events):
    """The record after every epoch."""
    found, record = {}, RunRecord()
    for event in quick_events:
        reduce(record, copy.deepcopy(event))
        if event["type"] == "EpochMeasured":
            found[event["epoch"]] = copy.deepcopy(record)
    return found


@pytest.fixture
def steered(quick_events):
    """A run that rests at the boundary after epoch 12, where the seeds of r0c1 are in HOLDING."""
    session = SteeredSession(quick_events)
    session.release_epochs(12)
    session.now = replace(session.now, state="paused", phase="boundary")
    return session


async def looking(app, pilot, *keys):
    """What the screen shows after a frame, the keys, and another frame."""
    app.frame()
    await pilot.pause()
    await pilot.press(*keys)
    for _ in range(2):
        app.frame()
        await pilot.pause()
    return screen_text(app)


async def dialog(app, pilot, *keys):
    """The override dialog of env 0 r0c1, with some keys pressed."""
    app.author = lambda: "ann@box"
    app.frame()
    app.select(0, "r0c1")
    return await looking(app, pilot, "o", *keys)


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


# --- the dialog ----------------------------------------------------------------------------------------------------


async def test_an_override_from_the_dialog_to_its_decision(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(80, 24)) as pilot:
        text = await dialog(app, pilot)
        assert "override env 0 · r0c1 H HOLDING CONV_LIGHT seed 1" in text
        assert "WAIT +   GERM x   ALPHA +   PRUNE +   FOSS x   ADV x" in text
        await pilot.press("l", "l")
        text = await looking(app, pilot)
        assert "‹SET_ALPHA_TARGET›" in text
        assert "alpha curve" in text
        text = await looking(app, pilot, "enter")
        half = Decision(
            op=Op.SET_ALPHA_TARGET, slot="r0c1", style="LINEAR_ADD", alpha_target="HALF", alpha_speed="MEDIUM",
            alpha_curve="LINEAR",
        )  # fmt: skip
        assert steered.commands == [Override(0, half, expect=1, author="ann@box")]
        assert "queued as #1; u takes it back until it applies" in text
        steered.decide()
        text = await looking(app, pilot)
        assert "#1 env 0 SET_ALPHA_TARGET linear_add/half/medium: APPLIED at ep 12" in text
        assert steered.record.round.assisted == {0: 1}
        assert "ASST(1)" in text


async def test_every_key_of_the_dialog(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(120, 40)) as pilot:
        await dialog(app, pilot)
        shown = app.screen
        await pilot.press("l")
        assert shown.draft.op is Op.GERMINATE
        await pilot.press("h", "left")
        assert shown.draft.op is Op.ADVANCE
        await pilot.press("right", "j", "l")
        assert shown.draft.op is Op.WAIT
        assert shown.field == "when"
        assert shown.draft.when == "when legal"
        await pilot.press("k", "up", "down")
        assert shown.field is Head.OP
        await pilot.press("+", "+", "-", "ctrl+u", "pageup", "ctrl+d")
        assert shown.draft.waits == 5 + 1 + 10
        await pilot.press("w")
        assert shown.draft.timing(False) == "at epoch"
        await pilot.press("=", "pageup", "pagedown")
        assert shown.draft.epoch == 13 + 1
        await pilot.press("w", "+")
        assert (shown.draft.timing(False), shown.draft.held) == ("now", 2)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is not shown
        assert steered.commands == []


async def test_what_is_closed_shows_its_reason_and_is_asked_for_when_legal(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(80, 24)) as pilot:
        await dialog(app, pilot)
        text = await looking(app, pilot, *["l"] * 4)
        assert "FOSSILIZE" in text
        assert "x  G5 has not been looked at yet" in text
        assert "when legal" in text
        assert "after 5 ep" in text
        assert "will be refused" in await looking(app, pilot, "w", "w")


async def test_what_is_final_is_asked_about_once_more(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(80, 24)) as pilot:
        await dialog(app, pilot)
        text = await looking(app, pilot, "l", "l", "l", "enter")
        assert "seed 1 CONV_LIGHT" in text
        assert "nothing takes it back" in text
        await looking(app, pilot, "escape")
        assert steered.commands == []
        assert app.screen.draft.op is Op.PRUNE
        await looking(app, pilot, "enter", "enter")
        assert [c.decision.op for c in steered.commands] == [Op.PRUNE]
        assert len(app.screen_stack) == 1


async def test_marked_environments_are_overruled_together(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(120, 40)) as pilot:
        app.author = lambda: "ann@box"
        await looking(app, pilot, "space", "j", "space")
        app.selected_slot = "r0c1"
        text = await looking(app, pilot, "o")
        assert "override 2 marked environments: 0 2" in text
        await looking(app, pilot, "j", "j", "+", "enter")
        assert steered.commands == [Override(env, WAIT, hold=2, author="ann@box") for env in (0, 2)]


async def test_a_second_one_for_the_same_environment_says_what_it_waits_behind(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(80, 24)) as pilot:
        await dialog(app, pilot, "enter")
        assert "queued behind #1" in await dialog(app, pilot)


@pytest.mark.parametrize("count", [1, 12])
async def test_the_dialog_fits_one_slot_and_twelve(count, quick_events, make_app):
    session = FakeSession(with_slots(quick_events, count))
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await looking(app, pilot)
        app.select(0, SLOTS[min(1, count - 1)])
        text = await looking(app, pilot, "o", "l", "j", "h")
        assert app.screen.draft.slot == (SLOTS[0])
        assert "Enter queue it" in text
        assert max(map(len, text.splitlines())) <= 80


async def test_only_looking_opens_no_dialog(quick_events, make_app):
    session = SteeredSession(quick_events, role="watch")
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await looking(app, pilot, "o", "u")
        assert len(app.screen_stack) == 1
        await looking(app, pilot, "Q", "u", "o")
        assert session.commands == []


async def test_before_the_first_round_there_is_nothing_to_overrule(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "has not started a round" in await looking(app, pilot, "o")
        assert "overrides, the newest first" in await looking(app, pilot, "Q")


# --- typed -----------------------------------------------------------------------------------------------------


async def typed(app, pilot, text):
    """What the screen shows after a line behind the colon."""
    assert app.run_line(text) is None
    return await looking(app, pilot)


async def test_what_is_typed_in_full_is_sent_guarded_and_confirmed_where_it_is_final(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(80, 24)) as pilot:
        app.author = lambda: "ann@box"
        await typed(app, pilot, ":hold 2 5")
        assert steered.commands == [Override(2, WAIT, hold=5, author="ann@box")]
        await typed(app, pilot, ":override 0 r0c1 advance when-legal 3")
        wanted = Override(0, ADVANCE, when="when_legal", wait_epochs=3, expect=1, author="ann@box")
        assert steered.commands[1:] == [wanted]
        text = await typed(app, pilot, ":override 0 r0c1 prune fast")
        assert "2.3k parameters and 6" in text
        await looking(app, pilot, "enter")
        assert steered.commands[2].decision == PRUNE


# --- what becomes of it ------------------------------------------------------------------------------------------


async def test_another_seed_in_the_slot_is_not_hit(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(80, 24)) as pilot:
        await dialog(app, pilot, "l", "l", "enter")
        steered.replant(0, "r0c1", 9)
        steered.decide()
        text = await looking(app, pilot, "Q")
        assert "REJECTED ep 12" in text
        assert "STALE: seed 1 is no longer in r0c1, seed 9 is" in text
        assert steered.record.round.assisted == {}


async def test_one_that_waits_too_long_expires(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(120, 40)) as pilot:
        await dialog(app, pilot, *["h"], "j", "j", "j", "-", "-", "-", "-")
        assert app.screen.draft.waits == 1
        assert "after 1 ep" in await looking(app, pilot)
        await looking(app, pilot, "enter")
        steered.decide()
        assert "QUEUED" in await looking(app, pilot, "Q")
        await looking(app, pilot, "escape")
        steered.release_epochs(1)
        steered.decide()
        text = await looking(app, pilot)
        assert "#1 env 0 ADVANCE: EXPIRED, WRONG_STAGE: r0c1 is HOLDING" in text
        assert "EXPIRED ep 13" in await looking(app, pilot, "Q")


async def test_an_override_of_a_running_epoch_can_be_taken_back_before_its_boundary(quick_events, make_app):
    """The race that undo wins: the run takes in both at the same boundary, in order."""
    session = SteeredSession(quick_events)
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        text = await dialog(app, pilot, "j", "j", "enter")
        assert "queued as #1; u takes it back until it applies" in text
        assert "DRAFT until the boundary" in await looking(app, pilot, "Q")
        await looking(app, pilot, "escape", "u")
        assert session.commands[-1] == Cancel(1)
        session.release_epochs(1)
        session.decide()
        assert "#1 env 0 WAIT: CANCELLED" in await looking(app, pilot)
        assert [e["fate"] for e in session.record.round.interventions.values()] == ["cancelled"]
        assert not any(d["by"] == "human" for d in session.record.round.decisions)


async def test_undo_that_comes_too_late_is_told_so(quick_events, make_app):
    """The race that undo loses: the boundary was over before it was pressed, and the screen did not know yet."""
    session = SteeredSession(quick_events)
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await dialog(app, pilot, "enter")
        session.release_epochs(1)
        session.decide()
        app.action_undo(1)
        session.release_epochs(1)
        text = await looking(app, pilot)
        assert "undo #1: too late, intervention 1 was applied at epoch 13" in text


async def test_u_takes_the_newest_and_a_number_any(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "no override is waiting" in await looking(app, pilot, "u")
        for env in range(3):
            app.send_overrides([Override(env, ADVANCE, when="when_legal")])
        steered.decide()
        await looking(app, pilot, "u")
        assert steered.commands[-1] == Cancel(3)
        await looking(app, pilot, *":undo 1", "enter")
        assert steered.commands[-1] == Cancel(1)
        assert app.waiting_numbers() == [2]


async def test_what_makes_no_sense_is_refused_with_the_reason(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(120, 40)) as pilot:
        app.frame()
        app.send_overrides([Override(0, replace(ADVANCE, slot="r5c5"))])
        assert "rejected, the host has no slot r5c5" in await looking(app, pilot)
        assert app.outbox.waiting == []


# --- the queue -------------------------------------------------------------------------------------------------


async def test_every_key_of_the_queue(steered, make_app, tmp_path):
    steered.path = tmp_path
    app = make_app(steered)
    async with app.run_test(size=(80, 24)) as pilot:
        app.frame()
        app.select(0, "r0c1")
        app.send_overrides([Override(0, ADVANCE, when="when_legal", wait_epochs=9), Override(1, WAIT, hold=3)])
        steered.decide()
        text = await looking(app, pilot, "Q")
        assert "HELD, 2 left" in text
        assert "QUEUED ep 12" in text
        assert "when legal ≤ep 21" in text
        await looking(app, pilot, "u")
        assert steered.commands[-1] == Cancel(2)
        await looking(app, pilot, "y")
        assert (tmp_path / "exports" / "overrides.json").is_file()
        await looking(app, pilot, "j", "enter")
        assert steered.commands[-1] == Cancel(1)
        assert app.screen.draft.overrides(True)[0].decision == ADVANCE
        assert app.screen.draft.waits == 9
        await looking(app, pilot, "escape", "o")
        assert app.screen.scope == "override"
        await looking(app, pilot, "escape", "escape")
        assert len(app.screen_stack) == 1


async def test_undoing_what_was_applied_says_what_can_be_done_instead(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(80, 24)) as pilot:
        app.frame()
        app.send_overrides([Override(0, WAIT)])
        steered.decide()
        assert "too late; that epoch is over" in await looking(app, pilot, "Q", "u")
        assert len(steered.commands) == 1


def test_rows_tell_fate_effect_and_how_long_it_holds(records):
    record = copy.deepcopy(records[20])
    request = {"id": 4, "env": 0, "decision": PRUNE.named(), "when": "when_legal", "at_epoch": None, "hold": 1,
               "expires": 12, "expect": 1, "author": "ann@box/ssh", "note": ""}  # fmt: skip
    event = {"seq": 1, "t": 1.0, "type": "InterventionChanged", "round": 0, "epoch": 11, "env": 0, "fate": "applied",
             "intervention": request, "reason": "", "left": None}  # fmt: skip
    reduce(record, event)
    cells = override_rows(record.round, Outbox())[0].cells
    gains = [e.columns["gain/loss"][0] for e in record.round.epochs]
    assert plain(cells["state"]) == "APPLIED ep 11"
    assert plain(cells["when"]) == "when legal ≤ep 12"
    assert plain(cells["effect"]).split() == [f"{gains[i] - gains[10]:+.3f}".replace("0.", ".") for i in (11, 15)]
    assert asked_again(event) == Override(0, PRUNE, when="when_legal", wait_epochs=1)
    held = event | {"intervention": request | {"hold": 0}}
    assert [state_of(e) for e in (event, held, held | {"left": 0})] == ["applied", "held", "applied"]


def test_the_footer_says_what_overrides_do_to_learning(records):
    record = copy.deepcopy(records[12])
    assert "no policy learns" in plain(learning_lines(record)[0])
    record.config |= {"run": record.config["run"] | {"mode": "learn"}, "override": {"learn": "imitate"}}
    record.config["tamiyo"] = {"policy": "ppo"}
    assert plain(learning_lines(record)[0]) == "Tamiyo also learns to decide as people did"
    record.round.assisted[2] = 3
    assert "ASSISTED in 3 steps" in plain(learning_lines(record)[1])


async def test_in_a_tiny_terminal_the_chosen_row_stays_in_sight(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(40, 12)) as pilot:
        assert "> operation" in await dialog(app, pilot, "l")
        assert "> held" in await looking(app, pilot, "k")
        assert "> blueprint" in await looking(app, pilot, "j", "j", "j")
