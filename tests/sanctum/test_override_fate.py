"""What becomes of what was asked: guards, expiry, undo and its races, the queue and its rows."""

import copy
from dataclasses import replace

from fake import looking
from steered import ADVANCE, PRUNE, SteeredSession, dialog

from esper_tui.karn.record import reduce
from esper_tui.leyline.choices import WAIT
from esper_tui.leyline.session import Cancel, Override
from esper_tui.sanctum.ink import plain
from esper_tui.sanctum.outbox import Outbox
from esper_tui.sanctum.override_rows import asked_again, learning_lines, override_rows, state_of

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
