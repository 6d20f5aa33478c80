"""The engine: environments, their controls, and the chunks that hold their tensors.

One epoch, in the order in which the main loop calls it::

    changes = engine.begin_epoch()              # clocks and ramps
    report = engine.train_epoch(epoch, tick)
    measured = engine.validate(coalitions)      # averaged weights; environments, controls and ablations
    changes = engine.end_epoch()
    …                                           # the boundary: gates, decisions
    changes = engine.apply(env, decision, epoch)
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from esper_tui.kasmina.host import build_segments
from esper_tui.kasmina.lifecycle import Change, Slot, plant
from esper_tui.kasmina.network import Network, Planted, fresh_weights
from esper_tui.leyline.choices import STYLES, Decision, Op
from esper_tui.leyline.config import Optim
from esper_tui.leyline.protocols import BatchSource, Generators
from esper_tui.leyline.stages import Stage
from esper_tui.leyline.state import EnvState, Instance
from esper_tui.tolaria.chunk import Chunk, Key, Kind, Shape, row_losses
from esper_tui.tolaria.stack import count_params
from esper_tui.tolaria.sweep import Sweep, Variant
from esper_tui.tolaria.training import EpochSums, Training
from esper_tui.tolaria.workers import Workers, split_rows

Coalition = frozenset[str]
"""Slots whose grafted seeds are on; all others are off."""


@dataclass
class Environment:
    """One host with its slots."""

    instance: Instance
    slots: list[Slot]
    planted: int = 0


@dataclass(frozen=True)
class TrainReport:
    """Means over an epoch, one entry per environment; ``seed_grad[env][slot]``."""

    loss: list[float]
    acc: list[float]
    host_grad: list[float]
    seed_grad: list[dict[str, float]]


@dataclass
class Measured:
    """One environment on the validation images: per-image cross-entropies ``[n]`` float32, and hits.

    Attributes:
        control: the same of its control, None without one.
        coalitions: losses with only these seeds on.
        shadows: losses with the incubating seed of a slot fully on.
        power: slot → (rms of the blended residual, rms of the activations) of incubating seeds.
    """

    losses: np.ndarray
    hits: np.ndarray
    control: "Measured | None" = None
    coalitions: dict[Coalition, np.ndarray] = field(default_factory=dict)
    shadows: dict[str, np.ndarray] = field(default_factory=dict)
    power: dict[str, tuple[float, float]] = field(default_factory=dict)


def learning_rate(optim: Optim, progress: float) -> float:
    """Warm-up, constant, linear to zero; progress in [0, 1) over the episode."""
    rise = progress / optim.warmup_frac if optim.warmup_frac else 1.0
    fall = (1.0 - progress) / optim.decay_frac if optim.decay_frac else 1.0
    return optim.lr * min(1.0, rise, fall)


class Engine:
    """N environments and, with ``twins``, a control beside each.  Without ``incubates`` seeds skip the shadow pass."""

    def __init__(
        self, shape: Shape, optim: Optim, source: BatchSource, generators: Generators, *,
        chunk: int, threads: int, epochs: int, hold_epochs: int, twins: bool, incubates: bool = True,
    ):  # fmt: skip
        self.shape, self.optim, self.source, self.generators = shape, optim, source, generators
        self.chunk_rows, self.epochs, self.hold_epochs, self.twins = chunk, epochs, hold_epochs, twins
        self.workers, self.incubates = Workers(threads), incubates
        self.envs: list[Environment] = []
        self.chunks: list[Chunk] = []

    # --- rows --------------------------------------------------------------------------------------------------

    def reset(self, instances: list[Instance]) -> None:
        """Starts an episode in every environment, with new hosts and empty slots."""
        names = [s.slot for s in self.shape.spec.enabled(self.shape.slots)]
        self.envs = [Environment(instance, [Slot(name) for name in names]) for instance in instances]
        copies = 2 if self.twins else 1
        self.row_instances = [instance for instance in instances for _ in range(copies)]
        starts = [self._host_weights(instance) for instance in instances]
        weights = torch.stack([start for start in starts for _ in range(copies)])
        rows = len(weights)
        self.spans = [list(part) for part in split_rows(rows, self.chunk_rows, self.workers.threads)]
        self.chunks = [Chunk(self.shape, weights[span]) for span in self.spans]

    def _host_weights(self, instance: Instance) -> Tensor:
        host = build_segments(self.shape.spec, self.shape.slots, rows=1)
        return fresh_weights(host, self.generators.host(instance))

    def place(self, env: int) -> tuple[Chunk, int]:
        """The chunk of an environment and its row in it."""
        return self._place_row(env * 2 if self.twins else env)

    def _place_row(self, row: int) -> tuple[Chunk, int]:
        return next((c, span.index(row)) for c, span in zip(self.chunks, self.spans, strict=True) if row in span)

    # --- the epoch ---------------------------------------------------------------------------------------------

    def begin_epoch(self) -> list[list[Change]]:
        """Ramps and cleanup clocks tick; per environment, what changed."""
        changes = [[c for slot in env.slots for c in slot.begin_epoch(self.hold_epochs)] for env in self.envs]
        for env, made in enumerate(changes):
            self._follow(env, made)
        return changes

    def end_epoch(self) -> list[list[Change]]:
        return [[c for slot in env.slots for c in slot.end_epoch()] for env in self.envs]

    def train_epoch(self, epoch: int, tick: Callable[[], None] = lambda: None) -> TrainReport:
        """One pass of every row over its images; ``tick`` is called after every step of every chunk."""
        batches = self.source.epoch(self.row_instances, epoch)

        def run(index: int) -> EpochSums:
            training = Training(self.chunks[index])
            for step in range(batches.steps):
                progress = (epoch - 1 + step / batches.steps) / self.epochs
                images, labels = batches.batch(step, self.spans[index])
                training.step(images, labels, learning_rate(self.optim, progress))
                tick()
            return training.sums

        return self._report(self.workers.map(run, range(len(self.chunks))))

    @property
    def steps_per_epoch(self) -> int:
        """Calls of ``tick`` in one epoch, per step of the batch source."""
        return len(self.chunks)

    def _report(self, sums: list[EpochSums]) -> TrainReport:
        loss = torch.cat([s.loss / s.images for s in sums]).tolist()
        acc = torch.cat([s.correct / s.images for s in sums]).tolist()
        grad = torch.cat([s.host_grad / s.steps for s in sums]).tolist()
        seeds: list[dict[str, float]] = [{} for _ in self.row_instances]
        for span, own in zip(self.spans, sums, strict=True):
            for (row, slot), norms in own.seed_grad.items():
                seeds[span[row]][self.envs[0].slots[slot].name] = torch.stack(norms).mean().item()
        every = 2 if self.twins else 1
        return TrainReport(loss[::every], acc[::every], grad[::every], seeds[::every])

    # --- measuring ---------------------------------------------------------------------------------------------

    def validate(self, coalitions: list[list[Coalition]]) -> list[Measured]:
        """Measures every environment, its control, the asked-for coalitions and all incubating seeds at once."""
        images = self.source.validation()

        def run(index: int) -> list[tuple[int, Measured]]:
            return self._measure_chunk(index, coalitions, images)

        by_row = dict(pair for pairs in self.workers.map(run, range(len(self.chunks))) for pair in pairs)
        if not self.twins:
            return [by_row[env] for env in range(len(self.envs))]
        for env in range(len(self.envs)):
            by_row[2 * env].control = by_row[2 * env + 1]
        return [by_row[2 * env] for env in range(len(self.envs))]

    @torch.no_grad()
    def _measure_chunk(self, index: int, coalitions: list[list[Coalition]], images: list) -> list[tuple[int, Measured]]:
        chunk, span = self.chunks[index], self.spans[index]
        asked = [self._variants(chunk, i, row, coalitions) for i, row in enumerate(span)]
        sweep = Sweep(chunk, list(dict.fromkeys(v for variants in asked for v in variants.values()))).load("average")
        losses, hits = measure(sweep, images)
        place = {variant: i for i, variant in enumerate(sweep.variants)}
        found = []
        for i, (row, variants) in enumerate(zip(span, asked, strict=True)):
            own = {label: losses[place[variant]] for label, variant in variants.items()}
            whole = Measured(own.pop("whole"), hits[place[variants["whole"]]])
            for label, column in own.items():
                (whole.shadows if isinstance(label, str) else whole.coalitions)[label] = column  # type: ignore[index]
            whole.power = {self.envs[0].slots[s].name: _rms(pairs) for (r, s), pairs in sweep.power.items() if r == i}
            found.append((row, whole))
        return found

    def _variants(self, chunk: Chunk, i: int, row: int, coalitions: list) -> dict[str | Coalition, Variant]:
        """What is measured of one row: the whole network, seeds incubating in a slot (by name), coalitions."""
        alphas = chunk.alphas(i)
        names = [s.name for s in self.envs[0].slots]
        wanted: dict[str | Coalition, Variant] = {"whole": Variant(i, alphas)}
        if self.twins and row % 2:
            return wanted
        env = row // 2 if self.twins else row
        for index, slot in enumerate(self.envs[env].slots):
            if slot.stage is Stage.TRAINING:
                wanted[slot.name] = Variant(i, (*alphas[:index], 1.0, *alphas[index + 1 :]))
        for coalition in coalitions[env]:
            wanted[coalition] = Variant(
                i, tuple(a if n in coalition else 0.0 for a, n in zip(alphas, names, strict=True))
            )
        return wanted

    # --- decisions ---------------------------------------------------------------------------------------------

    def states(self, epoch: int) -> list[EnvState]:
        return [EnvState(epoch, self.epochs, tuple(s.state() for s in env.slots)) for env in self.envs]

    def slot(self, env: int, name: str) -> Slot:
        return next(s for s in self.envs[env].slots if s.name == name)

    def apply(self, env: int, decision: Decision, epoch: int) -> list[Change]:
        """Carries out a legal decision at the boundary after ``epoch``."""
        if decision.op is Op.WAIT or decision.slot is None:
            return []
        slot = self.slot(env, decision.slot)
        if decision.op is Op.ADVANCE:
            return self.advance(env, decision.slot, "decision")
        changes = [self._germinate(env, slot, decision, epoch)] if decision.op is Op.GERMINATE else slot.apply(decision)
        self._follow(env, changes)
        return changes

    def advance(self, env: int, name: str, cause: str) -> list[Change]:
        """Moves a seed on, by a decision or without one (``gates.auto_forward``)."""
        slot = self.slot(env, name)
        changes = [slot.advance(cause)]
        if slot.stage is Stage.TRAINING and not self.incubates:
            changes.append(slot.advance(cause))
        self._follow(env, changes)
        return changes

    def _germinate(self, env: int, slot: Slot, decision: Decision, epoch: int) -> Change:
        environment = self.envs[env]
        index = environment.slots.index(slot)
        kind: Kind = (decision.blueprint or "", STYLES[decision.style or ""].form)
        build = self.shape.seed_build(index, kind)
        weight = fresh_weights(build(1), self.generators.seed(environment.instance, epoch, slot.name))
        chunk, row = self.place(env)
        chunk.plant((row, index), kind, weight)
        environment.planted += 1
        return slot.germinate(plant(decision, environment.planted, count_params(build), epoch))

    def _follow(self, env: int, changes: list[Change]) -> None:
        """Moves tensors to where the changed stages want them, and sets every alpha of the environment."""
        chunk, row = self.place(env)
        for change in changes:
            key: Key = (row, [s.name for s in self.envs[env].slots].index(change.slot))
            if change.target is Stage.TRAINING:
                chunk.incubate(key)
            elif change.target is Stage.BLENDING and change.source is Stage.TRAINING:
                chunk.graft(key)
            elif change.target is Stage.PRUNED:
                chunk.remove(key)
        for index, slot in enumerate(self.envs[env].slots):
            if slot.grafted:
                chunk.set_alpha((row, index), slot.alpha.value)

    # --- delivery ----------------------------------------------------------------------------------------------

    def deliver(self, env: int) -> Network:
        """The delivered network: averaged weights, fossils only, statistics of the training images."""
        chunk, row = self.place(env)
        fossils = [(i, s) for i, s in enumerate(self.envs[env].slots) if s.stage is Stage.FOSSILIZED]
        rows = [chunk.seed_row((row, i)) for i, _ in fossils]
        seeds = [Planted(s.name, kind[0], kind[1]) for (_, s), (kind, _) in zip(fossils, rows, strict=True)]
        return self._network(chunk, row, seeds, [r["average"] for _, r in rows])

    def deliver_control(self, env: int) -> Network:
        chunk, row = self._place_row(env * 2 + 1)
        return self._network(chunk, row, [], [])

    def _network(self, chunk: Chunk, row: int, seeds: list[Planted], weights: list[Tensor]) -> Network:
        place = self.shape.place
        network = Network(self.shape.spec, seeds).to(place.device, place.dtype)
        network.load_rows(chunk.bank.average[row], weights)
        network.measure_statistics(self.source.training_images())
        return network

    def close(self) -> None:
        self.workers.close()


def measure(sweep: Sweep, batches: list[tuple[Tensor, Tensor]]) -> tuple[np.ndarray, np.ndarray]:
    """Per-image losses and hits ``[V, n]`` of a loaded sweep."""
    losses, hits = [], []
    entries, layout = len(sweep.entry), sweep.chunk.shape.place.memory_format
    for images, labels in batches:
        stacked = images.repeat(1, entries, 1, 1).contiguous(memory_format=layout)
        logits = sweep.run(stacked)
        each = labels[:, None].expand(-1, len(sweep.variants))
        losses.append(row_losses(logits.flatten(1), each))
        hits.append(logits.argmax(2) == each)
    return torch.cat(losses).T.float().cpu().numpy(), torch.cat(hits).T.cpu().numpy()


def _rms(pairs: list[Tensor]) -> tuple[float, float]:
    delta, host = torch.stack(pairs).mean(0).sqrt().tolist()
    return delta, host
