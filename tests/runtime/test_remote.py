"""A run seen over its socket: the same session, from another process."""

import json
import time
from collections import deque

import pytest

from esper_tui.leyline.errors import Busy
from esper_tui.leyline.folder import events_file
from esper_tui.leyline.session import Ack, Command, Pause, Progress, Step
from esper_tui.runtime.remote import RemoteSession
from esper_tui.runtime.server import Server
from esper_tui.runtime.socketpath import socket_path

PATIENCE_S = 5.0


class Stub:
    """A session that applies everything at once; its numbers start at 100."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.acks: deque[Ack] = deque()
        self.reports: list[str] = []

    def submit(self, command: Command) -> int:
        self.commands.append(command)
        number = 99 + len(self.commands)
        self.acks.extend([Ack(number, "accepted"), Ack(number, "applied", 7)])
        return number

    def progress(self) -> Progress:
        return Progress(state="paused", epoch=7)

    def listen_acks(self) -> deque[Ack]:
        return self.acks

    def report(self, state: str, text: str) -> None:
        self.reports.append(text)

    def last_seq(self) -> int:
        return 0


@pytest.fixture
def served(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir(mode=0o700)
    events_file(tmp_path, 0).write_text(
        json.dumps({"seq": 0, "t": 1.0, "type": "SessionChanged", "round": None, "epoch": 0, "state": "running"}) + "\n"
    )
    stub = Stub()
    made = Server(stub, "run-1", socket_path("run-1"))
    yield tmp_path, made, stub
    made.close()


def collect(session: RemoteSession, wanted) -> list[Ack]:
    """Acknowledgements until there are enough."""
    found: list[Ack] = []
    until = time.monotonic() + PATIENCE_S
    while not wanted(found) and time.monotonic() < until:
        found += session.poll()[0]
        time.sleep(0.01)
    return found


def test_commands_acks_events_and_progress(served):
    folder, made, stub = served
    session = RemoteSession(folder, made.path)
    assert session.role == "control"
    assert session.poll()[1][0]["type"] == "SessionChanged"
    first, second = session.submit(Pause()), session.submit(Step(2))
    acks = collect(session, lambda found: len(found) >= 4)
    assert [(a.id, a.state) for a in acks] == [
        (first, "accepted"), (first, "applied"), (second, "accepted"), (second, "applied"),
    ]  # fmt: skip
    assert stub.commands == [Pause(), Step(2)]
    until = time.monotonic() + PATIENCE_S
    while session.progress().epoch != 7 and time.monotonic() < until:
        time.sleep(0.01)
    assert session.progress().state == "paused"
    session.close()


def test_a_second_terminal_is_told_that_it_only_looks(served):
    folder, made, _ = served
    first = RemoteSession(folder, made.path)
    first.submit(Pause())
    collect(first, lambda found: len(found) >= 2)
    second = RemoteSession(folder, made.path)
    assert second.role == "watch"
    number = second.submit(Step(1))
    acks = collect(second, bool)
    assert (acks[0].id, acks[0].state) == (number, "rejected")
    assert "another terminal" in acks[0].reason
    first.close()
    second.close()


def test_a_run_that_ends_closes_the_connection(served):
    folder, made, _ = served
    session = RemoteSession(folder, made.path)
    made.close()
    until = time.monotonic() + PATIENCE_S
    while not session.ended and time.monotonic() < until:
        time.sleep(0.01)
    session.submit(Pause())
    assert "closed" in collect(session, bool)[-1].reason


def test_nobody_there(tmp_path):
    with pytest.raises(Busy, match="no run listens"):
        RemoteSession(tmp_path, tmp_path / "none.sock")


def test_a_hundred_clients_leave_nothing_behind(served):
    folder, made, _ = served
    for _ in range(100):
        RemoteSession(folder, made.path).close()
    until = time.monotonic() + PATIENCE_S
    while made.clients and time.monotonic() < until:
        time.sleep(0.01)
    assert not made.clients
    assert made.lease is None
