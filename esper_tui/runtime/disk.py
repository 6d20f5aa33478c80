"""How much room the disk of a run has left, and what follows: an alert, a thinner log, a checkpoint and a rest."""

import contextlib
import shutil
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any

ALERT, THIN, REST = (10 * 2**30, 0.05), (2**30, 0.02), (256 * 2**20, 0.005)
"""Bytes and share of the disk; room is short where less is left than the smaller of both."""
CHECKPOINTS_AHEAD = {"THIN": 4, "REST": 2}
"""Room for so many checkpoints comes on top: the one that is written, and the one it takes the place of."""
RELIEF = 1.25
"""A level is left again once there is this much more room than it asks for."""


class Room(IntEnum):
    """How much is left, from plenty to next to nothing."""

    FULL = 0
    SCARCE = 1
    LOW = 2
    PLENTY = 3


def limits(total: int, checkpoint: int) -> dict[Room, float]:
    """Below how many bytes each level begins, on a disk of ``total`` bytes and with checkpoints of that size."""
    least = {name: min(size, share * total) for name, (size, share) in
             {"ALERT": ALERT, "THIN": THIN, "REST": REST}.items()}  # fmt: skip
    rest = least["REST"] + CHECKPOINTS_AHEAD["REST"] * checkpoint
    thin = max(least["THIN"] + CHECKPOINTS_AHEAD["THIN"] * checkpoint, rest)
    return {Room.FULL: rest, Room.SCARCE: thin, Room.LOW: max(least["ALERT"], thin)}


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
        before, self.room = self.room, self._level(limits(self.total, checkpoint))
        return self.room != before

    def _level(self, below: dict[Room, float]) -> Room:
        for level, limit in below.items():
            if self.free < limit * (RELIEF if level >= self.room else 1.0):
                return level
        return Room.PLENTY

    def told(self) -> str:
        """What is left, for people."""
        return (
            f"{_size(self.free)} ({100 * self.free / max(1, self.total):.1f} %) are left on the disk of {self.folder}"
        )


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
