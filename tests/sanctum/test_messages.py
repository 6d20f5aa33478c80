"""What is said above the footer and when it leaves; what is on offer before, while and after a run goes on."""

from dataclasses import replace

import pytest
from fake_launcher import FakeLauncher

from esper_tui.leyline.session import Checkpoint
from esper_tui.sanctum.actions import ACTIONS
from esper_tui.sanctum.chips import LEGENDS, stage_legend
from esper_tui.sanctum.pictures import screen_text


async def frame(app, pilot) -> list[str]:
    app.frame()
    await pilot.pause()
    return screen_text(app).splitlines()


@pytest.mark.parametrize(
    ("after", "key", "stays"), [(0.5, "j", True), (1.5, "j", False), (7.5, "", True), (8.5, "", False)]
)
async def test_a_message_leaves_at_the_next_key_or_by_itself(after, key, stays, session, make_app):
    session.release_epochs(2)
    app, now = make_app(session), [100.0]
    app.clock = lambda: now[0]
    async with app.run_test(size=(80, 24)) as pilot:
        await frame(app, pilot)
        app.say("it is done")
        now[0] += after
        if key:
            await pilot.press(key)
        assert ("it is done" in (await frame(app, pilot))[-2]) is stays


async def test_while_the_prompt_asks_its_keys_are_in_the_footer(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("colon")
        assert (await frame(app, pilot))[-1].strip() == "Enter do it  Tab complete  Esc leave  up down earlier ones"
        await pilot.press("escape", "slash")
        assert (await frame(app, pilot))[-1].strip() == "Enter do it  Esc leave  up down earlier ones"
        await pilot.press("escape")
        assert (await frame(app, pilot))[-1].startswith("p pause")


async def test_where_a_run_rests_and_why_is_said(session, make_app):
    session.release_epochs(4)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await frame(app, pilot)
        session.emit("SessionChanged", state="breakpoint", text="op==PRUNE")
        session.emit("SessionChanged", state="paused", text="")
        session.now = replace(session.now, state="paused", phase="boundary")
        lines = await frame(app, pilot)
        assert lines[-2] == "paused between ep 4 and 5 (op==PRUNE): o overrides, s steps an epoch, p goes on"
        assert "PAUSED between ep 4 and 5 of 30" in lines[0]
        session.now = replace(session.now, phase="training")
        session.emit("SessionChanged", state="paused", text="")
        assert (await frame(app, pilot))[-2].startswith("paused inside an epoch, where decisions are not open")


@pytest.mark.parametrize(
    ("environ", "on_hangup", "said"),
    [
        ({"SSH_CONNECTION": "a"}, "headless",
         "not in tmux: if the link drops, training goes on; `esper attach b3f1` comes back"),
        ({"SSH_CONNECTION": "a"}, "checkpoint-exit",
         "not in tmux: if the link drops, the run ends with a checkpoint"),
        ({"SSH_CONNECTION": "a", "TMUX": "b"}, "headless", ""),
        ({"SSH_CONNECTION": "a", "STY": "b"}, "headless", ""),
        ({}, "headless", ""),
    ],
)  # fmt: skip
async def test_over_ssh_without_a_multiplexer_it_is_said_what_a_lost_line_means(
    environ, on_hangup, said, session, make_app, monkeypatch
):
    for name in ("SSH_CONNECTION", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    app = make_app(session, on_hangup=on_hangup)
    async with app.run_test(size=(80, 24)) as pilot:
        assert (await frame(app, pilot))[-2] == said


async def test_a_checkpoint_can_be_typed(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("colon", *"checkpoint", "enter")
        await pilot.pause()
        assert session.commands == [Checkpoint()]


async def test_before_a_run_is_open_nothing_is_offered_that_needs_one(make_app):
    app = make_app(launcher=FakeLauncher())
    async with app.run_test(size=(200, 60)) as pilot:
        footer = (await frame(app, pilot))[-1]
        assert footer.startswith("Enter start  e edit  / filter  6-8 runs, presets, system")
        assert "queue" not in footer
        for key in ("1", "Q", "A", "w"):
            await pilot.press(key)
            assert (app.view.scope, len(app.screen_stack)) == ("launch", 1)
        await pilot.press("colon", *"fleet", "enter")
        assert "fleet needs a run: start one with Enter" in "\n".join(await frame(app, pilot))


async def test_what_has_ended_is_only_looked_at(session, make_app):
    session.release()
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        footer = (await frame(app, pilot))[-1]
        assert footer.startswith("Enter inspect  e explain")
        await pilot.press("p", "s", "o")
        assert session.commands == []
        assert len(app.screen_stack) == 1
        await pilot.press("colon", *"pause", "enter")
        assert "pause changes a run, and this one has ended" in "\n".join(await frame(app, pilot))


async def test_what_is_held_without_an_end_is_marked_in_the_fleet(session, make_app):
    session.release_epochs(4)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        request = {"id": 1, "env": 3, "decision": {"op": "WAIT"}, "hold": 0}
        session.emit("InterventionChanged", env=3, fate="applied", intervention=request, reason="", left=None)
        row = next(text for text in await frame(app, pilot) if text[2:5].strip() == "3")
        assert row.endswith("held")


def test_the_legend_of_the_stages_is_as_long_as_there_is_room():
    assert [stage_legend(width) for width in (200, 80, 55, 20)] == [*LEGENDS, ""]


def test_views_that_need_a_run_say_so():
    assert [a.id for a in ACTIONS.values() if a.id.startswith("view_") and not a.run] == [
        "view_runs", "view_presets", "view_system"
    ]  # fmt: skip
