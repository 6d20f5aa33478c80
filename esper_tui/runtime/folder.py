"""The folder of a run that is being written: its lock, its ``run.toml``, where the run came from."""

import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import esper_tui
from esper_tui.leyline.errors import Busy, CannotWrite
from esper_tui.leyline.folder import RUN_FILE, events_file, segments
from esper_tui.nissa.hub import Hub
from esper_tui.nissa.log import EventLog
from esper_tui.runtime.build import Parts
from esper_tui.runtime.lock import RunLock
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.runs import new_run_folder, refuse_run, remove_empty, write_run_file


class RunFolder:
    """A new run folder, locked by this process.

    Raises:
        Busy, CannotWrite: if the folder cannot be had; nothing is left half-written.
    """

    def __init__(self, resolved: Resolved, run_dir: Path | None):
        self.path, self.made = new_run_folder(resolved.name, run_dir)
        self.lock = self._take_lock()
        self.resolved = resolved
        self.provenance: dict[str, Any] = {}

    def _take_lock(self) -> RunLock:
        try:
            lock = RunLock(self.path)
        except CannotWrite:
            remove_empty(self.made)
            raise
        try:  # another process may have started and ended a run here since the first look
            refuse_run(self.path)
        except Busy:
            lock.release()
            raise
        return lock

    def open_hub(self, parts: Parts) -> Hub:
        """Writes ``run.toml`` and opens the event log."""
        self.provenance = provenance(parts)
        document = {
            "preset": self.resolved.name,
            "description": self.resolved.description,
            "tags": [],
            "notes": [],
            "engine_choice": parts.choice.document(),
            "provenance": self.provenance,
            "config": parts.config.model_dump(mode="json"),
        }
        write_run_file(self.path, document)
        return Hub(EventLog(events_file(self.path, 0), self.lock.beat))

    @classmethod
    def reopen(cls, path: Path, resolved: Resolved, take_over: bool = False) -> "RunFolder":
        """The folder of a run that goes on.

        Raises:
            Busy: if another living process writes it; see ``RunLock`` for ``take_over``.
        """
        folder = cls.__new__(cls)
        folder.path, folder.made, folder.resolved = path, [], resolved
        folder.lock, folder.provenance = RunLock(path, take_over), {}
        return folder

    def open_next(self, parts: Parts, first: int) -> Hub:
        """Opens the next segment of the event log; its events are numbered from ``first``."""
        self.provenance = provenance(parts)
        log = EventLog(events_file(self.path, len(segments(self.path))), self.lock.beat)
        return Hub(log, first=first)

    def close(self) -> None:
        self.lock.release()

    def discard(self) -> None:
        """Gives the folder up before anything was recorded: what this object made is removed, nothing else."""
        (self.path / RUN_FILE).unlink(missing_ok=True)
        self.lock.release()
        remove_empty(self.made)


def provenance(parts: Parts) -> dict[str, Any]:
    """What a result depends on besides the configuration: versions, machine, engine choice, source."""
    choice = parts.choice
    return made_with() | {
        "device": choice.device,
        "engine": choice.document(),
        "data": parts.source.checksum(),
    }


def made_with() -> dict[str, Any]:
    """Versions, machine, source and command of this process."""
    import torch

    return {
        "esper": esper_tui.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "git": _git_revision(),
        "command": sys.argv[1:],
    }


def _git_revision() -> str:
    """Revision of the program's checkout; empty when installed."""
    folder = Path(esper_tui.__file__).parent
    if not (folder.parent / ".git").exists():
        return ""
    try:
        command = ["git", "-C", str(folder), "describe", "--always", "--dirty"]
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
