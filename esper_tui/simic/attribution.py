"""What growth bought, and who earned it.  Pure functions on per-image losses.

Losses are cross-entropies ``[n]`` per image, numpy float64 or float32.  *Gain* compares with a control that never
grew; *dependence* takes a seed away from the network that has come to rely on it.  They are different questions:
a network may depend strongly on a seed that added nothing.
"""

from collections.abc import Sequence
from itertools import combinations, permutations
from math import comb, factorial

import numpy as np

from esper_tui.leyline.state import Estimate

Coalition = frozenset[str]
WINDOW = 5
EXACT_PLAYERS = 4
"""Up to this many seeds all 2^K coalitions are measured."""
MAX_LAG1 = 0.8


def mean_estimate(values: np.ndarray) -> Estimate:
    """Mean over images with its standard error s/√n."""
    values = np.asarray(values, dtype=np.float64)
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))


def lag1(series: np.ndarray) -> float:
    """Lag-1 autocorrelation, kept within [0, 0.8]: five points cannot show more, and less would be optimism."""
    centred = series - series.mean()
    power = float(centred @ centred)
    if power == 0.0:
        return 0.0
    return float(np.clip(centred[:-1] @ centred[1:] / power, 0.0, MAX_LAG1))


def epoch_variance(series: np.ndarray) -> float:
    """Variance of the mean of W epochs, s²·(1+φ)/(1−φ)/W, with the lag-1 correlation φ of the series."""
    if len(series) < 2:
        return 0.0
    phi = lag1(series)
    return float(series.var(ddof=1) * (1 + phi) / (1 - phi) / len(series))


def seed_gain(after: np.ndarray, before: np.ndarray) -> Estimate:
    """Gain of a seed: mean of the environment's gain after, minus the mean before its germination.

    Args:
        after, before: control loss − environment loss per epoch and image, ``[W, n]``.

    The standard error adds the error over images (of the per-image difference of the two means) and, for both
    windows, the error over epochs.
    """
    difference = after.mean(0, dtype=np.float64) - before.mean(0, dtype=np.float64)
    images = mean_estimate(difference)
    epochs = epoch_variance(after.mean(1, dtype=np.float64)) + epoch_variance(before.mean(1, dtype=np.float64))
    return Estimate(images.value, float(np.sqrt(images.se**2 + epochs)))


def dependence_index(gain: Estimate, dependence: Estimate) -> float | None:
    """1 − clip(gain/dependence, 0, 1): 1 means the host leans on a seed that added nothing.

    None where the dependence itself is within 2 standard errors of 0.
    """
    if not dependence.above(0.0):
        return None
    return 1.0 - float(np.clip(gain.value / dependence.value, 0.0, 1.0))


def all_coalitions(players: Sequence[str]) -> list[Coalition]:
    return [frozenset(c) for size in range(len(players) + 1) for c in combinations(players, size)]


def wanted_coalitions(
    players: Sequence[str], rng: np.random.Generator | None = None, pairs: int = 4
) -> list[Coalition]:
    """Coalitions to be measured: all up to four players, beyond that antithetic permutations.

    A permutation and its reverse are sampled together: what one overstates by order, the other understates.
    """
    if len(players) <= EXACT_PLAYERS:
        return all_coalitions(players)
    assert rng is not None, "sampling needs a generator"
    found: dict[Coalition, None] = {frozenset(): None, frozenset(players): None}
    for player in players:
        found[frozenset(players) - {player}] = None
    for _ in range(pairs):
        order = [players[i] for i in rng.permutation(len(players))]
        for way in (order, order[::-1]):
            found.update((frozenset(way[:i]), None) for i in range(len(way) + 1))
    return list(found)


def shapley(losses: dict[Coalition, np.ndarray], players: Sequence[str]) -> dict[str, Estimate]:
    """Shapley value of every seed for −loss, exact, with standard errors over images.

    φᵢ = Σ_S |S|!(K−|S|−1)!/K! · (loss(S) − loss(S ∪ i)); the values sum to loss(∅) − loss(all).  Where coalitions
    were sampled, the mean over the permutations whose prefixes were measured.
    """
    k = len(players)
    if len(losses) == 2**k:
        weight = {size: factorial(size) * factorial(k - size - 1) / factorial(k) for size in range(k)}
        return {
            p: mean_estimate(sum(weight[len(s)] * (losses[s] - losses[s | {p}]) for s in losses if p not in s))
            for p in players
        }
    return _sampled_shapley(losses, players)


def _sampled_shapley(losses: dict[Coalition, np.ndarray], players: Sequence[str]) -> dict[str, Estimate]:
    """Mean marginal contribution over all measured steps S → S ∪ i, each size weighted equally."""
    found = {}
    for p in players:
        by_size: dict[int, list[np.ndarray]] = {}
        for s in losses:
            if p not in s and s | {p} in losses:
                by_size.setdefault(len(s), []).append(losses[s] - losses[s | {p}])
        found[p] = mean_estimate(np.mean([np.mean(steps, axis=0) for steps in by_size.values()], axis=0))
    return found


def shapley_by_permutations(losses: dict[Coalition, np.ndarray], players: Sequence[str]) -> dict[str, float]:
    """The same by definition, over all K! orders: the slow oracle of the tests."""
    total = dict.fromkeys(players, 0.0)
    for order in permutations(players):
        for i, p in enumerate(order):
            before = frozenset(order[:i])
            total[p] += float((losses[before] - losses[before | {p}]).mean())
    return {p: value / factorial(len(players)) for p, value in total.items()}


def interactions(losses: dict[Coalition, np.ndarray], players: Sequence[str]) -> dict[tuple[str, str], Estimate]:
    """Shapley interaction index of every pair: positive where two seeds add more together than apart.

    I_ij = Σ_S |S|!(K−|S|−2)!/(K−1)! · (v(S∪ij) − v(S∪i) − v(S∪j) + v(S)) with v = −loss, over S without i and j
    (Grabisch and Roubens 1999).  Needs all 2^K coalitions; empty otherwise.
    """
    k = len(players)
    if k < 2 or len(losses) != 2**k:
        return {}
    found = {}
    for i, j in combinations(players, 2):
        terms = []
        for s in (s for s in losses if i not in s and j not in s):
            weight = 1.0 / ((k - 1) * comb(k - 2, len(s)))
            terms.append(weight * (losses[s | {i}] + losses[s | {j}] - losses[s | {i, j}] - losses[s]))
        found[i, j] = mean_estimate(np.sum(terms, axis=0))
    return found


def credits(gain: float, values: dict[str, Estimate]) -> dict[str, float]:
    """The environment's gain shared out in proportion to Shapley values.

    Equal shares where the sum of the values is within its standard error: then the ratios mean nothing.
    """
    if not values:
        return {}
    total = sum(v.value for v in values.values())
    error = float(np.sqrt(sum(v.se**2 for v in values.values())))
    if abs(total) <= error:
        return dict.fromkeys(values, gain / len(values))
    return {p: gain * v.value / total for p, v in values.items()}
