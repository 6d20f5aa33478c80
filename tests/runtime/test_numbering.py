"""Overrides have their number before a boundary takes them in, so that they can be taken back until then."""

from esper_tui.leyline.choices import WAIT
from esper_tui.leyline.session import Override
from esper_tui.runtime.overrides import Overrides


def fates(told):
    return [(event.intervention["id"], event.fate) for event in told]


def test_a_request_keeps_the_number_that_was_reserved_for_it():
    told = []
    overrides = Overrides(told.append)
    first, second = overrides.reserve(), overrides.reserve()
    assert (first, second) == (1, 2)
    assert overrides.queue(5, Override(0, WAIT), first) == 1
    assert overrides.cancel(5, first) == ("applied", 5, "")
    assert overrides.queue(5, Override(1, WAIT), second) == 2
    overrides.publish()
    assert fates(told) == [(1, "queued"), (1, "cancelled"), (2, "queued")]


def test_numbers_are_never_given_twice_whatever_the_order_they_arrive_in():
    overrides = Overrides(lambda event: None)
    early = overrides.reserve()
    assert overrides.queue(5, Override(0, WAIT)) == 2
    assert overrides.queue(5, Override(0, WAIT), early) == 1
    assert overrides.reserve() == 3
    assert overrides.queue(5, Override(0, WAIT)) == 4


def test_a_queue_that_goes_on_from_a_checkpoint_counts_on():
    overrides = Overrides(lambda event: None)
    overrides.last = 7
    assert overrides.reserve() == 8
    assert overrides.queue(5, Override(0, WAIT), 8) == 8
