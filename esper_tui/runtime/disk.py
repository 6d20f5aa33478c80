"""How much room the disk of a run has left, and what follows: an alert, a thinner log, a checkpoint and a rest."""

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

RELIEF = 1.25
"""A level is left again once there is this much more room than it asks for."""


class Room(IntEnum):
    """How much is left, from next to nothing to plenty."""

    FULL = 0
    SCARCE = 1
    LOW = 2
    PLENTY = 3


@dataclass(frozen=True)
class Limit:
    """So many bytes or that share of the disk, whichever is less, and room for so many checkpoints."""

    size: int
    share: float
    checkpoints: int = 0

    def of(self, total: int, checkpoint: int) -> float:
        return min(self.size, self.share * total) + self.checkpoints * checkpoint


LIMITS = {
    Room.FULL: Limit(256 * 2**20, 0.005, 2),
    Room.SCARCE: Limit(2**30, 0.02, 4),
    Room.LOW: Limit(10 * 2**30, 0.05),
}
"""Below what a level begins, the worst first.  Checkpoints: one being written, and the one it takes the place of."""


class DiskWatch:
    """Looks at the disk of a folder.

    Args:
        measure: gives ``total`` and ``free`` bytes of the disk that holds a path.
    """

    def __init__(self, folder: Path, measure: Callable[[Path], Any] = shutil.disk_usage):
        self.folder, self.measure = folder, measure
        self.room, self.free, self.total = Room.PLENTY, 0, 0

    def look(self, checkpoint: int = 0) -> bool:
        """Looks again; returns whether the level has changed.  ``checkpoint`` is the size of one in bytes."""
        with contextlib.suppress(OSError):  # a disk that does not say is asked again next time
            found = self.measure(self.folder)
            self.free, self.total = found.free, found.total
        if not self.total:
            return False
        before, self.room = self.room, self._level(checkpoint)
        return self.room != before

    def _level(self, checkpoint: int) -> Room:
        for level, limit in LIMITS.items():
            if self.free < limit.of(self.total, checkpoint) * (RELIEF if level >= self.room else 1.0):
                return level
        return Room.PLENTY

    def told(self) -> str:
        """What is left, for people."""
        return (
            f"{_size(self.free)} ({100 * self.free / max(1, self.total):.1f} %) are left on the disk of {self.folder}"
        )


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
