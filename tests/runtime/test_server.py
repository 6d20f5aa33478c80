"""The socket of a run: who may connect, what is answered, and that nobody slows the run down."""

import contextlib
import os
import socket
import stat
import threading
import time
from collections import deque
from pathlib import Path

import pytest

from esper_tui.leyline.errors import Busy, CannotWrite
from esper_tui.leyline.session import Ack, Command, Pause, Progress, Step
from esper_tui.leyline.wire import MAX_MESSAGE, VERSION, decode, encode
from esper_tui.runtime import server as module
from esper_tui.runtime.server import MAX_CLIENTS, MAX_STRIKES, Server
from esper_tui.runtime.socketpath import check_owner, connect, socket_folder, socket_path

PATIENCE_S = 5.0


class Stub:
    """A session that applies everything at once."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.acks: deque[Ack] = deque()
        self.reports: list[str] = []
        self.seq = 3

    def submit(self, command: Command) -> int:
        self.commands.append(command)
        self.acks.append(Ack(len(self.commands), "applied", 7))
        return len(self.commands)

    def progress(self) -> Progress:
        return Progress(state="running", epoch=7)

    def listen_acks(self) -> deque[Ack]:
        return self.acks

    def report(self, state: str, text: str) -> None:
        self.reports.append(text)

    def last_seq(self) -> int:
        return self.seq


@pytest.fixture
def served(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    stub = Stub()
    made = Server(stub, "run-1", socket_path("run-1"))
    yield made, stub
    made.close()


def wait_for(condition) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)


class Wire:
    """A client that speaks raw lines."""

    def __init__(self, path: Path):
        self.link = connect(path)
        self.waiting = b""

    def send(self, **message) -> None:
        self.link.sendall(encode(message))

    def read(self, kind: str) -> dict:
        """The next message of a type."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            while b"\n" in self.waiting:
                line, self.waiting = self.waiting.split(b"\n", 1)
                if (message := decode(line))["type"] == kind:
                    return message
            data = self.link.recv(65536)
            if not data:
                raise ConnectionResetError
            self.waiting += data
        raise AssertionError(f"no {kind} came")

    def hello(self) -> dict:
        self.send(type="hello", version=VERSION)
        return self.read("hello")


def test_hello_command_ack_progress_and_log(served):
    made, stub = served
    wire = Wire(made.path)
    assert wire.hello() == {"type": "hello", "version": VERSION, "run": "run-1", "role": "control"}
    assert wire.read("log")["seq"] == 3
    assert wire.read("progress")["progress"]["epoch"] == 7
    wire.send(type="command", command={"name": "Step", "epochs": 2}, mark=41)
    assert wire.read("submitted") == {"type": "submitted", "id": 1, "mark": 41}
    assert wire.read("ack")["ack"]["state"] == "applied"
    assert stub.commands == [Step(2)]


def test_the_first_writer_holds_the_lease_until_it_leaves(served):
    made, stub = served
    first, second = Wire(made.path), Wire(made.path)
    first.hello()
    first.send(type="command", command={"name": "Pause"})
    first.read("submitted")
    assert second.hello()["role"] == "watch"
    second.send(type="command", command={"name": "Resume"}, mark=5)
    refused = second.read("refused")
    assert "another terminal holds control" in refused["reason"]
    assert refused["mark"] == 5
    first.link.close()
    wait_for(lambda: made.lease is None)
    second.send(type="command", command={"name": "Resume"})
    second.read("submitted")
    assert stub.commands[0] == Pause()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"nonsense\n", "not JSON"),
        (b"[1,2]\n", "without a type"),
        (b'{"type":"fly"}\n', "unknown message 'fly'"),
        (b'{"type":"command","command":{"name":"Pause"}}\n', "say hello first"),
        (b'{"type":"hello","version":99}\n', "speaks version"),
    ],
)
def test_bad_lines_are_refused_and_counted(served, line, sentence):
    made, stub = served
    wire = Wire(made.path)
    wire.link.sendall(line)
    assert sentence in wire.read("refused")["reason"]
    assert made.counters.refused == 1
    assert not stub.commands


def test_too_many_strikes_end_the_connection(served):
    made, _ = served
    wire = Wire(made.path)
    wire.link.sendall(b"x\n" * MAX_STRIKES)
    with pytest.raises(OSError):
        wire.read("never")
    assert made.counters.refused == MAX_STRIKES


def test_an_endless_line_ends_the_connection(served):
    made, _ = served
    wire = Wire(made.path)
    with contextlib.suppress(OSError):
        for _ in range(8):
            wire.link.sendall(b"x" * MAX_MESSAGE)
    wait_for(lambda: made.counters.dropped)
    assert made.counters.dropped == 1
    assert not made.clients


def test_too_fast_is_refused(served, monkeypatch):
    made, stub = served
    monkeypatch.setattr(made, "clock", lambda: 100.0)
    wire = Wire(made.path)
    wire.hello()
    for _ in range(60):
        wire.send(type="command", command={"name": "Step"})
    assert "more than 50 messages" in wire.read("refused")["reason"]
    wait_for(lambda: made.counters.refused == 11)
    assert len(stub.commands) == 49  # the hello counts too


def test_a_client_that_does_not_read_is_let_go(served, monkeypatch):
    made, _ = served
    monkeypatch.setattr(module, "MAX_BUFFER", 1)
    wire = Wire(made.path)
    wire.send(type="hello", version=VERSION)
    wait_for(lambda: made.counters.dropped)
    assert made.counters.dropped == 1
    assert not made.clients


def test_whoever_gives_a_name_is_told_of_and_counted(served):
    made, stub = served
    wire, script = Wire(made.path), Wire(made.path)
    wire.send(type="hello", version=VERSION, who="ann@here\x1b[2J" + "x" * 200)
    wire.read("hello")
    script.hello()
    assert made.visitors().clients == 2
    wire.link.close()
    wait_for(lambda: len(stub.reports) == 2)
    name = "ann@here[2J" + "x" * 68
    assert stub.reports == [f"{name} attached", f"{name} left"], "printable and short; scripts come and go unnamed"


def test_at_most_eight_clients(served):
    made, _ = served
    wires = [Wire(made.path) for _ in range(MAX_CLIENTS)]
    for wire in wires:
        wire.hello()
    late = Wire(made.path)
    with pytest.raises(OSError):
        late.hello()


def test_the_socket_is_private_and_goes_with_the_server(served):
    made, _ = served
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) & 0o077 == 0
    made.close()
    assert not made.path.exists()
    assert not any(t.name == "attach" for t in threading.enumerate())


def test_nobody_listens(tmp_path):
    with pytest.raises(Busy, match="no run listens"):
        connect(tmp_path / "none.sock")
    dead = tmp_path / "dead.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(dead))
    left.close()
    dead.chmod(0o600)
    with pytest.raises(Busy, match="does not answer"):
        connect(dead)


def test_foreign_and_open_paths_are_not_trusted(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_text("")
    path.chmod(0o666)
    with pytest.raises(CannotWrite, match="others may enter"):
        check_owner(path)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(CannotWrite, match="is a link"):
        check_owner(link)
    path.chmod(0o600)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(CannotWrite, match="another user"):
        check_owner(path)


def test_without_a_runtime_folder_the_temporary_one_is_private(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert stat.S_IMODE(socket_folder().stat().st_mode) == 0o700
