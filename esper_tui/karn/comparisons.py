"""Comparisons that were begun on this machine: which there are, how far they are, their tables.

Nothing here raises because of what a file holds: what is no comparison is left out, what is damaged says so.
"""

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from esper_tui.karn.writer import lives
from esper_tui.leyline.comparison import (
    PLAN_FILE,
    POINTER_SUFFIX,
    PROGRESS_FILE,
    STALE_AFTER_S,
    TABLE_FILE,
    ComparisonProgress,
    PlanNames,
    comparisons_folder,
)

MAX_BYTES = 2**20
"""Of a plan or a table; nothing that ``esper compare`` writes comes near it."""
MAX_POINTER = 4096
MAX_LISTED = 100
"""The newest are listed."""
Standing = Literal["playing", "done", "interrupted", "stopped", "unknown", "damaged"]
B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True)
class ComparisonCard:
    """A comparison as it is listed.

    Attributes:
        state: ``stopped`` where the process is gone without a word, ``unknown`` where there is no progress file.
        progress: None where it is missing or damaged.
    """

    folder: Path
    preset: str
    arms: tuple[str, ...]
    state: Standing
    progress: ComparisonProgress | None = None


def list_comparisons() -> list[ComparisonCard]:
    """Those in the default place and those that it points to: what is played now, then the newest first."""
    newest = sorted(_folders(), key=_begun, reverse=True)[:MAX_LISTED]
    return sorted(map(read_card, newest), key=lambda card: card.state != "playing")


def read_card(folder: Path) -> ComparisonCard:
    names = _model(PlanNames, folder / PLAN_FILE)
    if names is None:
        return ComparisonCard(folder, folder.name, (), "damaged")
    preset, arms = printable(names.preset), tuple(map(printable, names.arms))
    path = folder / PROGRESS_FILE
    if not path.exists():
        return ComparisonCard(folder, preset, arms, "unknown")
    progress = _model(ComparisonProgress, path)
    if progress is not None:
        progress = progress.model_copy(update={"unit": printable(progress.unit), "host": printable(progress.host)})
    return ComparisonCard(folder, preset, arms, "damaged" if progress is None else standing(progress), progress)


def standing(progress: ComparisonProgress) -> Standing:
    """What became of it: on this host its process tells, on another one how long ago it last wrote."""
    if progress.state != "playing":
        return progress.state
    if progress.host == socket.gethostname():
        alive = lives(progress.pid, progress.started)
    else:
        alive = time.time() - progress.written < STALE_AFTER_S
    return "playing" if alive else "stopped"


def read_table(folder: Path) -> list[str]:
    """The lines of the table so far; none before the first block of seeds is finished."""
    data = _bounded(folder / TABLE_FILE, MAX_BYTES)
    return [] if data is None else [printable(one) for one in data.decode(errors="replace").splitlines()]


def printable(text: str) -> str:
    """The text without what a terminal would take as an order."""
    return "".join(c if c.isprintable() else " " for c in text)


def _folders() -> set[Path]:
    try:
        entries = list(comparisons_folder().iterdir())
    except OSError:
        return set()
    found = (_pointed(path) if path.suffix == POINTER_SUFFIX else path for path in entries)
    return {path for path in found if path is not None and _is_file(path / PLAN_FILE)}


def _pointed(path: Path) -> Path | None:
    """The folder that a pointer names; None if it names none."""
    data = _bounded(path, MAX_POINTER)
    named = os.fsdecode(data).rstrip("\n") if data else ""
    return Path(named) if os.path.isabs(named) else None


def _begun(folder: Path) -> float:
    try:
        return (folder / PLAN_FILE).stat().st_mtime
    except OSError:
        return 0.0


def _model(kind: type[B], path: Path) -> B | None:
    data = _bounded(path, MAX_BYTES)
    try:
        return None if data is None else kind.model_validate_json(data)
    except ValidationError:
        return None


def _bounded(path: Path, most: int) -> bytes | None:
    """What a regular file holds; None if it cannot be read or holds more."""
    try:
        if not _is_file(path):  # a pipe would be waited for
            return None
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError:
        return None
    return data if len(data) <= most else None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or none
        return False
