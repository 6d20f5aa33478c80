"""A recorded run in the same screens: where it is, how it moves, what is hidden."""

import pytest
from fake import RUN_PATH, FakeSession
from fake_launcher import FakeLauncher, card, shows

from esper_tui.karn.replay import Player
from esper_tui.sanctum.pictures import screen_text

SIZES = [(80, 24), (120, 40), (200, 60)]


@pytest.fixture
def player(quick_events) -> Player:
    player = Player(quick_events, RUN_PATH)
    player.seek(12)
    return player


def head(app) -> str:
    return screen_text(app).splitlines()[0]


async def press(pilot, app, *keys: str) -> str:
    await pilot.press(*keys)
    app.frame()
    await pilot.pause()
    return head(app)


@pytest.mark.parametrize("size", SIZES)
async def test_a_replay_says_that_it_is_one_and_which_keys_move_it(size, player, make_app):
    app = make_app(player)
    async with app.run_test(size=size) as pilot:
        assert "quickstart b3f1" in await press(pilot, app)
        assert "REPLAY ‖ ep 12/30" in head(app)
        footer = screen_text(app).splitlines()[-1]
        for told in ("p play", "[ ] epoch", "n N decision, alert"):
            assert told in footer
        assert "override" not in footer.replace("override queue", "")


@pytest.mark.parametrize(("key", "epoch"), [("]", 13), ("[", 11), ("}", 22), ("{", 2)])
async def test_brackets_step_by_one_and_braces_by_ten(key, epoch, player, make_app):
    app = make_app(player)
    async with app.run_test(size=(120, 40)) as pilot:
        assert f"ep {epoch}/30" in await press(pilot, app, key)
        assert player.epoch == epoch


async def test_steps_stop_at_both_ends(player, make_app):
    app = make_app(player)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, app, "{", "{", "[")
        assert player.epoch == 0
        await press(pilot, app, "}", "}", "}", "}")
        assert player.epoch == 30


async def test_going_to_an_epoch_is_typed(player, make_app):
    app = make_app(player)
    async with app.run_test(size=(120, 40)) as pilot:
        assert "ep 21/30" in await press(pilot, app, ":", *"goto 21", "enter")
        assert "ep 3/30" in await press(pilot, app, ":", *"goto 3", "enter")


async def test_playing_moves_with_the_clock_at_the_speed_that_was_chosen(player, make_app):
    app = make_app(player)
    now = [100.0]
    app.clock = app.source.clock = lambda: now[0]
    app.source.at = now[0]
    async with app.run_test(size=(120, 40)) as pilot:
        player.seek(0)
        assert "▶ x1" in await press(pilot, app, "p")
        now[0] += 2.5  # an epoch is shown for a second at most
        app.frame()
        assert player.epoch == 2
        assert "▶ x4" in await press(pilot, app, ")", ")")
        now[0] += 2.0
        app.frame()
        assert player.epoch == 10
        assert "‖" in await press(pilot, app, "p")
        now[0] += 60.0
        app.frame()
        assert player.epoch == 10


@pytest.mark.parametrize(("typed", "speed"), [("speed 16", 16.0), ("speed 0.5", 0.5), ("speed 100", 16.0)])
async def test_speed_stays_within_its_limits(typed, speed, player, make_app):
    app = make_app(player)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, app, ":", *typed, "enter")
        assert player.speed == speed


async def test_n_goes_to_the_next_decision_and_selects_its_place(player, make_app, quick_events):
    app = make_app(player)
    async with app.run_test(size=(120, 40)) as pilot:
        player.seek(0)
        await press(pilot, app, "n")
        first = next(e for e in quick_events if e["type"] == "DecisionTaken" and e["decision"]["op"] != "WAIT")
        assert player.record.round.decisions[-1]["seq"] == first["seq"]
        assert (app.selected_env, app.selected_slot) == (first["env"], first["decision"]["slot"])


async def test_the_last_alert_is_said_to_be_the_last(quick_events, make_app):
    alert = {"seq": 10**6, "t": 1795539400.0, "type": "AlertRaised", "round": 0, "epoch": 5, "env": 2, "rule": "nan",
             "text": "no new low", "slot": None, "severity": "warn"}  # fmt: skip
    place = next(i for i, e in enumerate(quick_events) if e["type"] == "EpochMeasured" and e["epoch"] == 5)
    player = Player([*quick_events[: place + 1], alert, *quick_events[place + 1 :]])
    app = make_app(player)
    async with app.run_test(size=(120, 40)) as pilot:
        player.seek(1)
        await press(pilot, app, "N")
        assert player.epoch == 5
        assert app.selected_env == 2
        await press(pilot, app, "N")
        assert "there is no later alert" in screen_text(app)


async def test_nothing_that_acts_is_on_offer(player, make_app):
    app = make_app(player)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, app, "s", "S", "o", "u", "b", "R")
        assert player.commands == 0
        assert len(app.screen_stack) == 1
        await press(pilot, app, ":", *"stop", "enter")
        assert player.commands == 0


async def test_a_finished_run_is_opened_from_the_list_and_left_at_once(player, make_app):
    app = make_app(launcher=FakeLauncher([card(1)], session=lambda: player))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        await shows(pilot, app, "quickstart 0001")
        await pilot.press("enter")
        await shows(pilot, app, "REPLAY ‖ ep 12/30")
        assert app.view.scope == "fleet"
        await pilot.press("q")
    assert app.return_value.kind == "quit"


async def test_a_running_run_is_opened_from_the_list_to_watch(make_app, quick_events):
    session = FakeSession(quick_events, role="watch")
    session.release_epochs(4)
    app = make_app(launcher=FakeLauncher([card(1, state="running")], session=lambda: session))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        await shows(pilot, app, "running")
        await pilot.press("enter")
        text = await shows(pilot, app, "WATCH")
        assert "ep 5/30" in text
        await pilot.press("p", "s", "o")
        assert session.commands == []


async def test_one_replay_after_another_shows_the_second(quick_events, make_app):
    players = [Player(quick_events), Player(quick_events)]
    players[1].seek(3)
    app = make_app(players[0], launcher=FakeLauncher([card(1)], session=lambda: players[1]))
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, app, "ep 30/30")
        await pilot.press("6")
        await shows(pilot, app, "quickstart 0001")
        await pilot.press("enter")
        text = await shows(pilot, app, "ep 3/30")
        acc = players[1].record.epoch.columns["val/acc"][0]
        assert f"{100 * acc:.1f}" in text
