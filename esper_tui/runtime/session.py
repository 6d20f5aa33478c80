"""A run in its own thread.

The loop thread is plain and owned by whoever made the session; what commands do is in ``steering``.  Whatever ends the
loop is written into the log before the thread ends.
"""

import threading
from collections.abc import Callable
from typing import Any

from esper_tui.leyline.errors import CannotWrite, EsperError, ExitCode
from esper_tui.leyline.events import AlertCleared, AlertRaised, RunEnded, SessionChanged, TestMeasured
from esper_tui.leyline.metrics import ALERTS
from esper_tui.leyline.session import Abandon, Ack, Progress, Role, Stop, Visitors
from esper_tui.nissa.hub import Hub, Listener
from esper_tui.runtime.build import Parts
from esper_tui.runtime.delivery import Delivered
from esper_tui.runtime.disk import DiskWatch, Room
from esper_tui.runtime.ending import Ending, ending_of
from esper_tui.runtime.folder import RunFolder
from esper_tui.runtime.loop import Loop, Outcome
from esper_tui.runtime.memory import memory_advice
from esper_tui.runtime.resources import Sampler
from esper_tui.runtime.server import Server, open_server
from esper_tui.runtime.steering import Aborted, Script, Steering
from esper_tui.runtime.watchdog import Watchdog

Examine = Callable[[Parts, list[Delivered], Callable[[], None]], TestMeasured]
"""Measures delivered networks on the test split; calls its last argument between two networks, which may raise."""


