"""What is counted as Tamiyo's time."""

import pytest

from esper_tui.bench.share import Clock


def played(*phases: tuple[str, float]) -> Clock:
    clock, now = Clock(), 0.0
    for name, seconds in phases:
        clock.enter(name, now)
        now += seconds
    clock.enter("", now)
    return clock


def test_shares_by_round_without_the_first_and_without_controls():
    first = [("controls", 50.0), ("training", 10.0), ("learning", 90.0)]
    second = [("controls", 7.0), ("training", 6.0), ("scoring", 1.0), ("deciding", 1.0), ("learning", 2.0)]
    third = [("training", 8.0), ("deciding", 1.0), ("deciding", 1.0), ("learning", 0.0)]
    clock = played(*first, *second, *third)
    assert clock.shares() == pytest.approx([0.4, 0.2])
    assert clock.mean("learning") == pytest.approx(2.0 / 20.0)
    assert clock.mean("training") == pytest.approx(14.0 / 20.0)


def test_a_round_that_was_cut_off_does_not_count():
    clock = played(("training", 1.0), ("learning", 1.0), ("training", 5.0))
    assert clock.shares() == []
