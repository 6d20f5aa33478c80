"""What several runs did or do, in numbers that can be laid over each other.  Pure but for reading the logs."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from esper_tui.karn.tail import Tail
from esper_tui.leyline.launcher import RunCard
from esper_tui.leyline.metrics import METRICS
from esper_tui.sanctum.cards import LETTERS
from esper_tui.sanctum.text import number
from esper_tui.sanctum.widgets.chart import Plot, Series
from esper_tui.sanctum.widgets.raster import Point, smoothed

Axis = Literal["epoch", "wall", "steps"]
AXES: tuple[Axis, ...] = ("epoch", "wall", "steps")
SMOOTHING = (1, 5, 15)
Row = dict[str, Any]


@dataclass
class Curves:
    """A run to compare.

    Attributes:
        config: ``section.key`` → value, as the run recorded it.
        x: where each measured epoch is: epochs of all rounds, seconds without pauses, optimiser steps of a network.
        columns: metric key → one list over environments for each epoch.
        learnt: for every update of a policy how many epochs were measured before it, and its metrics.
        test: the summary of the test split; empty if it was not opened.
        began, rested, since: start of the run, seconds of its pauses, and when the present one began.
    """

    card: RunCard
    config: Row = field(default_factory=dict)
    x: dict[Axis, list[float]] = field(default_factory=lambda: {axis: [] for axis in AXES})
    columns: dict[str, list[list[Any]]] = field(default_factory=dict)
    learnt: list[tuple[int, Row]] = field(default_factory=list)
    test: Row = field(default_factory=dict)
    began: float = 0.0
    rested: float = 0.0
    since: float | None = None

    def fold(self, event: Row) -> None:
        """Takes in the next event of the run."""
        kind = event["type"]
        if kind == "RunStarted":
            self.config, self.began = _flat(event["config"]), event["t"]
        elif kind == "TestMeasured":
            self.test = event["summary"]
        elif kind == "SessionChanged" and event["state"] in ("paused", "running"):
            self.rested += event["t"] - self.since if self.since is not None else 0.0
            self.since = event["t"] if event["state"] == "paused" else None
        elif kind == "EpochMeasured":
            _measure(self, event, event["t"] - self.began - self.rested)
        elif kind == "PolicyUpdated":
            self.learnt.append((len(self.x["epoch"]), event["metrics"]))
        elif kind == "RunEnded":
            self.card = replace(self.card, state=event["status"])

    def points(self, metric: str, axis: Axis) -> tuple[list[float], list[float | None]]:
        """Where a metric was measured, and its mean over environments there; None where nothing finite was."""
        if metric in self.columns:
            means = self.means(metric)
            return self.x[axis][: len(means)], means
        told = [(done, number(row[metric])) for done, row in self.learnt if metric in row]
        xs = [self.x[axis][done - 1] if done else 0.0 for done, _ in told]
        return xs, [value if value is not None and math.isfinite(value) else None for _, value in told]

    def means(self, metric: str) -> list[float | None]:
        """The mean over environments at each epoch; None where nothing finite was measured."""
        return [statistics.fmean(known) if (known := _finite(row)) else None for row in self.columns.get(metric, [])]

    def last(self, metric: str) -> list[float]:
        """The values of the environments at the last epoch that has some; one value if a policy learnt it."""
        rows = self.columns.get(metric) or [[row.get(metric)] for _, row in self.learnt]
        return next((known for row in reversed(rows) if (known := _finite(row))), [])

    def best(self, metric: str) -> float | None:
        """The best mean of any epoch; None where nothing says which direction is good."""
        known = [value for value in self.means(metric) if value is not None]
        spec = METRICS.get(metric)
        return (min if spec.good == "down" else max)(known) if known and spec is not None else None


def _finite(row: Sequence[Any]) -> list[float]:
    return [value for raw in row if (value := number(raw)) is not None and math.isfinite(value)]


class Followed:
    """A run that is compared, read to the end of its log; more comes while another process writes it.

    Raises:
        Incompatible: if a newer program wrote it.
    """

    def __init__(self, card: RunCard):
        self.tail = Tail(card.path)
        self.curves = fold_curves(card, self.tail.catch_up())

    @property
    def grows(self) -> bool:
        return self.curves.card.state == "running"


def fold_curves(card: RunCard, events: Iterable[Row]) -> Curves:
    curves = Curves(card)
    for event in events:
        curves.fold(event)
    return curves


def _measure(curves: Curves, event: Row, wall_s: float) -> None:
    done = len(curves.x["epoch"]) + 1
    for axis, value in zip(AXES, (done, wall_s, done * _steps(curves.config)), strict=True):
        curves.x[axis].append(float(value))
    for key, row in event["columns"].items():
        if key in METRICS and isinstance(row, list) and not any(isinstance(value, list) for value in row):
            curves.columns.setdefault(key, []).append(row)


def _steps(config: Row) -> int:
    """Optimiser steps per epoch."""
    images = config.get("run.images_per_epoch") or config.get("data.train_images", 0)
    return math.ceil(images / max(1, config.get("optim.batch", 1)))


def _flat(config: Row) -> Row:
    return {
        f"{section}.{key}": value
        for section, content in config.items() if isinstance(content, dict)
        for key, value in content.items()
    }  # fmt: skip


def metrics_of(runs: Sequence[Curves]) -> list[str]:
    """Metrics that some run measured, in the order of the table; behind them what policies learnt by."""
    learnt = dict.fromkeys(key for run in runs for _, row in run.learnt for key in row)
    measured = [key for key in METRICS if any(key in run.columns for run in runs)]
    return [*measured, *(key for key in learnt if key not in measured)]


def shown_unit(metric: str) -> tuple[float, str]:
    """What a value is multiplied with where it is shown, and its unit there."""
    unit = METRICS[metric].unit if metric in METRICS else ""
    return (100.0, "%") if unit == "frac" else (1.0, unit)


def meaning_of(metric: str) -> str:
    """What a metric is, in a sentence."""
    return METRICS[metric].help if metric in METRICS else "of the policy, after every update"


def plot_of(runs: Sequence[Curves], metric: str, axis: Axis, log: bool, smoothing: int) -> Plot:
    """The means of a metric, a line per run; the letter and the colour are by the place of the run."""
    scale, _ = shown_unit(metric)
    series = []
    for place, run in enumerate(runs):
        xs, means = run.points(metric, axis)
        points = zip(xs, smoothed(means, smoothing), strict=True)
        known: tuple[Point, ...] = tuple((x, scale * y) for x, y in points if y is not None)
        series.append(Series(run.card.id, LETTERS[place], known, f"series-{place}"))
    return Plot(tuple(series), log=log, x_name={"epoch": "epoch", "wall": "seconds", "steps": "steps"}[axis])


def config_differences(runs: Sequence[Curves]) -> list[tuple[str, list[Any]]]:
    """Settings that are not the same in all runs, with the value of each.

    None stands for a run from before there was such a setting; that alone is no difference.
    """
    keys = dict.fromkeys(key for run in runs for key in run.config)
    rows = [(key, [run.config.get(key) for run in runs]) for key in keys]
    return [(key, values) for key, values in rows if len({repr(v) for v in values if v is not None}) > 1]
