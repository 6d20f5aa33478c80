"""Makes every part of a run from a configuration: the only file that knows every class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import log

import numpy as np
import torch

from esper_tui.data.images import Splits
from esper_tui.data.load import load_splits
from esper_tui.data.source import DeviceImages, Feed, halves
from esper_tui.kasmina.blueprints import REGISTRY
from esper_tui.kasmina.host import spec_of
from esper_tui.leyline.choices import TOPOLOGY_BLUEPRINTS, Decision, Form
from esper_tui.leyline.config import RunConfig, Tamiyo
from esper_tui.leyline.legality import Rules
from esper_tui.leyline.protocols import Policy
from esper_tui.leyline.state import Instance
from esper_tui.runtime import seeding
from esper_tui.runtime.probe_cache import choose_engine
from esper_tui.tamiyo.heuristic import Heuristic, HeuristicRules
from esper_tui.tamiyo.scripted import Manual, Random, Schedule, Wait
from esper_tui.tolaria.bank import Recipe
from esper_tui.tolaria.chunk import Shape
from esper_tui.tolaria.cost import segment_costs
from esper_tui.tolaria.engine import Engine
from esper_tui.tolaria.probe import EngineChoice, format_of, least_rows, pick_device
from esper_tui.tolaria.stack import Placement, count_params


@dataclass
class Parts:
    """Everything a run is made of, before it has a folder or a thread."""

    config: RunConfig
    shape: Shape
    choice: EngineChoice
    splits: Splits
    source: DeviceImages
    engine: Engine
    policy: Policy
    rules: Rules
    generators: seeding.RunGenerators
    host_params: int
    costs: list[float]

    @property
    def ln_classes(self) -> float:
        return log(self.config.classes)

    def gate_mask(self, instance: Instance) -> np.ndarray:
        """Which validation images decide for an instance; the others judge."""
        return halves(len(self.splits.val), self.generators.halves(instance)).numpy()


def build_shape(config: RunConfig) -> Shape:
    """Shape, device and update rules of every network.

    Raises:
        NoSuchDevice: if the configuration asks for a device that is not there.
    """
    device = pick_device(config.engine.device)
    dtype = getattr(torch, config.engine.dtype)
    layout = format_of(config.engine.memory_format, device)
    place = Placement(device, dtype, layout, least_rows(device, layout, dtype))
    optim = config.optim
    recipe = Recipe(optim.name, optim.momentum, optim.weight_decay, optim.clip, config.steps_per_epoch)
    spec = spec_of(config)
    slots = tuple(s.slot for s in spec.enabled(config.growth.slots))
    return Shape(spec, slots, place, recipe, recipe, config.growth.seed_lr, config.growth.warmup_steps)


def build_parts(config: RunConfig, splits: Splits | None = None, choice: EngineChoice | None = None) -> Parts:
    """All parts of a run.  ``splits`` and ``choice`` spare loading and probing where they are known."""
    shape = build_shape(config)
    splits = splits or load_splits(config.data, seeding.generator)
    choice = choice or choose_engine(shape, config)
    generators = seeding.RunGenerators()
    source = build_source(config, shape, splits, generators)
    engine = Engine(
        shape, config.optim, source, generators,
        chunk=choice.chunk, threads=choice.threads, epochs=config.run.epochs,
        hold_epochs=config.gates.hold_epochs, twins=config.reward.control == "twin",
    )  # fmt: skip
    host_params = count_params(shape.host_build())
    return Parts(
        config, shape, choice, splits, source, engine, build_policy(config, shape.slots),
        build_rules(config, shape, host_params), generators, host_params, segment_costs(shape.spec, shape.slots),
    )  # fmt: skip


def build_source(config: RunConfig, shape: Shape, splits: Splits, generators: seeding.RunGenerators) -> DeviceImages:
    place, augment = shape.place, config.data.augment
    feed = Feed(
        config.images_per_epoch, config.optim.batch, augment != "none",
        config.data.image_size // 8 if augment == "flip+shift" else 0,
        place.device, place.dtype, place.memory_format,
    )  # fmt: skip
    return DeviceImages(splits.train, splits.val, feed, generators)


def build_rules(config: RunConfig, shape: Shape, host_params: int) -> Rules:
    """The fixed part of legality; a seed counts with its gate, its largest form."""
    growth = config.growth
    params = {
        name: {b: count_params(shape.seed_build(i, (b, Form.GATED))) for b in REGISTRY}
        for i, name in enumerate(shape.slots)
    }
    return Rules(
        seed_params=params,
        topology=TOPOLOGY_BLUEPRINTS["cnn"],
        allowed=growth.blueprints,
        seed_limit=growth.seed_limit or len(growth.slots),
        parameter_budget=growth.parameter_budget or 10 * host_params,
        concurrent=growth.concurrent,
        last_germination=config.last_germination,
    )


def build_policy(config: RunConfig, slots: Sequence[str]) -> Policy:
    settings = config.tamiyo
    makers: dict[str, Callable[[], Policy]] = {
        "wait": Wait,
        "manual": Manual,
        "random": partial(_random, settings, config.run.seed),
        "schedule": partial(_schedule, settings),
        "heuristic": partial(_heuristic, config),
    }
    return makers[settings.policy]()


def _random(settings: Tamiyo, seed: int) -> Policy:
    return Random(settings.germination_rate, settings.prune_rate, partial(seeding.decision_random, seed))


def _schedule(settings: Tamiyo) -> Policy:
    return Schedule([(step.epoch, Decision.from_named(step.decision)) for step in settings.schedule])


def _heuristic(config: RunConfig) -> Policy:
    settings, unit = config.tamiyo, log(config.classes)
    return Heuristic(
        HeuristicRules(
            stall_gain=settings.stall_gain * unit,
            min_gain=config.gates.min_gain * unit,
            germinate_by=settings.germinate_by,
            rotation=settings.rotation,
            slot_order=settings.slot_order or config.growth.slots,
            style=settings.style,
            tempo=settings.tempo,
        )
    )
