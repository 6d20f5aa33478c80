"""Pausing, stepping, stopping: what a person's commands do to a loop, and when."""

import threading
import time

import pytest

from esper_tui.kasmina.lifecycle import Change
from esper_tui.leyline.choices import WAIT
from esper_tui.leyline.errors import ExitCode
from esper_tui.leyline.session import (
    Abandon,
    Breakpoint,
    Cancel,
    Look,
    Note,
    Override,
    Pause,
    Resume,
    Step,
    Stop,
)
from esper_tui.leyline.stages import Stage
from esper_tui.nissa.hub import Hub
from esper_tui.runtime import session as module
from esper_tui.runtime.pace import Pace
from esper_tui.runtime.session import LocalSession
from esper_tui.runtime.telling import stage_changed
from tests import worlds
from tests.worlds import germinate

PATIENCE_S = 20.0
HOLDING = Change("r0c0", Stage.BLENDING, Stage.HOLDING, "decision", 1, "CONV_LIGHT", "LINEAR_ADD", 10)


class PlayedLoop:
    """A loop without an engine: every epoch waits until the test lets it go.

    ``tells`` holds events by epoch; ``threads`` chunks tick at the same time.
    """

    epochs, batches, threads = 6, 2, 1

    def __init__(self, parts, emit, flush, boundary):
        self.emit, self.boundary, self.round = emit, boundary, 0
        self.go, self.began = threading.Semaphore(0), threading.Semaphore(0)
        self.tells, self.looking = {}, threading.Event()
        self.played = []

    def play(self, provenance, done=0):
        for epoch in range(1, self.epochs + 1):
            self.boundary.phase("training", epoch)
            self.began.release()
            assert self.go.acquire(timeout=PATIENCE_S)
            self._train()
            for event in self.tells.get(epoch, []):
                self.emit(event)
            self.played.append(epoch)
            self.boundary.phase("boundary", epoch)
            if self.boundary.rest(epoch):
                return module.Outcome([], True)
        return module.Outcome([], False)

    def _train(self):
        chunks = [threading.Thread(target=self._chunk) for _ in range(self.threads)]
        self.errors = []
        for chunk in chunks:
            chunk.start()
        for chunk in chunks:
            chunk.join()
        if self.errors:
            raise self.errors[0]

    def _chunk(self):
        try:
            for _ in range(self.batches):
                self.boundary.tick()
        except module.Aborted as error:
            self.errors.append(error)

    def look(self, env):
        self.looking.set()
        assert self.go.acquire(timeout=PATIENCE_S)
        return {"env": env, "values": {}, "pairs": [], "subsets": []}


class Room:
    """A session over a played loop, and what a person in front of it sees."""

    def __init__(self, monkeypatch, parts, **loop):
        monkeypatch.setattr(module, "Loop", type("Played", (PlayedLoop,), loop))
        self.session = LocalSession(parts, None, Hub(None), None)
        self.loop, self.acks, self.events = self.session.loop, {}, []

    def let(self, epochs: int = 1) -> None:
        for _ in range(epochs):
            self.loop.go.release()

    def send(self, command) -> int:
        return self.session.submit(command)

    def look(self):
        acks, events = self.session.poll()
        for ack in acks:
            self.acks.setdefault(ack.id, []).append(ack)
        self.events += events
        return self

    def until(self, seen) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not seen():
            assert time.monotonic() < deadline, (self.session.state, self.look().events, self.acks)
            time.sleep(0.001)

    def paused(self) -> None:
        self.until(lambda: self.session.state == "paused")

    def answered(self, number: int):
        """The last word on a command."""
        self.until(lambda: any(a.state != "accepted" for a in self.look().acks.get(number, [])))
        return self.acks[number][-1]

    def states(self) -> list[str]:
        return [e["state"] for e in self.look().events if e["type"] == "SessionChanged"]

    def end(self):
        self.let(100)
        return self.session.join()


