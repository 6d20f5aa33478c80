"""Convolutional hosts and the places in them where seeds may be planted.

A host is ``blocks`` of convolution, batch norm and ReLU, the first ``pools`` of them followed by a 2x2 maximum
pool; channels double from block to block; then the mean over the map and a linear layer.  Slot ``r0c<i>`` sits
after block i before its pool, ``r1c<i>`` after the pool.  The enabled slots cut the host into ``slots + 1``
segments; a dormant slot costs nothing because nothing runs there.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from esper_tui.kasmina.layers import BatchNorm, Linear, conv, pool
from esper_tui.leyline.choices import slot_id
from esper_tui.leyline.config import RunConfig

LARGEST, MOST_BLOCKS = 2**20, 64


@dataclass(frozen=True)
class Surface:
    """A place for a slot: its id, the channels and the map size of the activations there."""

    slot: str
    channels: int
    size: int


@dataclass(frozen=True)
class CnnSpec:
    """Shape of a convolutional host.

    Attributes:
        widths: channels of every block; empty means that they double from ``channels`` on.
    """

    blocks: int = 3
    channels: int = 8
    kernel: int = 3
    pools: int = 3
    image_size: int = 16
    classes: int = 10
    image_channels: int = 3
    widths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuses what a damaged file may hold before anything is built of it."""
        values = {name: value for name, value in vars(self).items() if name != "widths"} | dict(enumerate(self.widths))
        if not all(isinstance(value, int) and 0 <= value <= LARGEST for value in values.values()):
            raise ValueError(f"a host's sizes are whole numbers up to {LARGEST}")
        if self.blocks > MOST_BLOCKS or (self.widths and len(self.widths) != self.blocks):
            raise ValueError(f"a host has up to {MOST_BLOCKS} blocks, and a width for each or none")

    @property
    def weights(self) -> int:
        """Weights of all convolutions."""
        widths = [self.image_channels, *(self.width(block) for block in range(self.blocks))]
        return self.kernel**2 * sum(a * b for a, b in pairwise(widths))

    def width(self, block: int) -> int:
        return self.widths[block] if self.widths else self.channels * 2**block

    def size_after(self, pools: int) -> int:
        return self.image_size >> pools

    def surfaces(self) -> list[Surface]:
        """Every place for a slot, in the order the activations reach them."""
        found = []
        for i in range(self.blocks):
            found.append(Surface(slot_id(0, i), self.width(i), self.size_after(min(i, self.pools))))
            if i < self.pools:
                found.append(Surface(slot_id(1, i), self.width(i), self.size_after(i + 1)))
        return found

    def enabled(self, slots: tuple[str, ...]) -> list[Surface]:
        """The surfaces of the enabled slots, in the order the activations reach them."""
        return [s for s in self.surfaces() if s.slot in slots]


class Block(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, c_in: int, c_out: int, kernel: int, rows: int):
        super().__init__()
        self.conv = conv(c_in, c_out, kernel, rows)
        self.norm = BatchNorm(c_out, rows)

    def forward(self, h: Tensor) -> Tensor:
        return self.norm(self.conv(h))


class Activation(nn.Module):
    """ReLU after a 2x2 maximum pool, where there is one: the two commute, and this way ReLU sees a quarter."""

    def __init__(self, pooled: bool):
        super().__init__()
        self.pooled = pooled

    def forward(self, h: Tensor) -> Tensor:
        return F.relu(F.max_pool2d(h, 2) if self.pooled else h)


class Head(nn.Module):
    """Mean over the map and a linear layer: ``[B, rows·C, H, W]`` to logits ``[B, rows·classes]``."""

    def __init__(self, channels: int, classes: int, rows: int):
        super().__init__()
        self.linear = Linear(channels, classes, rows, bias_init=0.0)

    def forward(self, h: Tensor) -> Tensor:
        return self.linear(pool(h)).flatten(1)


def build_segments(spec: CnnSpec, slots: tuple[str, ...], rows: int) -> nn.ModuleList:
    """The host as ``len(slots) + 1`` segments; the last one ends in logits."""
    segments: list[list[nn.Module]] = [[]]

    def cut(slot: str) -> None:
        if slot in slots:
            segments.append([])

    for i in range(spec.blocks):
        c_in = spec.width(i - 1) if i else spec.image_channels
        segments[-1].append(Block(c_in, spec.width(i), spec.kernel, rows))
        cut(slot_id(0, i))
        segments[-1].append(Activation(pooled=i < spec.pools))
        if i < spec.pools:
            cut(slot_id(1, i))
    segments[-1].append(Head(spec.width(spec.blocks - 1), spec.classes, rows))
    return nn.ModuleList([nn.Sequential(*parts) for parts in segments])


def spec_of(config: RunConfig) -> CnnSpec:
    host = config.host
    return CnnSpec(host.blocks, host.channels, host.kernel, host.pools, config.data.image_size, config.classes)
