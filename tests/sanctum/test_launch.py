"""The launch screen: what can be grown, what it costs, a start that can be seen, the runs that were."""

import os
import time
from pathlib import Path

import pytest
from fake import FakeSession
from fake_launcher import FakeLauncher, card, shows, until

from esper_tui.sanctum.pictures import screen_text

SIZES = [(80, 24), (120, 40), (200, 60)]


def kept_preset(name: str, text: str) -> None:
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "esper" / "presets"
    folder.mkdir(parents=True)
    (folder / f"{name}.toml").write_text(text)


@pytest.mark.parametrize("size", SIZES)
async def test_a_preset_is_told_in_full_before_it_is_measured(size, make_app):
    launcher = FakeLauncher()
    launcher.measure.clear()
    app = make_app(launcher=launcher)
    async with app.run_test(size=size) as pilot:
        text = await shows(pilot, app, "timing some training steps here, 0.0s …")
        for told in (
            "quickstart",
            "cifar10_blind",
            "ten drawn figures",
            "procedural  ✓ is here",
            "8 environments × 30",
        ):
            assert told in text
        launcher.measure.set()
        text = await shows(pilot, app, "about 55 s")
        assert "0.7 GiB" in text


async def test_torch_is_asked_for_after_the_first_paint_and_before_the_first_estimate(make_app):
    launcher = FakeLauncher()
    app = make_app(launcher=launcher)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, app, "about 55 s")
        named = [call[0] for call in launcher.calls]
        assert named.index("warm_up") < named.index("estimate")
        await pilot.press("up")
        await until(pilot, app, lambda: ("estimate", "cifar10_deep") in launcher.calls)
        assert launcher.calls.count(("estimate", "quickstart")) == 1


async def test_why_a_cost_is_not_known_is_said_where_the_cost_would_be(make_app):
    app = make_app(launcher=FakeLauncher())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("g")
        await shows(pilot, app, "cost      could not be measured: engine.device = cuda: there is no such device here")


async def test_data_that_is_missing_is_named_with_its_cure(make_app, monkeypatch, tmp_path):
    monkeypatch.setenv("ESPER_DATA_DIR", str(tmp_path))
    app = make_app(launcher=FakeLauncher())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("g")
        await shows(pilot, app, "cifar10  `esper data fetch cifar10` brings its files")


async def test_what_to_press_is_said_until_there_was_a_run(make_app):
    launcher = FakeLauncher()
    app = make_app(launcher=launcher)
    async with app.run_test(size=(80, 24)) as pilot:
        text = await shows(pilot, app, "New here?")
        assert text.splitlines()[2].endswith("Enter starts this preset, e edits it first, ? gives help.")
        assert text.splitlines()[-1].startswith("Enter start  e edit")
        assert "no runs yet" in text
        launcher.cards = [card(1)]
        await pilot.press("ctrl+r")
        text = await shows(pilot, app, "quickstart 0001")
        assert "New here?" not in text


async def test_a_start_is_seen_and_leads_to_the_run(make_app, quick_events):
    session = FakeSession(quick_events)
    session.release_epochs(3)
    launcher = FakeLauncher(session=lambda: session)
    launcher.hold.clear()
    app = make_app(launcher=launcher)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await shows(pilot, app, "… starting quickstart, 0.0s")
        await pilot.press("enter", "ctrl+g", "f5")
        launcher.hold.set()
        await shows(pilot, app, "ep 4/30")
        assert app.view.scope == "fleet"
        assert app.session is session
    starts = [call for call in launcher.calls if call[0] == "start"]
    assert starts == [("start", "quickstart", launcher.preset_text("quickstart"))]


async def test_a_start_that_fails_says_why_and_can_be_tried_again(make_app):
    launcher = FakeLauncher()
    launcher.refusal = "the disk is full; free some space or set ESPER_RUNS_DIR"
    app = make_app(launcher=launcher)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+g")
        await shows(pilot, app, "the disk is full")
        assert app.view.scope == "launch"
        launcher.refusal = ""
        await pilot.press("ctrl+g")
        await until(pilot, app, lambda: app.session is not None)


async def test_a_run_that_started_for_nobody_is_abandoned(make_app, quick_events):
    session = FakeSession(quick_events)
    launcher = FakeLauncher(session=lambda: session)
    launcher.hold.clear()
    app = make_app(launcher=launcher)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await shows(pilot, app, "starting")
        await pilot.press("q")
    launcher.hold.set()
    for _ in range(500):
        if session.commands:
            break
        time.sleep(0.01)
    assert [type(command).__name__ for command in session.commands] == ["Abandon"]


async def test_a_broken_preset_is_listed_with_its_sentence_and_is_not_started(make_app):
    kept_preset("mine", "[run]\nenvss = 3\n")
    launcher = FakeLauncher()
    app = make_app(launcher=launcher)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("G")
        text = await shows(pilot, app, "mine!")
        assert "unknown key run.envss, did you mean 'envs'" in text
        await pilot.press("enter")
        assert not [call for call in launcher.calls if call[0] == "start"]
        assert "cannot start" in screen_text(app)


async def test_enter_on_a_run_opens_it(make_app):
    launcher = FakeLauncher([card(1), card(2)])
    app = make_app(launcher=launcher)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, app, "quickstart 0002")
        await pilot.press("tab", "down", "enter")
        await until(pilot, app, lambda: app.session is not None)
        assert launcher.calls[-1] == ("open", str(card(2).path))


async def test_nothing_is_started_over_a_run_that_is_alive(session, make_app):
    launcher = FakeLauncher([card(1)])
    session.release_epochs(2)
    app = make_app(session, launcher=launcher)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.action_launch()
        await shows(pilot, app, "ten drawn figures")
        await pilot.press("enter")
        assert "a run goes on here" in screen_text(app)
        session.release()
        app.frame()
        await pilot.press("enter")
        await until(pilot, app, lambda: app.session is not session)


async def test_e_opens_the_preset_in_the_editor(make_app):
    app = make_app(launcher=FakeLauncher())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("up", "e")
        await until(pilot, app, lambda: app.view.scope == "presets")
        assert app.view.name_ == "cifar10_deep"


async def test_presets_are_started_edited_and_runs_compared_from_anywhere(make_app):
    launcher = FakeLauncher([card(1), card(2)])
    app = make_app(launcher=launcher)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.show_view("system")
        await pilot.press(":", *"start nothing", "enter")
        await shows(pilot, app, "there is no preset 'nothing'")
        await pilot.press(":", *"compare 0001 0002", "enter")
        await shows(pilot, app, "compare 2 runs")
        await pilot.press("escape", ":", *"preset cifar10", "enter")
        await until(pilot, app, lambda: getattr(app.view, "name_", "") == "cifar10")
        await app.show_view("system")
        await pilot.press(":", *"start quickstart", "enter")
        await until(pilot, app, lambda: app.session is not None)


async def test_the_run_that_goes_on_here_is_shown_and_not_opened_again(session, make_app):
    launcher = FakeLauncher([card(1, path=session.path, state="running"), card(2)])
    session.release_epochs(2)
    app = make_app(session, launcher=launcher)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6")
        await shows(pilot, app, "quickstart 0002")
        await pilot.press("enter")
        await until(pilot, app, lambda: app.view.scope == "fleet")
        assert app.session is session
        assert not [call for call in launcher.calls if call[0] == "open"]
