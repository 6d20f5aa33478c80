"""Gain, dependence and credit against numbers worked out by hand and against slow definitions."""

from itertools import permutations
from math import factorial, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.leyline.state import Estimate
from esper_tui.simic.attribution import (
    all_coalitions,
    credits,
    dependence_index,
    epoch_variance,
    interactions,
    lag1,
    mean_estimate,
    seed_gain,
    shapley,
    step_shares,
    wanted_coalitions,
)

NAMES = tuple("abcdef")
RISING = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
ZIGZAG = np.array([0.0, 0.2, 0.0, 0.2, 0.0])


# --- means and epochs ----------------------------------------------------------------------------------------------


def test_mean_and_its_error():
    # 1, 2, 3, 6: mean 3, squares of the deviations 4 + 1 + 0 + 9 = 14, s² = 14/3, s/√4 = 1.0801
    found = mean_estimate(np.array([1.0, 2.0, 3.0, 6.0]))
    assert (found.value, found.se) == (3.0, pytest.approx(1.0801, abs=1e-4))


def test_lag_1_correlation():
    # Deviations −2 … 2 (tenths): products of neighbours 2 + 0 + 0 + 2 = 4 over 4 + 1 + 0 + 1 + 4 = 10.
    assert lag1(RISING) == pytest.approx(0.4)
    assert lag1(ZIGZAG) == 0.0  # negative: noise that seems to cancel is not believed
    assert lag1(np.full(5, 0.3)) == 0.0
    assert lag1(np.arange(200.0)) == 0.8  # raw 0.985


def test_variance_of_a_mean_of_epochs():
    # s² = 0.1/4 = 0.025; (1 + 0.4)/(1 − 0.4) = 7/3; over 5 epochs: 0.025·7/3/5 = 0.011667
    assert epoch_variance(RISING) == pytest.approx(0.0116667, abs=1e-7)
    # Deviations −0.08 and 0.12: s² = (3·0.0064 + 2·0.0144)/4 = 0.012, no correlation: 0.012/5
    assert epoch_variance(ZIGZAG) == pytest.approx(0.0024)
    assert epoch_variance(np.array([0.3])) == 0.0


# --- gain ----------------------------------------------------------------------------------------------------------

APART = np.array([0.1, -0.1])
"""Two images, 0.1 above and below the mean of their epoch."""


def test_gain_of_a_seed_by_hand():
    after, before = RISING[:, None] + APART, np.zeros((5, 2))
    # Mean 0.3. Images: 0.4 and 0.2, s = 0.1414, /√2 = 0.1. Epochs: 0.0116667. SE = √(0.01 + 0.0116667) = 0.1472.
    found = seed_gain(after, before)
    assert found.value == pytest.approx(0.3)
    assert found.se == pytest.approx(0.147196, abs=1e-6)


def test_both_windows_are_uncertain():
    after, before = RISING[:, None] + APART, np.repeat(ZIGZAG[:, None], 2, axis=1)
    # The mean before is 0.08; its epochs add 0.0024: SE = √(0.01 + 0.0116667 + 0.0024) = 0.1551.
    found = seed_gain(after, before)
    assert found.value == pytest.approx(0.22)
    assert found.se == pytest.approx(sqrt(0.01 + 0.0116667 + 0.0024), abs=1e-6)


def test_what_images_share_before_and_after_cancels():
    """An image that is hard for both networks says nothing about the seed."""
    hard = np.array([5.0, -5.0])
    found = seed_gain(np.full((5, 2), 0.3) + hard, np.full((5, 2), 0.1) + hard)
    assert found.value == pytest.approx(0.2)
    assert found.se == pytest.approx(0.0, abs=1e-12)


def test_single_precision_is_summed_in_double():
    """2²⁴ + 1 is 2²⁴ in single precision; the four small epochs must not be lost."""
    after = np.array([[2.0**24] * 2] + [[1.0] * 2] * 4, dtype=np.float32)
    assert seed_gain(after, np.zeros((5, 2), dtype=np.float32)).value == (2**24 + 4) / 5


