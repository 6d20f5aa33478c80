"""Does a kept seed pay?  The same environment continued without it, several times, in another order of the data.

An image error of one pair ignores how far training wanders by itself, so the verdict is over forks: the environment
is played again up to the boundary at which the seed was planted, bit for bit, and from there on in another order of
the data, once as it was decided and once without that seed.  What differs at the end, after the learning rate has
decayed, is the seed's gain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import torch

from esper_tui.evidence.compare.setting import Row, Setting, Tell
from esper_tui.kasmina.network import Network
from esper_tui.leyline.choices import Decision
from esper_tui.leyline.state import Instance
from esper_tui.runtime.build import Parts
from esper_tui.runtime.delivery import score
from esper_tui.runtime.seeding import RunGenerators, generator

ERRORS = 2.0
"""A seed pays if its gain exceeds this many standard errors over the forks."""


@dataclass(frozen=True)
class Fork:
    """An environment that goes its own way after the boundary of an epoch; number 0 keeps the order of the data."""

    base: Instance
    epoch: int
    number: int


class ForkGenerators(RunGenerators):
    """Random numbers of forks, which are named by instances of their own."""

    def __init__(self, forks: dict[Instance, Fork]):
        self.forks = forks

    def host(self, instance: Instance) -> torch.Generator:
        return super().host(self.forks[instance].base)

    def seed(self, instance: Instance, epoch: int, slot: str) -> torch.Generator:
        return super().seed(self.forks[instance].base, epoch, slot)

    def halves(self, instance: Instance) -> torch.Generator:
        return super().halves(self.forks[instance].base)

    def order(self, instance: Instance, epoch: int) -> torch.Generator:
        fork = self.forks[instance]
        if epoch <= fork.epoch or fork.number == 0:
            return super().order(fork.base, epoch)
        return generator("fork", *fork.base, fork.epoch, fork.number, epoch)


Script = list[tuple[int, Decision]]
"""Decisions with the epochs at whose boundary they are carried out, in order."""


@dataclass(frozen=True)
class Question:
    """Whether one kept seed of one environment pays."""

    row: Row
    slot: str
    instance: Instance

    @property
    def planted(self) -> int:
        return self.row.germinated[self.slot]

    def script(self, with_seed: bool) -> Script:
        """What is decided; without the seed everything that was decided about it from its planting on is left out."""
        steps = [(epoch, Decision.from_named(heads)) for epoch, heads in self.row.decisions]
        return [
            (epoch, decision)
            for epoch, decision in steps
            if with_seed or decision.slot != self.slot or epoch < self.planted
        ]


def questions(rows: Sequence[Row], instances: Sequence[Instance]) -> list[Question]:
    """One for every kept seed; ``instances`` of the rows, in their order."""
    pairs = zip(rows, instances, strict=True)
    return [Question(row, slot, instance) for row, instance in pairs for slot in row.germinated]


def play_forks(setting: Setting, asked: Sequence[Question], count: int, tell: Tell) -> list[dict[str, Any]]:
    """Per question {arm, seed, slot, blueprint, epoch, gains (nats, one per fork), mean, se, paid}."""
    ways = [(question, number, with_seed) for question in asked for number in range(1, count + 1)
            for with_seed in (True, False)]  # fmt: skip
    forks = {
        Instance(setting.config.run.seed, index): Fork(question.instance, question.planted, number)
        for index, (question, number, _) in enumerate(ways)
    }
    config = setting.fixed(len(ways), reward={"control": "none"})
    parts = setting.parts(config, generators=ForkGenerators(forks))
    try:
        networks = replay(parts, list(forks), [question.script(with_seed) for question, _, with_seed in ways], tell)
        losses = [_reward_loss(parts, instance, network) for instance, network in zip(forks, networks, strict=True)]
    finally:
        parts.engine.close()
    gains = [without - own for own, without in zip(losses[::2], losses[1::2], strict=True)]
    return [answer(question, gains[i * count : (i + 1) * count]) for i, question in enumerate(asked)]


def replay(parts: Parts, instances: Sequence[Instance], scripts: Sequence[Script], tell: Tell) -> list[Network]:
    """Delivered networks of episodes in which everything is decided already; nothing is measured on the way."""
    engine = parts.engine
    engine.reset(list(instances))
    for epoch in range(1, engine.epochs + 1):
        engine.begin_epoch()
        engine.train_epoch(epoch)
        engine.end_epoch()
        for env, script in enumerate(scripts):
            for decision in [decision for when, decision in script if when == epoch]:
                engine.apply(env, decision, epoch)
        tell(epoch, engine.epochs)
    return [engine.deliver(env) for env in range(len(instances))]


def _reward_loss(parts: Parts, instance: Instance, network: Network) -> float:
    return float(score(network, parts.source.validation()).losses[~parts.gate_mask(instance)].mean())


def answer(question: Question, gains: Sequence[float]) -> dict[str, Any]:
    """The verdict over the forks."""
    mean, se = fmean(gains), stdev(gains) / len(gains) ** 0.5
    kept = next(k for k in question.row.kept if k["slot"] == question.slot)
    return {
        "arm": question.row.arm, "seed": question.row.seed, "slot": question.slot, "blueprint": kept["blueprint"],
        "epoch": question.planted, "gains": list(gains), "mean": mean, "se": se, "paid": mean > ERRORS * se,
    }  # fmt: skip
