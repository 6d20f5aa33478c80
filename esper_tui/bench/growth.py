"""``esper bench growth``: what the heuristic buys against control twins, with the host's learning rate swept first.

Everything is paired: an environment and its control share initialisation, data order and augmentation.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from esper_tui.bench.data import train_hosts
from esper_tui.bench.timing import machine
from esper_tui.data.images import Splits
from esper_tui.data.load import load_splits
from esper_tui.evidence.examine import examine
from esper_tui.evidence.stats import Interval, iqm_interval, mean_interval
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.events import Event, RoundEnded, TestMeasured
from esper_tui.runtime.build import build_parts
from esper_tui.runtime.delivery import score
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.overrides import Overrides
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.seeding import generator

LEARNING_RATES = (0.025, 0.05, 0.1, 0.2, 0.4)
SWEEP_SEEDS = 4


@dataclass(frozen=True)
class Task:
    """A preset, reduced so that it ends in a few minutes on two cores, and the least gain in test points asked for."""

    preset: str
    floor: float
    overrides: tuple[str, ...] = ()


CIFAR_SIZE = (
    "data.image_size=16", "data.train_images=10000", "data.val_images=5000", "data.test_images=10000", "run.epochs=40",
)  # fmt: skip
TASKS = {
    "procedural": Task("quickstart", 3.0),
    "cifar10": Task("cifar10", 0.0, CIFAR_SIZE),
    "cifar10_blind": Task("cifar10_blind", 6.0, CIFAR_SIZE),
}


@dataclass
class Observer:
    """The boundary of a bench run: measures every network again right after something was planted or blended.

    Attributes:
        planting, blending: points of validation accuracy lost at once, one number per event.
    """

    planting: list[float] = field(default_factory=list)
    blending: list[float] = field(default_factory=list)
    loop: Loop | None = None
    alphas: list[tuple[float, ...]] = field(default_factory=list)
    planted: list[int] = field(default_factory=list)
    hits: list[np.ndarray] = field(default_factory=list)
    overrides: Overrides = field(default_factory=lambda: Overrides(lambda event: None))
    path: Path | None = None

    def tick(self) -> None:
        return None

    def phase(self, name: str, epoch: int) -> None:
        if name == "training" and epoch > 1 and self.loop is not None:
            self._compare(self.loop.engine)

    def rest(self, epoch: int) -> bool:
        assert self.loop is not None
        engine = self.loop.engine
        self.alphas = [tuple(s.alpha.value for s in env.slots) for env in engine.envs]
        self.planted = [env.planted for env in engine.envs]
        self.hits = [seen.hits for seen in self.loop.measured]
        return False

    def _compare(self, engine: Any) -> None:
        now = [tuple(s.alpha.value for s in env.slots) for env in engine.envs]
        blended = [a != b for a, b in zip(now, self.alphas, strict=True)]
        planted = [env.planted > before for env, before in zip(engine.envs, self.planted, strict=True)]
        if not any(blended + planted):
            return
        measured = engine.validate([[] for _ in engine.envs])
        for env, seen in enumerate(measured):
            lost = 100 * float(self.hits[env].mean() - seen.hits.mean())
            if blended[env]:
                self.blending.append(lost)
            elif planted[env]:  # where another seed's ramp moved too, nobody knows which of both it was
                self.planting.append(lost)


def sweep_learning_rate(say: Callable[[str], None], config: RunConfig, splits: Splits) -> float:
    """Validation accuracy of the host alone at every learning rate; returns the best one."""
    found = {}
    for lr in LEARNING_RATES:
        document = config.model_dump(mode="json")
        document["run"]["envs"] = SWEEP_SEEDS
        document["optim"]["lr"] = lr
        document["reward"]["control"] = "none"
        document["tamiyo"]["policy"] = "wait"
        parts = train_hosts(RunConfig.model_validate(document), splits)
        batches = parts.source.validation()
        found[lr] = fmean(score(parts.engine.deliver(env), batches).acc for env in range(SWEEP_SEEDS))
        parts.engine.close()
    best = max(found, key=found.__getitem__)
    shown = "  ".join(f"{lr:g}: {100 * acc:.1f}{'*' if lr == best else ''}" for lr, acc in found.items())
    say(f"host alone, validation accuracy by learning rate, {SWEEP_SEEDS} seeds:  {shown}")
    return best


def run_growth(config: RunConfig, splits: Splits) -> tuple[Observer, RoundEnded, TestMeasured]:
    """One grow run without a folder; what it cost to plant and blend, its summary, its test."""
    parts = build_parts(config, splits)
    events: list[Event] = []
    observer = Observer()
    loop = Loop(parts, events.append, _write_nothing, observer)
    observer.loop = loop
    outcome = loop.play({})
    tested = examine(parts, outcome.delivered)
    parts.engine.close()
    return observer, next(e for e in events if isinstance(e, RoundEnded)), tested


def _write_nothing(sync: bool = False) -> None:
    return None


def bench_growth(say: Callable[[str], None], tasks: list[str], pairs: int, overrides: Sequence[str] = ()) -> None:
    say(machine())
    for name in tasks:
        task, began = TASKS[name], time.perf_counter()
        words = [*task.overrides, *overrides, f"run.envs={pairs}"]
        config = resolve(task.preset, words).config
        splits = load_splits(config.data, generator)
        data = config.data
        say(
            f"\n{name}: {data.train_images:,} training, {data.val_images:,} validation, {len(splits.test):,} test "
            f"images of {data.image_size}x{data.image_size}, {config.run.epochs} epochs, {pairs} paired seeds"
        )
        lr = sweep_learning_rate(say, config, splits)
        config = resolve(task.preset, [*words, f"optim.lr={lr}"]).config
        report(say, task, *run_growth(config, splits))
        say(f"{time.perf_counter() - began:.0f} s")


def report(say: Callable[[str], None], task: Task, observer: Observer, ended: RoundEnded, tested: TestMeasured) -> None:
    """The table of one task."""
    rows = [row for row in ended.rows if row["loss"] is not None]
    test = [100 * (r["acc"] - r["control_acc"]) for r in tested.rows]
    validation = [100 * (r["acc"] - r["control_acc"]) for r in rows]
    say(f"  host alone, test        {100 * fmean(r['control_acc'] for r in tested.rows):.2f} %")
    _say_gain(say, "gain, test points", test)
    _say_gain(say, "gain, validation points", validation)
    _say_gain(say, "gain, validation nats", [r["gain"] for r in rows], digits=4)
    kept = sum(len(r["kept"]) for r in rows)
    say(
        f"  seeds                   {sum(r['planted'] for r in rows)} planted, "
        f"{sum(r['pruned'] for r in rows)} pruned, {kept} kept"
    )
    extra = fmean(r["params"] - r["host_params"] for r in rows)
    say(f"  parameters              {rows[0]['host_params']:,} + {extra:,.0f} on average")
    say(
        f"  lost at once, points    planting {_cost(observer.planting)}; blending {_cost(observer.blending)}; limit 0.2"
    )
    interval = mean_interval(test)
    assert interval is not None
    say(f"  floor                   {_floor(task.floor, interval)}")


def _say_gain(say: Callable[[str], None], what: str, values: list[float], digits: int = 2) -> None:
    mean, middle = mean_interval(values), iqm_interval(values)
    assert mean is not None
    assert middle is not None
    say(f"  {what:<23} mean {mean.text(digits)}  IQM {middle.text(digits)}  n={mean.n}")


def _cost(lost: list[float]) -> str:
    if len(lost) < 2:
        return "not measured"
    interval = mean_interval(lost)
    assert interval is not None
    return f"mean {interval.text(3)}, worst {max(lost):+.2f} (n={interval.n})"


def _floor(floor: float, interval: Interval) -> str:
    what = f"at least {floor:g} points" if floor else "interval above 0"
    reached = interval.value >= floor if floor else interval.low > 0
    certain = "" if not floor or interval.low >= floor else ", interval reaches below"
    return f"{what}: {'reached' if reached else 'missed'}{certain if reached else ''}"
