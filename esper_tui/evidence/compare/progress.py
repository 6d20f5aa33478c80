"""How far a comparison is, for whoever looks at its folder: ``progress.json``, and the time that is left."""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import psutil

from esper_tui.evidence.compare.setting import Tell
from esper_tui.evidence.compare.tuning import Found
from esper_tui.leyline.comparison import PROGRESS_FILE, ComparisonProgress, comparisons_folder, pointer_file
from esper_tui.leyline.errors import CannotWrite
from esper_tui.runtime.runs import write_atomically

EVERY_S = 1.0
"""Epochs are written down no more often; finished units always are."""
Clock = Callable[[], float]


class Watcher(Protocol):
    """Who is told how far a comparison is."""

    def epoch(self, unit: str, epoch: int, epochs: int) -> None: ...

    def unit(self, unit: str, seconds: float, done: int, of: int | None, eta_s: float | None) -> None:
        """A unit was played; so many units of blocks are finished, of how many and how long it takes if known."""
        ...

    def found(self, found: Found) -> None:
        """Everything that was looked for on the tuning seeds is known."""
        ...


class Nobody:
    def epoch(self, unit: str, epoch: int, epochs: int) -> None: ...

    def unit(self, unit: str, seconds: float, done: int, of: int | None, eta_s: float | None) -> None: ...

    def found(self, found: Found) -> None: ...


class Remaining:
    """Seconds that are left, judged by the units of blocks that were played since the first of them began.

    Args:
        minutes: after which it is over, from now on; None where the number of units decides.
    """

    def __init__(self, minutes: float | None, clock: Clock = time.monotonic):
        self.clock, self.first = clock, (0.0, -1)
        self.until = None if minutes is None else clock() + 60 * minutes

    def begin(self, done: int) -> None:
        """A unit of a block begins, so many are finished; those that were stored before have cost nothing."""
        if self.first[1] < 0:
            self.first = self.clock(), done

    def seconds(self, done: float, of: int | None) -> float | None:
        if self.until is not None:
            return max(0.0, self.until - self.clock())
        began, stored = self.first
        if of is None or stored < 0 or done <= stored:
            return None
        return (self.clock() - began) / (done - stored) * max(0.0, of - done)


class Reporter:
    """Tells a watcher and the progress file of a folder how far its comparison is.

    Entered while the comparison is played; how it is left says how the comparison ended.  A file that cannot be
    written is no reason to stop playing.
    """

    def __init__(self, folder: Path, watcher: Watcher, minutes: float | None, clock: Clock = time.monotonic):
        self.folder, self.watcher, self.clock = folder.absolute(), watcher, clock
        self.remaining = Remaining(minutes, clock)
        self.written = float("-inf")
        self.now = ComparisonProgress(
            state="playing", pid=os.getpid(), host=socket.gethostname(), started=psutil.Process().create_time(),
            written=time.time(),
        )  # fmt: skip

    def __enter__(self) -> "Reporter":
        if self.folder.parent != comparisons_folder():
            point_to(self.folder)
        self._write()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        if kind is None:
            self._write(state="done", unit="", epoch=0, epochs=0)
        else:
            self._write(state="interrupted")

    def expect(self, of: int | None) -> None:
        """There will be so many units of blocks, if that is known."""
        self.now = self.now.model_copy(update={"of": of})

    def begin(self, unit: str, counts: bool) -> Tell:
        """A unit is played from now on; returns who is to be told of its epochs.  ``counts``: it is one of a block."""
        if counts:
            self.remaining.begin(self.now.done)
        self._write(unit=unit, epoch=0, epochs=0, counts=counts)
        return self._epoch

    def _epoch(self, epoch: int, epochs: int) -> None:
        self.watcher.epoch(self.now.unit, epoch, epochs)
        if self.clock() - self.written >= EVERY_S:
            self._write(epoch=epoch, epochs=epochs)

    def finished(self, unit: str, counts: bool, seconds: float | None) -> None:
        """A unit is there; ``seconds``: for which it was played, None where it was stored."""
        self.now = self.now.model_copy(update={"done": self.now.done + counts, "counts": False})
        if seconds is not None:
            self._write(epoch=self.now.epochs)
            self.watcher.unit(unit, seconds, self.now.done, self.now.of, self.now.eta_s)

    def seeds(self, count: int) -> None:
        """So many seeds are finished in every arm."""
        self._write(seeds=count)

    def _write(self, **changes: Any) -> None:
        told = self.now.model_copy(update=changes | {"written": time.time()})
        left = self.remaining.seconds(told.done_in_part, told.of) if told.state == "playing" else None
        self.now, self.written = told.model_copy(update={"eta_s": left}), self.clock()
        with contextlib.suppress(OSError, CannotWrite):
            write_atomically(self.folder / PROGRESS_FILE, self.now.model_dump_json(indent=1).encode())


def point_to(folder: Path) -> None:
    """Leaves the path of a comparison in the default place, where the screen looks for it."""
    path = pointer_file(folder)
    with contextlib.suppress(OSError, CannotWrite):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, os.fsencode(f"{folder}\n"))
