"""View 8: what the machine does; unmeasured is a dash, a slow screen says so."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from fake import FakeSession
from test_shell import frame

from esper_tui.karn.record import RunRecord
from esper_tui.leyline.session import Note, Progress, Resources, Visitors
from esper_tui.sanctum.ink import plain
from esper_tui.sanctum.machine import (
    Queues,
    log_size,
    machine_lines,
    origin_lines,
    rate_lines,
    screen_lines,
    time_lines,
)
from esper_tui.sanctum.pace import FramePace


def told(lines) -> dict[str, str]:
    """Rows by name."""
    return {plain(content)[1:15].strip(): plain(content)[15:] for content in lines}


def test_phases_share_an_epoch_and_others_are_told_apart():
    spent = {"starting": 9.0, "boundary": 1.0, "training": 6.0, "delivering": 2.0, "measuring": 3.0}
    lines = [plain(content) for content in time_lines(Progress(phase_s=spent), 60)]
    assert [text.split()[:3] for text in lines[1:]] == [
        ["training", "6.0s", "60%"],
        ["measuring", "3.0s", "30%"],
        ["boundary", "1.0s", "10%"],
        ["delivering", "2.0s", "–"],
    ]
    assert lines[1].count("█") == 2 * lines[2].count("█") == 18


def test_what_was_not_sampled_is_a_dash():
    rows = told(machine_lines(Progress(), None))
    assert (rows["cpu"], rows["memory"], rows["disk"], rows["event log"]) == ("–", "–", "–", "–")
    rows = told(rate_lines(Progress()))
    assert (rows["epoch"], rows["images"], rows["left"]) == ("–, – a minute", "– a second", "–")


def test_devices_and_memory():
    sampled = Resources(71.0, 2**30, 2**33, 2**36, ("cuda:0 71% 9.2/80G 412W 61C",))
    rows = told(machine_lines(Progress(resources=sampled), 14 * 2**20))
    assert rows["cuda:0"] == "71% 9.2/80G 412W 61C"
    assert rows["memory"] == "1.0G used, 8.0G free"
    assert (rows["disk"], rows["event log"]) == ("64.0G free", "14.0M")


def test_rates_leave_pauses_out_and_name_breakpoints():
    progress = Progress("paused", "boundary", epoch_s=4.0, images_per_s=14200.0, elapsed_s=60.0, paused_s=5.0,
                        breakpoints=("nan", "op PRUNE"))  # fmt: skip
    rows = told(rate_lines(progress))
    assert rows["epoch"] == "4.0s, 15 a minute"
    assert rows["images"] == "14.2k a second"
    assert (rows["up"], rows["paused"], rows["breakpoints"]) == ("1:00 without pauses", "5.0s", "nan; op PRUNE")


def test_a_slow_screen_says_that_it_is_drawn_less_often():
    pace = FramePace(4.0)
    for _ in range(20):
        pace.took(40.0, 12.0)
    rows = told(screen_lines(pace, Queues(100, 3, 2, 1, 90), RunRecord(unknown=1, unfit=2)))
    assert rows["frames"] == "2 Hz, asked for 4: frames take over 25 ms"
    assert rows["frame lag"] == "p95 12 ms"
    assert rows["events"] == "100, 90 kept"
    assert rows["waiting"] == "3 to be folded"
    assert rows["dropped"] == "2, 3 not understood"
    assert rows["commands"] == "1 without an answer"


def test_the_size_of_the_log(tmp_path):
    assert log_size(None) is None
    assert log_size(tmp_path) == 0
    (tmp_path / "events-000.jsonl").write_text("x" * 10)
    (tmp_path / "events-001.jsonl").write_text("y" * 5)
    assert log_size(tmp_path) == 15


def test_where_a_run_comes_from():
    rows = told(origin_lines(RunRecord(provenance={"esper": "1.0", "engine": {"chunk": 4, "isolation": "exact"},
                                                   "command": ["run", "quickstart"]})))  # fmt: skip
    assert rows == {"esper": "1.0", "engine": "chunk 4  isolation exact", "command": "run quickstart"}


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_view_shows_the_latest_progress(size, session, make_app):
    session.release_epochs(5)
    app = make_app(session)
    async with app.run_test(size=size) as pilot:
        await pilot.press("8")
        session.now = replace(session.now, phase="measuring", phase_s={"training": 3.0, "measuring": 1.0})
        text = await frame(app, pilot)
        assert "running, measuring" in text
        assert "75%" in text


async def test_on_a_tiny_screen_the_focused_panel_is_open(session, make_app):
    session.release_epochs(5)
    app = make_app(session)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("8")
        assert "cpu" in await frame(app, pilot)
        await pilot.press("tab", "tab")
        text = await frame(app, pilot)
        assert "running, training" in text
        assert "device" not in text
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        text = await frame(app, pilot)
        assert "running, training" in text
        assert "device" in text


async def test_queues_count_what_has_no_answer_and_what_never_came(make_app, quick_events):
    session = FakeSession([e for e in quick_events if e["seq"] not in (3, 4)])
    session.release_epochs(4)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("8")
        app.submit(Note("hello"), "note")
        text = await frame(app, pilot)
        assert "1 without an answer" in text
        assert "dropped       2," in text
        session.release_epochs(1)
        assert "0 without an answer" in await frame(app, pilot)


async def test_without_a_run_there_is_nothing_to_measure(make_app):
    app = make_app(None, launcher=SimpleNamespace(presets=list, runs=list, warm_up=lambda: None))
    async with app.run_test(size=(80, 24)) as pilot:
        await app.show_view("system")
        assert "no epoch was finished yet" in await frame(app, pilot)


def test_who_came_and_what_was_refused_is_shown_once_somebody_came():
    assert "attached" not in told(machine_lines(Progress(), None))
    rows = told(machine_lines(Progress(visitors=Visitors(1, 20, 3)), None))
    assert rows["attached"].strip() == "1, 20 refused, 3 dropped"
