"""Interval estimates.  SciPy does the arithmetic; it is imported on use because it takes most of a second."""

import warnings
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 10_000
TIED = 1e-12
"""Values that differ by less than this share of the largest are the same but for rounding."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval; ``n`` independent units."""

    value: float
    low: float
    high: float
    n: int

    def text(self, digits: int = 2) -> str:
        return f"{self.value:+.{digits}f} [{self.low:+.{digits}f}, {self.high:+.{digits}f}]"


def iqm(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """Interquartile mean: the mean of the middle half (Agarwal et al. 2021)."""
    from scipy.stats import trim_mean

    return trim_mean(values, 0.25, axis=axis)


def mean_interval(values: list[float]) -> Interval | None:
    """Mean with Student's t interval; None below two values."""
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return None
    sample = np.asarray(values, dtype=np.float64)
    half = float(t.ppf((1 + CONFIDENCE) / 2, n - 1) * sample.std(ddof=1) / np.sqrt(n))
    mean = float(sample.mean())
    return Interval(mean, mean - half, mean + half, n)


def iqm_interval(values: list[float], seed: int = 0) -> Interval | None:
    """Interquartile mean with a bootstrap interval; None below three values.

    Bias-corrected and accelerated; percentiles where the middle half is all ties, which leaves no acceleration.
    """
    n = len(values)
    if n < 3:
        return None
    sample = np.asarray(values, dtype=np.float64)
    point = float(iqm(sample))
    if np.ptp(sample) <= TIED * np.abs(sample).max():
        return Interval(point, point, point, n)
    low, high = next(ends for method in ("BCa", "percentile") if np.isfinite(ends := _ends(sample, method, seed)).all())
    return Interval(point, low, high, n)


def _ends(sample: np.ndarray, method: str, seed: int) -> tuple[float, float]:
    from scipy.stats import bootstrap

    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore")  # of a degenerate sample; the caller looks at the ends
        found = bootstrap(
            (sample,), iqm, n_resamples=RESAMPLES, confidence_level=CONFIDENCE, method=method,
            rng=np.random.default_rng(seed),
        ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)


def median_ratio_interval(ratios: list[float]) -> Interval | None:
    """Median of paired ratios with the distribution-free interval of order statistics; None below six pairs."""
    from scipy.stats import binom

    n = len(ratios)
    if n < 6:
        return None
    ordered = sorted(ratios)
    lowest = int(binom.ppf((1 - CONFIDENCE) / 2, n, 0.5))
    return Interval(float(np.median(ordered)), ordered[max(0, lowest - 1)], ordered[min(n - 1, n - lowest)], n)


def quantile_interval(values: list[float], share: float) -> Interval | None:
    """A quantile with the distribution-free interval of order statistics, cut to what was seen; None below six."""
    from scipy.stats import binom

    n = len(values)
    if n < 6:
        return None
    ordered = sorted(values)
    low, high = (int(binom.ppf(p, n, share)) for p in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    value = float(np.quantile(ordered, share))
    return Interval(value, ordered[max(0, low - 1)], ordered[min(n - 1, high)], n)


def proportion_interval(hits: int, n: int) -> Interval:
    """Share with the exact interval of Clopper and Pearson."""
    from scipy.stats import binomtest

    found = binomtest(hits, n).proportion_ci(CONFIDENCE, method="exact")
    return Interval(hits / n, float(found.low), float(found.high), n)


def improvement(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    """Probability that a draw of a exceeds a draw of b, ties counted half: U / (n·m) of Mann and Whitney."""
    a, b = np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1)
    above = np.sign(a[..., :, None] - b[..., None, :])
    return (1 + above.mean((-2, -1))) / 2


def improvement_interval(a: list[float], b: list[float], seed: int = 0) -> Interval | None:
    """Probability of improvement with a bootstrap interval over pairs (percentiles); None below three pairs."""
    from scipy.stats import bootstrap

    n = len(a)
    if n < 3:
        return None
    samples = (np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    found = bootstrap(
        samples, improvement, paired=True, n_resamples=RESAMPLES, batch=1000, confidence_level=CONFIDENCE,
        method="percentile", rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return Interval(float(improvement(*samples)), float(found.low), float(found.high), n)


def nested_iqm_interval(values: np.ndarray, seed: int = 0) -> Interval | None:
    """Interquartile mean over policies and seeds ``[policies, seeds]`` with a hierarchical bootstrap (percentiles).

    The unit is the policy: ``n`` counts those.  None below three.
    """
    if min(values.shape) < 3:
        return None
    low, high = np.quantile(_nested_iqms(values, seed), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(iqm(values.ravel())), float(low), float(high), len(values))


def pooled_interval(values: np.ndarray) -> Interval | None:
    """Interquartile mean over ``[policies, seeds]``: of three policies or more the policy is the unit, of fewer the
    seed, after averaging over the policies."""
    return nested_iqm_interval(values) if len(values) > 2 else iqm_interval(values.mean(0).tolist())


def regret_interval(accuracies: np.ndarray, seed: int = 0) -> Interval | None:
    """(best − it) / (best − alone) of interquartile means, with a hierarchical bootstrap (percentiles).

    Args:
        accuracies: ``[policies + 2, seeds]``; the last two rows are the best schedule and the host alone.

    Of three policies or more the policy is the unit, of fewer the seed, after averaging over the policies.  None
    below three seeds, and where the best schedule is not better than the host in every resample: a ratio to a gain
    that may be zero means nothing.
    """
    own, (best, alone) = accuracies[:-2], accuracies[-2:]
    pooled = len(own) > 2
    own = own if pooled else own.mean(0, keepdims=True)
    policies, seeds = own.shape
    if seeds < 3:
        return None
    i, j = _nested_draws(policies, seeds, seed)
    lost, most = iqm((best - own)[i, j].reshape(RESAMPLES, -1)), iqm((best - alone)[j[:, 0]])
    if most.min() <= 0:
        return None
    low, high = np.quantile(lost / most, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    value = iqm((best - own).ravel()) / iqm(best - alone)
    return Interval(float(value), float(low), float(high), policies if pooled else seeds)


def nested_p(values: np.ndarray, seed: int = 0) -> float:
    """Two-sided p of an interquartile mean of zero over ``[policies, seeds]``: the level at which the interval of
    ``nested_iqm_interval`` would begin at zero, and never below the resolution of the resamples."""
    drawn = _nested_iqms(values, seed)
    return min(1.0, 2.0 * (1.0 + min((drawn <= 0).sum(), (drawn >= 0).sum())) / (1.0 + len(drawn)))


def _nested_iqms(values: np.ndarray, seed: int) -> np.ndarray:
    policies, seeds = values.shape
    return iqm(values[_nested_draws(policies, seeds, seed)].reshape(RESAMPLES, -1))


def _nested_draws(policies: int, seeds: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Policies are drawn first, then seeds, the same for all of them, because arms share their seeds."""
    rng = np.random.default_rng(seed)
    i = rng.integers(policies, size=(RESAMPLES, policies, 1))
    return i, rng.integers(seeds, size=(RESAMPLES, 1, seeds))


def signed_rank_p(differences: list[float]) -> float:
    """Two-sided p of Wilcoxon's signed rank test; 1 where there is no difference at all."""
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0


def holm(p: list[float]) -> list[float]:
    """p-values adjusted for all of them being looked at (Holm 1979): the i-th smallest of m times m − i + 1, and never
    smaller than the one before."""
    adjusted, largest = [0.0] * len(p), 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        largest = max(largest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = largest
    return adjusted
