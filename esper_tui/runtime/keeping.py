"""When a run takes a checkpoint, and what is told of it."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from esper_tui.leyline.config import Checkpoint
from esper_tui.leyline.events import CheckpointSaved
from esper_tui.runtime.checkpoints import CheckpointWriter
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.loop_state import capture_loop


class Keeper:
    """Takes checkpoints of a loop at its boundaries; they are written in the background.

    Args:
        engine: the engine choice, which a resume must use again.
    """

    def __init__(
        self, folder: Path, settings: Checkpoint, engine: dict[str, Any], clock: Callable[[], float] = time.monotonic
    ):
        self.folder, self.settings, self.engine, self.clock = folder, settings, engine, clock
        self.writer = CheckpointWriter(folder, settings.keep)
        self.taken = clock()
        self.place: tuple[int, int] | None = None
        self.size = 0  # bytes of the newest checkpoint

    def is_due(self, epoch: int) -> bool:
        every, minutes = self.settings.every_epochs, self.settings.every_minutes
        late = bool(minutes) and self.clock() - self.taken >= 60.0 * minutes
        return late or (every > 0 and epoch % every == 0)

    def take(self, loop: Loop, epoch: int, after_seq: int, elapsed_s: float) -> None:
        """Copies everything the loop knows at this boundary; at most once for each."""
        if self.place == (loop.round, epoch):
            return
        self.place, self.taken = (loop.round, epoch), self.clock()
        tensors, document = capture_loop(loop)
        document |= {
            "epoch": epoch,
            "after_seq": after_seq,
            "elapsed_s": elapsed_s,
            "score": score_of(loop),
            "engine_choice": self.engine,
            "config": loop.config.model_dump(mode="json"),
        }
        self.writer.submit(self.place, tensors, document)

    def news(self) -> Iterator[CheckpointSaved]:
        """What was written since the last time."""
        for saved in self.writer.drain():
            path, self.size = str(saved.path.relative_to(self.folder)), saved.bytes or self.size
            yield CheckpointSaved(path=path, bytes=saved.bytes, seconds=saved.seconds, problem=saved.problem)

    def close(self) -> None:
        """Waits until everything is on the disk."""
        self.writer.close()


def score_of(loop: Loop) -> float | None:
    """What the best checkpoint has least of: the validation loss of the best environment; None where none is sound."""
    losses = (ledger.losses[-1] for ledger in loop.ledgers if ledger.losses)
    return min((loss for loss in losses if math.isfinite(loss)), default=None)
