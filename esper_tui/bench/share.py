"""``esper bench share``: how much of a learning run's wall time goes to Tamiyo and not to the networks.

Counted are features, masks and decisions (*deciding*), rewards and what follows from a measurement (*scoring*), and
updates (*learning*).  The rest is training, measuring and delivering; no file is written, so that the share is rather
too large.  The first round is left out, and so is the training of controls.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from esper_tui.bench.timing import machine
from esper_tui.evidence.stats import Interval, mean_interval
from esper_tui.leyline.config import RunConfig
from esper_tui.runtime.build import build_parts
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.unwatched import Unwatched

TAMIYO = ("deciding", "scoring", "learning")
LEFT_OUT = ("controls",)


@dataclass
class Clock:
    """Seconds by phase, round by round; a round ends with *learning*."""

    rounds: list[dict[str, float]] = field(default_factory=lambda: [{}])
    name: str = ""
    began: float = 0.0

    def enter(self, name: str, now: float) -> None:
        if self.name:
            spent = self.rounds[-1]
            spent[self.name] = spent.get(self.name, 0.0) + now - self.began
        if self.name == "learning":  # it is the last phase of a round
            self.rounds.append({})
        self.name, self.began = name, now

    def shares(self) -> list[float]:
        """Tamiyo's share of every whole round but the first."""
        whole = [spent for spent in self.rounds[1:] if "learning" in spent]
        return [sum(spent.get(name, 0.0) for name in TAMIYO) / _counted(spent) for spent in whole]

    def mean(self, name: str) -> float:
        """Share of one phase in all rounds but the first."""
        later = [spent for spent in self.rounds[1:] if "learning" in spent]
        return sum(spent.get(name, 0.0) for spent in later) / sum(map(_counted, later))


def _counted(spent: dict[str, float]) -> float:
    return sum(s for name, s in spent.items() if name not in LEFT_OUT)


class Timed(Unwatched):
    def __init__(self, clock: Clock):
        super().__init__()
        self.clock = clock

    def phase(self, name: str, epoch: int) -> None:
        self.clock.enter(name, time.perf_counter())


def bench_share(say: Callable[[str], None], preset: str, overrides: list[str], rounds: int) -> None:
    """A line per phase, and the share with its interval over rounds."""
    say(machine())
    config: RunConfig = resolve(preset, [*overrides, "run.mode=learn", f"run.rounds={rounds + 1}"]).config
    parts, clock = build_parts(config), Clock()
    loop = Loop(parts, lambda event: None, lambda sync=False: None, Timed(clock))
    try:
        loop.play({})
    finally:
        parts.engine.close()
    clock.enter("", time.perf_counter())
    say(f"\n{preset}, N={config.run.envs}, {config.run.epochs} epochs, {rounds} rounds after the first")
    for name in sorted(
        {name for spent in clock.rounds for name in spent} - set(LEFT_OUT), key=clock.mean, reverse=True
    ):
        say(f"{name:<12} {100 * clock.mean(name):5.1f} %{'  Tamiyo' if name in TAMIYO else ''}")
    say(f"Tamiyo       {_text(clock.shares(), mean_interval(clock.shares()))} of the wall time")


def _text(shares: list[float], found: Interval | None) -> str:
    if found is None:
        return ", ".join(f"{100 * share:.1f}" for share in shares) + f" % by round (n={len(shares)})"
    return f"{100 * found.value:.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}] (n={found.n} rounds)"
