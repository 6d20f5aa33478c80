"""A run in its own thread, and the commands that reach it.

The loop thread is plain and owned by whoever made the session; commands wait in a queue and apply at the boundary
(a batch pause sooner).  Whatever ends the loop is written into the log before the thread ends.
"""

import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from esper_tui.leyline.errors import EsperError, ExitCode
from esper_tui.leyline.events import Event, LookTaken, RunEnded, SessionChanged, TestMeasured
from esper_tui.leyline.session import (
    Abandon,
    Ack,
    Breakpoint,
    Cancel,
    Checkpoint,
    Command,
    Look,
    Note,
    Override,
    Pause,
    Progress,
    Resume,
    Role,
    SessionState,
    Step,
    Stop,
)
from esper_tui.nissa.hub import Hub, Listener
from esper_tui.runtime.breakpoints import Breakpoints
from esper_tui.runtime.build import Parts
from esper_tui.runtime.delivery import Delivered
from esper_tui.runtime.ending import Ending, ending_of
from esper_tui.runtime.folder import RunFolder
from esper_tui.runtime.keeping import Keeper
from esper_tui.runtime.loop import Loop, Outcome
from esper_tui.runtime.overrides import Overrides, problem_with
from esper_tui.runtime.pace import Pace
from esper_tui.runtime.resources import Sampler
from esper_tui.runtime.server import Server, open_server

Examine = Callable[[Parts, list[Delivered]], TestMeasured]
Script = dict[tuple[int, int], list[Command]]
"""Commands by the boundary (round, epoch) at which they are given again: a run that is repeated."""


class Aborted(Exception):
    """Ends the loop between two batches; nothing is delivered."""


