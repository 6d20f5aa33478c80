"""A run that was killed and resumed ends as one that was not: the same events, the same network, bit for bit."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from esper_tui.karn.read import read_records, read_run
from esper_tui.leyline.choices import WAIT
from esper_tui.leyline.errors import Busy, Incompatible
from esper_tui.leyline.folder import events_file
from esper_tui.leyline.session import Checkpoint, Override, Pause, Resume, Step, Stop
from esper_tui.runtime.checkpoints import checkpoint_files
from esper_tui.runtime.folder import RunFolder
from esper_tui.runtime.lock import socket_of
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.remote import RemoteSession
from esper_tui.runtime.rerun import deterministic
from esper_tui.runtime.resume import prepare_resume
from esper_tui.runtime.session import LocalSession
from esper_tui.runtime.start import prepare_session
from esper_tui.sanctum.source import LiveSource
from tests import worlds

PATIENCE_S = 100.0

CODE = """
import sys
from pathlib import Path
from esper_tui.leyline.config import RunConfig
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.start import prepare_session
from tests import worlds
config = worlds.tiny_config(**eval(sys.argv[2]))
session = prepare_session(Resolved("tiny", config, ""), Path(sys.argv[1]), None, choice=worlds.CHOICE)
session.start()
session.join()
"""
SECTIONS = {"run": {"envs": 2, "epochs": 24}, "checkpoint": {"every_epochs": 1, "keep": 2}}


def run_whole(folder: Path, **sections) -> LocalSession:
    session = started(folder, **sections)
    session.join()
    return session


def started(folder: Path, **sections) -> LocalSession:
    config = worlds.tiny_config(**(SECTIONS | sections))
    session = prepare_session(Resolved("tiny", config, ""), folder, None, choice=worlds.CHOICE)
    session.start()
    return session


def finish(folder: Path) -> None:
    session = prepare_resume(folder, None)
    session.start()
    assert session.join().status == "done"


def assert_identical(a: Path, b: Path) -> None:
    assert deterministic(read_records(a)) == deterministic(read_records(b))
    one, other = ({p.name: p.read_bytes() for p in (f / "artefacts").glob("*.safetensors")} for f in (a, b))
    assert one
    assert one == other


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    run_whole(folder)
    return folder


@pytest.mark.parametrize("after", [4, 13])
def test_kill_9_and_resume(tmp_path, whole, after):
    folder = tmp_path / "run"
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen([sys.executable, "-c", CODE, str(folder), repr(SECTIONS)], cwd=root)
    until = time.monotonic() + 60.0
    while time.monotonic() < until and not any(p[1] >= after for p, _ in checkpoint_files(folder)):
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finish(folder)
    assert_identical(folder, whole)
    assert read_run(folder).resumed <= 1


def test_stopped_and_resumed_twice(tmp_path, whole):
    folder = tmp_path / "run"
    session = started(folder)
    for _ in range(2):
        session.submit(Stop())
        assert session.join().status == "stopped"
        session = prepare_resume(folder, None)
        session.start()
    assert session.join().status == "done"
    assert_identical(folder, whole)
    assert events_file(folder, 2).is_file()


def test_interventions_after_the_checkpoint_are_given_again(tmp_path):
    asked, folder = tmp_path / "asked", tmp_path / "run"
    hold = Override(0, WAIT, at_epoch=9, hold=3)

    def play(path: Path) -> LocalSession:
        session = started(path, checkpoint={"every_epochs": 0, "every_minutes": 0.0})
        session.submit(Pause())
        while session.progress().state != "paused":
            time.sleep(0.002)
        session.submit(Checkpoint())
        session.submit(hold)
        session.submit(Resume())
        return session

    play(asked).join()
    played = play(folder)
    played.join()
    events = events_file(folder, 0)
    lines = events.read_bytes().splitlines(keepends=True)
    cut = next(i for i, line in enumerate(lines) if b'"RoundEnded"' in line)
    events.write_bytes(b"".join(lines[:cut]))  # as if it had died before the end
    for path in (folder / "artefacts").iterdir():
        path.unlink()
    finish(folder)
    record = read_run(folder)
    fates = {e["fate"] for e in read_records(folder) if e["type"] == "InterventionChanged"}
    assert {"queued", "applied"} <= fates
    assert sum(d["by"] == "human" for d in record.round.decisions) == 3


def test_a_finished_run_and_one_without_checkpoints(tmp_path, whole):
    with pytest.raises(Busy, match="nothing left"):
        prepare_resume(whole, None)
    folder = tmp_path / "run"
    session = started(folder, checkpoint={"every_epochs": 0, "every_minutes": 0.0})
    session.abort()
    session.join()
    with pytest.raises(Incompatible, match="no usable checkpoint"):
        prepare_resume(folder, None)


def test_a_run_that_is_being_written_is_refused(tmp_path):
    folder = tmp_path / "run"
    session = started(folder)
    session.submit(Pause())
    while session.progress().state != "paused":
        time.sleep(0.002)
    with pytest.raises(Busy, match="being written by process"):
        RunFolder.reopen(folder, session.folder.resolved)
    session.abort()
    session.join()


def test_steered_over_its_socket(tmp_path, monkeypatch):
    (tmp_path / "sockets").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "sockets"))
    folder = tmp_path / "run"
    session = started(folder)
    remote = RemoteSession(folder, socket_of(folder))
    number = remote.submit(Pause())
    until = time.monotonic() + 20.0
    states: list[str] = []
    while "applied" not in states and time.monotonic() < until:
        states += [a.state for a in remote.poll()[0] if a.id == number]
        time.sleep(0.005)
    assert states == ["accepted", "applied"]
    assert session.progress().state == "paused"
    remote.submit(Stop())
    assert session.join().status == "stopped"
    remote.close()
    with pytest.raises(Busy, match="not running"):
        socket_of(folder)


def test_the_first_frame_after_a_resume_shows_the_state_at_the_checkpoint(tmp_path):
    """And the time that passed counts all parts of the run, not what lay between them."""
    folder = tmp_path / "run"
    session = started(folder, checkpoint={"every_epochs": 4, "every_minutes": 0.0})
    session.pace.before_s = 1000.0
    session.submit(Step(6))
    while session.progress().state != "paused":
        time.sleep(0.002)
    session.abort()  # epochs 5 and 6 lie behind the checkpoint
    session.join()
    again = prepare_resume(folder, None)
    source = LiveSource(again)
    source.advance()
    assert source.record.epoch.number == 4
    assert [e.number for e in source.record.rounds[0].epochs] == [1, 2, 3, 4]
    assert source.record.config["run"]["epochs"] == 24
    assert again.progress().epoch == 4
    assert 1000.0 < again.progress().elapsed_s < 1000.0 + PATIENCE_S
    again.start()
    assert again.join().status == "done"
    source.advance()
    assert [e.number for e in source.record.rounds[0].epochs] == list(range(1, 25))
    assert source.record.seconds > 1000.0


def test_resumed_without_a_screen_it_goes_on_with_its_table(tmp_path, capsys):
    from esper_tui.runtime.headless import run_headless

    folder = tmp_path / "run"
    session = started(folder)
    session.submit(Stop())
    session.join()
    assert run_headless(lambda: prepare_resume(folder, None), json=False) == 0
    out = capsys.readouterr().out
    assert "ep=24/24" in out
    assert "done in" in out
