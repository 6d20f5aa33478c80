"""A run that another process writes, looked at through its log alone.  Imports no torch.

Works for a finished or crashed run as well, and wherever the folder can be read.
"""

import itertools
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from esper_tui.karn.tail import Tail
from esper_tui.leyline.session import Ack, Command, Progress, Role, SessionState
from esper_tui.runtime.lock import holder
from esper_tui.runtime.pace import EPOCHS_AVERAGED

LOOK_EVERY_S = 1.0
"""How often the lock is looked at: whether the process still lives."""
STATES: dict[str, SessionState] = {"running": "running", "paused": "paused", "stopping": "stopping"}


class Watched:
    """Where a run is, from what its events say about time; pauses are left out of every rate."""

    def __init__(self) -> None:
        self.state: SessionState = "starting"
        self.config: dict[str, Any] = {}
        self.round = self.epoch = 0
        self.started: float | None = None
        self.paused_since: float | None = None
        self.measured: float | None = None
        self.paused_s = self.paused_epoch_s = 0.0
        self.epoch_times: deque[float] = deque(maxlen=EPOCHS_AVERAGED)
        self.last = 0.0

    def take(self, event: dict[str, Any]) -> None:
        kind, t = event["type"], float(event["t"])
        if kind == "RunStarted":
            self.config, self.started, self.state = event.get("config", {}), t, "running"
        elif kind == "RoundStarted":
            self.round, self.epoch, self.measured = event.get("round") or 0, 0, t
        elif kind == "EpochMeasured":
            self._measure(event.get("epoch") or 0, t)
        elif kind == "SessionChanged" and event.get("state") in STATES:
            self._change(STATES[event["state"]], t)
        elif kind == "RunResumed":
            self._go_on(t)
        elif kind == "RunEnded":
            self._change("ended", t)
        self.last = t

    def _measure(self, epoch: int, t: float) -> None:
        if self.measured is not None:
            self.epoch_times.append(max(0.0, t - self.measured - self.paused_epoch_s))
        self.epoch, self.measured, self.paused_epoch_s = epoch, t, 0.0

    def _go_on(self, t: float) -> None:
        """Another process goes on: the time in between was a pause."""
        self.paused_since = self.last if self.paused_since is None else self.paused_since
        self._change("running", t)

    def _change(self, state: SessionState, t: float) -> None:
        if self.paused_since is not None:
            self.paused_s += t - self.paused_since
            self.paused_epoch_s += t - self.paused_since
            self.paused_since = None
        if state == "paused":
            self.paused_since = t
        self.state = state

    def progress(self, now: float) -> Progress:
        """``now`` on the clock of the writer."""
        run, times = self.config.get("run", {}), self.epoch_times
        epoch_s = sum(times) / len(times) if times else None
        epochs = int(run.get("epochs", 0))
        images = run.get("images_per_epoch") or self.config.get("data", {}).get("train_images", 0)
        paused = self.paused_s + (now - self.paused_since if self.paused_since is not None else 0.0)
        return Progress(
            state=self.state, phase="watching", round=self.round, epoch=self.epoch, epochs=epochs,
            epoch_s=epoch_s, images_per_s=images * run.get("envs", 0) / epoch_s if epoch_s else None,
            eta_s=epoch_s * (epochs - self.epoch) if epoch_s is not None else None,
            elapsed_s=max(0.0, now - self.started - paused) if self.started is not None else 0.0, paused_s=paused,
        )  # fmt: skip


class WatchSession:
    """A ``leyline.session.Session`` that takes no commands.

    What is in the log already is read when it is made, which takes a second for a large run.
    """

    role: Role = "watch"
    attached = True

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time):
        self.path: Path | None = folder
        self.folder, self.clock, self.tail, self.watched = folder, clock, Tail(folder), Watched()
        self.ids, self.acks = itertools.count(1), deque[Ack]()
        self.looked, self.alive, self.last = -LOOK_EVERY_S, True, 0.0
        self.waiting = self._take(self.tail.catch_up())

    def submit(self, command: Command) -> int:
        number = next(self.ids)
        reason = "this run is only watched; `esper attach` takes commands where the run lives"
        self.acks.append(Ack(number, "rejected", reason=reason))
        return number

    def poll(self) -> tuple[list[Ack], list[dict[str, Any]]]:
        acks = [self.acks.popleft() for _ in range(len(self.acks))]
        events, self.waiting = self.waiting or self._take(self.tail.read()), []
        return acks, events

    def progress(self) -> Progress:
        if self.watched.state != "ended" and not self._is_alive():
            self.watched.state = "ended"  # the process is gone and will not say so
        return self.watched.progress(self.last if self.watched.state == "ended" else self.clock())

    def _take(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for event in events:
            self.watched.take(event)
            self.last = float(event["t"])
        return events

    def _is_alive(self) -> bool:
        now = time.monotonic()
        if now - self.looked >= LOOK_EVERY_S:
            self.looked, self.alive = now, holder(self.folder) is not None
        return self.alive