class LocalSession:
    """A ``leyline.session.Session`` in the same process, and the ``Boundary`` of its loop.

    ``wake`` is held for moments only, so that submitting never waits for the loop; ``turn`` lets one thread of the
    engine at a time rest between two batches.
    """

    role: Role = "control"

    def __init__(
        self, parts: Parts, folder: RunFolder | None, hub: Hub, examine: Examine | None, script: Script | None = None
    ):
        self.parts, self.folder, self.hub, self.examine = parts, folder, hub, examine
        self.path: Path | None = folder.path if folder else None
        self.script = script or {}
        self.listener: Listener = hub.listen()
        self.wake, self.turn = threading.Condition(), threading.Lock()
        self.queue: deque[tuple[int, Command, int | None]] = deque()
        self.acks: deque[Ack] = deque()
        self.ack_sinks = [self.acks]
        self.server: Server | None = None
        self.ids = itertools.count(1)
        self.state: SessionState = "starting"
        self.until: int | None = None  # rest after this many boundaries of the run; 0 means at the next one
        self.holding = self.stopping = self.aborting = self.abandoned = self.alone = False
        self.epoch, self.pace, self.sampler = 0, Pace(), Sampler(self.path)
        self.overrides, self.breakpoints = Overrides(hub.emit), Breakpoints()
        self.loop = Loop(parts, self._emit, hub.flush, self)
        choice, settings = parts.choice.document(), parts.config.checkpoint
        self.keeper = Keeper(self.path, settings, choice) if self.path is not None else None
        self.done = 0  # epochs of the present round that were behind the run when it was resumed
        self.ending: Ending | None = None
        self.thread = threading.Thread(target=self._run, name="loop")

    # --- for the front end -------------------------------------------------------------------------------------

    def start(self) -> None:
        if self.folder is not None:
            self.server = open_server(self, self.folder.path, self.folder.lock)
        self.thread.start()

    def submit(self, command: Command) -> int:
        with self.wake:
            number = next(self.ids)
            if self.ending is not None:
                self._tell(Ack(number, "rejected", reason="the run has ended"))
                return number
            reserved = self._reserve(command)
            self._tell(Ack(number, "accepted", intervention=reserved))
            self.queue.append((number, command, reserved))
            self._foresee(command)
            self.wake.notify_all()
        return number

    def _reserve(self, command: Command) -> int | None:
        """The number of an override: it is known before a boundary takes it in, so that it can be taken back."""
        if not isinstance(command, Override) or self._problem(command):
            return None
        with self.wake:
            return self.overrides.reserve()

    def _problem(self, command: Override) -> str:
        return problem_with(command, self.parts.config.run.envs, self.parts.shape.slots)

    def _foresee(self, command: Command) -> None:
        """What a command does at once: the state that is shown, and whether the next batch still starts."""
        if isinstance(command, Abandon):
            self.aborting = self.abandoned = True
        elif isinstance(command, Pause) and self.state in ("running", "pausing"):
            self.holding = self.holding or command.at == "batch"
            self.state = "pausing"
        elif isinstance(command, Resume | Step) and self.state == "pausing":
            self.state = "running"
        elif isinstance(command, Stop) and self.state in ("running", "pausing"):
            self.state = "stopping"

    def listen_acks(self) -> deque[Ack]:
        """Every acknowledgement from now on, for one more reader."""
        self.ack_sinks = [*self.ack_sinks, deque()]
        return self.ack_sinks[-1]

    def last_seq(self) -> int:
        return self.hub.seq - 1

    def _tell(self, ack: Ack) -> None:
        for sink in self.ack_sinks:
            sink.append(ack)

    def poll(self) -> tuple[list[Ack], list[dict[str, Any]]]:
        acks = [self.acks.popleft() for _ in range(len(self.acks))]
        return acks, self.listener.drain()

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
        )  # fmt: skip

    def _boundaries(self) -> int:
        """Boundaries passed so far, over all rounds."""
        return self.loop.round * self.parts.config.run.epochs + self.epoch

    def abort(self) -> None:
        """Ends the loop between two batches, without delivering anything."""
        with self.wake:
            self.aborting = True
            self.wake.notify_all()

    def leave_alone(self) -> None:
        """Nobody watches any more: from now on nothing makes the run rest."""
        with self.wake:
            self.alone, self.holding = True, False
            self.wake.notify_all()

    def join(self) -> Ending:
        self.thread.join()
        assert self.ending is not None
        return self.ending

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
        self._keep(self.keeper is not None and self.keeper.is_due(epoch))
        self._rest(lambda: self.until is not None and self._boundaries() >= self.until)
        if self.aborting:
            raise Aborted
        self._keep(self.stopping)
        return self.stopping

    def _hold(self) -> None:
        """A pause between two batches: every chunk's thread waits here; decisions are not open."""
        with self.turn:
            self._rest(lambda: self.holding, between=True)
        if self.aborting:
            raise Aborted

    def _rest(self, wanted: Callable[[], bool], between: bool = False) -> None:
        """Applies what has come in, and rests while that is wanted.  Nothing polls."""
        self._drain(between)
        if not self._stays(wanted):
            return
        self._set_state("paused", "between two batches" if between else "")
        self.pace.rest()
        while self._stays(wanted):
            self.hub.flush()
            with self.wake:
                if not self.queue and self._stays(wanted):
                    self.wake.wait()
            self._drain(between)
        self.pace.go_on()
        if not (self.stopping or self.aborting):
            self._set_running()

    def _stays(self, wanted: Callable[[], bool]) -> bool:
        return wanted() and not (self.stopping or self.aborting or self.alone)

    # --- commands ----------------------------------------------------------------------------------------------

    def _drain(self, between: bool) -> None:
        """Applies every waiting command; what became of interventions is on the disk before the loop goes on."""
        touched = False
        while self.queue:
            number, command, reserved = self.queue.popleft()
            self._tell(self._answer(number, command, reserved, between))
            touched = touched or isinstance(command, Override | Cancel)
        if not between:
            self.overrides.publish()
            if touched:
                self.hub.flush(sync=True)

    def _answer(self, number: int, command: Command, reserved: int | None, between: bool = False) -> Ack:
        boundary = self.epoch + between
        if isinstance(command, Cancel):
            return Ack(number, *self.overrides.cancel(boundary, command.intervention))
        if isinstance(command, Override):
            if reason := self._problem(command):
                return Ack(number, "rejected", reason=reason)
            asked = self.overrides.queue(boundary, command, reserved)
            return Ack(number, "applied", boundary, intervention=asked)
        reason = self._apply(command, between)
        return Ack(number, "rejected", reason=reason) if reason else Ack(number, "applied", self.epoch)

    def _apply(self, command: Command, between: bool) -> str:
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
            self.until, self.holding = self._boundaries() + command.epochs, False
        elif isinstance(command, Stop):
            self.stopping, self.holding = True, False
            self._set_state("stopping")
        elif isinstance(command, Note):
            self.hub.emit(SessionChanged(epoch=self.epoch, state="note", text=command.text))
        elif isinstance(command, Breakpoint):
            return self.breakpoints.change(command)
        elif isinstance(command, Checkpoint):
            return self._checkpoint(between)
        elif isinstance(command, Look):
            return self._look(command, between)
        elif not isinstance(command, Abandon):
            return f"{type(command).__name__} is not known here"
        return ""

    def _look(self, command: Look, between: bool) -> str:
        if between:
            return "a look needs a boundary; pause at the end of the epoch"
        if not 0 <= command.env < self.parts.config.run.envs:
            return f"there is no environment {command.env}"
        found = self.loop.look(command.env)
        if not found:
            return f"environment {command.env} has no seed that is blended in"
        self.hub.emit(LookTaken(epoch=self.epoch, env=command.env, shapley=found))
        return ""

    def go_on_from(self, epoch: int) -> None:
        """The loop was restored as it was after this epoch."""
        self.done = self.epoch = epoch
        if self.keeper is not None:
            self.keeper.place = (self.loop.round, epoch)

    def _checkpoint(self, between: bool) -> str:
        if between:
            return "a checkpoint needs a boundary; pause at the end of the epoch"
        if self.keeper is None:
            return "this run has no folder"
        self._keep(True)
        return ""

    def _keep(self, wanted: bool) -> None:
        """Takes a checkpoint if one is wanted, and tells of those that have reached the disk."""
        if self.keeper is None:
            return
        if wanted:
            self.hub.flush(sync=True)
            self.keeper.take(self.loop, self.epoch, self.hub.seq - 1)
        for saved in self.keeper.news():
            self.hub.emit(replace(saved, epoch=self.epoch, round=self.loop.round))

    def _set_running(self) -> None:
        """Goes on; commands that came in while that was decided count again."""
        with self.wake:
            self._set_state("running")
            for _, command, _ in self.queue:
                self._foresee(command)

    def _set_state(self, state: SessionState, text: str = "") -> None:
        self.state = state
        self.hub.emit(SessionChanged(epoch=self.epoch, state=state, text=text))

    def _emit(self, event: Event) -> None:
        """What the loop tells; a breakpoint that is met makes the run rest at the next boundary."""
        met = self.breakpoints.matches(self.hub.emit(event))
        if met and self.until != 0:
            self.until = 0
            with self.wake:
                self.state = "pausing" if self.state == "running" else self.state
            self.hub.emit(SessionChanged(epoch=self.epoch, state="breakpoint", text=met))

    # --- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            ending = self._play()
        except Aborted:
            ending = Ending("abandoned", ExitCode.DONE) if self.abandoned else Ending("aborted", ExitCode.STOPPED)
        except BaseException as error:  # the boundary of the thread: nothing may escape unrecorded
            ending = ending_of(error, self.path)
        self._close(ending)

    def _play(self) -> Ending:
        outcome: Outcome = self.loop.play(self.folder.provenance if self.folder else {}, self.done)
        if self.examine is not None:
            self.phase("examining", self.epoch)
            self.hub.emit(self.examine(self.parts, outcome.delivered))
            self.hub.flush()
        return Ending("stopped", ExitCode.STOPPED) if outcome.stopped else Ending("done", ExitCode.DONE)

    def _close(self, ending: Ending) -> None:
        seconds = self.pace.elapsed_s
        try:
            if self.keeper is not None:
                self.keeper.close()
                self._keep(False)
            self.hub.emit(RunEnded(status=ending.status, code=int(ending.code), text=ending.error, seconds=seconds))
            self.hub.close()
        except EsperError as error:
            ending = Ending("failed", error.code, str(error))
        self.parts.engine.close()
        if self.server is not None:
            self.server.close()
        if self.folder is not None:
            self.folder.close()
        with self.wake:
            self.state, self.ending = "ended", ending
            while self.queue:
                number, command, _ = self.queue.popleft()
                late = Ack(number, "rejected", reason="the run has ended")
                self._tell(Ack(number, "applied", self.epoch) if isinstance(command, Abandon) else late)
