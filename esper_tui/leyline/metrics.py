"""Metrics as rows: what a number is called, its unit, which direction is good, when to worry, what it means."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MetricSpec:
    """One metric.  ``good`` says which direction is better; levels are None where nothing is alarming."""

    key: str
    unit: str
    good: Literal["up", "down", "none"]
    help: str
    warn: float | None = None
    critical: float | None = None


METRICS: dict[str, MetricSpec] = {
    m.key: m
    for m in (
        MetricSpec("train/loss", "nat", "down", "mean cross-entropy over the epoch's training batches"),
        MetricSpec("train/acc", "frac", "up", "share of training images classified correctly during the epoch"),
        MetricSpec("val/loss", "nat", "down", "cross-entropy of the averaged weights on the gate half"),
        MetricSpec("val/acc", "frac", "up", "accuracy of the averaged weights on the gate half"),
        MetricSpec("val/reward_loss", "nat", "down", "cross-entropy on the reward half, which decides nothing"),
        MetricSpec("control/loss", "nat", "down", "val/loss of the never-grown twin"),
        MetricSpec("control/acc", "frac", "up", "val/acc of the never-grown twin"),
        MetricSpec("gain/loss", "nat", "up", "control loss minus environment loss on the gate half"),
        MetricSpec("gain/se", "nat", "none", "standard error of gain/loss over images"),
        MetricSpec("seed/gain", "nat", "up", "rise of the gain since the seed's germination, 5-epoch means"),
        MetricSpec("seed/dependence", "nat", "none", "rise of the loss when the seed is switched off"),
        MetricSpec("seed/credit", "nat", "up", "the environment's gain shared out by Shapley values"),
        MetricSpec("seed/index", "frac", "down", "1 − gain/dependence: the host leans on a seed that adds little",
                   warn=0.9),
        MetricSpec("grad/host", "", "none", "mean gradient norm of the host before clipping", warn=50, critical=500),
        MetricSpec("grad/seed", "", "none", "mean gradient norm of a seed before clipping", warn=50, critical=500),
    )
}  # fmt: skip
"""Keys are flat with slashes.  A value that was not measured is absent and shown as –, never as 0."""


@dataclass(frozen=True)
class AlertSpec:
    """One alert.  It is raised after ``enter`` epochs in a row and cleared after ``leave`` epochs without.

    ``wall``: it is about the machine and its clock, not about what is trained.
    """

    rule: str
    severity: Literal["warn", "error"]
    help: str
    enter: int = 3
    leave: int = 3
    wall: bool = False


ALERTS: dict[str, AlertSpec] = {
    a.rule: a
    for a in (
        AlertSpec("nan", "error", "the loss left the finite numbers; the environment waits until its episode ends", 1),
        AlertSpec("rollback", "warn", "the governor put the environment back to its last sound state", 1),
        AlertSpec("stalled", "warn", "the validation loss has not reached a new low for 10 epochs", 1, 1),
        AlertSpec("exploding", "warn", "a seed's gradient norm is more than 10 times the host's"),
        AlertSpec("vanishing", "warn", "a seed's gradient norm is less than a thousandth of the host's"),
        AlertSpec("ransom", "warn", "the host leans on a seed that added nothing (dependence index above 0.9)", 5),
        AlertSpec("collapse", "error", "Tamiyo takes the same operation whatever she sees", 2, 2),
        AlertSpec("dead_head", "warn", "a head has stopped choosing", 2, 2),
        AlertSpec("ratio", "warn", "an update moved the probability of a decision more than tenfold", 1, 1),
        AlertSpec("skipped", "error", "a step of an update had no finite gradient and was left out", 1, 1),
        AlertSpec("critic", "warn", "the values explain nothing of how episodes end", 5, 2),
        AlertSpec("disk", "warn", "the disk of the run folder is nearly full; free some space", wall=True),
        AlertSpec("no_progress", "error", "the loop did no step for three epochs' time; it may hang", wall=True),
    )
}
"""Rules by name; what is measured for each is in ``nissa.alerts``."""
