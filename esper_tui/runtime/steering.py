"""Commands to a run: taken from any thread, applied by the loop at its boundaries (a batch pause sooner)."""

import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from esper_tui.leyline.events import Event, LookTaken, SessionChanged
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
    Resume,
    SessionState,
    Step,
    Stop,
)
from esper_tui.nissa.hub import Hub
from esper_tui.nissa.thinning import Thinner
from esper_tui.runtime.breakpoints import Breakpoints
from esper_tui.runtime.build import Parts
from esper_tui.runtime.ending import is_out_of_memory
from esper_tui.runtime.keeping import Keeper
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.overrides import Overrides, problem_with
from esper_tui.runtime.pace import Pace

Script = dict[tuple[int, int], list[Command]]
"""Commands by the boundary (round, epoch) at which they are given again: a run that is repeated."""


class Aborted(Exception):
    """Ends the loop between two batches; nothing is delivered."""


class Steering:
    """What commands do to a loop.

    ``wake`` is held for moments only, so that submitting never waits for the loop; ``turn`` lets one thread of the
    engine at a time rest between two batches.
    """

    loop: Loop

    def __init__(self, parts: Parts, hub: Hub, path: Path | None, script: Script | None = None):
        self.parts, self.hub, self.path, self.script = parts, hub, path, script or {}
        self.wake, self.turn = threading.Condition(), threading.Lock()
        self.queue: deque[tuple[int, Command, int | None]] = deque()
        self.reports: deque[SessionChanged] = deque()
        self.acks: deque[Ack] = deque()
        self.ack_sinks = [self.acks]
        self.ids = itertools.count(1)
        self.state: SessionState = "starting"
        self.until: int | None = None  # rest after this many boundaries of the run; 0 means at the next one
        self.holding = self.stopping = self.aborting = self.abandoned = self.alone = False
        self.wants_checkpoint = self.over = False
        self.epoch, self.pace = 0, Pace()
        self.overrides, self.breakpoints, self.thinner = Overrides(hub.emit), Breakpoints(), Thinner()
        choice, settings = parts.choice.document(), parts.config.checkpoint
        self.keeper = Keeper(path, settings, choice) if path is not None else None

    # --- taking ------------------------------------------------------------------------------------------------

    def submit(self, command: Command) -> int:
        """Takes a command; what can never be done is rejected at once, without a boundary."""
        with self.wake:
            number = next(self.ids)
            problem = "the run has ended" if self.over else self._problem(command)
            if problem:
                self._tell(Ack(number, "rejected", reason=problem))
                return number
            reserved = self._reserve(command)
            self._tell(Ack(number, "accepted", intervention=reserved))
            self.queue.append((number, command, reserved))
            self._foresee(command)
            self.wake.notify_all()
        return number

    def _reserve(self, command: Command) -> int | None:
        """The number of an override: it is known before a boundary takes it in, so that it can be taken back."""
        if not isinstance(command, Override):
            return None
        with self.wake:
            return self.overrides.reserve()

    def _problem(self, command: Command) -> str:
        """Why a command makes no sense for this run, whatever its state; empty if it does."""
        envs = self.parts.config.run.envs
        if isinstance(command, Override):
            return problem_with(command, envs, self.parts.shape.slots)
        if isinstance(command, Step) and command.epochs < 1:
            return "a step needs at least one epoch"
        if isinstance(command, Look) and not 0 <= command.env < envs:
            return f"there is no environment {command.env}, only 0 to {envs - 1}"
        if isinstance(command, Checkpoint) and self.keeper is None:
            return "this run has no folder"
        return ""

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

    def report(self, state: str, text: str) -> None:
        """Has the log say what happened around the run, as one of ``leyline.events.INCIDENTS``."""
        with self.wake:
            self.reports.append(SessionChanged(state=state, text=text))
            self.wake.notify_all()

    def listen_acks(self) -> deque[Ack]:
        """Every acknowledgement from now on, for one more reader."""
        self.ack_sinks = [*self.ack_sinks, deque()]
        return self.ack_sinks[-1]

    def _tell(self, ack: Ack) -> None:
        for sink in self.ack_sinks:
            sink.append(ack)

    # --- resting -----------------------------------------------------------------------------------------------

    def _hold(self) -> None:
        """A pause between two batches: every chunk's thread waits here; decisions are not open."""
        with self.turn:
            self._rest(lambda: self.holding, between=True)
        if self.aborting:
            raise Aborted

    def _rest(self, wanted: Callable[[], bool], between: bool = False, why: str = "") -> None:
        """Applies what has come in, and rests while that is wanted.  Nothing polls."""
        self._drain(between)
        if not self._stays(wanted):
            return
        self._set_state("paused", "between two batches" if between else why)
        self.pace.rest()
        while self._stays(wanted):
            self.hub.flush()
            with self.wake:
                if not (self.queue or self.reports) and self._stays(wanted):
                    self.wake.wait()
            self._drain(between)
        self.pace.go_on()
        if not (self.stopping or self.aborting):
            self._set_running()

    def _stays(self, wanted: Callable[[], bool]) -> bool:
        return wanted() and not (self.stopping or self.aborting or self.alone)

    def _boundaries(self) -> int:
        """Boundaries passed so far, over all rounds."""
        return self.loop.round * self.parts.config.run.epochs + self.epoch

    # --- applying ----------------------------------------------------------------------------------------------

    def _drain(self, between: bool) -> None:
        """Applies every waiting command; what became of interventions is on the disk before the loop goes on."""
        while self.reports:
            self.hub.emit(replace(self.reports.popleft(), epoch=self.epoch))
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
            self.until, self.holding = self._boundaries() + command.epochs, False
        elif isinstance(command, Stop):
            self.stopping, self.holding = True, False
            self._set_state("stopping")
        elif isinstance(command, Note):
            self.hub.emit(SessionChanged(epoch=self.epoch, state="note", text=command.text))
        elif isinstance(command, Breakpoint):
            return self.breakpoints.change(command)
        elif isinstance(command, Checkpoint):
            self.wants_checkpoint = True  # between two batches it waits for the boundary
            self._keep(not between)
        elif isinstance(command, Look):
            return self._look(command, between)
        elif not isinstance(command, Abandon):
            return f"{type(command).__name__} is not known here"
        return ""

    def _look(self, command: Look, between: bool) -> str:
        if between:
            return "a look needs a boundary; pause at the end of the epoch"
        try:
            found = self.loop.look(command.env)
        except Exception as error:
            if is_out_of_memory(error):
                return "there is not enough memory for every coalition at once; the run goes on without the look"
            raise
        if not found:
            return f"environment {command.env} has no seed that is blended in"
        self.hub.emit(LookTaken(epoch=self.epoch, env=command.env, shapley=found))
        return ""

    def _keep(self, wanted: bool) -> None:
        """Takes a checkpoint if one is wanted, and tells of those that have reached the disk."""
        if self.keeper is None:
            return
        if wanted:
            self.wants_checkpoint = False
            self.hub.flush(sync=True)
            self.keeper.take(self.loop, self.epoch, self.hub.seq - 1, self.pace.elapsed_s)
        for saved in self.keeper.news():
            self.hub.emit(replace(saved, epoch=self.epoch, round=self.loop.round))

    # --- telling -----------------------------------------------------------------------------------------------

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
        told = self.thinner(event)
        if told is None:
            return
        met = self.breakpoints.matches(self.hub.emit(told))
        if met and self.until != 0:
            self.until = 0
            with self.wake:
                self.state = "pausing" if self.state == "running" else self.state
            self.hub.emit(SessionChanged(epoch=self.epoch, state="breakpoint", text=met))
