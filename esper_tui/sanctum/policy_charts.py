"""What the chart of the policy view can show: means over environments by epoch, learning metrics by update.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from esper_tui.karn.record import Epoch, RunRecord
from esper_tui.sanctum.charts import METRICS, SMOOTHINGS
from esper_tui.sanctum.summaries import mean_se
from esper_tui.sanctum.text import column, number
from esper_tui.sanctum.widgets.chart import Plot, Series
from esper_tui.sanctum.widgets.raster import smoothed

ACTS = "decided"
"""Share of environments that did something else than to wait."""


@dataclass(frozen=True)
class Charted:
    """What is charted and how."""

    key: str = "gain/loss"
    log: bool = False
    smooth: int = 1

    def next_key(self, keys: Sequence[str]) -> "Charted":
        place = keys.index(self.key) + 1 if self.key in keys else 0
        return replace(self, key=keys[place % len(keys)])

    def next_smoothing(self) -> "Charted":
        return replace(self, smooth=SMOOTHINGS[(SMOOTHINGS.index(self.smooth) + 1) % len(SMOOTHINGS)])


def chartable(record: RunRecord) -> list[str]:
    """Keys of everything that there is to chart."""
    learnt = dict.fromkeys(key for event in record.updates for key in event["metrics"])
    return [*METRICS, ACTS, *(key for key in learnt if key not in METRICS)]


def policy_plot(record: RunRecord, charted: Charted) -> Plot:
    key = charted.key
    learnt = any(key in event["metrics"] for event in record.updates)
    if key not in METRICS and key != ACTS and learnt:
        values = [number(event["metrics"].get(key)) for event in record.updates]
        numbers: list[int] = [event["update"] for event in record.updates]
        return Plot((_series(key, key[0], numbers, values, charted, 0),), log=charted.log, x_name="upd")
    epochs = record.round.epochs if record.round is not None else []
    numbers = [epoch.number for epoch in epochs]
    lines = METRICS[key][1] if key in METRICS else ((ACTS, ACTS, "d"),)
    series = [
        _series(name, letter, numbers, [_mean(epoch, source) for epoch in epochs], charted, index)
        for index, (source, name, letter) in enumerate(lines)
    ]
    return Plot(tuple(s for s in reversed(series) if s.points), log=charted.log)


def policy_title(charted: Charted) -> str:
    name = METRICS[charted.key][0] if charted.key in METRICS else charted.key
    mean = "" if "/" in charted.key and charted.key not in METRICS else ", mean over environments"
    extras = [text for text, on in (("log", charted.log), (f"mean of {charted.smooth}", charted.smooth > 1)) if on]
    return " · ".join([name + mean, *extras])


def _mean(epoch: Epoch, key: str) -> float | None:
    if key == ACTS:
        return 1.0 - len(epoch.waits) / max(1, len(epoch.params))
    mean, _ = mean_se(column(epoch.columns, key) or [])
    return mean if mean is None or not key.endswith("/acc") else 100.0 * mean


def _series(name: str, letter: str, numbers: Sequence[int], values: list[Any], charted: Charted, index: int) -> Series:
    known = zip(numbers, smoothed(values, charted.smooth), strict=True)
    return Series(name, letter, tuple((n, v) for n, v in known if v is not None), f"series-{index}")
