"""A running run seen from another process: the log is read, commands go over the socket.  Imports no torch."""

import contextlib
import itertools
import os
import socket
import threading
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

from esper_tui.karn.tail import Tail
from esper_tui.leyline.errors import Busy
from esper_tui.leyline.session import Ack, Command, Progress, Role
from esper_tui.leyline.wire import (
    MAX_MESSAGE,
    VERSION,
    BadMessage,
    command_document,
    decode,
    encode,
    load_ack,
    load_progress,
)
from esper_tui.runtime.lock import holder
from esper_tui.runtime.socketpath import connect

NOT_UNDERSTOOD = (BadMessage, LookupError, TypeError, ValueError, OverflowError)
"""What a message raises that is not what this program says."""
LOOK_EVERY_S = 1.0
"""How often the lock is looked at once the connection is closed."""


class RemoteSession:
    """A ``leyline.session.Session`` over a socket.

    Args:
        who: the name under which the log tells of this terminal; scripts leave it empty and are not told of.

    Raises:
        Busy: if nobody listens there or the run speaks another version.
    """

    attached = True

    def __init__(self, folder: Path, path: Path, who: str = ""):
        self.path: Path | None = folder
        self.folder, self.looked = folder, -LOOK_EVERY_S
        self.tail, self.link = Tail(folder), connect(path)
        self.role: Role = "control"
        self.latest, self.ended = Progress(), False
        self.acks: deque[Ack] = deque()
        self.marks, self.numbers = itertools.count(1), dict[int, int]()
        self.greeted = threading.Event()
        self.refusal = ""
        self.thread = threading.Thread(target=self._listen, name="remote", daemon=True)
        self.thread.start()
        self._send({"type": "hello", "version": VERSION, "who": who})
        if not self.greeted.wait(2.0):
            self.close()
            raise Busy(self.refusal or f"the run on {path} does not answer")

    def submit(self, command: Command) -> int:
        """Number of the command on this side; its acknowledgements carry it."""
        mark = next(self.marks)
        if self.ended or not self._send({"type": "command", "command": command_document(command), "mark": mark}):
            self.acks.append(Ack(mark, "rejected", reason="the connection to the run is closed"))
        return mark

    def poll(self) -> tuple[list[Ack], list[dict[str, Any]]]:
        return [self.acks.popleft() for _ in range(len(self.acks))], self.tail.read()

    def progress(self) -> Progress:
        """The latest that came; a run whose process is gone has ended, though it could not say so."""
        now = time.monotonic()
        if self.ended and self.latest.state != "ended" and now - self.looked >= LOOK_EVERY_S:
            self.looked = now
            if holder(self.folder) is None:
                self.latest = replace(self.latest, state="ended")
        return self.latest

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.link.shutdown(socket.SHUT_RDWR)
        self.link.close()

    # --- the thread --------------------------------------------------------------------------------------------

    def _send(self, message: dict[str, Any]) -> bool:
        try:
            self.link.sendall(encode(message))
        except OSError:
            return False
        return True

    def _listen(self) -> None:
        waiting = bytearray()
        self.link.settimeout(None)
        while data := self._receive():
            waiting += data
            while (end := waiting.find(b"\n")) >= 0:
                line = bytes(waiting[: end + 1])
                del waiting[: end + 1]
                with contextlib.suppress(*NOT_UNDERSTOOD):
                    self._take(decode(line))
            if len(waiting) > MAX_MESSAGE:
                break
        self.ended = True

    def _receive(self) -> bytes:
        try:
            return self.link.recv(MAX_MESSAGE)
        except OSError:
            return b""

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "hello":
            self.role = "control" if message.get("role") == "control" else "watch"
            self.greeted.set()
        elif kind == "progress":
            self.latest = load_progress(message)
        elif kind == "submitted":
            self.numbers[message["id"]] = message["mark"]
        elif kind == "ack":
            ack = load_ack(message)
            mark = self.numbers.get(ack.id, ack.id)
            self.acks.append(Ack(mark, ack.state, ack.epoch, ack.reason, ack.intervention))
        elif kind == "refused":
            self.refusal = str(message.get("reason"))
            self.acks.append(Ack(int(message.get("mark") or 0), "rejected", reason=self.refusal))


def author() -> str:
    """Who gives a command: user, host, and whether over SSH."""
    user = os.environ.get("USER") or str(os.getuid())
    return f"{user}@{socket.gethostname()}" + ("/ssh" if os.environ.get("SSH_CONNECTION") else "")
