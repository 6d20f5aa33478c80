"""Watching a run through its log: where it is, how fast it goes, whether anyone still writes it."""

import json
import shutil
from pathlib import Path

import pytest

from esper_tui.leyline.folder import events_file
from esper_tui.leyline.session import Pause
from esper_tui.runtime import watch as module
from esper_tui.runtime.lock import RunLock
from esper_tui.runtime.watch import Watched, WatchSession

CONFIG = {"run": {"envs": 4, "epochs": 10, "rounds": 1, "images_per_epoch": 0}, "data": {"train_images": 500}}
START = {"type": "RunStarted", "t": 100.0, "config": CONFIG}
ROUND = {"type": "RoundStarted", "t": 102.0, "round": 0}


def measured(epoch: int, t: float) -> dict:
    return {"type": "EpochMeasured", "t": t, "epoch": epoch}


def session(state: str, t: float) -> dict:
    return {"type": "SessionChanged", "t": t, "state": state}


def after(*events: dict) -> Watched:
    watched = Watched()
    for event in events:
        watched.take(event)
    return watched


def test_before_the_first_event_nothing_is_known():
    progress = Watched().progress(5.0)
    assert (progress.state, progress.epoch, progress.epoch_s, progress.eta_s) == ("starting", 0, None, None)


def test_rates_come_from_the_times_of_the_epochs():
    progress = after(START, ROUND, measured(1, 104.0), measured(2, 108.0)).progress(109.0)
    assert (progress.state, progress.epoch, progress.epochs) == ("running", 2, 10)
    assert progress.epoch_s == 3.0
    assert progress.eta_s == 24.0
    assert progress.images_per_s == 4 * 500 / 3.0
    assert progress.elapsed_s == 9.0


def test_pauses_are_left_out():
    events = [START, ROUND, measured(1, 104.0), session("paused", 104.0), session("running", 204.0), measured(2, 206.0)]
    progress = after(*events).progress(207.0)
    assert (progress.epoch_s, progress.paused_s, progress.elapsed_s) == (2.0, 100.0, 7.0)
    resting = after(*events[:4]).progress(154.0)
    assert (resting.state, resting.paused_s, resting.elapsed_s) == ("paused", 50.0, 4.0)


def test_the_time_between_two_parts_of_a_run_is_left_out():
    """Cut short at 105 s, gone on at 1105 s: 3 s and 5 s of work."""
    resumed = {"type": "RunResumed", "t": 1105.0}
    events = [START, ROUND, measured(1, 104.0), session("note", 105.0), resumed, measured(2, 1106.0)]
    progress = after(*events).progress(1108.0)
    assert (progress.state, progress.elapsed_s, progress.epoch_s) == ("running", 8.0, 2.0)


def test_notes_and_breakpoints_do_not_change_the_state():
    events = [START, session("paused", 101.0), session("note", 102.0), session("breakpoint", 103.0)]
    assert after(*events).progress(104.0).state == "paused"


# --- the session ---------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(finished_run, tmp_path) -> Path:
    return Path(shutil.copytree(finished_run.folder, tmp_path / finished_run.folder.name))


@pytest.fixture
def writer(folder, monkeypatch):
    """A run that is being written: its first 30 events are there, the lock is held."""
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.0)
    lines = events_file(folder, 0).read_bytes().splitlines(keepends=True)
    events_file(folder, 0).write_bytes(b"".join(lines[:30]))
    lock = RunLock(folder)
    yield lines, lock
    lock.release()


def test_a_finished_run_is_shown_whole_and_as_ended(folder, finished_run):
    watching = WatchSession(folder)
    acks, events = watching.poll()
    assert (acks, events) == ([], finished_run.events)
    assert watching.poll() == ([], [])
    progress = watching.progress()
    assert (progress.state, progress.epoch, progress.eta_s) == ("ended", 24, 0.0)
    took = finished_run.events[-1]["t"] - finished_run.events[0]["t"]
    assert progress.elapsed_s == pytest.approx(took), "and the clock has stopped"


def test_what_is_written_meanwhile_comes_too(folder, writer):
    lines, _ = writer
    watching = WatchSession(folder)
    assert len(watching.poll()[1]) == 30
    assert watching.progress().state == "running"
    with events_file(folder, 0).open("ab") as file:
        file.write(b"".join(lines[30:33]))
    assert watching.poll()[1] == [json.loads(line) for line in lines[30:33]]


def test_a_process_that_is_gone_without_a_word_is_noticed(folder, writer):
    watching = WatchSession(folder)
    assert watching.progress().state == "running"
    writer[1].release()
    assert watching.progress().state == "ended"


def test_commands_are_refused(folder):
    watching = WatchSession(folder)
    number = watching.submit(Pause())
    (ack,), _ = watching.poll()
    assert (ack.id, ack.state) == (number, "rejected")
    assert "only watched" in ack.reason
