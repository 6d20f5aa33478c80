"""Makes every part of a run from a configuration: the only file that knows every class."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import log

import numpy as np
import torch

from esper_tui.data.images import Splits
from esper_tui.data.load import load_splits
from esper_tui.data.source import DeviceImages, Feed, halves
from esper_tui.kasmina.blueprints import REGISTRY
from esper_tui.kasmina.host import CnnSpec, spec_of
from esper_tui.leyline.choices import TOPOLOGY_BLUEPRINTS, Decision, Form
from esper_tui.leyline.config import SCRIPTED, RunConfig, Tamiyo
from esper_tui.leyline.legality import Rules
from esper_tui.leyline.protocols import Policy
from esper_tui.leyline.stages import Stage
from esper_tui.leyline.state import Instance, SlotState
from esper_tui.runtime import seeding
from esper_tui.runtime.instances import Instances
from esper_tui.runtime.policy_file import PolicyFile, find_policy
from esper_tui.runtime.probe_cache import choose_engine
from esper_tui.tamiyo.features import Layout
from esper_tui.tamiyo.heuristic import Heuristic, HeuristicRules
from esper_tui.tamiyo.learned import Learned
from esper_tui.tamiyo.network import HEADS, Network, Sizes
from esper_tui.tamiyo.scripted import Manual, Random, Schedule, Wait
from esper_tui.tolaria.bank import Recipe
from esper_tui.tolaria.chunk import Shape
from esper_tui.tolaria.cost import segment_costs
from esper_tui.tolaria.engine import Engine
from esper_tui.tolaria.operations import OperationCounter
from esper_tui.tolaria.probe import EngineChoice, format_of, least_rows, pick_device, request_kernels
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
    seed_costs: dict[str, dict[str, float]]
    layout: Layout
    instances: Instances
    saved: PolicyFile | None = None

    def seed_work(self, slot: SlotState) -> float:
        """Multiply-accumulates of training a seed, relative to training the host; a shadow pass runs a suffix too."""
        if slot.blueprint is None or slot.stage is Stage.GERMINATED:
            return 0.0
        own = self.seed_costs[slot.slot][slot.blueprint]
        suffix = sum(self.costs[self.shape.slots.index(slot.slot) + 1 :]) if slot.stage is Stage.TRAINING else 0.0
        return (own + suffix) / sum(self.costs)

    @property
    def ln_classes(self) -> float:
        return log(self.config.classes)

    def gate_mask(self, instance: Instance) -> np.ndarray:
        """Which validation images decide for an instance; the others judge."""
        return halves(len(self.splits.val), self.generators.halves(instance)).numpy()


def build_shape(config: RunConfig, spec: CnnSpec | None = None) -> Shape:
    """Shape, device and update rules of every network; ``spec`` takes the place of the configured host.

    Raises:
        NoSuchDevice: if the configuration asks for a device that is not there.
    """
    device = pick_device(config.engine.device)
    request_kernels(device, config.engine.deterministic)  # every product, those of a probe too, comes after this
    dtype = getattr(torch, config.engine.dtype)
    layout = format_of(config.engine.memory_format, device)
    place = Placement(device, dtype, layout, least_rows(device, layout, dtype))
    optim = config.optim
    recipe = Recipe(optim.name, optim.momentum, optim.weight_decay, optim.clip, config.steps_per_epoch)
    spec = spec or spec_of(config)
    slots = tuple(s.slot for s in spec.enabled(config.growth.slots))
    return Shape(spec, slots, place, recipe, recipe, config.growth.seed_lr, config.growth.warmup_steps)


def build_parts(
    config: RunConfig,
    splits: Splits | None = None,
    choice: EngineChoice | None = None,
    instances: Instances | None = None,
    spec: CnnSpec | None = None,
    generators: seeding.RunGenerators | None = None,
) -> Parts:
    """All parts of a run.

    ``splits`` and ``choice`` spare loading and probing where they are known; ``instances`` that keep their controls
    take the place of twins; ``spec`` is a host of another shape than the configured one, ``generators`` are other
    sources of random numbers.
    """
    instances = instances or Instances(config)
    shape = build_shape(config, spec)
    splits = splits or load_splits(config.data, seeding.generator)
    choice = choice or choose_engine(shape, config)
    generators = generators or seeding.RunGenerators()
    source = build_source(config, shape, splits, generators)
    engine = Engine(
        shape, config.optim, source, generators,
        chunk=choice.chunk, threads=choice.threads, epochs=config.run.epochs,
        hold_epochs=config.gates.hold_epochs, twins=config.twins and not instances.kept,
        incubates=config.growth.incubate_epochs > 0,
    )  # fmt: skip
    host_params = count_params(shape.host_build())
    rules = build_rules(config, shape, host_params)
    layout = build_layout(shape, rules, host_params, config.classes)
    saved = find_policy(config.tamiyo.policy) if config.tamiyo.policy not in (*SCRIPTED, "ppo") else None
    return Parts(
        config, shape, choice, splits, source, engine, build_policy(config, layout, saved), rules, generators,
        host_params, segment_costs(shape.spec, shape.slots), build_seed_costs(shape), layout, instances, saved,
    )  # fmt: skip


def build_layout(shape: Shape, rules: Rules, host_params: int, classes: int) -> Layout:
    """What the features of the learned policy are relative to."""
    surfaces = shape.spec.surfaces()
    places = {s.slot: ((surfaces.index(s) + 1) / len(surfaces), s.channels) for s in shape.spec.enabled(shape.slots)}
    return Layout(log(classes), host_params, rules.parameter_budget, places)


def build_seed_costs(shape: Shape) -> dict[str, dict[str, float]]:
    """Slot → blueprint → multiply-accumulates per image, forward, with the gate."""
    found: dict[str, dict[str, float]] = {}
    for index, surface in enumerate(shape.spec.enabled(shape.slots)):
        image = torch.zeros(2, surface.channels, surface.size, surface.size)  # group norm needs more than one value
        found[surface.slot] = {}
        for name in REGISTRY:
            with OperationCounter() as counter:
                shape.seed_build(index, (name, Form.GATED))(1)(image)
            found[surface.slot][name] = counter.total / 2 / len(image)
    return found


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


def build_policy(config: RunConfig, layout: Layout, saved: PolicyFile | None) -> Policy:
    """A scripted policy, a new network, or one from a file: sampled where it learns, greedy elsewhere."""
    settings = config.tamiyo
    makers: dict[str, Callable[[], Policy]] = {
        "wait": Wait,
        "manual": Manual,
        "random": partial(_random, settings, config.run.seed),
        "schedule": partial(_schedule, settings),
        "heuristic": partial(build_heuristic, config),
    }
    if settings.policy in makers:
        return makers[settings.policy]()
    drawn = partial(uniforms, config.run.seed) if config.run.mode == "learn" else None
    if saved is not None:
        return Learned(saved.network(), layout, drawn, saved.value_scale)
    return Learned(build_network(config), layout, drawn)


def build_network(config: RunConfig) -> Network:
    """A new network; its weights depend on the seed of the run alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.key_number("network", config.run.seed))
        return Network(Sizes(config.ppo.width, config.ppo.slot_width))


def uniforms(seed: int, round_: int, epoch: int, env: int) -> list[float]:
    """A number in [0, 1) for every head of one decision."""
    rng = seeding.decision_random(seed, round_, epoch, env)
    return [rng.random() for _ in HEADS]


def _random(settings: Tamiyo, seed: int) -> Policy:
    return Random(settings.germination_rate, settings.prune_rate, partial(seeding.decision_random, seed))


def _schedule(settings: Tamiyo) -> Policy:
    return Schedule([(step.epoch, Decision.from_named(step.decision)) for step in settings.schedule])


def build_heuristic(config: RunConfig, first: int = 0) -> Policy:
    """The rules of a configuration; ``first`` is the number of their first environment."""
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
        ),
        first,
    )
