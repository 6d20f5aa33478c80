"""One process writes a run folder; the dead do not block it."""

import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest

from esper_tui.leyline.errors import Busy, CannotWrite
from esper_tui.leyline.folder import LOCK_FILE
from esper_tui.runtime.lock import STALE_AFTER_S, RunLock, holder

RACE = """
import sys
from pathlib import Path
from esper_tui.leyline.errors import Busy
from esper_tui.runtime.lock import RunLock
print("ready", flush=True)
sys.stdin.readline()
try:
    RunLock(Path(sys.argv[1]))
    print("mine", flush=True)
except Busy:
    print("busy", flush=True)
sys.stdin.readline()
"""


def write_lock(folder, **changes) -> None:
    me = psutil.Process()
    document = {"host": socket.gethostname(), "pid": me.pid, "started": me.create_time(), "heartbeat": time.time()}
    (folder / LOCK_FILE).write_text(json.dumps(document | changes))


def test_a_lock_is_taken_held_and_given_back(tmp_path):
    assert holder(tmp_path) is None
    lock = RunLock(tmp_path)
    assert (
        holder(tmp_path)
        == f"{tmp_path} is being written by process {os.getpid()} on {socket.gethostname()}; stop it first"
    )
    with pytest.raises(Busy, match="is being written by process"):
        RunLock(tmp_path)
    lock.release()
    assert holder(tmp_path) is None
    RunLock(tmp_path).release()


def test_the_lock_says_who_and_since_when(tmp_path):
    RunLock(tmp_path)
    document = json.loads((tmp_path / LOCK_FILE).read_text())
    assert document["pid"] == os.getpid()
    assert document["started"] == pytest.approx(psutil.Process().create_time())


def test_the_heart_beats(tmp_path):
    lock = RunLock(tmp_path)
    write_lock(tmp_path, heartbeat=0.0)
    lock.beat()
    assert json.loads((tmp_path / LOCK_FILE).read_text())["heartbeat"] > time.time() - 60


def test_the_lock_of_a_dead_process_is_replaced(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    write_lock(tmp_path, pid=child.pid)
    RunLock(tmp_path)
    assert json.loads((tmp_path / LOCK_FILE).read_text())["pid"] == os.getpid()


def test_a_process_that_got_the_number_of_a_dead_one_holds_nothing(tmp_path):
    write_lock(tmp_path, started=psutil.Process().create_time() - 1000)
    assert holder(tmp_path) is None


def test_a_lock_of_another_host_is_believed_while_its_heart_beats(tmp_path):
    write_lock(tmp_path, host="elsewhere")
    assert "on elsewhere; go to that host or wait until its heartbeat is 60 s old" in holder(tmp_path)
    with pytest.raises(Busy):
        RunLock(tmp_path)
    with pytest.raises(Busy, match="on elsewhere"):
        RunLock(tmp_path, take_over=True)


def test_a_silent_lock_of_another_host_is_taken_over_when_that_is_said(tmp_path):
    """Whether that process lives cannot be known from here; its heart has stopped, or its clock is another one."""
    write_lock(tmp_path, host="elsewhere", pid=77, heartbeat=time.time() - STALE_AFTER_S - 1)
    assert holder(tmp_path) is None
    with pytest.raises(Busy, match=r"by process 77 on elsewhere, silent for 6\d s; .* add --take-over"):
        RunLock(tmp_path)
    RunLock(tmp_path, take_over=True)
    assert json.loads((tmp_path / LOCK_FILE).read_text())["pid"] == os.getpid()


RUBBISH = ["", "{", "[]", "3", '{"pid": 1}', "[" * 100_000]
NUMBERS = [{"pid": -1}, {"pid": 10**30}, {"pid": "x"}, {"started": "never"}, {"heartbeat": None}]


@pytest.mark.parametrize("text", RUBBISH)
def test_a_lock_of_rubbish_holds_nothing(tmp_path, text):
    (tmp_path / LOCK_FILE).write_text(text)
    assert holder(tmp_path) is None
    RunLock(tmp_path).release()


@pytest.mark.parametrize("changes", NUMBERS)
def test_a_lock_with_impossible_numbers_holds_nothing(tmp_path, changes):
    write_lock(tmp_path, **changes)
    assert holder(tmp_path) is None


def test_a_lock_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(document, file):
        file.write("{")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("esper_tui.runtime.lock.json.dump", full)
    with pytest.raises(CannotWrite, match=r"lock.json: No space left on device; choose another --run-dir"):
        RunLock(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_place_of_the_lock_is_one_sentence(tmp_path):
    (tmp_path / LOCK_FILE).mkdir()
    with pytest.raises(CannotWrite, match=r"cannot write .*lock.json"):
        RunLock(tmp_path)


def test_who_replaces_a_dead_lock_waits_for_whoever_does_so_just_now(tmp_path):
    """Else both would find the lock dead, and the second would throw away what the first has made."""
    write_lock(tmp_path, started=1.0)
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    outcome = []

    def take():
        try:
            outcome.append(RunLock(tmp_path))
        except Busy as error:
            outcome.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join(0.1)
    assert outcome == []
    write_lock(tmp_path)
    os.close(other)
    thread.join(30)
    assert isinstance(outcome[0], Busy)


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_that_want_it_at_once_one_gets_it(tmp_path, stale):
    if stale:
        write_lock(tmp_path, started=1.0)
    children = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    answers = sorted(child.stdout.readline().strip() for child in children)
    for child in children:
        child.communicate("\n", timeout=60)
    assert answers == ["busy", "busy", "busy", "mine"]
