"""Statistics against SciPy and against numbers worked by hand."""

import numpy as np
import pytest
from scipy import stats

from esper_tui.evidence.stats import (
    holm,
    improvement,
    improvement_interval,
    iqm,
    iqm_interval,
    nested_iqm_interval,
    nested_p,
    regret_interval,
    signed_rank_p,
)

RNG = np.random.default_rng(4)
A, B = list(RNG.normal(1.0, 1.0, 20)), list(RNG.normal(0.0, 1.0, 20))


def test_the_interquartile_mean_by_hand():
    """Of eight values the two smallest and the two largest are left out."""
    assert iqm(np.array([100.0, 1, 2, 3, 4, 5, 6, -50])) == pytest.approx((2 + 3 + 4 + 5) / 4)


def test_probability_of_improvement_by_hand():
    """Of nine pairs 2 > 1, 3 > 1 and 3 > 2 win, 2 = 2 is a tie and counts half; 5 loses to nobody."""
    a, b = np.array([2.0, 3.0, 5.0]), np.array([1.0, 2.0, 4.0])
    assert improvement(a, b) == pytest.approx((1 + 0.5 + 0 + 1 + 1 + 0 + 1 + 1 + 1) / 9)
    assert improvement(a, a) == 0.5


def test_probability_of_improvement_is_the_rank_test_of_scipy():
    u = stats.mannwhitneyu(A, B).statistic
    found = improvement_interval(A, B)
    assert found.value == pytest.approx(u / 400)
    assert found.low < found.value < found.high <= 1.0
    assert found.n == 20


def test_what_always_wins_has_probability_one_and_no_width():
    found = improvement_interval([3.0, 4.0, 5.0], [0.0, 1.0, 2.0])
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert improvement_interval([1.0, 2.0], [0.0, 0.0]) is None


def test_an_interval_is_that_of_scipys_bootstrap():
    found = iqm_interval(A)
    theirs = stats.bootstrap(
        (np.array(A),), lambda x, axis: stats.trim_mean(x, 0.25, axis=axis), n_resamples=10_000,
        rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))


def test_many_ties_leave_a_percentile_interval():
    """As where an arm is the same as another on most seeds."""
    found = iqm_interval([0.0] * 15 + [1.0] * 5)
    assert 0.0 == found.low <= found.value < found.high < 1.0
    same = iqm_interval([0.1 + 0.2, 0.3, 0.3])
    assert same.low == same.high == same.value


def test_holm_by_hand():
    """Four: 0.01·4 and 0.02·3 and then 0.03·2, which may not be smaller than 0.06, and 0.5."""
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.4, 0.6]) == pytest.approx([0.8, 0.8])
    assert holm([]) == []


def test_signed_ranks_are_scipys_and_no_difference_is_no_evidence():
    differences = [x - y for x, y in zip(A, B, strict=True)]
    assert signed_rank_p(differences) == stats.wilcoxon(differences).pvalue
    assert signed_rank_p([0.0] * 5) == 1.0


def test_the_unit_of_learned_policies_is_the_policy():
    """Policies that differ widen the interval, however many seeds each was scored on."""
    noise = RNG.normal(0.0, 0.1, (5, 40))
    same, differing = noise, noise + np.arange(5.0)[:, None]
    narrow, wide = nested_iqm_interval(same), nested_iqm_interval(differing)
    assert narrow.n == wide.n == 5
    assert wide.value == pytest.approx(2.0, abs=0.1)
    assert wide.high - wide.low > 1.0 > 10 * (narrow.high - narrow.low)
    assert nested_iqm_interval(noise[:2]) is None


def test_p_over_policies_agrees_with_the_interval_and_knows_both_sides():
    noise = RNG.normal(0.0, 0.1, (5, 12))
    for shift in (0.0, 0.05, 0.5, -0.5):
        found = nested_iqm_interval(noise + shift)
        assert (nested_p(noise + shift) < 0.05) == (found.low > 0 or found.high < 0)
    assert nested_p(noise + 0.5) == nested_p(noise - 0.5) == pytest.approx(2 / 10_001)
    assert nested_p(np.zeros((5, 12))) == 1.0


def test_regret_by_hand():
    """The best schedule gains 10 points in every seed, the policies leave 2 and 4 of them."""
    alone = np.array([0.50, 0.52, 0.54, 0.56])
    own = np.stack([alone + 0.08, alone + 0.06])
    found = regret_interval(np.stack([*own, alone + 0.10, alone]))
    assert (found.value, found.n) == (pytest.approx(0.3), 4)
    assert (found.low, found.high) == (pytest.approx(0.3), pytest.approx(0.3))


def test_regret_of_three_policies_has_the_policy_as_its_unit():
    """They leave 2, 4 and 6 of 10 points: a resample may hold one of them three times."""
    alone = np.array([0.50, 0.52, 0.54, 0.56])
    own = [alone + 0.08, alone + 0.06, alone + 0.04]
    found = regret_interval(np.stack([*own, alone + 0.10, alone]))
    assert (found.value, found.n) == (pytest.approx(0.4), 3)
    assert (found.low, found.high) == (pytest.approx(0.2), pytest.approx(0.6))


def test_regret_needs_a_schedule_that_gains():
    alone = np.array([0.50, 0.52, 0.54, 0.56])
    level = alone + np.array([0.01, -0.01, 0.01, -0.01])
    assert regret_interval(np.stack([level, level, alone])) is None
    assert regret_interval(np.stack([level, level + 0.1, alone])[:, :2]) is None
    sometimes = alone + np.array([0.0, 0.0, 0.0, 0.1])
    assert regret_interval(np.stack([alone, sometimes, alone])) is None, "resamples without the last seed gain nothing"
