"""Who is writing a run folder."""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from esper_tui.karn.writer import lives
from esper_tui.leyline.errors import Busy, CannotWrite
from esper_tui.leyline.folder import LOCK_FILE

STALE_AFTER_S = 60.0


class RunLock:
    """The lock file of a run folder; holds host, pid, process start and a heartbeat.

    What a process of this host left that no longer lives is taken over.  Of a process on another host that cannot be
    known: its lock is taken over when ``take_over`` says so and its heartbeat has stopped.

    Raises:
        Busy: if another process holds it.
    """

    def __init__(self, folder: Path, take_over: bool = False):
        self.path, self.take_over = folder / LOCK_FILE, take_over
        self.document: dict[str, Any] = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started": psutil.Process().create_time(),
            "heartbeat": time.time(),
        }
        self._take()

    def _take(self) -> None:
        """Makes the file; what a dead process left is replaced, by one of those who try at the same time."""
        try:
            with _alone(self.path.parent):
                if problem := holder(self.path.parent) or self._left_elsewhere():
                    raise Busy(problem)
                self.path.unlink(missing_ok=True)
                self._write()
        except FileExistsError:
            raise Busy(f"{self.path.parent} was just taken by another process") from None
        except OSError as error:
            raise CannotWrite(f"cannot write {self.path}: {error.strerror}; choose another --run-dir") from None

    def _left_elsewhere(self) -> str | None:
        """A sentence about the silent lock of another host, unless it is to be taken over."""
        lock = _read(self.path)
        if self.take_over or lock is None or lock["host"] == socket.gethostname():
            return None
        silent = time.time() - lock["heartbeat"]
        return (
            f"{self.path.parent} was being written by process {lock['pid']} on {lock['host']}, silent for "
            f"{silent:.0f} s; if that process is gone, add --take-over"
        )

    def _write(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            with os.fdopen(fd, "w") as file:
                json.dump(self.document, file)
        except OSError:
            self.path.unlink()
            raise

    def beat(self) -> None:
        """Renews the heartbeat."""
        self.document["heartbeat"] = time.time()
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.document))
        temporary.replace(self.path)

    def release(self) -> None:
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Waits until no other process of this host is in here for this folder; let through where that cannot be had."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # file systems of other hosts
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def holder(folder: Path) -> str | None:
    """A sentence about the living process that writes a run folder; None if nobody does."""
    lock = _read(folder / LOCK_FILE)
    if lock is None:
        return None
    who = f"process {lock['pid']} on {lock['host']}"
    if lock["host"] == socket.gethostname():
        return f"{folder} is being written by {who}; stop it first" if lives(lock["pid"], lock["started"]) else None
    if time.time() - lock["heartbeat"] < STALE_AFTER_S:
        return f"{folder} is being written by {who}; go to that host or wait until its heartbeat is 60 s old"
    return None


def writer_of(folder: Path) -> int | None:
    """Number of the living process that writes a run; None if none is known to."""
    lock = _read(folder / LOCK_FILE)
    return lock["pid"] if lock is not None and holder(folder) else None


def socket_of(folder: Path) -> Path:
    """Where the process that writes a run listens.

    Raises:
        Busy: if none does, or it is on another host.
    """
    lock = _read(folder / LOCK_FILE)
    if lock is None or holder(folder) is None:
        raise Busy(f"{folder.name} is not running")
    if lock["host"] != socket.gethostname():
        raise Busy(f"{folder.name} runs on {lock['host']}: attach there; `esper watch {folder.name}` works from here")
    if not lock["socket"]:
        raise Busy(f"{folder.name} has no socket; `esper watch {folder.name}` shows it without control")
    return Path(lock["socket"])


def _read(path: Path) -> dict[str, Any] | None:
    try:
        lock = json.loads(path.read_text())
        return {
            "host": str(lock["host"]), "pid": int(lock["pid"]), "started": float(lock["started"]),
            "heartbeat": float(lock["heartbeat"]), "socket": str(lock.get("socket", "")),
        }  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
