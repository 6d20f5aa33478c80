"""A loop that does nothing is noticed, once, and a loop that rests is not."""

import pytest

from esper_tui.leyline.events import AlertCleared, AlertRaised, is_deterministic, to_record
from esper_tui.runtime.pace import Pace
from esper_tui.runtime.watchdog import LEAST_S, Watchdog


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watched():
    clock, told = Clock(), []
    pace = Pace(clock)
    return clock, pace, Watchdog(pace, told.append, lambda: (0, 7)), told


def test_a_minute_of_silence_is_an_alert_and_a_step_clears_it(watched):
    clock, pace, dog, told = watched
    pace.phase("training")
    clock.now = LEAST_S
    dog.look()
    assert told == []
    clock.now = LEAST_S + 1
    dog.look()
    dog.look()
    assert [type(e) for e in told] == [AlertRaised]
    assert told[0].text == "no step for 61 s while training; the loop may hang"
    assert (told[0].epoch, told[0].severity) == (7, "error")
    pace.tick()
    dog.look()
    assert [type(e) for e in told] == [AlertRaised, AlertCleared]


def test_a_slow_run_is_given_three_epochs(watched):
    clock, pace, dog, told = watched
    pace.phase("training")
    clock.now = 100.0
    pace.end_epoch()
    pace.phase("measuring")
    clock.now = 399.0
    dog.look()
    assert told == []
    clock.now = 401.0
    dog.look()
    assert len(told) == 1


def test_resting_is_no_silence(watched):
    clock, pace, dog, told = watched
    pace.rest()
    clock.now = 10_000.0
    dog.look()
    pace.go_on()
    dog.look()
    assert told == []


def test_what_is_about_the_machine_does_not_count_when_logs_are_compared():
    for rule, counts in (("no_progress", False), ("disk", False), ("stalled", True)):
        for event in (AlertRaised(rule=rule, text=""), AlertCleared(rule=rule)):
            assert event.deterministic is counts
            assert is_deterministic(to_record(event, 0, 0.0)) is counts
