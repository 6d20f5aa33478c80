"""What an environment remembers of its measurements, and how long."""

import numpy as np
import pytest

from esper_tui.leyline.state import Estimate
from esper_tui.simic.ledger import Ledger

GATE = np.array([True, True, False, False])
OFF, A, B, AB = (frozenset(s) for s in ("", "a", "b", "ab"))


def column(gate: float, reward: float, apart: float = 0.0) -> np.ndarray:
    """Losses of four images: two of each half, ``apart`` above and below its mean."""
    return np.array([gate + apart, gate - apart, reward + apart, reward - apart])


def lived(*gains: float) -> Ledger:
    """Epochs with these gains on the gate half, twice as much on the reward half."""
    ledger = Ledger.start(GATE)
    for gain in gains:
        ledger.record(column(1.0, 1.0), column(1.0 + gain, 1.0 + 2 * gain))
    return ledger


def test_halves_are_kept_apart():
    ledger = Ledger.start(GATE)
    ledger.record(column(1.0, 3.0), column(1.5, 4.0, apart=0.1))
    assert (ledger.losses, ledger.reward_losses, ledger.control_losses) == ([1.0], [3.0], [1.5])
    # The gate half differs by 0.6 and 0.4: mean 0.5, s = 0.1414, /√2 = 0.1.
    assert (ledger.latest.value, ledger.latest.se) == (pytest.approx(0.5), pytest.approx(0.1))


def test_gain_compares_five_epochs_with_the_five_before_germination():
    ledger = lived(9.0, 0.1, 0.1, 0.1, 0.1, 0.1)
    ledger.mark_germination(1)
    for gain in (7.0, 7.0, 0.3, 0.3, 0.3, 0.3, 0.3):
        ledger.record(column(1.0, 1.0), column(1.0 + gain, 1.0 + 2 * gain))
    # Neither the sixth epoch before nor the first two after are in a window.
    assert ledger.gate.gain(1, 5).value == pytest.approx(0.2)
    assert ledger.reward.gain(1, 5).value == pytest.approx(0.4)


def test_the_window_before_is_frozen_for_each_seed():
    ledger = lived(0.0, 0.0, 0.0, 0.0, 0.0)
    ledger.mark_germination(1)
    for _ in range(5):
        ledger.record(column(1.0, 1.0), column(1.1, 1.1))
    ledger.mark_germination(2)
    for _ in range(5):
        ledger.record(column(1.0, 1.0), column(1.4, 1.4))
    assert ledger.gate.gain(1, 5).value == pytest.approx(0.4)
    assert ledger.gate.gain(2, 5).value == pytest.approx(0.3)


def test_no_gain_before_the_window_lies_behind_the_blending():
    ledger = lived(*[0.1] * 6)
    assert ledger.gate.gain(1, 5) is None  # a seed that nobody marked
    ledger.mark_germination(1)
    assert ledger.gate.gain(1, 4) is None
    assert ledger.gate.gain(1, 5) is not None


def test_the_window_holds_measured_epochs_only():
    """Nine epochs at full strength of which five were measured: nothing is entered for the others."""
    ledger = lived(0.1, 0.1, 0.1, 0.1, 0.1)
    assert len(ledger.gate.window) == 5
    ledger.mark_germination(1)
    for gain in (0.2, 0.2, 0.2, 0.2, 0.2):
        ledger.record(column(1.0, 1.0), column(1.0 + gain, 1.0 + gain))
    assert ledger.gate.gain(1, 9).value == pytest.approx(0.1)


def test_without_a_control_there_is_no_gain():
    ledger = Ledger.start(GATE)
    for _ in range(6):
        ledger.record(column(1.0, 1.0), None)
    ledger.mark_germination(1)
    assert (ledger.latest, ledger.control_losses) == (None, [])
    assert ledger.gate.gain(1, 5) is None
    assert ledger.credits() == {}


# --- ablations -----------------------------------------------------------------------------------------------------


def ablated() -> Ledger:
    """Off 1.0, a alone 0.8, b alone 0.9, both 0.6, on the gate half; nonsense on the other."""
    ledger = lived(0.1)
    losses = {OFF: 1.0, A: 0.8, B: 0.9, AB: 0.6}
    ledger.record_ablations(1, ("a", "b"), {on: column(loss, 77 * loss) for on, loss in losses.items()})
    return ledger


def test_dependence_is_the_rise_without_the_seed():
    ledger = ablated()
    assert ledger.dependence("a").value == pytest.approx(0.3)  # 0.9 − 0.6
    assert ledger.dependence("b").value == pytest.approx(0.2)  # 0.8 − 0.6
    assert ledger.dependence("c") is None


def test_credit_of_the_latest_gain():
    # φ_a = (0.2 + 0.3)/2 = 0.25, φ_b = (0.1 + 0.2)/2 = 0.15, and the gain is 0.1.
    assert ablated().credits() == pytest.approx({"a": 0.0625, "b": 0.0375})


def test_a_seed_that_changes_nothing_has_no_dependence():
    ledger = lived(0.1)
    ledger.record_ablations(1, ("a",), {OFF: column(1.0, 1.0, 0.3), A: column(1.0, 1.0, 0.3)})
    assert ledger.dependence("a") == Estimate(0.0, 0.0)
    assert ledger.credits() == {"a": pytest.approx(0.1)}


def test_what_was_measured_with_a_departed_seed_is_forgotten():
    """The next seed in that slot inherits nothing; for the others, the network without it was measured, too."""
    ledger = ablated()
    ledger.forget_departed(("a",))
    assert ledger.dependence("b") is None
    assert ledger.dependence("a").value == pytest.approx(0.2)  # off − a alone
    assert ledger.credits() == pytest.approx({"a": 0.1})
    assert set(ledger.subsets) == {OFF, A}
    ledger.forget_departed(("a", "b"))  # another seed came into the slot
    assert ledger.dependence("b") is None
    ledger.forget_departed(())
    assert (ledger.dependence("a"), ledger.credits()) == (None, {})


def test_nothing_is_forgotten_when_a_seed_joins():
    ledger = ablated()
    ledger.forget_departed(("a", "b", "c"))
    assert ledger.dependence("a").value == pytest.approx(0.3)


def test_a_departed_seed_of_a_sample_leaves_no_half_measured_values():
    """Of sampled coalitions the one of the remaining seeds may be missing; then nothing is known of them."""
    ledger = lived(0.1)
    ledger.record_ablations(1, ("a", "b"), {OFF: column(1, 1), B: column(0.9, 1), AB: column(0.6, 1)})
    ledger.forget_departed(("a",))
    assert (ledger.dependence("a"), ledger.credits()) == (None, {})


def test_a_coalition_that_left_the_finite_numbers_is_not_used():
    ledger = lived(0.1)
    ledger.record_ablations(1, ("a",), {OFF: column(np.nan, 1.0), A: column(0.6, 1.0)})
    assert ledger.dependence("a") is None
    assert ledger.credits() == {}


def test_signals_of_a_seed():
    ledger = ablated()
    for _ in range(5):
        ledger.record(column(1.0, 1.0), column(1.1, 1.1))
    ledger.mark_germination(4)
    found = ledger.signals("a", 4, 5, credit=0.5)
    assert (found.gain.value, found.dependence.value, found.credit) == (0.0, pytest.approx(0.3), 0.5)
