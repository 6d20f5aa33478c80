"""NaN, infinity and divergence put into one of sixteen environments at every stage: nobody else may notice."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from esper_tui.bench.faults_table import Finding, Tally
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.events import Event, is_deterministic, to_record
from esper_tui.runtime.build import Parts, build_parts
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.unwatched import Unwatched
from esper_tui.tolaria.chunk import Chunk, Key
from esper_tui.tolaria.engine import Engine
from esper_tui.tolaria.probe import EngineChoice

Say = Callable[[str], None]
Record = dict[str, Any]
EPOCHS = 22
SETTINGS = (
    f"run.epochs={EPOCHS}", "data.train_images=300", "data.val_images=200", "data.test_images=40", "host.blocks=2",
    "host.pools=2", "host.channels=4", 'growth.slots=["r0c0","r1c0"]', 'tamiyo.slot_order=["r0c0"]',
    "tamiyo.germinate_by=5",
    "optim.batch=50", "gates.min_gain=0.0", "gates.hold_epochs=6", 'engine.device="cpu"', 'data.augment="none"',
    'reward.control="none"',
)  # fmt: skip
"""Every environment plants a seed, blends it in, and keeps or prunes it."""
CHOICE = EngineChoice("cpu", 8, 1, "channels_last", "float32", "exact")
BARE = "bare host"
SPOILT = ("GERMINATED", "TRAINING", "BLENDING", "HOLDING", "FOSSILIZED")
DIVERGED = 1e4
"""Weights are multiplied by this: far from anything that was learnt, and finite."""
VALUES = {"NaN": math.nan, "infinity": math.inf, "divergence": DIVERGED}


@dataclass(frozen=True)
class Dose:
    """What is spoilt: the host's weights of an environment before an epoch, or those of the seed in a slot."""

    env: int
    epoch: int
    slot: int | None
    stage: str
    value: str

    def give(self, engine: Engine) -> None:
        chunk, row = engine.place(self.env)
        factor = VALUES[self.value]
        if self.slot is None:
            chunk.bank.weight[row] = _spoilt(chunk.bank.weight[row], factor)
        else:
            weight = _seed_weight(chunk, (row, self.slot))
            weight[:] = _spoilt(weight, factor)
            for group in (g for where in (chunk.nursery, chunk.grafts) for g in where[self.slot].values()):
                group.stacked.load(group.bank.weight)
        chunk.load()


def _seed_weight(chunk: Chunk, key: Key) -> Tensor:
    """The weights of a seed where they are kept, whatever its stage."""
    if key in chunk.resting:
        return chunk.resting[key][1]["weight"]
    groups = [g for where in (chunk.nursery, chunk.grafts) for g in where[key[1]].values() if key[0] in g.members]
    return groups[0].bank.weight[groups[0].members.index(key[0])]


def _spoilt(weight: Tensor, factor: float) -> Tensor:
    return weight * factor if math.isfinite(factor) else torch.full_like(weight, factor)


@dataclass
class Played(Unwatched):
    """A run that was played in this process, with or without a dose."""

    dose: Dose | None = None
    records: list[Record] = field(default_factory=list)
    stages: dict[int, list[list[str]]] = field(default_factory=dict)
    loop: Loop | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def phase(self, name: str, epoch: int) -> None:
        if name != "training":
            return
        assert self.loop is not None
        engine = self.loop.engine
        self.stages[epoch] = [[slot.stage.name for slot in env.slots] for env in engine.envs]
        if self.dose is not None and epoch == self.dose.epoch:
            self.dose.give(engine)

    def emit(self, event: Event) -> None:
        record = to_record(event, 0, 0.0)
        if is_deterministic(record):
            self.records.append(record)

    def of(self, kind: str) -> list[Record]:
        return [record for record in self.records if record["type"] == kind]

    def told_of(self, env: int) -> list[Record]:
        """Everything that was said of one environment; of the columns, its entries."""
        own = [r for r in self.records if r.get("env") == env and r["type"] != "EpochMeasured"]
        rows = [{k: column[env] for k, column in r["columns"].items()} for r in self.of("EpochMeasured")]
        return own + rows + [r["rows"][env] for r in self.of("RoundEnded")]

    def tensors_of(self, env: int) -> list[Tensor]:
        """Every tensor of one environment: host, statistics, grafted seeds."""
        assert self.loop is not None
        engine = self.loop.engine
        chunk, row = engine.place(env)
        grafted = [index for index, slot in enumerate(engine.envs[env].slots) if slot.grafted]
        seeds = [tensor for index in grafted for tensor in chunk.seed_row((row, index))[1].values()]
        return [*chunk.bank.row(row).values(), chunk.host.statistics()[row], *seeds]