@pytest.fixture(scope="module")
def parts():
    """Nothing of them is trained here."""
    return worlds.tiny_parts()


@pytest.fixture
def room(monkeypatch, parts):
    made = Room(monkeypatch, parts)
    yield made
    made.session.abort()
    made.let(100)
    if made.session.thread.is_alive():
        made.session.join()


def begin(room: Room) -> Room:
    room.session.start()
    assert room.loop.began.acquire(timeout=PATIENCE_S), room.session.ending
    return room


# --- pausing -------------------------------------------------------------------------------------------------------


def test_a_pause_rests_at_the_boundary_after_the_epoch(room):
    begin(room)
    number = room.send(Pause())
    assert room.session.progress().state == "pausing", "at once, for whoever looks"
    room.let()
    room.paused()
    assert room.loop.played == [1]
    assert [a.state for a in room.look().acks[number]] == ["accepted", "applied"]
    assert room.answered(number).epoch == 1
    assert room.session.progress().epoch == 1


def test_resuming_goes_on_to_the_end(room):
    begin(room).send(Pause())
    room.let()
    room.paused()
    room.send(Resume())
    assert room.end().status == "done"
    assert room.loop.played == [1, 2, 3, 4, 5, 6]
    assert room.states() == ["running", "paused", "running"]


def test_a_pause_that_is_taken_back_in_time_never_rests(room):
    begin(room)
    numbers = [room.send(Pause()), room.send(Resume())]
    assert room.session.progress().state == "running"
    assert room.end().status == "done"
    assert room.states() == ["running"]
    assert [room.acks[n][-1].state for n in numbers] == ["applied", "applied"]


def test_resuming_what_does_not_rest_is_rejected(room):
    begin(room)
    number = room.send(Resume())
    room.let()
    assert room.answered(number).reason == "the run is not paused"


def test_a_pause_before_the_first_epoch_counts(room):
    room.send(Pause())
    begin(room)
    assert room.session.progress().state == "pausing"
    room.let()
    room.paused()
    assert room.loop.played == [1]


def test_steps_run_so_many_epochs_and_rest_again(room):
    begin(room).send(Pause())
    room.let()
    room.paused()
    room.send(Step(2))
    room.until(lambda: room.session.state == "running")
    room.let(2)
    room.paused()
    assert room.loop.played == [1, 2, 3]


def test_a_step_of_nothing_is_rejected(room):
    begin(room).send(Pause())
    room.let()
    room.paused()
    assert room.answered(room.send(Step(0))).reason == "a step needs at least one epoch"


def test_a_step_while_running_rests_after_so_many(room):
    begin(room).send(Step(2))
    room.let(3)
    room.paused()
    assert room.loop.played == [1, 2, 3]


# --- between two batches -------------------------------------------------------------------------------------------


def test_a_batch_pause_rests_before_the_epoch_ends(room):
    begin(room)
    room.send(Pause("batch"))
    room.let()
    room.paused()
    assert room.loop.played == []
    assert [e["text"] for e in room.look().events if e["type"] == "SessionChanged"][-1] == "between two batches"
    room.send(Resume())
    assert room.end().status == "done"
    assert room.states() == ["running", "paused", "running"]


def test_a_batch_pause_after_an_epoch_pause_is_sooner(room):
    begin(room).send(Pause())
    room.send(Pause("batch"))
    room.let()
    room.paused()
    assert room.loop.played == []


def test_between_batches_an_override_is_for_the_coming_boundary_and_told_there(room):
    begin(room).send(Pause("batch"))
    room.let()
    room.paused()
    ack = room.answered(room.send(Override(0, WAIT)))
    assert (ack.state, ack.epoch, ack.intervention) == ("applied", 1, 1)
    assert not [e for e in room.look().events if e["type"] == "InterventionChanged"]
    taken_back = room.answered(room.send(Cancel(1)))
    assert taken_back.state == "applied"
    room.send(Resume())
    room.end()
    told = [(e["epoch"], e["fate"]) for e in room.look().events if e["type"] == "InterventionChanged"]
    assert told == [(1, "queued"), (1, "cancelled")]


