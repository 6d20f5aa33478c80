"""Both ends of a run's socket, spoken to by somebody who does not keep to the protocol."""

import contextlib
import json
import socket
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from esper_tui.bench.mutations import Rng, broken, line_of, mangled
from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.session import (
    Ack,
    Breakpoint,
    Cancel,
    Checkpoint,
    Command,
    Note,
    Override,
    Pause,
    Progress,
    Step,
    Stop,
)
from esper_tui.leyline.wire import (
    VERSION,
    ack_document,
    command_document,
    decode,
    encode,
    load_command,
    progress_document,
)
from esper_tui.runtime.remote import RemoteSession
from esper_tui.runtime.server import Server
from esper_tui.runtime.socketpath import socket_path

COMMANDS: tuple[Command, ...] = (
    Pause(), Pause("batch"), Step(2), Stop(), Checkpoint(), Note("x"), Cancel(1), Breakpoint("stage", "HOLDING", 1),
    Override(0, Decision(op=Op.PRUNE, slot="r0c0", alpha_speed="FAST", alpha_curve="LINEAR")),
)  # fmt: skip
ANSWERS: tuple[dict[str, Any], ...] = (
    {"type": "hello", "version": VERSION, "run": "r", "role": "control"}, {"type": "log", "seq": 7},
    {"type": "submitted", "id": 1, "mark": 1}, {"type": "refused", "reason": "no", "mark": 2},
    ack_document(Ack(1, "applied", 7)), progress_document(Progress("running", epoch=3)),
)  # fmt: skip
PATIENCE_S = 20.0
BURST = 8
"""Broken messages on one connection: fewer than end it."""


class Stub:
    """A session that takes every command that reaches it."""

    def __init__(self) -> None:
        self.acks: deque[Ack] = deque()

    def submit(self, command: Command) -> int:
        return 1

    def progress(self) -> Progress:
        return Progress("running", epoch=7)

    def listen_acks(self) -> deque[Ack]:
        return self.acks

    def last_seq(self) -> int:
        return 3


def broken_command(rng: Rng) -> bytes:
    message = {"type": "command", "command": command_document(rng.choice(COMMANDS)), "mark": 1}
    return line_of(mangled(message, rng)) if rng.random() < 0.7 else broken(encode(message), rng)


def broken_answer(rng: Rng) -> bytes:
    message = rng.choice(ANSWERS)
    return line_of(mangled(message, rng)) if rng.random() < 0.7 else broken(encode(message), rng)


def take_command(rng: Rng) -> None:
    """What the server does with a line, without the socket."""
    message = decode(broken_command(rng))
    load_command(message.get("command"))


class Links:
    """A server with a stub behind it, and a client with an impostor before it.

    What a thread dies of is kept in ``died``.
    """

    def __init__(self, folder: Path):
        self.folder, self.died = folder, list[str]()
        self.server = Server(Stub(), "fuzz", socket_path("fuzz"))  # type: ignore[arg-type]  # as much as is asked of it
        self.impostor = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.place = socket_path("impostor")
        self.place.unlink(missing_ok=True)
        self.impostor.bind(str(self.place))
        self.place.chmod(0o600)
        self.impostor.listen(1)
        self.hook, threading.excepthook = threading.excepthook, self._note

    def _note(self, args: Any) -> None:
        self.died.append(
            f"thread {args.thread.name if args.thread else '?'}: {args.exc_type.__name__}: {args.exc_value}"
        )

    def close(self) -> None:
        threading.excepthook = self.hook
        self.server.close()
        self.impostor.close()
        self.place.unlink(missing_ok=True)

    def _raise_deaths(self) -> None:
        if self.died:
            raise RuntimeError(self.died.pop())

    def to_server(self, rng: Rng) -> None:
        """Broken messages in a burst, then one that is right: it must be answered on a connection of its own."""
        with self._client() as link:
            link.sendall(b"".join(broken_command(rng) for _ in range(BURST)))
            link.sendall(b"\n")
        with self._client() as link:
            link.sendall(encode({"type": "hello", "version": VERSION}))
            answer = link.makefile("rb").readline()
        self._raise_deaths()
        if json.loads(answer)["type"] != "hello":
            raise RuntimeError(f"the server answered {answer[:80]!r}")

    @contextlib.contextmanager
    def _client(self) -> Any:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(PATIENCE_S)
        link.connect(str(self.server.path))
        try:
            yield link
        except (BrokenPipeError, ConnectionResetError):  # shown the door meanwhile
            pass
        finally:
            link.close()

    def to_client(self, rng: Rng) -> None:
        """A run that answers nonsense: the client goes on or ends its connection, and says so."""
        answers = b"".join(broken_answer(rng) for _ in range(BURST))
        served = threading.Thread(target=self._answer, args=(answers,), daemon=True)
        served.start()
        session = RemoteSession(self.folder, self.place)
        session.submit(Pause())
        until = time.monotonic() + PATIENCE_S
        while not session.ended and session.thread.is_alive() and time.monotonic() < until:
            time.sleep(0.001)
        session.poll()
        session.progress()
        session.close()
        served.join(PATIENCE_S)
        self._raise_deaths()
        if not session.ended:
            raise RuntimeError("the client did not notice that the connection had ended")

    def _answer(self, answers: bytes) -> None:
        link, _ = self.impostor.accept()
        with link, contextlib.suppress(OSError):
            link.sendall(encode(ANSWERS[0]) + answers + b"\n")
