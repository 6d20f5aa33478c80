"""Pausing and stepping: what a person's commands do to a loop, and when."""

from esper_tui.leyline.choices import WAIT
from esper_tui.leyline.session import (
    Abandon,
    Cancel,
    Look,
    Override,
    Pause,
    Resume,
    Step,
)
from tests.runtime.rooms import Room, begin

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
