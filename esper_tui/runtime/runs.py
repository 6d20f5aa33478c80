"""Run folders: making them, finding them, looking after them.  Imports no torch."""

import contextlib
import os
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

import tomli_w
from platformdirs import user_state_path

from esper_tui.karn.read import read_run_file
from esper_tui.leyline.errors import Busy, CannotWrite, Incompatible, UsageError
from esper_tui.leyline.folder import LOCK_FILE, LOG_FILE, RUN_FILE, SUBFOLDERS, is_run, segments
from esper_tui.runtime.lock import holder

FINISHED = ("done", "abandoned")
"""How a run may end that nobody can go on with."""
MAX_NAME = 60
"""Characters of a preset's name in a run's id."""


def runs_folder() -> Path:
    """Where runs live: ESPER_RUNS_DIR, else the user's state folder."""
    named = os.environ.get("ESPER_RUNS_DIR")
    return Path(named).expanduser() if named else user_state_path("esper") / "runs"


def new_run_folder(preset: str, run_dir: Path | None) -> tuple[Path, list[Path]]:
    """A fresh folder for a run, and which folders were made for it; ``run_dir`` is that folder itself.

    Raises:
        Busy: if it already holds a run, or a process is writing one.
        CannotWrite: if it cannot be made or written to.
    """
    folder = (run_dir or runs_folder() / run_id(preset)).absolute()
    if who := holder(folder):
        raise Busy(f"{who}, or choose another --run-dir")
    refuse_run(folder)
    made = []
    try:
        for path in (folder, *(folder / part for part in SUBFOLDERS)):
            if not path.is_dir():
                path.mkdir(parents=True)
                made.append(path)
    except OSError as error:
        remove_empty(made)
        raise CannotWrite(
            f"cannot create {folder}: {error.strerror}; choose another --run-dir or ESPER_RUNS_DIR"
        ) from None
    return folder, made


def remove_empty(folders: list[Path]) -> None:
    """Removes folders that are empty, the last ones first."""
    for folder in reversed(folders):
        with contextlib.suppress(OSError):
            folder.rmdir()


def run_id(preset: str) -> str:
    """``<utc yyyymmdd-hhmmss>-<preset>-<4 hex>``."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", preset)[:MAX_NAME]
    return f"{stamp}-{name}-{secrets.token_hex(2)}"


def refuse_run(folder: Path) -> None:
    """Raises ``Busy`` if a folder holds a run."""
    try:
        taken = is_run(folder)
    except OSError:  # a name that is too long: making it fails with its own sentence
        return
    if taken:
        raise Busy(f"{folder} already holds a run; choose another --run-dir or remove it with `esper runs rm {folder}`")


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a whole file or nothing: temporary file, fsync, rename, fsync of the folder.

    Raises:
        CannotWrite: if any of that fails; the temporary file is removed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with contextlib.suppress(OSError):  # the folder may be what is wrong
            temporary.unlink()
        raise CannotWrite(f"cannot write {path}: {error.strerror}; free some space or choose another folder") from None


def write_run_file(folder: Path, document: dict[str, Any]) -> None:
    write_atomically(folder / RUN_FILE, tomli_w.dumps(document).encode())


def all_runs() -> list[Path]:
    """Folders of all runs, the newest first."""
    root = runs_folder()
    found = [p for p in root.iterdir() if p.is_dir() and is_run(p)] if root.is_dir() else []
    return sorted(found, key=lambda p: p.name, reverse=True)


def find_run(name: str) -> Path:
    """The folder of a run named by id, unique prefix (or unique part) of an id, or path.

    Raises:
        UsageError: if there is none, or more than one.
    """
    if (path := _run_at(name)) is not None:
        return path
    if name == "last" and (runs := all_runs()):
        return runs[0]
    found = [p for p in all_runs() if p.name.startswith(name)] or [p for p in all_runs() if name in p.name]
    if len(found) == 1:
        return found[0]
    if not found:
        _refuse_unborn(name)
        raise UsageError(f"there is no run {name!r} in {runs_folder()}; `esper runs list` shows all")
    raise UsageError(f"{name!r} fits {len(found)} runs: {', '.join(p.name for p in found[:4])}; write more of the id")


def _refuse_unborn(name: str) -> None:
    """Raises ``UsageError`` for a folder that is there and holds no run, with the reason."""
    with contextlib.suppress(OSError, RuntimeError):
        for path in (Path(name).expanduser(), runs_folder() / name):
            if not (path / LOCK_FILE).is_file() or is_run(path):
                continue
            if holder(path):
                raise UsageError(f"{path} is only being prepared; try again when its first epoch has begun")
            raise UsageError(f"{path} holds no run: its process ended before the first epoch; start it once more")
        if name and Path(name).expanduser().is_dir():
            raise UsageError(f"{name} is a folder, but not that of a run; `esper runs list` shows all")


def _run_at(name: str) -> Path | None:
    try:
        path = Path(name).expanduser()
        return path.absolute() if path.is_dir() and is_run(path) else None
    except (OSError, RuntimeError):  # a name that is too long, a person who does not exist
        return None


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder; files that come and go meanwhile do not matter."""
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            size += path.lstat().st_size if not path.is_dir() else 0
    return size


def tags_of(document: dict[str, Any]) -> list[str]:
    """The tags in a ``run.toml``, which people may have edited."""
    found = document.get("tags", [])
    return [str(tag) for tag in found] if isinstance(found, list) else []


def tag_run(folder: Path, add: list[str], remove: list[str]) -> tuple[str, ...]:
    """Changes the tags of a run; returns them.

    Raises:
        Incompatible: if ``run.toml`` cannot be read; it is left as it is.
    """
    document = read_run_file(folder)
    if not document:
        raise Incompatible(f"{folder / RUN_FILE} is missing or damaged, so its tags cannot be changed")
    tags = [t for t in tags_of(document) if t not in remove]
    document["tags"] = list(dict.fromkeys(tags + [t.strip() for t in add if t.strip()]))
    write_run_file(folder, document)
    return tuple(document["tags"])


def removable_runs(runs: list[Path], keep: int) -> list[Path]:
    """Runs that ``gc`` may delete: not tagged, not being written, older than the newest ``keep``."""
    free = [folder for folder in runs if not tags_of(read_run_file(folder)) and not holder(folder)]
    return free[keep:]


def refuse_writing(folder: Path) -> None:
    """Raises ``Busy`` while a process writes the run."""
    if problem := holder(folder):
        raise Busy(problem)


def remove_run(folder: Path) -> int:
    """Deletes what a run wrote and returns the bytes that were freed; a person's own files in the folder stay.

    Raises:
        Busy: while a process writes it.
        UsageError: if the folder is not a run.
        CannotWrite: if something cannot be deleted.
    """
    if not is_run(folder):
        raise UsageError(f"{folder} is not a run folder; nothing was removed")
    refuse_writing(folder)
    before = folder_size(folder)
    try:
        for name in SUBFOLDERS:
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)
        for file in (folder / LOG_FILE, folder / LOCK_FILE, *segments(folder), folder / RUN_FILE):
            file.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise CannotWrite(f"cannot delete {error.filename}: {error.strerror}; delete {folder} by hand") from None
    return before - (folder_size(folder) if folder.exists() else 0)
