"""A real terminal for tests: the program on a pseudo-terminal, and a screen that shows what it draws."""

import os
import signal
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyte

ESPER = Path(sys.executable).with_name("esper")
PATIENCE_S = 60.0
"""Long enough for a busy machine; nothing here is timed."""
KEPT = ("PATH", "HOME", "ESPER_RUNS_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")


class Terminal:
    """``esper`` with arguments on a terminal of so many cells.

    Attributes:
        raw: every byte that the program wrote.
        screen: what they look like.
    """

    def __init__(self, *args: str, size: tuple[int, int] = (80, 24), program: list[str] | None = None, **environ: str):
        columns, lines = size
        self.screen, self.raw = pyte.Screen(columns, lines), b""
        self.stream = pyte.ByteStream(self.screen)
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        env = kept | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"} | environ
        first, *rest = [*(program or [str(ESPER)]), *args]
        self.child = pexpect.spawn(first, rest, env=env, dimensions=(lines, columns), timeout=PATIENCE_S)
        self.child.delaybeforesend = None

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self) -> bool:
        """Takes in what was written; returns whether the program still writes."""
        try:
            part = self.child.read_nonblocking(65536, timeout=0.05)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += part
        self.stream.feed(part)
        return True

    def wait(self, *words: str) -> str:
        """Reads until all words are on the screen; returns what it shows then."""
        return self.wait_until(lambda: all(word in self.text for word in words), f"{words} to be shown")

    def wait_until(self, seen: Callable[[], bool], what: str) -> str:
        until = time.monotonic() + PATIENCE_S
        while not seen():
            if not self.read() or time.monotonic() > until:
                raise AssertionError(f"waited in vain for {what}; the screen shows\n{self.text}")
        return self.text

    def press(self, keys: str) -> None:
        self.child.send(keys)

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        self.child.setwinsize(lines, columns)

    def attributes(self) -> list:
        """What the terminal does with what is typed: echo, lines, signals."""
        return termios.tcgetattr(self.child.child_fd)

    def end(self) -> int:
        """Reads to the end; returns the exit code."""
        until = time.monotonic() + PATIENCE_S
        while self.read():
            assert time.monotonic() < until, f"the program does not end; the screen shows\n{self.text}"
        self.left = self.attributes()
        return self.child.wait()

    def hang_up(self) -> None:
        """Closes the terminal under the program."""
        self.child.ptyproc.fileobj.close()

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
            self.child.wait()
        self.child.ptyproc.fileobj.close()
