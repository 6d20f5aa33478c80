"""Signals: what each asks of a run, and how long it may take to obey."""

import signal

import pytest

from esper_tui.leyline.errors import ExitCode
from esper_tui.leyline.session import Checkpoint, Stop
from esper_tui.runtime import interrupts as module
from esper_tui.runtime.interrupts import ABORT_S, Signals
from tests import worlds


class Stub:
    """A session that only notes what it is asked for."""

    path = None

    def __init__(self, grace_s: float = 20.0):
        self.asked: list[str] = []
        self.parts = type("Parts", (), {"config": worlds.tiny_config(checkpoint={"grace_s": grace_s})})

    def submit(self, command) -> None:
        self.asked.append({Stop: "stop", Checkpoint: "checkpoint"}[type(command)])

    def make_room(self) -> None:
        self.asked.append("make room")

    def report(self, state: str, text: str) -> None:
        self.asked.append(state)

    def abort(self) -> None:
        self.asked.append("abort")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def heard(monkeypatch):
    """Signals without a process around them, their session, clock, and the codes the process was left with."""
    monkeypatch.setattr(module, "let_go", lambda folder: None)
    clock, left, session = Clock(), [], Stub()
    made = Signals("headless", clock, left.append)
    made.follow(session)
    yield made, session, clock, left
    made.restore()


@pytest.mark.parametrize(
    ("number", "asked", "code"),
    [
        (signal.SIGINT, ["stop"], ExitCode.INTERRUPTED),
        (signal.SIGTERM, ["make room"], ExitCode.TERMINATED),
        (signal.SIGUSR2, ["make room"], ExitCode.STOPPED),
        (signal.SIGUSR1, ["checkpoint"], None),
        (signal.SIGHUP, ["hangup", "checkpoint"], None),
    ],
)
def test_what_a_signal_asks_for(heard, number, asked, code):
    made, session, _, _ = heard
    made.take(number)
    assert session.asked == asked
    assert made.code == code


def test_a_hang_up_may_end_the_run(heard):
    made, session, _, _ = heard
    made.on_hangup = "checkpoint-exit"
    made.take(signal.SIGHUP)
    assert session.asked == ["make room"]
    assert made.code == ExitCode.HANGUP


def test_a_second_signal_ends_it_now(heard):
    made, session, _, _ = heard
    made.take(signal.SIGTERM)
    made.take(signal.SIGINT)
    assert session.asked == ["make room", "abort"]
    assert made.code == ExitCode.TERMINATED, "the first one counts"


def test_the_grace_time_ends_with_the_newest_checkpoint(heard):
    made, session, clock, left = heard
    made.take(signal.SIGTERM)
    clock.now = 19.9
    made.look()
    assert session.asked == ["make room"]
    clock.now = 20.0
    made.look()
    made.look()
    assert session.asked == ["make room", "abort"], "once"
    assert left == []


def test_a_loop_that_hangs_is_left_behind(heard):
    made, _, clock, left = heard
    made.take(signal.SIGTERM)
    clock.now = 20.0
    made.look()
    clock.now = 20.0 + ABORT_S
    made.look()
    assert left == [143]


def test_sigint_has_no_limit(heard):
    made, session, clock, left = heard
    made.take(signal.SIGINT)
    clock.now = 1e6
    made.look()
    assert (session.asked, left) == (["stop"], [])


def test_before_there_is_a_run_signals_end_the_program_but_for_two():
    made = Signals("headless")
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
            with pytest.raises(SystemExit):
                made.take(number)
        made.take(signal.SIGUSR1)
    finally:
        made.restore()


def test_a_hang_up_while_the_run_is_prepared_is_told_when_it_is_there(monkeypatch):
    monkeypatch.setattr(module, "let_go", lambda folder: None)
    made, session = Signals("headless"), Stub()
    try:
        made.take(signal.SIGHUP)
        made.follow(session)
    finally:
        made.restore()
    assert session.asked == ["hangup", "checkpoint"]