class LocalSession(Steering):
    """A ``leyline.session.Session`` in the same process, and the ``Boundary`` of its loop.

    Attributes:
        past: the events of a run that goes on, up to where it goes on; the first ``poll`` gives them.
        rests_when_full: whether somebody is there who can free some space while it rests; else it ends.
    """

    role: Role = "control"
    attached = False

    def __init__(
        self, parts: Parts, folder: RunFolder | None, hub: Hub, examine: Examine | None, script: Script | None = None
    ):
        super().__init__(parts, hub, folder.path if folder else None, script)
        self.folder, self.examine = folder, examine
        self.listener: Listener = hub.listen()
        self.past: list[dict[str, Any]] = []
        self.server: Server | None = None
        self.sampler, self.rests_when_full, self.hurried = Sampler(self.path), False, False
        self.loop = Loop(parts, self._emit, hub.flush, self)
        self.disk = DiskWatch(self.path) if self.path is not None else None
        self.watchdog = Watchdog(self.pace, hub.emit, lambda: (self.loop.round, self.epoch))
        self.done = 0  # epochs of the present round that were behind the run when it was resumed
        self.asked_by = ExitCode.STOPPED  # the exit code of a run that is asked to end
        self.ending: Ending | None = None
        self.thread = threading.Thread(target=self._run, name="loop")

    # --- for the front end -------------------------------------------------------------------------------------

    def start(self) -> None:
        if self.folder is not None:
            self.server = open_server(self, self.folder.path, self.folder.lock)
        self.watchdog.start()
        self.thread.start()

    def last_seq(self) -> int:
        return self.hub.seq - 1

    def poll(self) -> tuple[list[Ack], list[dict[str, Any]]]:
        acks = [self.acks.popleft() for _ in range(len(self.acks))]
        past, self.past = self.past, []
        return acks, past + self.listener.drain()

    def progress(self) -> Progress:
        config, pace = self.parts.config, self.pace
        epoch_s = pace.epoch_s
        rate = config.images_per_epoch * config.run.envs / epoch_s if epoch_s else None
        left = config.run.rounds * config.run.epochs - self._boundaries()
        return Progress(
            state=self.state, phase=pace.phase_name, round=self.loop.round, epoch=self.epoch, epochs=config.run.epochs,
            steps_done=pace.steps_done, steps=config.steps_per_epoch * max(1, len(self.parts.engine.chunks)),
            epoch_s=epoch_s, images_per_s=rate, eta_s=epoch_s * left if epoch_s else None,
            elapsed_s=pace.elapsed_s, paused_s=pace.paused_s, phase_s=pace.phase_s,
            breakpoints=self.breakpoints.described(), resources=self.sampler.read(),
            visitors=self.server.visitors() if self.server is not None else Visitors(),
        )  # fmt: skip

    def abort(self) -> None:
        """Ends the loop between two batches, without delivering anything."""
        with self.wake:
            self.aborting = True
            self.wake.notify_all()

    def make_room(self) -> None:
        """Ends the run at the boundary with a checkpoint; the test split stays closed for whoever goes on with it."""
        self.hurried = True
        self.submit(Stop())

    def leave_alone(self) -> None:
        """Nobody watches any more: from now on nothing makes the run rest."""
        with self.wake:
            self.alone, self.holding, self.rests_when_full = True, False, False
            self.wake.notify_all()

    def join(self) -> Ending:
        self.thread.join()
        assert self.ending is not None
        return self.ending

    def go_on_from(self, epoch: int, elapsed_s: float = 0.0) -> None:
        """The loop was restored as it was after this epoch."""
        self.done = self.epoch = epoch
        self.pace.before_s = elapsed_s
        if self.keeper is not None:
            self.keeper.place = (self.loop.round, epoch)

    # --- for the loop ------------------------------------------------------------------------------------------

    def phase(self, name: str, epoch: int) -> None:
        if name in ("training", "controls"):
            self.epoch = epoch - 1 if name == "training" else 0
            if self.state == "starting":
                self._set_running()
        self.pace.phase(name)

    def tick(self) -> None:
        self.pace.tick()
        if self.aborting:
            raise Aborted
        if self.holding:
            self._hold()

    def rest(self, epoch: int) -> bool:
        if self.state != "starting":
            self.pace.end_epoch()
        self.epoch = epoch
        for command in self.script.get((self.loop.round, epoch), []):
            self._answer(0, command, self._reserve(command))
        self._keep(self.wants_checkpoint or (self.keeper is not None and self.keeper.is_due(epoch)))
        why = self._mind_the_disk()
        self._rest(lambda: self.until is not None and self._boundaries() >= self.until, why=why)
        if self.aborting:
            raise Aborted
        self._keep(self.stopping)
        return self.stopping

    # --- the disk ----------------------------------------------------------------------------------------------

    def _mind_the_disk(self) -> str:
        """Looks at the room that is left and does what follows from a change; returns why the run rests now."""
        if self.disk is None or self.keeper is None:
            return ""
        before = self.disk.room
        if not self.disk.look(self.keeper.size):
            return ""
        room, told = self.disk.room, self.disk.told()
        if (before < Room.PLENTY) != (room < Room.PLENTY):
            self._alert_of_disk(room < Room.PLENTY, told)
        if (before <= Room.SCARCE) != (room <= Room.SCARCE):
            self._thin(room <= Room.SCARCE, told)
        if room > Room.FULL:
            return ""
        self._keep(True)
        if not self.rests_when_full:
            name = self.disk.folder.name
            raise CannotWrite(f"{told}: ended after epoch {self.epoch}; free some space, then `esper resume {name}`")
        self.until = 0
        return f"{told}; free some space, then resume"

    def _alert_of_disk(self, raised: bool, told: str) -> None:
        place: dict[str, Any] = {"round": self.loop.round, "epoch": self.epoch, "rule": "disk"}
        severity = ALERTS["disk"].severity
        self.hub.emit(AlertRaised(**place, text=told, severity=severity) if raised else AlertCleared(**place))

    def _thin(self, on: bool, told: str) -> None:
        """The log leaves out what can be spared, or is complete again; both are said, with what was left out."""
        self.thinner.on = on
        text = f"{told}: from here on the log leaves out decisions to wait, and the reasons of others"
        if not on:
            text = f"{told}: the log is complete again; {self.thinner.counted()}"
        self.hub.emit(SessionChanged(epoch=self.epoch, state="thinned" if on else "complete", text=text))

    # --- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            ending = self._play()
        except Aborted:
            ending = Ending("abandoned", ExitCode.DONE) if self.abandoned else Ending("aborted", self.asked_by)
        except BaseException as error:  # the boundary of the thread: nothing may escape unrecorded
            ending = ending_of(error, self.path, lambda: memory_advice(self.parts.config, self.parts.choice))
        self._close(ending)

    def _play(self) -> Ending:
        outcome: Outcome = self.loop.play(self.folder.provenance if self.folder else {}, self.done)
        if self.examine is not None and not (self.hurried and outcome.stopped):
            self.phase("examining", self.epoch)
            self.hub.emit(self.examine(self.parts, outcome.delivered, self._unless_aborted))
            self.hub.flush()
        return Ending("stopped", self.asked_by) if outcome.stopped else Ending("done", ExitCode.DONE)

    def _unless_aborted(self) -> None:
        if self.aborting:
            raise Aborted

    def _close(self, ending: Ending) -> None:
        self.watchdog.close()
        ending = self._end_log(ending)
        self.parts.engine.close()
        with self.wake:
            self.over, self.state, self.ending = True, "ended", ending
            self._refuse_the_rest()
        if self.server is not None:
            self.server.close()
        if self.folder is not None:
            self.folder.close()

    def _end_log(self, ending: Ending) -> Ending:
        """Waits for the last checkpoint, and writes how the run ended; what went wrong first is what is told."""
        try:
            if self.keeper is not None:
                self.keeper.close()
                self._keep(False)
            if self.thinner.on:
                self._thin(False, "the run ends")
            while self.reports:
                self.hub.emit(self.reports.popleft())
            seconds = self.pace.elapsed_s
            self.hub.emit(RunEnded(status=ending.status, code=int(ending.code), text=ending.error, seconds=seconds))
            self.hub.close()
        except EsperError as error:
            return ending if ending.error else Ending("failed", error.code, str(error))
        return ending

    def _refuse_the_rest(self) -> None:
        while self.queue:
            number, command, _ = self.queue.popleft()
            late = Ack(number, "rejected", reason="the run has ended")
            self._tell(Ack(number, "applied", self.epoch) if isinstance(command, Abandon) else late)