# --- dependence index ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gain", "dependence", "index"),
    [
        (0.02, Estimate(0.10, 0.01), 0.8),
        (0.15, Estimate(0.10, 0.01), 0.0),  # gained more than it is leant on
        (-0.05, Estimate(0.10, 0.01), 1.0),
        (0.02, Estimate(0.10, 0.06), None),  # 0.10 is within 2·0.06 of nothing
        (0.02, Estimate(-0.10, 0.01), None),
    ],
)
def test_dependence_index(gain, dependence, index):
    found = dependence_index(Estimate(gain, 0.01), dependence)
    assert found == (index if index is None else pytest.approx(index))


# --- Shapley values ------------------------------------------------------------------------------------------------


def game(players, rng, images=3):
    """Any losses at all, per image."""
    return {on: rng.normal(size=images) for on in all_coalitions(players)}


def pairs_only(players, rng, images=3):
    """A loss to which seeds contribute singly and in pairs."""
    alone = {p: rng.normal(size=images) for p in players}
    both = {(p, q): rng.normal(size=images) for p in players for q in players if p < q}
    return {
        on: -sum(alone[p] for p in on) - sum(v for (p, q), v in both.items() if {p, q} <= on) + np.zeros(images)
        for on in all_coalitions(players)
    }


def by_permutations(losses, players):
    """By definition: what each seed takes off the loss when it comes, averaged over all orders of coming."""
    total = dict.fromkeys(players, 0.0)
    for order in permutations(players):
        for i, p in enumerate(order):
            before = frozenset(order[:i])
            total[p] = total[p] + (losses[before] - losses[before | {p}])
    return {p: mean_estimate(value / factorial(len(players))) for p, value in total.items()}


games = st.builds(lambda k, seed: (NAMES[:k], np.random.default_rng(seed)), st.integers(1, 4), st.integers(0, 10**6))


@given(games)
def test_shapley_against_all_permutations(case):
    players, rng = case
    losses = game(players, rng)
    found, expected = shapley(losses, players), by_permutations(losses, players)
    for p in players:
        assert found[p].value == pytest.approx(expected[p].value, abs=1e-12)
        assert found[p].se == pytest.approx(expected[p].se, abs=1e-12)


@given(games)
def test_efficiency(case):
    players, rng = case
    losses = game(players, rng)
    total = sum(v.value for v in shapley(losses, players).values())
    assert total == pytest.approx((losses[frozenset()] - losses[frozenset(players)]).mean(), abs=1e-12)


def test_two_seeds_by_hand():
    # Alone a takes 3 off the loss and b 1; together 6. φ_a = (3 + (6 − 1))/2 = 4, φ_b = (1 + (6 − 3))/2 = 2.
    values = {"": 10.0, "a": 7.0, "b": 9.0, "ab": 4.0}
    losses = {frozenset(on): np.array([loss, loss]) for on, loss in values.items()}
    assert {p: v.value for p, v in shapley(losses, "ab").items()} == {"a": 4.0, "b": 2.0}
    # 6 − 3 − 1: they add 2 more together than apart.
    assert {pair: v.value for pair, v in interactions(losses, "ab").items()} == {("a", "b"): 2.0}


def test_a_seed_that_changes_nothing_gets_exactly_nothing():
    losses = game("abc", np.random.default_rng(0))
    losses = {on: losses[on - {"b"}] for on in losses}
    assert shapley(losses, "abc")["b"] == Estimate(0.0, 0.0)


def test_nothing_to_share():
    assert shapley({}, ()) == {}
    assert shapley({frozenset(): np.ones(2)}, ()) == {}
    assert shapley({frozenset(): np.ones(2), frozenset("a"): np.ones(2)}, "ab") == {}


# --- sampled coalitions --------------------------------------------------------------------------------------------


def sampled(players, losses, seed):
    """Values from the coalitions that would be measured."""
    wanted = wanted_coalitions(players, np.random.default_rng(seed))
    return shapley({on: losses[on] for on in wanted}, players)


@pytest.mark.parametrize("k", range(1, 5))
def test_up_to_four_players_everything_is_measured(k):
    assert len(set(wanted_coalitions(NAMES[:k]))) == 2**k


@pytest.mark.parametrize("k", [5, 6])
def test_beyond_four_players_the_sample_is_small_and_gives_every_dependence(k):
    players = NAMES[:k]
    wanted = wanted_coalitions(players, np.random.default_rng(3), pairs=2)
    everyone = frozenset(players)
    assert len(wanted) == len(set(wanted)) < 2**k
    assert {frozenset(), everyone} | {everyone - {p} for p in players} <= set(wanted)
    assert {everyone - on for on in wanted} == set(wanted)
    shares = step_shares(wanted, players)
    assert sum(shares.values()) == pytest.approx(k)
    assert {p for _, p in shares} == set(players)


