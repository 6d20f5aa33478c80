"""The hub and its log: what is written, when, and what a failing disk costs."""

import errno
import json
import math
import os
import threading

import pytest

from esper_tui.leyline.errors import CannotWrite
from esper_tui.leyline.events import AlertRaised, SessionChanged, TestMeasured, rounded
from esper_tui.nissa.hub import Hub, Listener
from esper_tui.nissa.log import EventLog


@pytest.fixture
def log(tmp_path):
    made = EventLog(tmp_path / "events-000.jsonl")
    yield made
    if not made.ended.is_set():
        made.close()


def lines(log: EventLog) -> list[dict]:
    return [json.loads(line) for line in log.path.read_text().splitlines()]


def note(text: str = "x") -> SessionChanged:
    return SessionChanged(epoch=1, state="note", text=text)


def test_floats_keep_six_digits_and_what_is_not_finite_becomes_a_word():
    values = [1 / 3, 123456789.0, 1e-12 / 3, -0.5, math.nan, math.inf, -math.inf]
    assert rounded(values) == [0.333333, 123457000.0, 3.33333e-13, -0.5, "NaN", "Infinity", "-Infinity"]
    assert rounded({"a": (2 / 3, {"b": math.nan}), 3: 7}) == {"a": [0.666667, {"b": "NaN"}], "3": 7}


def test_a_listener_and_the_log_see_the_same_rounded_numbers(log):
    hub = Hub(log, clock=lambda: 1234.56789)
    seen = hub.listen()
    hub.emit(TestMeasured(rows=[{"env": 0, "acc": 2 / 3, "loss": math.nan}], summary={"low": -math.inf, "n": 3}))
    hub.emit(AlertRaised(round=0, epoch=2, env=1, rule="nan", text="Δ loss – schön"))
    hub.flush()
    live = seen.drain()
    assert live == lines(log)
    assert live[0]["rows"] == [{"env": 0, "acc": 0.666667, "loss": "NaN"}]
    assert live[0]["summary"] == {"low": "-Infinity", "n": 3}
    assert [record["t"] for record in live] == [1234.568, 1234.568]
    assert ("env" in live[0], live[1]["env"]) == (False, 1)


def test_a_log_is_json_that_every_reader_takes(finished_run):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    for line in (finished_run.folder / "events-000.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)


def test_numbers_rise_by_one(log):
    hub = Hub(log, first=7)
    for _ in range(5):
        hub.emit(note())
    hub.close()
    assert [record["seq"] for record in lines(log)] == [7, 8, 9, 10, 11]


def alert(epoch: int) -> AlertRaised:
    return AlertRaised(round=0, epoch=epoch, env=0, rule="stalled", text="x")


def test_nothing_is_written_before_the_boundary_and_everything_in_one_piece(log, monkeypatch):
    written = []
    write = os.write
    monkeypatch.setattr("esper_tui.nissa.log.os.write", lambda fd, data: written.append(data) or write(fd, data))
    hub = Hub(log)
    hub.emit(alert(1))
    hub.emit(alert(2))
    assert log.path.read_bytes() == b""
    hub.flush()
    assert [data.count(b"\n") for data in written] == [2]


def test_a_listener_sees_nothing_that_is_not_in_the_log_yet(log):
    """What somebody has seen must survive the death of the process."""
    hub = Hub(log)
    seen = hub.listen()
    hub.emit(alert(1))
    assert seen.drain() == []
    hub.flush()
    assert seen.drain() == lines(log)


def test_what_happens_to_the_session_is_told_at_once_and_in_order(log):
    hub = Hub(log)
    seen = hub.listen()
    hub.emit(alert(1))
    hub.emit(note())
    assert [record["seq"] for record in seen.drain()] == [record["seq"] for record in lines(log)] == [0, 1]


def test_a_listener_is_told_although_the_disk_is_full(log, monkeypatch):
    def full(fd, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    hub = Hub(log)
    seen = hub.listen()
    hub.emit(alert(1))
    monkeypatch.setattr("esper_tui.nissa.log.os.write", full)
    with pytest.raises(CannotWrite):
        hub.flush()
    assert len(seen.drain()) == 1
    assert log.path.read_bytes() == b""


def test_a_write_that_the_system_splits_is_finished(log, monkeypatch):
    write = os.write
    monkeypatch.setattr("esper_tui.nissa.log.os.write", lambda fd, data: write(fd, data[:5]))
    log.write("0123456789\nabc\n")
    assert log.path.read_text() == "0123456789\nabc\n"


def test_a_full_disk_leaves_whole_lines_only(log, monkeypatch):
    log.write("first\n")
    write, room = os.write, [4]

    def full(fd, data):
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = write(fd, data[: room[0]])
        room[0] -= count
        return count

    monkeypatch.setattr("esper_tui.nissa.log.os.write", full)
    with pytest.raises(CannotWrite, match=r"cannot write .*events-000.jsonl: No space left on device; free some space"):
        log.write("second\nthird\n")
    assert log.path.read_text() == "first\n"
    room[0] = 100
    log.write("fourth\n")
    assert log.path.read_text() == "first\nfourth\n"


def test_closing_on_a_full_disk_ends_the_helper_thread(log, monkeypatch):
    def full(fd, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    hub = Hub(log)
    hub.emit(alert(1))
    monkeypatch.setattr("esper_tui.nissa.log.os.write", full)
    with pytest.raises(CannotWrite):
        hub.close()
    assert not log.helper.is_alive()


def test_a_log_is_never_written_over(log):
    with pytest.raises(CannotWrite, match="File exists"):
        EventLog(log.path)


def test_a_log_in_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CannotWrite, match="No such file or directory; choose another --run-dir"):
        EventLog(tmp_path / "nosuch" / "events-000.jsonl")


def test_the_helper_brings_the_log_onto_the_disk_and_beats(tmp_path, monkeypatch):
    monkeypatch.setattr("esper_tui.nissa.log.SYNC_EVERY_S", 0.001)
    synced, beaten = threading.Event(), threading.Event()
    fsync = os.fsync
    monkeypatch.setattr("esper_tui.nissa.log.os.fsync", lambda fd: synced.set() or fsync(fd))
    made = EventLog(tmp_path / "x.jsonl", beaten.set)
    assert synced.wait(10)
    assert beaten.wait(10)
    made.close()


def test_a_heartbeat_that_fails_does_not_end_the_helper(tmp_path, monkeypatch):
    monkeypatch.setattr("esper_tui.nissa.log.SYNC_EVERY_S", 0.001)
    count, often = [0], threading.Event()

    def beat():
        count[0] += 1
        if count[0] > 3:
            often.set()
        raise OSError(errno.ENOSPC, "full")

    made = EventLog(tmp_path / "x.jsonl", beat)
    assert often.wait(10)
    made.close()


def test_a_listener_that_nobody_reads_forgets_the_oldest_and_counts():
    listener = Listener(limit=3)
    for i in range(5):
        listener.put({"seq": i})
    assert ([record["seq"] for record in listener.drain()], listener.dropped) == ([2, 3, 4], 2)
    assert listener.drain() == []


def test_a_hub_without_a_log_still_tells_its_listeners():
    hub = Hub(None)
    seen = hub.listen()
    hub.emit(note())
    hub.flush()
    hub.close()
    assert len(seen.drain()) == 1
    assert hub.untold == []
