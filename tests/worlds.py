"""Engines and configurations small enough to be built in milliseconds."""

import torch

from esper_tui.data.images import Images
from esper_tui.data.source import DeviceImages, Feed
from esper_tui.kasmina.host import CnnSpec
from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.config import Optim, RunConfig
from esper_tui.leyline.state import Instance
from esper_tui.runtime.build import Parts, build_parts
from esper_tui.runtime.seeding import RunGenerators, generator
from esper_tui.tolaria.bank import Recipe
from esper_tui.tolaria.chunk import Shape
from esper_tui.tolaria.engine import Engine
from esper_tui.tolaria.probe import EngineChoice, format_of, least_rows
from esper_tui.tolaria.stack import Placement

SPEC = CnnSpec(blocks=2, channels=8, pools=2, image_size=8)
SLOTS = ("r0c0", "r1c0", "r0c1")
CPU = torch.device("cpu")


def placement(dtype: torch.dtype = torch.float32, layout: str = "channels_last") -> Placement:
    form = format_of(layout, CPU)
    return Placement(CPU, dtype, form, least_rows(CPU, form, dtype))


def shape(
    place: Placement | None = None, spec: CnnSpec = SPEC, slots: tuple[str, ...] = SLOTS, name: str = "sgd"
) -> Shape:
    recipe = Recipe(name, 0.9, 5e-4, 5.0, average_steps=4)
    return Shape(spec, slots, place or placement(), recipe, recipe, warmup_steps=5)


def images(count: int, size: int = 8, key: str = "images") -> Images:
    g = generator(key)
    pixels = torch.randint(0, 256, (count, 3, size, size), generator=g, dtype=torch.uint8)
    return Images(pixels, torch.arange(count) % 10)


def source(
    place: Placement, train: int = 64, val: int = 64, batch: int = 16, flip: bool = True, shift: int = 1
) -> DeviceImages:
    feed = Feed(train, batch, flip, shift, place.device, place.dtype, place.memory_format)
    return DeviceImages(images(train, key="train"), images(val, key="val"), feed, RunGenerators())


def engine(
    envs: int = 3, chunk: int = 16, threads: int = 1, twins: bool = True, place: Placement | None = None,
    slots: tuple[str, ...] = SLOTS, epochs: int = 30, optim: Optim | None = None, spec: CnnSpec = SPEC,
) -> Engine:  # fmt: skip
    place = place or placement()
    made = Engine(
        shape(place, spec, slots), optim or Optim(batch=16), source(place), RunGenerators(),
        chunk=chunk, threads=threads, epochs=epochs, hold_epochs=20, twins=twins,
    )  # fmt: skip
    made.reset([Instance(7, i) for i in range(envs)])
    return made


def germinate(slot: str, blueprint: str = "CONV_LIGHT", style: str = "LINEAR_ADD", tempo: str = "FAST") -> Decision:
    return Decision(op=Op.GERMINATE, slot=slot, blueprint=blueprint, style=style, tempo=tempo, alpha_target="FULL")


def advance(slot: str) -> Decision:
    return Decision(op=Op.ADVANCE, slot=slot)


def train(made: Engine, epoch: int) -> None:
    """One epoch without measuring."""
    made.begin_epoch()
    made.train_epoch(epoch)
    made.end_epoch()


def rows_of(made: Engine) -> torch.Tensor:
    """Host weights of all rows ``[rows, P]``."""
    return torch.cat([chunk.bank.weight for chunk in made.chunks])


def tiny_config(**sections) -> RunConfig:
    """A run of a second or two."""
    base = {
        "run": {"envs": 2, "epochs": 16},
        "data": {"train_images": 64, "val_images": 64, "test_images": 40, "image_size": 8},
        "host": {"blocks": 2, "pools": 2},
        "growth": {"slots": ["r0c0", "r1c0"]},
        "optim": {"batch": 16},
        "engine": {"device": "cpu", "chunk": 4, "threads": 1},
    }
    for section, values in sections.items():
        base[section] = base.get(section, {}) | values
    return RunConfig.model_validate(base)


CHOICE = EngineChoice("cpu", 4, 1, "channels_last", "float32", "exact")


def tiny_parts(choice: EngineChoice = CHOICE, **sections) -> Parts:
    return build_parts(tiny_config(**sections), choice=choice)
