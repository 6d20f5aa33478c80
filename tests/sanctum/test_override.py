"""Deciding in Tamiyo's place: the dialog from its keys to the decision, and the same typed."""

import pytest
from fake import FakeSession, looking
from shapes import SLOTS, with_slots
from steered import ADVANCE, PRUNE, SteeredSession, dialog

from esper_tui.leyline.choices import WAIT, Decision, Head, Op
from esper_tui.leyline.session import Override

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


async def test_in_a_tiny_terminal_the_chosen_row_stays_in_sight(steered, make_app):
    app = make_app(steered)
    async with app.run_test(size=(40, 12)) as pilot:
        assert "> operation" in await dialog(app, pilot, "l")
        assert "> held" in await looking(app, pilot, "k")
        assert "> blueprint" in await looking(app, pilot, "j", "j", "j")
