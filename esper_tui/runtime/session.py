"""A run in its own thread, and the commands that reach it.

The loop thread is plain and owned by whoever made the session; commands wait in a queue and apply at the boundary
(a batch pause sooner).  Whatever ends the loop is written into the log before the thread ends.
"""

import itertools
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from esper_tui.leyline.errors import Diverged, EsperError, ExitCode, OutOfMemory
from esper_tui.leyline.events import Event, RunEnded, SessionChanged, TestMeasured
from esper_tui.leyline.folder import LOG_FILE
from esper_tui.leyline.session import Ack, Command, Note, Pause, Progress, Resume, SessionState, Step, Stop
from esper_tui.nissa.hub import Hub, Listener
from esper_tui.runtime.artefacts import save_best
from esper_tui.runtime.build import Parts
from esper_tui.runtime.delivery import Delivered
from esper_tui.runtime.folder import RunFolder
from esper_tui.runtime.loop import Loop, Outcome

Examine = Callable[[Parts, list[Delivered]], TestMeasured]
MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "DefaultCPUAllocator")


class Aborted(Exception):
    """Ends the loop between two batches; nothing is delivered."""


@dataclass
class Ending:
    """How the run ended; ``error`` is the sentence of what went wrong, if something did."""

    status: str
    code: ExitCode
    error: str = ""


