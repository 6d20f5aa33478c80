"""The shell around the views: frames, keys, commands and what became of them, leaving."""

import asyncio
import os
import signal
import threading

import pytest
from fake import FakeSession
from shapes import widened

from esper_tui.leyline.errors import UsageError
from esper_tui.leyline.session import Abandon, Checkpoint, Pause, Resume, Step, Stop
from esper_tui.sanctum.app import EsperApp
from esper_tui.sanctum.pictures import screen_text


async def frame(app: EsperApp, pilot) -> str:
    app.frame()
    await pilot.pause()
    return screen_text(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (60, 16), (40, 12)])
async def test_the_fleet_is_drawn_at_every_size(size, session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=size) as pilot:
        text = await frame(app, pilot)
        assert "ep 13/30" in text
        assert "acc%" in text


async def test_pause_step_and_resume_reach_the_run_and_are_shown(session, make_app):
    session.release_epochs(5)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("p")
        assert session.commands == [Pause("epoch")]
        assert "PAUSING ≤ 4.2s" in await frame(app, pilot)
        session.release_epochs(1)
        text = await frame(app, pilot)
        assert "PAUSED ep 6|7" in text
        assert "p resume" in text
        await pilot.press("s")
        await pilot.press("p")
        assert session.commands[1:] == [Step(1), Pause("epoch")]
        session.release_epochs(1)
        await pilot.press("p")
        assert session.commands[-1] == Resume()


async def test_a_refused_command_is_explained(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        app.action_resume()
        session.release_epochs(1)
        assert "resume: rejected, the run is not paused" in await frame(app, pilot)


async def test_read_only_hides_and_refuses_what_acts(session, make_app):
    app = make_app(session, readonly=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("p", "s", "o", "u")
        assert session.commands == []
        text = await frame(app, pilot)
        assert "pause" not in text.splitlines()[-1]
        assert "READ-ONLY" in text
        await pilot.press("R", "p")
        assert session.commands == [Pause("epoch")]


@pytest.mark.parametrize(
    ("key", "kind", "sent"), [("k", "detach", None), ("c", "checkpoint", Stop), ("enter", "checkpoint", Stop)]
)
async def test_leaving_a_run_asks_what_should_become_of_it(key, kind, sent, session, make_app):
    session.release_epochs(3)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        assert "keep training without this screen" in screen_text(app)
        await pilot.press("escape")
        assert app.return_value is None
        await pilot.press("q", key)
    assert app.return_value.kind == kind
    assert app.return_value.session is session
    assert [type(c) for c in session.commands] == ([sent] if sent else [])


@pytest.mark.parametrize(
    ("key", "kind", "sent"),
    [("enter", "detach", None), ("k", "detach", None), ("c", "checkpoint", Stop), ("a", "abandon", Abandon)],
)
async def test_leaving_a_run_of_another_process_lets_it_go_on_unless_told(key, kind, sent, session, make_app):
    session.release_epochs(3)
    session.attached = True
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        text = screen_text(app)
        assert "k Enter detach (the run goes on)" in text
        assert "end the run with a receipt" in text
        await pilot.press(key)
    assert app.return_value.kind == kind
    assert [type(c) for c in session.commands] == ([sent] if sent else [])


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGUSR2])
async def test_a_signal_closes_the_screen_and_says_which(number, attached, session, make_app):
    """What becomes of a run of this process is decided behind the screen; one of another process is left alone."""
    session.attached = attached
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        os.kill(os.getpid(), number)
        await asyncio.sleep(0.05)
        await pilot.pause()
    assert (app.return_value.kind, app.return_value.signal) == ("quit" if attached else "detach", number)
    assert session.commands == []


async def test_sigusr1_asks_for_a_checkpoint_and_the_screen_stays(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.sleep(0.05)
        await pilot.pause()
        assert app.return_value is None
    assert session.commands == [Checkpoint()]


async def test_slow_work_comes_back_to_the_screen(make_app, session):
    app, found = make_app(session), []

    def fail():
        raise UsageError("no such preset")

    async with app.run_test(size=(80, 24)) as pilot:
        app.in_thread(lambda: threading.current_thread() is threading.main_thread(), found.append)
        app.in_thread(fail, found.append)
        for _ in range(50):
            await asyncio.sleep(0.01)
            if found and "no such preset" in screen_text(app):
                break
        await pilot.pause()
        assert found == [False]
        assert "no such preset" in screen_text(app)


async def test_a_finished_run_is_left_at_once(session, make_app):
    session.release()
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "growth bought" in await frame(app, pilot)
        await pilot.press("q")
    assert app.return_value.kind == "quit"


async def test_a_failed_run_stays_on_screen_with_its_reason(session, make_app):
    session.release_epochs(3)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        session.emit("RunEnded", status="failed", code=1, seconds=9.0,
                     text="RuntimeError: boom; the traceback is in runs/x/log.txt")  # fmt: skip
        text = await frame(app, pilot)
        assert "FAILED" in text
        assert "boom" in text
        assert "log.txt" in text
        assert app.return_value is None


async def test_a_defect_of_the_screen_leaves_the_run_alone(session, make_app, monkeypatch):
    app = make_app(session)

    async def break_it():
        async with app.run_test(size=(80, 24)) as pilot:
            monkeypatch.setattr(app, "draw", lambda: 1 / 0)
            app.call_later(app.frame)
            await pilot.pause()

    with pytest.raises(ZeroDivisionError):
        await break_it()
    assert "ZeroDivisionError" in app.failure
    assert session.commands == []


async def test_a_replay_moves_and_takes_no_commands(quick_events, make_app):
    from esper_tui.karn.replay import Player

    player = Player(quick_events)
    app = make_app(player)
    async with app.run_test(size=(120, 40)) as pilot:
        app.action_goto(7)
        assert "REPLAY ‖ ep 7/30" in await frame(app, pilot)
        await pilot.press("]")
        assert player.epoch == 8
        await pilot.press("{")
        assert player.epoch == 0
        await pilot.press("p")
        assert player.playing
        await pilot.press("s")
        assert player.commands == 0


async def test_one_and_sixtyfour_environments(quick_events, make_app):
    for envs in (1, 64):
        session = FakeSession(widened(quick_events, envs))
        session.release_epochs(9)
        app = make_app(session)
        async with app.run_test(size=(80, 24)) as pilot:
            await frame(app, pilot)
            await pilot.press("G")
            text = await frame(app, pilot)
            assert f">{envs - 1:>3} " in text


async def test_how_often_a_signal_came_is_handed_on(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(80, 24)):
        app.signalled(signal.SIGINT)
        app.signalled(signal.SIGINT)
    assert (app.return_value.signal, app.return_value.times) == (signal.SIGINT, 2)


async def test_ctrl_c_says_how_to_leave(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+c")
        text = await frame(app, pilot)
        assert "q leaves, and asks what becomes of the run" in text
        assert "ctrl+q" not in text
