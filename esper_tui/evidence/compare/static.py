"""Arms that are whole from the first step on: rows of one engine wherever their host is of one shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from esper_tui.evidence.compare.flops import Costs
from esper_tui.evidence.compare.setting import POINTS, Row, Setting, Tell, measure_delivered
from esper_tui.evidence.scratch import plant_full
from esper_tui.kasmina.host import CnnSpec
from esper_tui.kasmina.network import Network, Planted
from esper_tui.leyline.choices import STYLES, Form
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.state import Instance
from esper_tui.runtime.build import Parts
from esper_tui.tolaria.engine import Measured


@dataclass(frozen=True)
class Job:
    """One network that is to be trained: for which arm and seed, and with which seeds in its slots."""

    arm: str
    seed: int
    instance: Instance
    seeds: tuple[Planted, ...] = ()


def play_static(
    setting: Setting, jobs: Sequence[Job], epochs: int, tell: Tell, spec: CnnSpec | None = None
) -> list[Row]:
    """Trains and measures every job for so many epochs; ``spec`` is another host than the configured one.

    The images that a network sees in an epoch are those of its instance, however long the episode is.
    """
    if not jobs:
        return []
    config = setting.fixed(len(jobs), run={"epochs": epochs}, reward={"control": "none"}, growth={"warmup_steps": 1})
    parts = setting.parts(config, spec=spec)
    costs = Costs(parts.shape.spec, parts.shape.slots)
    rows = [Row(job.arm, job.seed, parts.host_params, epochs) for job in jobs]
    try:
        _train(parts, jobs, rows, [config.images_per_epoch * costs.network_step(job.seeds) for job in jobs], tell)
        networks = {env: parts.engine.deliver(env) for env in range(len(jobs))}
        for row, network in zip(rows, networks.values(), strict=True):
            row.kept = kept_seeds(network)
        measure_delivered(parts, networks, rows)
    finally:
        parts.engine.close()
    return rows


def _train(parts: Parts, jobs: Sequence[Job], rows: Sequence[Row], epoch_flops: Sequence[float], tell: Tell) -> None:
    engine = parts.engine
    engine.reset([job.instance for job in jobs])
    for env, job in enumerate(jobs):
        for seed in job.seeds:
            plant_full(engine, env, seed)
    judged, every = [~parts.gate_mask(job.instance) for job in jobs], ceil(engine.epochs / POINTS)
    for epoch in range(1, engine.epochs + 1):
        engine.begin_epoch()
        engine.train_epoch(epoch)
        engine.end_epoch()
        for row, flops in zip(rows, epoch_flops, strict=True):
            row.training += flops
        if epoch % every == 0 or epoch == engine.epochs:
            _note(rows, engine.validate([[] for _ in jobs]), judged)
        tell(epoch, engine.epochs)


def _note(rows: Sequence[Row], measured: Sequence[Measured], judged: Sequence[np.ndarray]) -> None:
    """A point on every curve."""
    for row, seen, mask in zip(rows, measured, judged, strict=True):
        row.curve.append(float(seen.hits[mask].mean()))
        row.work.append(row.training)


def kept_seeds(network: Network) -> list[dict[str, str]]:
    return [{"slot": p.slot, "blueprint": p.blueprint, "form": str(p.form)} for p in network.planted]


def planted_of(row: Row) -> tuple[Planted, ...]:
    """The seeds of a delivered network."""
    return tuple(Planted(k["slot"], k["blueprint"], Form(k["form"])) for k in row.kept)


def filled(config: RunConfig, seed: int) -> tuple[Planted, ...]:
    """A seed in every slot, blueprints by the heuristic's rotation, which starts at the place of the seed's number."""
    turn, form = config.tamiyo.rotation, STYLES[config.tamiyo.style].form
    return tuple(Planted(slot, turn[(seed + i) % len(turn)], form) for i, slot in enumerate(config.growth.slots))
