"""Run folders: making them, finding them, looking after them.  Imports no torch."""

import os
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

import tomli_w
from platformdirs import user_state_path

from esper_tui.karn.read import read_run_file
from esper_tui.leyline.errors import Busy, CannotWrite, UsageError
from esper_tui.leyline.folder import RUN_FILE, SUBFOLDERS, is_run
from esper_tui.runtime.lock import holder


def runs_folder() -> Path:
    """Where runs live: ESPER_RUNS_DIR, else the user's state folder."""
    named = os.environ.get("ESPER_RUNS_DIR")
    return Path(named).expanduser() if named else user_state_path("esper") / "runs"


def new_run_folder(preset: str, run_dir: Path | None) -> Path:
    """A fresh folder for a run; ``run_dir`` is that folder itself.

    Raises:
        Busy: if it already holds a run.
        CannotWrite: if it cannot be made or written to.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    name = "".join(c if c.isalnum() or c in "_.-" else "-" for c in preset)
    folder = run_dir or runs_folder() / f"{stamp}-{name}-{secrets.token_hex(2)}"
    if is_run(folder):
        raise Busy(f"{folder} already holds a run; choose another --run-dir or remove it with `esper runs rm {folder}`")
    try:
        for part in SUBFOLDERS:
            (folder / part).mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "permission denied")
    except OSError as error:
        raise CannotWrite(
            f"cannot create {folder}: {error.strerror}; choose another --run-dir or ESPER_RUNS_DIR"
        ) from None
    return folder


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
        temporary.unlink(missing_ok=True)
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
    path = Path(name).expanduser()
    if path.is_dir() and is_run(path):
        return path
    if name == "last" and (runs := all_runs()):
        return runs[0]
    found = [p for p in all_runs() if p.name.startswith(name)] or [p for p in all_runs() if name in p.name]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"there is no run {name!r} in {runs_folder()}; `esper runs list` shows all")
    raise UsageError(f"{name!r} fits {len(found)} runs: {', '.join(p.name for p in found[:4])}; write more of the id")


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def tag_run(folder: Path, add: list[str], remove: list[str]) -> tuple[str, ...]:
    """Changes the tags of a run; returns them."""
    document = read_run_file(folder)
    tags = [t for t in document.get("tags", []) if t not in remove]
    document["tags"] = list(dict.fromkeys(tags + add))
    write_run_file(folder, document)
    return tuple(document["tags"])


def removable_runs(runs: list[Path], keep: int) -> list[Path]:
    """Runs that ``gc`` may delete: not tagged, not being written, older than the newest ``keep``."""
    free = [folder for folder in runs if not read_run_file(folder).get("tags") and not holder(folder)]
    return free[keep:]


def remove_run(folder: Path) -> int:
    """Deletes a run folder and returns the bytes that were freed.

    Raises:
        Busy: while a process writes it.
        UsageError: if the folder is not a run.
    """
    if not is_run(folder):
        raise UsageError(f"{folder} is not a run folder; nothing was removed")
    if problem := holder(folder):
        raise Busy(problem)
    size = folder_size(folder)
    shutil.rmtree(folder)
    return size