def test_between_batches_there_is_nothing_to_look_at(room):
    begin(room).send(Pause("batch"))
    room.let()
    room.paused()
    assert "boundary" in room.answered(room.send(Look(0))).reason


def test_a_pause_at_the_epoch_lets_the_batches_run_to_the_boundary(room):
    begin(room).send(Pause("batch"))
    room.let()
    room.paused()
    room.send(Pause())
    room.until(lambda: room.loop.played == [1] and room.session.state == "paused")


def test_all_chunks_rest_together_and_it_is_told_once(monkeypatch, parts):
    room = begin(Room(monkeypatch, parts, threads=3, batches=4))
    room.send(Pause("batch"))
    room.let()
    room.paused()
    room.send(Resume())
    assert room.end().status == "done"
    assert room.states() == ["running", "paused", "running"]


def test_all_chunks_end_when_a_batch_pause_is_abandoned(monkeypatch, parts):
    room = begin(Room(monkeypatch, parts, threads=3, batches=4))
    room.send(Pause("batch"))
    room.let()
    room.paused()
    room.send(Abandon())
    assert room.session.join().status == "abandoned"


# --- breakpoints ---------------------------------------------------------------------------------------------------


def test_a_breakpoint_rests_at_the_boundary_of_what_happened(room):
    room.loop.tells[2] = [stage_changed(0, 2, 1, HOLDING)]
    room.send(Breakpoint("stage", "HOLDING"))
    begin(room).let(2)
    room.paused()
    assert room.loop.played == [1, 2]
    told = [e["text"] for e in room.look().events if e["type"] == "SessionChanged" and e["state"] == "breakpoint"]
    assert told == ["stage==HOLDING"]
    assert room.session.progress().breakpoints == ("stage==HOLDING",)


def test_a_breakpoint_ends_a_long_step(room):
    room.loop.tells[3] = [stage_changed(0, 3, 1, HOLDING)]
    room.send(Breakpoint("stage", "HOLDING"))
    begin(room).send(Step(100))
    room.let(3)
    room.paused()
    assert room.loop.played == [1, 2, 3]


# --- ending --------------------------------------------------------------------------------------------------------


def test_stopping_ends_at_the_boundary(room):
    begin(room)
    room.send(Stop())
    assert room.session.progress().state == "stopping"
    room.let()
    ending = room.session.join()
    assert (ending.status, ending.code) == ("stopped", ExitCode.STOPPED)
    assert room.loop.played == [1]


def test_stopping_ends_a_pause(room):
    begin(room).send(Pause())
    room.let()
    room.paused()
    room.send(Stop())
    assert room.session.join().status == "stopped"


def test_abandoning_ends_at_once_and_delivers_nothing(room):
    begin(room)
    number = room.send(Abandon())
    room.let()
    ending = room.session.join()
    assert (ending.status, ending.code) == ("abandoned", ExitCode.DONE)
    assert room.loop.played == []
    assert room.answered(number).state == "applied"
    assert room.look().events[-1]["status"] == "abandoned"


def test_whatever_comes_after_the_end_is_rejected(room):
    begin(room)
    room.end()
    number = room.send(Pause())
    assert [a.reason for a in room.look().acks[number] if a.state == "rejected"] == ["the run has ended"]
    assert room.session.progress().state == "ended"


def test_what_waits_when_the_run_ends_is_rejected(room, monkeypatch):
    late = []
    close = room.session.hub.close
    monkeypatch.setattr(room.session.hub, "close", lambda: (late.append(room.send(Note("too late"))), close()))
    begin(room)
    room.end()
    assert room.answered(late[0]).reason == "the run has ended"


