"""The folder of a comparison: where it is, what its files are called, and what it says about how far it is."""

import hashlib
from pathlib import Path
from typing import Literal

from platformdirs import user_state_path
from pydantic import BaseModel, ConfigDict, Field

PLAN_FILE, UNITS, TABLE_FILE, PROGRESS_FILE = "plan.json", "units", "table.md", "progress.json"
MADE_FILE = "made.json"
"""With which programs, machines and commands the units were made."""
POINTER_SUFFIX = ".folder"
"""Files in the default place with the path of a comparison that is elsewhere, in one line."""
STALE_AFTER_S = 60.0
"""So long after its last word a comparison of another host counts as stopped."""
MOST = 10**12
"""No count, number of a process or time of a file is larger; what is, was not written by this program."""
State = Literal["playing", "done", "interrupted"]


def comparisons_folder() -> Path:
    """The default place of comparisons, in the user's state folder."""
    return user_state_path("esper") / "comparisons"


def pointer_file(folder: Path) -> Path:
    """Where the path of a comparison is kept that is not in the default place."""
    name = hashlib.blake2b(str(folder).encode(errors="surrogateescape"), digest_size=8).hexdigest()
    return comparisons_folder() / f"{name}{POINTER_SUFFIX}"


class PlanNames(BaseModel):
    """What a list shows of ``plan.json``."""

    model_config = ConfigDict(frozen=True)

    preset: str = Field(max_length=1000)
    arms: tuple[str, ...] = Field(max_length=1000)


class ComparisonProgress(BaseModel):
    """``progress.json``.

    Attributes:
        unit: what is played now, or was played last; empty before the first one and after the end.
        epoch, epochs: of the unit.
        counts: whether the unit is played and is one of a block, which ``done`` will count.
        done, of: finished units of blocks; ``of`` is None where time decides how many there will be.
        eta_s: seconds that were left when this was written; None where that is not known.
        seeds: that are finished in every arm.
        pid, host, started: the process that plays, and when it was started (seconds since 1970).
        written: when this was written, likewise.
    """

    model_config = ConfigDict(frozen=True)

    state: State
    unit: str = Field(default="", max_length=1000)
    epoch: int = Field(default=0, ge=0, le=MOST)
    epochs: int = Field(default=0, ge=0, le=MOST)
    counts: bool = False
    done: int = Field(default=0, ge=0, le=MOST)
    of: int | None = Field(default=None, ge=0, le=MOST)
    eta_s: float | None = Field(default=None, ge=0, le=MOST, allow_inf_nan=False)
    seeds: int = Field(default=0, ge=0, le=MOST)
    pid: int = Field(ge=0, le=MOST)
    host: str = Field(max_length=1000)
    started: float = Field(allow_inf_nan=False)
    written: float = Field(allow_inf_nan=False)

    @property
    def done_in_part(self) -> float:
        """Finished units, with what is over of the one that is played."""
        return self.done + (min(1.0, self.epoch / self.epochs) if self.counts and self.epochs else 0.0)
