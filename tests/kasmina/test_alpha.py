"""Ramps against closed forms."""

from itertools import pairwise
from math import cos, pi, tanh

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.kasmina.alpha import Alpha, curve_value
from esper_tui.leyline.choices import ALPHA_SPEEDS, CURVES


def sigmoid_form(k):
    """(σ(k(t − ½)) − σ(−k/2)) / (σ(k/2) − σ(−k/2)) by σ(x) = (1 + tanh(x/2))/2."""
    return lambda t: (1 + tanh(k * (t - 0.5) / 2) / tanh(k / 4)) / 2


FORMS = {
    "LINEAR": lambda t: t,
    "COSINE": lambda t: (1 - cos(pi * t)) / 2,
    "SIGMOID_GENTLE": sigmoid_form(6),
    "SIGMOID": sigmoid_form(12),
    "SIGMOID_SHARP": sigmoid_form(24),
}
# Five epochs up to one, worked out by hand: t = 0.2, 0.4, 0.6, 0.8, 1.
# cosine: (1 − cos 36°)/2 = 0.0955, (1 − cos 72°)/2 = 0.3455.
# sigmoid k = 12: (1 − tanh 1.8/tanh 3)/2 = (1 − 0.94681/0.99505)/2 = 0.0242, (1 − tanh 0.6/tanh 3)/2 = 0.2301.
FIVE = {
    "LINEAR": (0.2, 0.4, 0.6, 0.8, 1.0),
    "COSINE": (0.0955, 0.3455, 0.6545, 0.9045, 1.0),
    "SIGMOID": (0.0242, 0.2301, 0.7699, 0.9758, 1.0),
}
names = st.sampled_from(list(CURVES))
unit = st.floats(0, 1)


def ramp(alpha: Alpha) -> list[float]:
    """Values after each tick until the ramp rests."""
    values = []
    while not alpha.resting:
        alpha.tick()
        values.append(alpha.value)
    return values


@given(names, unit)
def test_closed_forms(name, t):
    assert curve_value(CURVES[name], t) == pytest.approx(FORMS[name](t), abs=1e-12)


@pytest.mark.parametrize("name", CURVES)
def test_curves_start_at_zero_and_end_at_one(name):
    assert curve_value(CURVES[name], 0.0) == pytest.approx(0.0, abs=1e-15)
    assert curve_value(CURVES[name], 0.5) == pytest.approx(0.5)
    assert curve_value(CURVES[name], 1.0) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("name", FIVE)
def test_five_epochs_by_hand(name):
    alpha = Alpha()
    alpha.retarget(1.0, CURVES[name], 5)
    assert ramp(alpha) == pytest.approx(FIVE[name], abs=1e-4)


@given(names, unit, unit, st.integers(0, 30))
def test_monotone_and_exactly_at_the_target(name, start, target, ticks):
    alpha = Alpha(value=start)
    alpha.retarget(target, CURVES[name], ticks)
    values = [start, *ramp(alpha)] if ticks else [start, alpha.value]
    assert alpha.value == target
    assert len(values) == max(ticks, 1) + 1
    steps = [b - a for a, b in pairwise(values)]
    assert all(step * (target - start) >= 0 for step in steps)


def test_ramp_down_from_where_it_is():
    alpha = Alpha(value=0.7)
    alpha.retarget(0.0, CURVES["LINEAR"], 2)
    assert ramp(alpha) == [pytest.approx(0.35), 0.0]


def test_instant_jumps_and_rests():
    alpha = Alpha(value=0.2)
    alpha.retarget(0.5, CURVES["SIGMOID"], ALPHA_SPEEDS["INSTANT"])
    assert (alpha.value, alpha.left, alpha.resting) == (0.5, 0, True)


def test_a_resting_ramp_does_not_move():
    alpha = Alpha(value=0.5, target=0.5)
    alpha.tick()
    assert alpha == Alpha(value=0.5, target=0.5)


def test_a_moving_ramp_takes_no_other_target():
    alpha = Alpha()
    alpha.retarget(1.0, CURVES["LINEAR"], 3)
    alpha.tick()
    assert alpha.left == 2
    with pytest.raises(ValueError, match="still moves"):
        alpha.retarget(0.5, CURVES["LINEAR"], 3)
