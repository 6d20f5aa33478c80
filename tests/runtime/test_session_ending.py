"""Breakpoints, endings, further commands, and the clock of a session."""

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
    Step,
    Stop,
)
from esper_tui.runtime.pace import Pace
from esper_tui.runtime.telling import stage_changed
from tests.runtime.rooms import HOLDING, PATIENCE_S, Room, begin
from tests.worlds import germinate

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


def test_aborting_ends_the_measurement_on_the_test_split_between_two_networks(room):
    measured = []

    def examine(parts, delivered, tick):
        for network in range(3):
            tick()
            measured.append(network)
            room.session.abort()

    room.session.examine = examine
    begin(room).let(6)
    assert room.session.join().status == "aborted"
    assert measured == [0]
