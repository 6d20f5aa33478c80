"""How a run ends: by signals, by death, with nobody reading, on a full disk; what is finished is never lost."""

import contextlib
import errno
import io
import os
import re
import resource
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest

from esper_tui.evidence.examine import examine
from esper_tui.karn.read import ReadReport, read_records, read_run
from esper_tui.leyline.events import to_line
from esper_tui.leyline.folder import LOCK_FILE, RUN_FILE, checkpoint_files, events_file
from esper_tui.runtime.headless import Output, run_headless
from esper_tui.runtime.lock import RunLock
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.start import prepare_session
from esper_tui.sanctum.settings import settings_path
from tests import console
from tests.console import assert_refused

LONG = "--set=run.epochs=2000"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """A working directory with the preset ``tiny``."""
    monkeypatch.chdir(tmp_path)
    console.tiny_preset(tmp_path, more='[tamiyo]\npolicy = "wait"\n')


def begin(folder: Path, *words: str, **more: str) -> subprocess.Popen:
    """A long run that has printed its first epoch."""
    process = console.start("run", "tiny", LONG, "--run-dir", str(folder), *words, cwd=Path.cwd(), **more)
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("ep=1/2000"), first + process.communicate()[1]
    return process


def last_event(folder: Path) -> dict:
    return list(read_records(folder))[-1]


# --- two processes, signals, death -------------------------------------------------------------------------------


def test_of_two_processes_the_second_is_refused(tmp_path):
    process = begin(tmp_path / "x")
    done = console.esper("run", "tiny", "--run-dir", "x")
    assert_refused(done, 9, f"is being written by process {process.pid} on .*; stop it first, or choose another")
    removed = console.esper("runs", "rm", "--yes", "x")
    assert (removed.code, f"process {process.pid}" in removed.err) == (9, True)
    process.send_signal(signal.SIGTERM)
    assert console.finish(process).code == 143


def test_a_folder_that_another_process_has_just_taken_is_refused(tmp_path):
    (tmp_path / "x").mkdir()
    lock = RunLock(tmp_path / "x")
    done = console.esper("run", "tiny", "--run-dir", "x")
    assert_refused(done, 9, f"is being written by process {os.getpid()}")
    lock.release()


ENDINGS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129, "SIGUSR2": 10}
HEARD = [*ENDINGS, "SIGUSR1"]


@pytest.fixture
def at_first_epoch(monkeypatch):
    """Sends a signal to this very process when the first epoch is printed."""

    def send(name):
        say, sent = Output.say, []

        def say_and_send(self, text):
            say(self, text)
            if not sent:
                sent.append(name)
                os.kill(os.getpid(), getattr(signal, name))

        monkeypatch.setattr(Output, "say", say_and_send)

    return send


def events(folder: Path, kind: str) -> list[dict]:
    return [event for event in read_records(folder) if event["type"] == kind]


@pytest.mark.parametrize("name", ENDINGS)
def test_a_signal_ends_the_run_at_the_boundary_with_its_receipt(name, tmp_path, at_first_epoch):
    at_first_epoch(name)
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text('on_hangup = "checkpoint-exit"\n')
    done = console.esper("run", "tiny", LONG, "--run-dir", "x")
    assert done.code == ENDINGS[name]
    within = ", within 20 s" if name == "SIGTERM" else ""
    assert done.err == f"esper: stopping at the end of this epoch{within}, with a checkpoint; once more ends it now\n"
    assert "\nstopped in " in done.out
    assert str(tmp_path / "x") in done.out
    end = last_event(tmp_path / "x")
    assert (end["type"], end["status"], end["code"]) == ("RunEnded", "stopped", ENDINGS[name])
    assert f"next  esper resume {tmp_path / 'x'} · esper replay" in done.out
    assert ("the test images stay closed" in done.out) == (name != "SIGINT")
    assert list((tmp_path / "x" / "artefacts").iterdir())
    assert not (tmp_path / "x" / LOCK_FILE).exists()
    assert checkpoint_files(tmp_path / "x")[0][0][1] == end_epoch(tmp_path / "x")


def end_epoch(folder: Path) -> int:
    return read_run(folder).epoch.number


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_whoever_takes_the_machine_away_does_not_wait_for_the_test_split(name, tmp_path, at_first_epoch):
    """A person who ends a run looks at the result; a scheduler's run goes on and opens the split at its end."""
    at_first_epoch(name)
    console.esper("run", "tiny", LONG, "--run-dir", "x")
    assert bool(events(tmp_path / "x", "TestMeasured")) == (name == "SIGINT")


def test_a_hang_up_leaves_a_checkpoint_and_the_run_goes_on(tmp_path, at_first_epoch):
    at_first_epoch("SIGHUP")
    done = console.esper("run", "tiny", "--run-dir", "x", "--set=checkpoint.every_epochs=0")
    assert done.code == 0
    told = [e["state"] for e in events(tmp_path / "x", "SessionChanged")]
    assert told == ["running", "hangup"]
    assert len(events(tmp_path / "x", "CheckpointSaved")) == 1
    assert last_event(tmp_path / "x")["status"] == "done"
    assert "hang-up: the run goes on without a terminal; a checkpoint follows" in done.err
    assert "esper resume" not in done.out  # nothing is left to go on with


