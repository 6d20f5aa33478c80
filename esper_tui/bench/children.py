"""The program in processes of its own that start in a moment: forked from a server that has imported everything.

What runs in a child is ``esper`` as a person starts it, from its command line to its exit code; only the two seconds of
imports are spared.  A child leads a session of its own, on a terminal if it is given one.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

CONTEXT = multiprocessing.get_context("forkserver")
WARM = (
    "torch", "torch._dynamo", "scipy.stats", "esper_tui.cli.app", "esper_tui.evidence.examine", "esper_tui.sanctum.app",
    "esper_tui.runtime.headless", "esper_tui.runtime.rerun", "esper_tui.runtime.resume", "esper_tui.runtime.start",
)  # fmt: skip
PATIENCE_S = 120.0
"""Longer than anything here takes on a busy machine; whoever needs it all is stuck."""


class Child:
    """``esper`` with arguments in a process of its own.

    Args:
        folder: where it works; relative names are of here.
        terminal: path of a terminal that becomes its own; without one, both outputs go to the file ``out``.
    """

    def __init__(self, words: list[str], folder: Path, terminal: str = "", **environ: str):
        self.out = folder / f"out-{time.monotonic_ns()}.txt"
        place = (terminal or str(self.out), str(folder))
        self.process = CONTEXT.Process(target=_play, args=(words, *place, os.environ | environ), daemon=True)
        self.process.start()

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

    @property
    def text(self) -> str:
        """What it has printed so far."""
        return self.out.read_text(errors="replace") if self.out.is_file() else ""

    def send(self, number: int) -> None:
        """Sends a signal; one that has ended meanwhile needs none."""
        if self.alive:
            os.kill(self.pid, number)

    def kill(self) -> bool:
        """Kills it with signal 9; False if it had ended by itself."""
        if not self.alive:
            return False
        self.process.kill()
        return self.end() == -signal.SIGKILL

    def end(self, patience_s: float = PATIENCE_S) -> int:
        """Waits for the end; returns the exit code, the negative number of the signal that killed it.

        Raises:
            TimeoutError: if it does not come to an end; it is killed.
        """
        self.process.join(patience_s)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            raise TimeoutError(f"a process did not end within {patience_s:.0f} s:\n{self.text[-2000:]}")
        return self.process.exitcode


def _play(words: list[str], output: str, folder: str, environ: dict[str, str]) -> None:
    """What the new process does: takes its place, then is ``esper``."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    terminal = output.startswith("/dev/")
    descriptor = os.open(output, os.O_RDWR if terminal else os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number in (0, 1, 2) if terminal else (1, 2):
        os.dup2(descriptor, number)
    os.close(descriptor)
    for number, name in enumerate(("stdin", "stdout", "stderr")):  # the server's own lead elsewhere
        stream = os.fdopen(number, "w" if number else "r", buffering=1, encoding="utf-8", closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    sys.argv = ["esper", *words]
    runpy.run_module("esper_tui", run_name="__main__")


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder for children, short enough for sockets; what they would keep of a person's goes into it as well."""
    with TemporaryDirectory(prefix="esper-faults-", ignore_cleanup_errors=True) as name:
        kept = dict(os.environ)
        for variable in ("ESPER_RUNS_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
            place = Path(name) / variable.lower()
            place.mkdir(mode=0o700)
            os.environ[variable] = str(place)
        CONTEXT.set_forkserver_preload(list(WARM))
        try:
            Child(["--version"], Path(name)).end()  # the server imports everything once
            yield Path(name)
        finally:
            os.environ.clear()
            os.environ.update(kept)
