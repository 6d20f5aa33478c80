"""The event log of a run: append-only JSON Lines."""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

from esper_tui.leyline.errors import CannotWrite

SYNC_EVERY_S = 5.0


class EventLog:
    """One segment of a log.

    A write that returned survives the death of the process; a helper thread brings the file onto the disk every
    5 seconds, so a power cut costs at most that much.  A write that fails half-way is taken back.

    Args:
        beat: called by the helper thread at the same pace (the heartbeat of the run's lock).
    """

    def __init__(self, path: Path, beat: Callable[[], None] | None = None):
        self.path, self.beat = path, beat
        try:
            self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except OSError as error:
            raise CannotWrite(f"cannot write {path}: {error.strerror}; choose another --run-dir") from None
        self.size = 0
        self.ended = threading.Event()
        self.helper = threading.Thread(target=self._sync_loop, name="log-sync", daemon=True)
        self.helper.start()

    def write(self, text: str, sync: bool = False) -> None:
        data = text.encode()
        try:
            written = 0
            while written < len(data):
                written += os.write(self.fd, data[written:])
            if sync:
                os.fsync(self.fd)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self.fd, self.size)
            raise CannotWrite(f"cannot write {self.path}: {error.strerror}; free some space or move the run") from None
        self.size += len(data)

    def _sync_loop(self) -> None:
        while not self.ended.wait(SYNC_EVERY_S):
            try:
                os.fsync(self.fd)
                if self.beat is not None:
                    self.beat()
            except OSError:
                continue  # the next write reports it, with its sentence

    def close(self) -> None:
        self.ended.set()
        self.helper.join()
        os.close(self.fd)
