"""``esper bench insertion``: accuracy right before and after a seed is planted, and around every tick of its ramp.

Both sides of a pair are measured with the same weights on the same images: nothing is trained in between.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from esper_tui.bench.tabulate import BLENDING_AFTER
from esper_tui.bench.timing import machine
from esper_tui.data.load import load_splits
from esper_tui.evidence.stats import iqm_interval
from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.stages import Stage
from esper_tui.runtime.build import Parts, build_parts
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.seeding import generator, grow_instances

PLANTED = 6
LIMIT = 0.2
"""Points that a tick may cost, by its interquartile mean."""
EPOCHS = PLANTED + BLENDING_AFTER + 4


@dataclass
class Lost:
    """Points of accuracy lost at once, one number per event."""

    planting: list[float] = field(default_factory=list)
    ticks: list[float] = field(default_factory=list)


def insertion_config(preset: str, overrides: list[str], envs: int) -> RunConfig:
    """Episodes that go on long after the last tick, so that the learning rate is still high at it."""
    fixed = [f"run.envs={envs}", "run.mode=grow", f"run.epochs={2 * EPOCHS}", "reward.control=none",
             "tamiyo.policy=wait"]  # fmt: skip
    return resolve(preset, [*overrides, *fixed]).config


def measure_insertion(parts: Parts, cells: list[tuple[str, str]], seeds: int) -> dict[str, Lost]:
    """Per blueprint; ``cells``: slot and blueprint, each of which is planted for every seed."""
    engine = parts.engine
    engine.reset(grow_instances(parts.config.run.seed, seeds) * len(cells))
    placed = [cell for cell in cells for _ in range(seeds)]
    found = {blueprint: Lost() for _, blueprint in cells}
    hits = [np.zeros(0)] * len(placed)
    for epoch in range(1, EPOCHS + 1):
        before = [_alphas(env.slots) for env in engine.envs]
        engine.begin_epoch()
        moved = [_alphas(env.slots) != was for env, was in zip(engine.envs, before, strict=True)]
        if any(moved):
            _note(found, placed, hits, _hits(parts), moved, "ticks")
        engine.train_epoch(epoch)
        engine.end_epoch()
        hits = _hits(parts)
        for env, (slot, blueprint) in enumerate(placed):
            if decision := due(epoch, slot, blueprint):
                engine.apply(env, decision, epoch)
        if epoch == PLANTED:
            _note(found, placed, hits, _hits(parts), [True] * len(placed), "planting")
    return found


def due(epoch: int, slot: str, blueprint: str) -> Decision | None:
    """Planted, an epoch of incubation, blended in."""
    if epoch == PLANTED:
        return Decision(
            op=Op.GERMINATE, slot=slot, blueprint=blueprint, style="LINEAR_ADD", tempo="FAST", alpha_target="FULL"
        )
    return Decision(op=Op.ADVANCE, slot=slot) if epoch - PLANTED in (1, BLENDING_AFTER) else None


def _alphas(slots) -> list[float]:
    return [slot.alpha.value for slot in slots if slot.stage is Stage.BLENDING]


def _hits(parts: Parts) -> list[np.ndarray]:
    return [seen.hits for seen in parts.engine.validate([[] for _ in parts.engine.envs])]


def _note(
    found: dict[str, Lost], placed: list[tuple[str, str]], before: list[np.ndarray], after: list[np.ndarray],
    happened: list[bool], what: str,
) -> None:  # fmt: skip
    for (_, blueprint), was, now, did in zip(placed, before, after, happened, strict=True):
        if did:
            getattr(found[blueprint], what).append(100 * float(was.mean() - now.mean()))


def bench_insertion(say: Callable[[str], None], preset: str, overrides: list[str], seeds: int) -> None:
    """A line per blueprint, over all slots and seeds."""
    say(machine())
    first = insertion_config(preset, overrides, seeds)
    cells = [(slot, blueprint) for blueprint, slot in product(first.growth.blueprints, first.growth.slots)]
    splits = load_splits(first.data, generator)
    kept: dict[str, Lost] = {}
    say(f"\n{preset}: points of validation accuracy lost at once, {len(first.growth.slots)} slots x {seeds} seeds; "
        f"limit of the interquartile mean of a tick {LIMIT}")  # fmt: skip
    say(f"{'blueprint':<12} {'planting':<28} {'tick, IQM [95 %]':<28} {'worst tick':>10}")
    for blueprint in first.growth.blueprints:
        own = [cell for cell in cells if cell[1] == blueprint]
        parts = build_parts(insertion_config(preset, overrides, seeds * len(own)), splits)
        kept |= measure_insertion(parts, own, seeds)
        parts.engine.close()
        say(line(blueprint, kept[blueprint]))
    say(line("all", Lost(*([v for lost in kept.values() for v in getattr(lost, w)] for w in ("planting", "ticks")))))


def line(name: str, lost: Lost) -> str:
    largest = max(abs(v) for v in lost.planting)
    planting = "exactly 0.0" if largest == 0.0 else f"up to {largest:.3f}"
    interval = iqm_interval(lost.ticks)
    shown = interval.text(3) if interval else "–"
    return (
        f"{name:<12} {f'{planting} (n={len(lost.planting)})':<28} {f'{shown} (n={len(lost.ticks)})':<28} "
        f"{max(lost.ticks):>+10.2f}"
    )
