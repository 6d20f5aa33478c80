"""What all arms of a comparison share, and the line that each network becomes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

import numpy as np

from esper_tui.data.images import Splits
from esper_tui.evidence.examine import open_test
from esper_tui.kasmina.host import CnnSpec, spec_of
from esper_tui.kasmina.network import Network
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.state import Instance
from esper_tui.runtime.build import Parts, build_parts
from esper_tui.runtime.delivery import score
from esper_tui.runtime.instances import HELD_OUT, Instances
from esper_tui.runtime.seeding import RunGenerators
from esper_tui.tolaria.probe import EngineChoice

TUNING = 3_000_000
"""Index of the first instance that things are tuned on; scored ones begin at ``HELD_OUT``."""
POINTS = 10
"""Times that a network which nobody decides about is measured on its way; areas of all arms are of so many points."""
Tell = Callable[[int, int], None]
"""Told of every epoch that is over, and of how many."""


def part_of(tell: Tell, index: int, parts: int) -> Tell:
    """Progress of one of several runs of equal length."""
    return lambda epoch, epochs: tell(index * epochs + epoch, parts * epochs)


def instances(config: RunConfig, seeds: Sequence[int], first: int = HELD_OUT) -> list[Instance]:
    """Instances by number of the seed, outside every training pool."""
    return [Instance(config.run.seed, first + seed) for seed in seeds]


@dataclass(frozen=True)
class Setting:
    """Configuration, images, and how the engine computes: the same for every arm."""

    config: RunConfig
    splits: Splits
    choice: EngineChoice

    @property
    def spec(self) -> CnnSpec:
        return spec_of(self.config)

    def with_lr(self, lr: float) -> "Setting":
        return replace(self, config=changed(self.config, optim={"lr": lr}))

    def fixed(self, envs: int, policy: str = "wait", **sections: dict[str, Any]) -> RunConfig:
        """The configuration of so many environments in which nobody learns; ``sections`` change it."""
        run = {"mode": "grow", "rounds": 1, "envs": envs} | sections.pop("run", {})
        return changed(self.config, run=run, ppo={"clone_rounds": 0}, tamiyo={"policy": policy}, **sections)

    def parts(
        self, config: RunConfig, instances: Instances | None = None, spec: CnnSpec | None = None,
        generators: RunGenerators | None = None,
    ) -> Parts:  # fmt: skip
        return build_parts(config, self.splits, self.choice, instances, spec, generators)


def changed(config: RunConfig, **sections: dict[str, Any]) -> RunConfig:
    """The configuration with some keys of some sections set."""
    document = config.model_dump(mode="json")
    for name, values in sections.items():
        document[name] |= values
    return RunConfig.model_validate(document)


@dataclass
class Row:
    """One arm on one seed.  Accuracies are fractions; None where the network left the finite numbers.

    ``training`` to ``control`` are operations by purpose (``flops``), ``wasted`` those of training that went into
    seeds which were not kept; ``work`` is what had been spent at each point of ``curve``, the validation accuracy.
    ``decisions`` are (epoch, heads) as they were carried out; ``germinated``: slot → epoch of the kept seeds.
    """

    arm: str
    seed: int
    params: int
    epochs: int
    test_acc: float | None = None
    test_loss: float | None = None
    val_acc: float | None = None
    val_loss: float | None = None
    training: float = 0.0
    incubation: float = 0.0
    ablation: float = 0.0
    control: float = 0.0
    wasted: float = 0.0
    planted: int = 0
    pruned: int = 0
    kept: list[dict[str, str]] = field(default_factory=list)
    area: float | None = None
    drop: float | None = None
    curve: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    decisions: list[list[Any]] = field(default_factory=list)
    germinated: dict[str, int] = field(default_factory=dict)

    @property
    def flops(self) -> float:
        return self.training + self.incubation + self.ablation + self.control


def measure_delivered(parts: Parts, networks: dict[int, Network], rows: Sequence[Row]) -> None:
    """Enters what delivered networks score: on the reward half, and once on the test images.

    ``networks``: by environment, which is also the place of its row.
    """
    tested = dict(zip(networks, open_test(parts, list(networks.values())), strict=True))
    for env, network in networks.items():
        row, judged = rows[env], ~parts.gate_mask(parts.engine.envs[env].instance)
        seen = score(network, parts.source.validation())
        if not np.isfinite(seen.losses).all():
            continue
        row.val_acc, row.val_loss = float(seen.hits[judged].mean()), float(seen.losses[judged].mean())
        row.test_acc, row.test_loss = tested[env].acc, tested[env].loss
        row.params = network.parameter_count()
        row.area = area(row.curve, row.work, 1 / parts.config.classes)


def area(curve: Sequence[float], work: Sequence[float], chance: float) -> float | None:
    """Validation accuracy averaged over the operations that were spent, by the trapezoidal rule; it begins at chance.

    A curve that was measured at every epoch is thinned to ``POINTS``, because more points under a curve that bends
    down have a larger area.
    """
    from scipy.integrate import trapezoid

    if not curve:
        return None
    every, last = ceil(len(curve) / POINTS), len(curve) - 1
    at = [i for i in range(len(curve)) if (i + 1) % every == 0 or i == last]
    return float(trapezoid([chance, *(curve[i] for i in at)], [0.0, *(work[i] for i in at)]) / work[-1])
