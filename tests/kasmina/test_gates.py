"""Gates by hand.  ``ln 10 = 2.3026``, so that 0.05·ln 10 = 0.1151."""

from math import log

import pytest

from esper_tui.kasmina.gates import (
    Holding,
    Incubation,
    check_g1,
    check_g2,
    check_g3,
    check_g5,
    is_look_due,
)
from esper_tui.leyline.state import Estimate

LN10 = log(10)
MIN_GAIN = 0.01
NAN = float("nan")


def says(verdict):
    return verdict.passed, verdict.measured, verdict.threshold


def test_g1_opens_at_the_next_epoch():
    assert says(check_g1(0)) == (False, 0, 1)
    assert says(check_g1(1)) == (True, 1, 1)


# --- G2 ------------------------------------------------------------------------------------------------------------


def incubated(excess=0.0, se=0.0, delta=0.5, host=1.0, finite=True):
    return Incubation(Estimate(excess, se), delta, host, finite)


@pytest.mark.parametrize(
    ("seen", "passed", "measured", "threshold"),
    [
        (incubated(0.115), True, 0.115, 0.1151),  # below 0.05·ln 10
        (incubated(0.116), False, 0.116, 0.1151),
        (incubated(0.116, se=0.01), True, 0.116, 0.1351),  # 2 SE of doubt speak for the seed
        (incubated(-0.3), True, -0.3, 0.1151),
        (incubated(delta=1.0), True, 0.0, 0.1151),  # as large as the host's signal, not larger
        (incubated(delta=1.01), False, 1.01, 1.0),
        (incubated(finite=False), False, None, None),
        (None, False, None, None),
    ],
)
def test_g2(seen, passed, measured, threshold):
    verdict = check_g2(1, 1, seen, LN10)
    assert verdict.passed is passed
    assert verdict.measured == measured
    assert verdict.threshold == (threshold if threshold is None else pytest.approx(threshold, abs=1e-4))


def test_g2_incubates_long_enough():
    assert says(check_g2(2, 3, incubated(), LN10)) == (False, 2, 3)
    assert check_g2(3, 3, incubated(), LN10).passed
    assert check_g2(0, 0, None, LN10).passed


def test_g3_needs_full_strength_and_a_ramp_that_rests():
    assert says(check_g3(1.0, 0)) == (True, 1.0, 1.0)
    assert says(check_g3(1.0, 2)) == (False, 1.0, 1.0)
    assert says(check_g3(0.7, 0)) == (False, 0.7, 1.0)


# --- G5 ------------------------------------------------------------------------------------------------------------


def test_looks_every_five_epochs_and_at_most_four():
    looks, due = 0, []
    for epoch in range(1, 40):
        if is_look_due(epoch, looks):
            looks += 1
            due.append(epoch)
    assert due == [5, 10, 15, 20]
    assert not is_look_due(0, 0)


GOOD, WEAK, BAD = Estimate(0.05, 0.01), Estimate(0.05, 0.025), Estimate(-0.05, 0.01)
NEEDED, IDLE = Estimate(0.001, 0.5), Estimate(0.0, 0.1)


@pytest.mark.parametrize(
    ("gain", "confirm", "dependence", "passed", "measured", "threshold"),
    [
        (GOOD, GOOD, NEEDED, True, 0.05, 0.03),  # 0.05 > 0.01 + 2·0.01; the sign is all that dependence must have
        (WEAK, GOOD, NEEDED, False, 0.05, 0.06),  # 0.05 > 0.01 + 2·0.025 does not hold
        (GOOD, WEAK, NEEDED, False, 0.05, 0.06),  # not confirmed on the reward half
        (BAD, GOOD, NEEDED, False, -0.05, 0.03),
        (GOOD, GOOD, IDLE, False, 0.0, 0.0),  # the network does as well without it
        (GOOD, GOOD, BAD, False, -0.05, 0.0),
        (None, None, NEEDED, False, None, 0.01),
        (GOOD, GOOD, None, False, None, 0.01),
    ],
)
def test_g5(gain, confirm, dependence, passed, measured, threshold):
    verdict = check_g5(Holding(gain, confirm, dependence), MIN_GAIN)
    assert verdict.passed is passed
    assert verdict.measured == measured
    assert verdict.threshold == pytest.approx(threshold)


@pytest.mark.parametrize("which", range(3))
def test_g5_is_closed_by_what_is_not_a_number(which):
    seen = [GOOD, GOOD, NEEDED]
    seen[which] = Estimate(NAN, NAN)
    assert not check_g5(Holding(*seen), MIN_GAIN).passed


def test_g5_where_it_failed():
    assert "gate half" in check_g5(Holding(WEAK, GOOD, NEEDED), MIN_GAIN).text
    assert "reward half" in check_g5(Holding(GOOD, WEAK, NEEDED), MIN_GAIN).text


def test_g5_without_a_control_asks_for_dependence_by_two_errors_and_says_so():
    verdict = check_g5(Holding(None, None, GOOD, control=False), MIN_GAIN)
    assert says(verdict) == (True, 0.05, pytest.approx(0.03))
    assert "dependence only" in verdict.text
    verdict = check_g5(Holding(None, None, WEAK, control=False), MIN_GAIN)
    assert says(verdict) == (False, 0.05, pytest.approx(0.06))
    assert "dependence only" in verdict.text


def test_g5_never_takes_dependence_for_gain_where_there_is_a_control():
    assert not check_g5(Holding(None, None, GOOD), MIN_GAIN).passed
    assert not check_g5(Holding(GOOD, None, GOOD), MIN_GAIN).passed