def play(config: RunConfig, dose: Dose | None = None) -> Played:
    parts: Parts = build_parts(config, choice=CHOICE)
    played = Played(dose)
    played.loop = Loop(parts, played.emit, lambda sync=False: None, played)
    try:
        played.loop.play({})
    finally:
        parts.engine.close()
    return played


def doses(calm: Played, values: tuple[str, ...] = tuple(VALUES)) -> list[Dose]:
    """For every value and stage the first epoch and environment in which a seed has reached it; and a bare host."""
    found = [Dose(3, 3, None, BARE, value) for value in values]
    for stage in SPOILT:
        places = [
            (env, epoch, slot)
            for epoch, envs in calm.stages.items()
            for env, slots in enumerate(envs)
            for slot, seen in enumerate(slots)
            if seen == stage
        ]
        found += [Dose(*places[0], stage, value) for value in values if places]
    return found


def bench_poison(say: Say, envs: int = 16, values: tuple[str, ...] = tuple(VALUES)) -> Finding:
    """One run without a dose, one with each."""
    config, began = resolve("quickstart", [*SETTINGS, f"run.envs={envs}"]).config, time.monotonic()
    calm, found = (
        play(config),
        Tally("NaN, infinity, divergence in 1 of 16 environments at every stage: others bit-identical, run completes"),
    )
    given = doses(calm, values)
    for dose in given:
        spoilt = play(config, dose)
        problem = disturbed(calm, spoilt, dose)
        found.check(f"{dose.value} in {dose.stage} of env {dose.env}: {problem}" if problem else "")
        acted = [r["seen"] for r in spoilt.of("GovernorActed")]
        say(f"  {dose.value} in {dose.stage}, epoch {dose.epoch}: {acted[0] if acted else 'the gates saw to it'}")
    missing = {BARE, *SPOILT} - {dose.stage for dose in given}
    for stage in sorted(missing):
        found.check(f"no seed reached {stage}")
    say(f"  {len(given)} doses, {time.monotonic() - began:.0f} s")
    return found.finding(
        f"{envs} environments in chunks of {CHOICE.chunk}; {len(VALUES)} values x {1 + len(SPOILT)} stages"
    )


def disturbed(calm: Played, spoilt: Played, dose: Dose) -> str:
    """What somebody else noticed, or what is left of the poison."""
    if not spoilt.of("RoundEnded"):
        return "the run did not come to its end"
    assert spoilt.loop is not None
    for env in range(len(spoilt.loop.engine.envs)):
        if env == dose.env:
            continue
        if calm.told_of(env) != spoilt.told_of(env):
            return f"env {env} has other events"
        for a, b in zip(calm.tensors_of(env), spoilt.tensors_of(env), strict=True):
            if a.numpy().tobytes() != b.numpy().tobytes():
                return f"env {env} has other weights"
    if any(r["env"] != dose.env for r in spoilt.of("GovernorActed")):
        return "the governor acted elsewhere"
    healthy = spoilt.loop.healthy[dose.env]
    if healthy and not all(t.isfinite().all() for t in spoilt.tensors_of(dose.env)):
        return "its own weights are not finite, and nobody said so"
    return ""
