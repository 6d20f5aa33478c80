"""Timing of alternatives in turn, and ratios with intervals."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch

from esper_tui.evidence.stats import Interval, median_ratio_interval
from esper_tui.tolaria.probe import cpu_count, load_per_core

WINDOWS = 31
"""Paired windows: ratios near 1 drown in noise below 30."""
IDLE_LOAD = 0.3
"""Load per core above which a machine is too busy for ratios near 1."""


@dataclass(frozen=True)
class Target:
    """What a ratio is held against."""

    what: str
    fast: str
    slow: str
    floor: float
    goal: float


@dataclass(frozen=True)
class Verdict:
    """A measured ratio; ``interval`` is of the paired ratios slow/fast."""

    target: Target
    interval: Interval

    def measured(self) -> str:
        return f"{self.interval.value:.2f}x [{self.interval.low:.2f}, {self.interval.high:.2f}]"

    def text(self) -> str:
        """The ratio, what it is held against, and how it stands."""
        i, t = self.interval, self.target
        if i.low >= t.goal:
            word = "goal reached"
        elif i.low >= t.floor:
            word = "floor reached"
        else:
            word = "undecided" if i.high >= t.floor else "missed"
        return f"{self.measured()}  floor {t.floor:g}x  goal {t.goal:g}x  {word}  (n={i.n})"


def interleave(
    cases: dict[str, Callable[[], float]], windows: int = WINDOWS, warmup: int = 2
) -> dict[str, list[float]]:
    """Seconds that every case says it took, once per window, in turn: drift of the machine cancels in ratios."""
    for case in cases.values():
        for _ in range(warmup):
            case()
    times: dict[str, list[float]] = {name: [] for name in cases}
    names = list(cases)
    for window in range(windows):
        for name in names[window % len(names) :] + names[: window % len(names)]:
            times[name].append(cases[name]())
    return times


def judge(times: dict[str, list[float]], target: Target) -> Verdict:
    ratios = [slow / fast for slow, fast in zip(times[target.slow], times[target.fast], strict=True)]
    interval = median_ratio_interval(ratios)
    assert interval is not None, "at least six windows"
    return Verdict(target, interval)


def machine() -> str:
    """One line about the machine: processor, cores, torch, load per core."""
    load = load_per_core()
    busy = "" if load < IDLE_LOAD else " (busy: ratios near 1 are not to be trusted)"
    return f"{_processor()}, {cpu_count()} cores, torch {torch.__version__}, load {load:.2f} per core{busy}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def milliseconds(times: dict[str, list[float]]) -> list[str]:
    """Median of every case, a line each."""
    return [f"  {name:<52} {median(values) * 1e3:9.2f} ms" for name, values in times.items()]