def test_left_alone_a_run_never_rests_again(room):
    room.loop.tells[3] = [stage_changed(0, 3, 1, HOLDING)]
    room.send(Breakpoint("stage", "HOLDING"))
    begin(room).send(Pause())
    room.let()
    room.paused()
    room.session.leave_alone()
    assert room.end().status == "done"
    assert room.loop.played == [1, 2, 3, 4, 5, 6]


def test_a_defect_of_the_loop_is_an_ending_with_its_sentence(room, monkeypatch, capfd):
    monkeypatch.setattr(room.loop, "play", lambda provenance, done=0: 1 / 0)
    room.session.start()
    ending = room.session.join()
    assert (ending.status, ending.code) == ("failed", ExitCode.INTERNAL)
    assert ending.error == "ZeroDivisionError: division by zero"
    assert "1 / 0" in capfd.readouterr().err


# --- other commands ------------------------------------------------------------------------------------------------


def test_a_slow_look_does_not_keep_anyone_from_submitting(room):
    begin(room).send(Pause())
    room.let()
    room.paused()
    number = room.send(Look(0))
    assert room.loop.looking.wait(PATIENCE_S)
    note = room.send(Note("while it is measured"))  # would wait for ever if the look held the lock
    room.let()
    assert room.answered(number).state == "applied"
    assert room.answered(note).state == "applied"
    assert [e["env"] for e in room.look().events if e["type"] == "LookTaken"] == [0]
    assert [e["text"] for e in room.events if e["type"] == "SessionChanged" and e["state"] == "note"] == [
        "while it is measured"
    ]


def test_requests_that_make_no_sense_are_rejected_and_not_numbered(room):
    begin(room).send(Pause())
    room.let()
    room.paused()
    assert room.answered(room.send(Override(7, WAIT))).reason == "there is no environment 7, only 0 to 1"
    nowhere = room.answered(room.send(Override(0, germinate("r5c5"))))
    assert nowhere.reason == "the host has no slot r5c5, only r0c0, r1c0"
    assert room.answered(room.send(Look(9))).reason == "there is no environment 9, only 0 to 1"
    assert room.answered(room.send(Override(0, WAIT))).intervention == 1


def test_a_script_gives_its_commands_again_at_their_boundaries(monkeypatch, parts):
    room = Room(monkeypatch, parts)
    room.session.script = {(0, 2): [Override(0, WAIT, author="ann")], (0, 3): [Cancel(1), Stop()]}
    begin(room)
    assert room.end().status == "stopped"
    told = [(e["epoch"], e["fate"]) for e in room.look().events if e["type"] == "InterventionChanged"]
    assert told == [(2, "queued"), (3, "cancelled")]
    assert room.loop.played == [1, 2, 3]


# --- the clock -----------------------------------------------------------------------------------------------------


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now

    def after(self, seconds: float) -> None:
        self.now += seconds


def test_pauses_count_neither_for_the_epoch_nor_for_the_time_that_passed():
    clock = Clock()
    pace = Pace(clock)
    clock.after(1.0)
    pace.phase("training")
    clock.after(2.0)
    pace.rest()
    clock.after(50.0)
    assert (pace.paused_s, pace.elapsed_s) == (50.0, 3.0), "while it rests"
    pace.go_on()
    clock.after(3.0)
    pace.end_epoch()
    assert pace.epoch_s == 5.0
    assert (pace.paused_s, pace.elapsed_s) == (50.0, 6.0)
    pace.phase("boundary")
    assert pace.phase_s == {"starting": 1.0, "training": 5.0}


def test_a_pause_at_the_boundary_is_not_part_of_the_next_epoch():
    clock = Clock()
    pace = Pace(clock)
    for seconds in (4.0, 6.0):
        pace.phase("training")
        clock.after(seconds)
        pace.end_epoch()
        pace.rest()
        clock.after(1000.0)
        pace.go_on()
    assert pace.epoch_s == 5.0
    assert pace.elapsed_s == 10.0
