"""Which data sets there are and where their files are looked for.  Imports no torch."""

import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

CIFAR10_FOLDER = "cifar-10-batches-py"
CIFAR10_FILES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta")


@dataclass(frozen=True)
class DataSet:
    name: str
    what: str
    needs_files: bool
    fetch_size: str


DATA_SETS = (
    DataSet("procedural", "ten figures on busy backgrounds, drawn in the program; nothing to download", False, ""),
    DataSet("cifar10", "60,000 photographs, 32x32, ten classes (Krizhevsky 2009)", True, "170 MB"),
)


def data_folders() -> list[Path]:
    """Where files are looked for, in order: ESPER_DATA_DIR, then the user's cache."""
    named = os.environ.get("ESPER_DATA_DIR")
    return ([Path(named).expanduser()] if named else []) + [user_cache_path("esper") / "data"]


def fetch_folder() -> Path:
    return data_folders()[0]


def has_files(name: str) -> Path | None:
    """The folder that holds all files of a data set, None if there is none."""
    if name != "cifar10":
        return None
    for folder in data_folders():
        if all((folder / CIFAR10_FOLDER / file).is_file() for file in CIFAR10_FILES):
            return folder
    return None


def is_missing(name: str) -> bool:
    """Whether a data set needs files that are not here."""
    return any(d.needs_files and d.name == name for d in DATA_SETS) and has_files(name) is None


def missing_message(name: str, cure: str = "") -> str:
    """What was expected where, and what can be done; ``cure`` takes the place of the advice to fetch it."""
    folders = " or ".join(str(f / CIFAR10_FOLDER) for f in data_folders())
    cure = cure or f"run `esper data fetch {name}`, set ESPER_DATA_DIR"
    return (
        f"{name} is not here: expected {', '.join(CIFAR10_FILES)} in {folders}; "
        f"{cure}, or use the preset quickstart, which needs no files"
    )
