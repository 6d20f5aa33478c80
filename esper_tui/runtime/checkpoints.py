"""The checkpoints of a run: written in the background, the newest few and the best kept, the newest sound one found."""

import json
import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from esper_tui.leyline.errors import EsperError, Incompatible
from esper_tui.leyline.folder import CHECKPOINTS, checkpoint_file, checkpoint_files
from esper_tui.runtime.statefile import load_state, save_state

KIND = "checkpoint"

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


def score_in(path: Path) -> float:
    """The score that a checkpoint says it has; infinite where it says none."""
    try:
        with safe_open(str(path), framework="numpy") as file:
            score = json.loads((file.metadata() or {})["document"])["score"]
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, RecursionError):
        return math.inf
    return float(score) if isinstance(score, int | float) else math.inf


class CheckpointWriter:
    """Writes one checkpoint at a time in a thread of its own; a newer one that waits replaces an older one.

    The tensors handed over must be copies: the loop goes on while they are written.  Of a document its ``score`` says
    how good the state is, less being better.
    """

    def __init__(self, folder: Path, keep: int):
        self.folder, self.keep = folder, keep
        self.scores: dict[Path, float] = {}
        for left in (folder / CHECKPOINTS).glob(".*.tmp"):  # of a process that died while it wrote
            left.unlink(missing_ok=True)
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
        """Keeps the newest ones, and of all the one with the best score."""
        paths = [path for _, path in checkpoint_files(self.folder)]
        self.scores = {path: self.scores[path] if path in self.scores else score_in(path) for path in paths}
        best = min(paths, key=self.scores.__getitem__)
        for path in paths[self.keep :]:
            if path != best or math.isinf(self.scores[path]):
                path.unlink(missing_ok=True)