@pytest.mark.parametrize("k", [5, 6])
@pytest.mark.parametrize("seed", range(5))
def test_sampled_values_are_efficient_and_exact_for_pairs(k, seed):
    players, rng = NAMES[:k], np.random.default_rng(seed)
    losses = game(players, rng)
    total = sum(v.value for v in sampled(players, losses, seed).values())
    assert total == pytest.approx((losses[frozenset()] - losses[frozenset(players)]).mean(), abs=1e-12)
    losses = pairs_only(players, rng)
    exact = by_permutations(losses, players)
    for p, value in sampled(players, losses, seed).items():
        assert value.value == pytest.approx(exact[p].value, abs=1e-9)
        assert value.se == pytest.approx(exact[p].se, abs=1e-9)


@pytest.mark.parametrize("k", [5, 6])
def test_sampled_values_are_unbiased(k):
    players = NAMES[:k]
    losses = game(players, np.random.default_rng(1))
    exact = by_permutations(losses, players)
    found = [sampled(players, losses, seed) for seed in range(200)]
    for p in players:
        spread = mean_estimate(np.array([f[p].value for f in found]))
        assert abs(spread.value - exact[p].value) < 4 * spread.se
        assert spread.se * sqrt(200) < 0.25  # of losses with deviation 1/√3


# --- interactions --------------------------------------------------------------------------------------------------


def interactions_by_definition(losses, players):
    """For every pair: the pair enters as one player; what it adds beyond its two members, over all orders."""
    found = {}
    for i, j in ((p, q) for n, p in enumerate(players) for q in players[n + 1 :]):
        rest = [p for p in players if p not in (i, j)]
        terms = []
        for order in permutations([*rest, "pair"]):
            s = frozenset(order[: order.index("pair")])
            worth = {on: -losses[s | set(on)] for on in ((), (i,), (j,), (i, j))}
            terms.append(worth[i, j] - worth[i,] - worth[j,] + worth[()])
        found[i, j] = mean_estimate(np.mean(terms, axis=0))
    return found


@given(games)
def test_interactions_against_their_definition(case):
    players, rng = case
    losses = game(players, rng)
    found, expected = interactions(losses, players), interactions_by_definition(losses, players)
    assert found.keys() == expected.keys()
    for pair, value in found.items():
        assert value.value == pytest.approx(expected[pair].value, abs=1e-12)
        assert value.se == pytest.approx(expected[pair].se, abs=1e-12)


def test_interactions_need_every_coalition():
    losses = game("ab", np.random.default_rng(0))
    del losses[frozenset("a")]
    assert interactions(losses, "ab") == {}
    assert interactions(game("a", np.random.default_rng(0)), "a") == {}


# --- credit --------------------------------------------------------------------------------------------------------

THREE_TO_ONE = {"a": Estimate(0.3, 0.01), "b": Estimate(0.1, 0.01)}


def test_credit_is_shared_by_shapley_values():
    assert credits(0.08, THREE_TO_ONE, Estimate(0.4, 0.1)) == pytest.approx({"a": 0.06, "b": 0.02})
    assert credits(-0.08, THREE_TO_ONE, Estimate(0.4, 0.1)) == pytest.approx({"a": -0.06, "b": -0.02})


def test_credit_is_equal_where_the_total_is_within_its_error():
    assert credits(0.08, THREE_TO_ONE, Estimate(0.4, 0.4)) == {"a": 0.04, "b": 0.04}
    mixed = {"a": Estimate(0.3, 0.01), "b": Estimate(-0.3, 0.01)}
    assert credits(0.08, mixed, Estimate(0.0, 0.0)) == {"a": 0.04, "b": 0.04}


@given(games, st.floats(-1, 1))
def test_credits_sum_to_the_gain(case, gain):
    players, rng = case
    losses = game(players, rng, images=20)
    total = mean_estimate(losses[frozenset()] - losses[frozenset(players)])
    assert sum(credits(gain, shapley(losses, players), total).values()) == pytest.approx(gain, abs=1e-9)
