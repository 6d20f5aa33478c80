"""Which instances a round plays, and what their controls do.

In a grow run every environment has an instance of its own and a control beside it.  A learn run draws from a pool; the
control of an instance is trained once, alone, and its measurements are kept: a row does not depend on its companions,
so a kept control is the twin that would have run beside.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from esper_tui.kasmina.network import Network
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import Diverged
from esper_tui.leyline.state import Instance
from esper_tui.runtime.seeding import generator, grow_instances
from esper_tui.tolaria.engine import Engine, Measured

HELD_OUT = 1_000_000
"""Indices from here on are never in a pool: evaluation uses them."""


@dataclass
class Control:
    """A control's measurements after every epoch, and its delivered network."""

    epochs: list[Measured] = field(default_factory=list)
    network: Network | None = None

    @property
    def finite(self) -> bool:
        return all(np.isfinite(seen.losses).all() for seen in self.epochs)


def train_controls(
    engine: Engine, instances: list[Instance], step: Callable[[int], None], tick: Callable[[], None]
) -> list[Control]:
    """Plays an episode in which nobody decides anything.  ``step`` is called with the number of every epoch."""
    engine.reset(instances)
    controls = [Control() for _ in instances]
    for epoch in range(1, engine.epochs + 1):
        step(epoch)
        engine.begin_epoch()
        engine.train_epoch(epoch, tick)
        for control, seen in zip(controls, engine.validate([[] for _ in instances]), strict=True):
            control.epochs.append(seen)
        engine.end_epoch()
    for env, control in enumerate(controls):
        if control.finite:
            control.network = engine.deliver(env)
    return controls


class Instances:
    """The instances of a run, by round."""

    def __init__(self, config: RunConfig, first: int = 0, kept: bool = False):
        """``first``: index of the first instance of a grow run; ``kept``: controls are trained alone there too."""
        self.config, self.first, self.kept = config, first, kept or config.run.mode == "learn"
        self.controls: dict[Instance, Control] = {}
        self.voided: set[Instance] = set()

    def draw(self, round_: int) -> list[Instance]:
        """Distinct instances of a round; an instance whose control failed is never drawn again.

        Raises:
            Diverged: if too few controls stay finite.
        """
        run = self.config.run
        if run.mode == "grow":
            return grow_instances(run.seed, run.envs, self.first)
        order = torch.randperm(run.instances, generator=generator("pool", run.seed, round_)).tolist()
        sound = [i for index in order if (i := Instance(run.seed, index)) not in self.voided]
        if len(sound) < run.envs:
            raise Diverged(
                f"{len(self.voided)} of {run.instances} controls left the finite numbers; lower optim.lr or set "
                "optim.clip"
            )
        return sound[: run.envs]

    def prepare(
        self, round_: int, engine: Engine, step: Callable[[int], None], tick: Callable[[], None]
    ) -> list[Instance]:
        """The instances of a round, each with a sound control where the run keeps controls."""
        while missing := [i for i in self.draw(round_) if i not in self.controls and self.kept]:
            for instance, control in zip(missing, train_controls(engine, missing, step, tick), strict=True):
                self.controls[instance] = control
                if not control.finite:
                    self.voided.add(instance)
        return self.draw(round_)

    def compare(self, instances: list[Instance], epoch: int, measured: list[Measured]) -> None:
        """Puts the kept control of each environment beside what was measured of it."""
        for instance, seen in zip(instances, measured, strict=True):
            if instance in self.controls:
                seen.control = self.controls[instance].epochs[epoch - 1]

    def control_network(self, engine: Engine, env: int) -> Network | None:
        """The delivered network of an environment's kept control."""
        kept = self.controls.get(engine.envs[env].instance)
        return kept.network if kept else None


class Shared(Instances):
    """Instances that several environments of a round have in common; one of each, which must never grow, is the
    control of all.

    Args:
        instances: of every environment.
        alone: numbers of the environments that never grow, one for every instance.
    """

    def __init__(self, config: RunConfig, instances: list[Instance], alone: Sequence[int]):
        super().__init__(config, kept=True)
        self.given, self.alone = instances, {instances[env]: env for env in alone}

    def draw(self, round_: int) -> list[Instance]:
        return self.given

    def prepare(
        self, round_: int, engine: Engine, step: Callable[[int], None], tick: Callable[[], None]
    ) -> list[Instance]:
        return self.given

    def compare(self, instances: list[Instance], epoch: int, measured: list[Measured]) -> None:
        for instance, seen in zip(instances, measured, strict=True):
            seen.control = measured[self.alone[instance]]

    def control_network(self, engine: Engine, env: int) -> Network:
        return engine.deliver(self.alone[engine.envs[env].instance])
