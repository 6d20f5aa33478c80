"""The checkpoints of a run: written in the background, the newest few kept, the newest sound one found again."""

import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from esper_tui.leyline.errors import EsperError, Incompatible
from esper_tui.leyline.folder import CHECKPOINTS
from esper_tui.runtime.statefile import load_state, save_state

KIND = "checkpoint"
NAME = re.compile(r"^r(\d{3,})-e(\d{4,})\.safetensors$")

Tensors = dict[str, torch.Tensor]
Place = tuple[int, int]
"""Round and epoch."""


@dataclass(frozen=True)
class Saved:
    """A checkpoint that was written, or the sentence that says why it was not."""

    path: Path
    bytes: int = 0
    seconds: float = 0.0
    problem: str = ""


def checkpoint_file(folder: Path, round_: int, epoch: int) -> Path:
    return folder / CHECKPOINTS / f"r{round_:03d}-e{epoch:04d}.safetensors"


def checkpoint_files(folder: Path) -> list[tuple[Place, Path]]:
    """All checkpoints of a run, the newest first; temporary files of a write that was cut short are none."""
    found = []
    for path in (folder / CHECKPOINTS).glob("*.safetensors"):
        if match := NAME.match(path.name):
            found.append(((int(match[1]), int(match[2])), path))
    return sorted(found, reverse=True)


def sound_checkpoints(folder: Path, problems: list[str]) -> Iterator[tuple[Path, Tensors, dict[str, Any]]]:
    """Checkpoints that verify, the newest first; what is wrong with the others goes into ``problems``."""
    for _, path in checkpoint_files(folder):
        try:
            yield path, *load_state(path, KIND)
        except Incompatible as problem:
            problems.append(str(problem))


def newest_checkpoint(folder: Path) -> tuple[Path, Tensors, dict[str, Any], list[str]]:
    """The newest checkpoint that verifies, and what was wrong with newer ones.

    Raises:
        Incompatible: if there is none.
    """
    problems: list[str] = []
    for path, tensors, document in sound_checkpoints(folder, problems):
        return path, tensors, document, problems
    seen = "; ".join(problems) or "none was written yet (checkpoint.every_epochs)"
    raise Incompatible(f"{folder} has no usable checkpoint: {seen}; start again with `esper rerun {folder.name}`")


class CheckpointWriter:
    """Writes one checkpoint at a time in a thread of its own; a newer one that waits replaces an older one.

    The tensors handed over must be copies: the loop goes on while they are written.
    """

    def __init__(self, folder: Path, keep: int):
        self.folder, self.keep = folder, keep
        self.wake = threading.Condition()
        self.waiting: tuple[Place, Tensors, dict[str, Any]] | None = None
        self.busy = self.ended = False
        self.done: deque[Saved] = deque()
        self.thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)
        self.thread.start()

    def submit(self, place: Place, tensors: Tensors, document: dict[str, Any]) -> None:
        with self.wake:
            self.waiting = (place, tensors, document)
            self.wake.notify_all()

    def drain(self) -> list[Saved]:
        """What was written since the last call."""
        return [self.done.popleft() for _ in range(len(self.done))]

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until nothing is left to write; False if the time was not enough."""
        with self.wake:
            return self.wake.wait_for(lambda: self.waiting is None and not self.busy, timeout_s)

    def close(self) -> None:
        self.wait()
        with self.wake:
            self.ended = True
            self.wake.notify_all()
        self.thread.join()

    def _work(self) -> None:
        while True:
            with self.wake:
                self.wake.wait_for(lambda: self.ended or self.waiting is not None)
                if self.waiting is None:
                    return
                job, self.waiting, self.busy = self.waiting, None, True
            saved = self._write(*job)
            with self.wake:
                self.done.append(saved)
                self.busy = False
                self.wake.notify_all()

    def _write(self, place: Place, tensors: Tensors, document: dict[str, Any]) -> Saved:
        path, began = checkpoint_file(self.folder, *place), time.perf_counter()
        try:
            save_state(path, KIND, tensors, document)
            self._prune()
        except EsperError as error:
            return Saved(path, problem=str(error))
        return Saved(path, path.stat().st_size, time.perf_counter() - began)

    def _prune(self) -> None:
        """Keeps the newest ones."""
        for _, path in checkpoint_files(self.folder)[self.keep :]:
            path.unlink(missing_ok=True)