def test_sigusr1_writes_a_checkpoint_and_the_run_goes_on(tmp_path, at_first_epoch):
    at_first_epoch("SIGUSR1")
    done = console.esper("run", "tiny", "--run-dir", "x", "--set=checkpoint.every_epochs=0")
    assert (done.code, done.err) == (0, "esper: a checkpoint follows at the end of this epoch\n")
    (saved,) = events(tmp_path / "x", "CheckpointSaved")
    assert (tmp_path / "x" / saved["path"]).is_file()


def test_a_second_signal_ends_the_run_now(tmp_path):
    slow = ["--set=data.train_images=200000", "--set=run.epochs=2"]
    process = console.start("run", "tiny", *slow, "--json", "--run-dir", "x", cwd=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None
    while '"running"' not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    assert "stopping at the end of this epoch" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert console.finish(process).code == 130
    assert last_event(tmp_path / "x")["status"] == "aborted"


def test_a_signal_before_the_start_leaves_nothing(tmp_path, monkeypatch):
    """While data are loaded and the engine is probed there is nothing worth keeping."""
    monkeypatch.setattr("esper_tui.runtime.start.build_parts", lambda *a, **k: os.kill(os.getpid(), signal.SIGTERM))
    done = console.esper("run", "tiny", "--run-dir", "x")
    assert done.code == 143
    assert not (tmp_path / "x").exists()


def test_signals_are_given_back(tmp_path):
    before = {name: signal.getsignal(getattr(signal, name)) for name in HEARD}
    console.esper("run", "tiny", "--device", "cuda:99")
    assert {name: signal.getsignal(getattr(signal, name)) for name in HEARD} == before


def test_death_loses_no_finished_epoch(tmp_path):
    process = begin(tmp_path / "x", "--set=run.envs=4")
    for _ in range(5):
        line = process.stdout.readline()
    process.kill()
    process.communicate()
    printed = int(re.match(r"ep=(\d+)/", line)[1])
    report = ReadReport()
    record = read_run(tmp_path / "x", report)
    assert report.damaged == 0
    assert [epoch.number for epoch in record.rounds[0].epochs][:printed] == list(range(1, printed + 1))
    checked = console.esper("runs", "check", "x")
    assert re.search(r"the run was cut short after epoch \d+ of 2000: `esper resume .*` goes on after", checked.out)
    assert console.esper("runs", "show", "x").out.startswith("not finished")
    assert console.esper("run", "tiny", "--run-dir", "x").code == 9
    assert console.esper("runs", "rm", "--yes", "x").code == 0
    assert not (tmp_path / "x").exists()


# --- pipes and full disks ----------------------------------------------------------------------------------------


def test_a_closed_pipe_does_not_end_the_run(tmp_path):
    process = console.start("run", "tiny", "--run-dir", "x", cwd=tmp_path)
    assert process.stdout.readline().startswith("ep=1/4")
    process.stdout.close()
    error = process.stderr.read()
    assert process.wait(60) == 0
    assert "nobody reads the output any more (Broken pipe); the run goes on" in error
    assert "Exception" not in error
    assert last_event(tmp_path / "x")["status"] == "done"


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fileno(self) -> int:
        return os.dup(2)


def test_a_full_disk_behind_the_output_does_not_end_the_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout", Full())
    run_headless(partial(prepare_session, resolve("tiny"), tmp_path / "x", examine), json=True)
    error = capsys.readouterr().err
    assert error == "esper: nobody reads the output any more (No space left on device); the run goes on\n"
    assert last_event(tmp_path / "x")["status"] == "done"


@contextlib.contextmanager
def files_up_to(size: int):
    """The kernel refuses to let any file grow beyond so many bytes, in the middle of a write as well."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_behind_the_log_ends_the_run_with_code_eight(tmp_path):
    with files_up_to(40_000):
        done = console.esper("run", "tiny", LONG, "--run-dir", "x")
    assert done.code == 8
    assert re.fullmatch(r"esper: cannot write .*events-000.jsonl: File too large; free some space.*", alerts(done)[-1])
    assert re.search(r"esper: a checkpoint is missing: cannot write .*r000-e0005.*: File too large", done.err)
    report = ReadReport()
    record = read_run(tmp_path / "x", report)
    assert report.damaged == 0, "whole lines only"
    assert events_file(tmp_path / "x", 0).stat().st_size > 30_000
    printed = [line for line in done.out.splitlines() if line.startswith("ep=")]
    assert len(record.rounds[0].epochs) >= len(printed) - 1
    assert not (tmp_path / "x" / LOCK_FILE).exists()


def alerts(done: console.Result) -> list[str]:
    return [line for line in done.err.splitlines() if line.startswith("esper: ")]


def test_a_disk_that_is_full_from_the_start_leaves_nothing(tmp_path):
    with files_up_to(1000):
        done = console.esper("run", "tiny", "--run-dir", "x")
    assert_refused(done, 8, rf"cannot write .*{RUN_FILE}: File too large; free some space")
    assert not (tmp_path / "x").exists()


def test_events_are_printed_as_they_are_logged(finished_run):
    lines = events_file(finished_run.folder, 0).read_text().splitlines()
    assert lines == [to_line(event) for event in finished_run.events]
