"""The screen on a pseudo-terminal inside this process, so that training, drawing and typing are measured together."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from textual.pilot import Pilot

from esper_tui.sanctum.app import EsperApp
from esper_tui.sanctum.settings import Settings

COLUMNS, LINES = 120, 40
TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
PATIENCE_S = 5.0
HIDDEN = ("COLUMNS", "LINES", "NO_COLOR", "CI")


class Terminal:
    """The other end of the pseudo-terminal: a thread reads what is drawn, keys can be typed.

    Attributes:
        written: bytes drawn so far.
    """

    def __init__(self) -> None:
        self.near, self.far = pty.openpty()
        set_size(self.far)
        self.written, self.lock = 0, threading.Lock()
        self.recent, self.found_at = b"", 0.0
        self.wanted: re.Pattern[bytes] | None = None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self.near, 65536)
            except OSError:
                return
            with self.lock:
                self.written += len(part)
                if self.wanted is not None:
                    self.recent += part
                    if self.wanted.search(self.recent):
                        self.found_at, self.wanted = time.perf_counter(), None

    def expect(self, pattern: bytes) -> None:
        """From here on, ``found_at`` becomes the moment when something is drawn that matches."""
        with self.lock:
            self.recent, self.wanted, self.found_at = b"", re.compile(pattern, re.DOTALL), 0.0

    async def answer_s(self, keys: bytes, pattern: bytes) -> float:
        """Types, and gives the seconds until something is drawn that matches.

        Raises:
            TimeoutError: if nothing is.
        """
        self.expect(pattern)
        began = time.perf_counter()
        os.write(self.near, keys)
        while self.wanted is not None:
            if time.perf_counter() - began > PATIENCE_S:
                raise TimeoutError(f"no answer to {keys!r}")
            await asyncio.sleep(0.05)
        return self.found_at - began

    def close(self) -> None:
        os.close(self.far)
        os.close(self.near)


def set_size(descriptor: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))


@contextmanager
def on_stage() -> Iterator[Terminal]:
    """This process draws into a pseudo-terminal of 120x40 for a while; everything else goes where it went before."""
    terminal = Terminal()
    streams, environ = (sys.__stdin__, sys.__stdout__, sys.__stderr__), dict(os.environ)
    reader, writer = os.fdopen(os.dup(terminal.far)), os.fdopen(os.dup(terminal.far), "w", encoding="utf-8")
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = reader, writer, writer  # type: ignore[misc]  # what the driver uses
    os.environ.update(TERMINAL)
    for name in HIDDEN:
        os.environ.pop(name, None)
    try:
        yield terminal
    finally:
        sys.__stdin__, sys.__stdout__, sys.__stderr__ = streams  # type: ignore[misc]
        os.environ.clear()
        os.environ.update(environ)
        reader.close()
        writer.close()
        terminal.close()


Plan = Callable[[EsperApp], Awaitable[None]]


def perform(session: Any, plan: Plan) -> None:
    """Shows a session, carries out the plan beside it on the application's own loop, and leaves.

    What goes wrong in the plan is raised here.
    """
    app = EsperApp(None, session, settings=Settings(glyphs="unicode", theme="esper-dark"))
    failed: list[BaseException] = []

    async def play(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        try:
            await plan(app)
        except BaseException as error:
            failed.append(error)
        finally:
            app.exit()

    app.run(mouse=False, auto_pilot=play)
    for error in failed:
        raise error
    if app.failure:
        raise RuntimeError(app.failure)