class LocalSession:
    """A ``leyline.session.Session`` in the same process, and the ``Boundary`` of its loop."""

    def __init__(self, parts: Parts, folder: RunFolder | None, hub: Hub, examine: Examine | None):
        self.parts, self.folder, self.hub, self.examine = parts, folder, hub, examine
        self.listener: Listener = hub.listen()
        self.wake = threading.Condition()
        self.queue: deque[tuple[int, Command]] = deque()
        self.acks: deque[Ack] = deque()
        self.ids = itertools.count(1)
        self.state: SessionState = "starting"
        self.until: int | None = None  # rest at the boundary after this epoch; 0 means at the next one
        self.holding = self.stopping = self.aborting = False
        self.epoch, self.phase_name, self.steps = 0, "starting", itertools.count()
        self.steps_done = 0
        self.epoch_began = self.paused_s = 0.0
        self.epoch_times: deque[float] = deque(maxlen=10)
        self.ending: Ending | None = None
        self.thread = threading.Thread(target=self._run, name="loop")

    # --- for the front end -------------------------------------------------------------------------------------

    def start(self) -> None:
        self.thread.start()

    def submit(self, command: Command) -> int:
        with self.wake:
            number = next(self.ids)
            if self.ending is not None:
                self.acks.append(Ack(number, "rejected", reason="the run has ended"))
                return number
            self.queue.append((number, command))
            self.acks.append(Ack(number, "accepted"))
            if isinstance(command, Pause) and command.at == "batch":
                self.holding = True
            self.wake.notify_all()
        return number

    def poll(self) -> tuple[list[Ack], list[dict[str, Any]]]:
        acks = [self.acks.popleft() for _ in range(len(self.acks))]
        return acks, self.listener.drain()

    def progress(self) -> Progress:
        config, times = self.parts.config, list(self.epoch_times)
        epoch_s = sum(times) / len(times) if times else None
        left = config.run.epochs - self.epoch
        rate = config.images_per_epoch * config.run.envs / epoch_s if epoch_s else None
        return Progress(
            state=self.state, phase=self.phase_name, epoch=self.epoch, epochs=config.run.epochs,
            steps_done=self.steps_done, steps=config.steps_per_epoch * max(1, len(self.parts.engine.chunks)),
            epoch_s=epoch_s, images_per_s=rate, eta_s=epoch_s * left if epoch_s else None,
        )  # fmt: skip

    def abort(self) -> None:
        """Ends the loop between two batches, without delivering anything."""
        with self.wake:
            self.aborting = True
            self.wake.notify_all()

    def join(self) -> Ending:
        self.thread.join()
        assert self.ending is not None
        return self.ending

    # --- for the loop ------------------------------------------------------------------------------------------

    def phase(self, name: str, epoch: int) -> None:
        if name == "training":
            self.steps, self.steps_done = itertools.count(1), 0
            self.epoch_began, self.paused_s = time.perf_counter(), 0.0
            if self.state == "starting":
                self._set_state("running")
        self.phase_name = name

    def tick(self) -> None:
        self.steps_done = next(self.steps)
        if self.aborting:
            raise Aborted
        if self.holding:
            self._hold()

    def rest(self, epoch: int) -> bool:
        self.epoch_times.append(time.perf_counter() - self.epoch_began - self.paused_s)
        self.epoch = epoch
        with self.wake:
            self._drain(epoch)
            if self.until is not None and epoch >= self.until and not self.stopping:
                self._set_state("paused")
                while self.until is not None and epoch >= self.until and not (self.stopping or self.aborting):
                    self.wake.wait()
                    self._drain(epoch)
                if not self.stopping:
                    self._set_state("running")
        if self.aborting:
            raise Aborted
        return self.stopping

    def _hold(self) -> None:
        """A pause between two batches: every chunk's thread waits here; decisions are not open."""
        with self.wake:
            began = time.perf_counter()
            if self.holding and self.state == "running":
                self._set_state("paused", "between two batches")
            while self.holding and not self.aborting:
                self._drain(self.epoch, between=True)
                if self.holding:
                    self.wake.wait()
            if self.state == "paused":
                self._set_state("running")
                self.paused_s += time.perf_counter() - began
        if self.aborting:
            raise Aborted

    def _drain(self, epoch: int, between: bool = False) -> None:
        """Applies every waiting command; the lock is held."""
        while self.queue:
            number, command = self.queue.popleft()
            reason = self._apply(command, epoch, between)
            self.acks.append(Ack(number, "rejected", reason=reason) if reason else Ack(number, "applied", epoch))

    def _apply(self, command: Command, epoch: int, between: bool) -> str:
        """Carries out a command; returns why not, if it cannot."""
        if isinstance(command, Pause):
            self.holding = command.at == "batch" and between
            self.until = self.until if self.holding else 0
        elif isinstance(command, Resume):
            if self.until is None and not self.holding:
                return "the run is not paused"
            self.until, self.holding = None, False
        elif isinstance(command, Step):
            if command.epochs < 1:
                return "a step needs at least one epoch"
            self.until, self.holding = epoch + command.epochs, False
        elif isinstance(command, Stop):
            self.stopping, self.holding = True, False
            self._set_state("stopping")
        elif isinstance(command, Note):
            self.hub.emit(SessionChanged(epoch=epoch, state="note", text=command.text))
        else:
            return f"{type(command).__name__} is not known here"
        return ""

    def _set_state(self, state: SessionState, text: str = "") -> None:
        self.state = state
        self.hub.emit(SessionChanged(epoch=self.epoch, state=state, text=text))

    # --- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        began = time.perf_counter()
        try:
            ending = self._play()
        except Aborted:
            ending = Ending("aborted", ExitCode.STOPPED)
        except EsperError as error:
            status = "diverged" if isinstance(error, Diverged) else "failed"
            ending = Ending(status, error.code, str(error))
        except BaseException as error:  # the boundary of the thread: nothing may escape unrecorded
            ending = self._crash(error)
        self._close(ending, time.perf_counter() - began)

    def _play(self) -> Ending:
        loop = Loop(self.parts, self.hub.emit, self.hub.flush, self)
        provenance = self.folder.provenance if self.folder else {}
        outcome: Outcome = loop.play(provenance)
        if self.examine is not None:
            self.phase("examining", self.epoch)
            self._emit(self.examine(self.parts, outcome.delivered))
        if self.folder is not None:
            save_best(self.folder.path, self.parts, outcome.delivered)
        return Ending("stopped", ExitCode.STOPPED) if outcome.stopped else Ending("done", ExitCode.DONE)

    def _emit(self, event: Event) -> None:
        self.hub.emit(event)
        self.hub.flush()

    def _crash(self, error: BaseException) -> Ending:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or any(w in str(error) for w in MEMORY_WORDS):
            text = "out of memory; lower run.envs, optim.batch or engine.chunk, or set reward.control = none"
            return Ending("failed", OutOfMemory.code, text)
        if self.folder is not None:
            with (self.folder.path / LOG_FILE).open("a") as log:
                traceback.print_exception(error, file=log)
            where = f"; the traceback is in {self.folder.path / LOG_FILE}"
        else:
            traceback.print_exception(error)
            where = ""
        return Ending("failed", ExitCode.INTERNAL, f"{type(error).__name__}: {error}{where}")

    def _close(self, ending: Ending, seconds: float) -> None:
        try:
            self.hub.emit(RunEnded(status=ending.status, code=int(ending.code), text=ending.error, seconds=seconds))
            self.hub.close()
        except EsperError as error:
            ending = Ending("failed", error.code, str(error))
        self.parts.engine.close()
        if self.folder is not None:
            self.folder.close()
        with self.wake:
            self.state, self.ending = "ended", ending
            while self.queue:
                self.acks.append(Ack(self.queue.popleft()[0], "rejected", reason="the run has ended"))
