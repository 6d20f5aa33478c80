"""What growth bought, and who earned it.  Pure functions on per-image losses.

Losses are cross-entropies ``[n]`` per image, numpy float64 or float32.  *Gain* compares with a control that never
grew; *dependence* takes a seed away from the network that has come to rely on it.  They are different questions:
a network may depend strongly on a seed that added nothing.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import comb

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

    A permutation and its reverse are sampled together: what one overstates by order, the other understates.  The
    coalitions of all but one, which give the dependences, come with those of one, for the same reason.
    """
    if len(players) <= EXACT_PLAYERS:
        return all_coalitions(players)
    assert rng is not None, "sampling needs a generator"
    found: dict[Coalition, None] = {frozenset(): None, frozenset(players): None}
    for player in players:
        found[frozenset(players) - {player}] = None
        found[frozenset({player})] = None
    for _ in range(pairs):
        order = [players[i] for i in rng.permutation(len(players))]
        for way in (order, order[::-1]):
            found.update((frozenset(way[:i]), None) for i in range(len(way) + 1))
    return list(found)


def shapley(losses: dict[Coalition, np.ndarray], players: Sequence[str]) -> dict[str, Estimate]:
    """Shapley value of every seed for −loss, with standard errors over images.

    The mean over all orders whose prefixes were measured of what a seed adds in its turn, loss(S) − loss(S ∪ i);
    the values sum to loss(∅) − loss(all).  With all 2^K coalitions these are all K! orders, and the values exact;
    with ``wanted_coalitions`` of more players they are unbiased, and exact where only pairs interact.  Empty where no
    order was measured.
    """
    terms: dict[str, list[np.ndarray]] = {p: [] for p in players}
    for (before, player), share in step_shares(losses, players).items():
        terms[player].append(share * (losses[before] - losses[before | {player}]))
    return {p: mean_estimate(np.sum(steps, axis=0)) for p, steps in terms.items() if steps}


def step_shares(measured: Iterable[Coalition], players: Sequence[str]) -> dict[tuple[Coalition, str], float]:
    """(S, i) → the share of the measured orders in which seed i is switched on right after the coalition S.

    An order is a chain ∅ ⊂ … ⊂ all of measured coalitions, one seed more in each.  Through a step lead (chains from ∅
    to S) × (chains from S ∪ i to all) of them; with all coalitions that is |S|!(K−|S|−1)! of K!.
    """
    nothing, everything = frozenset[str](), frozenset(players)
    known = dict.fromkeys(sorted((s for s in measured if s <= everything), key=len))
    if nothing not in known or everything not in known:
        return {}
    steps = [(s, p) for s in known for p in players if p not in s and s | {p} in known]
    up, down = dict.fromkeys(known, 0), dict.fromkeys(known, 0)
    up[nothing] = down[everything] = 1
    for s, p in steps:
        up[s | {p}] += up[s]
    for s, p in reversed(steps):
        down[s] += down[s | {p}]
    ways = {(s, p): up[s] * down[s | {p}] for s, p in steps}
    return {step: count / up[everything] for step, count in ways.items() if count}


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


def credits(gain: float, values: dict[str, Estimate], total: Estimate) -> dict[str, float]:
    """The environment's gain shared out in proportion to Shapley values.

    Args:
        total: loss(∅) − loss(all), the sum of the values, with its own standard error over images.

    Equal shares where the total is within its standard error: then the ratios mean nothing.
    """
    if abs(total.value) <= total.se:
        return dict.fromkeys(values, gain / len(values))
    return {p: gain * v.value / total.value for p, v in values.items()}
