"""What the engine is fed with: uint8 images on the device, the order and augmentation of every epoch.

Everything random is drawn on the CPU, keyed by (instance, epoch), whatever device computes and whichever rows are
asked for together.
"""

import hashlib
import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from esper_tui.data.images import Images
from esper_tui.leyline.state import Instance

MEASURE_BATCH = 512
"""Most images per batch when measuring; a variant's normalisation statistics are those of such a batch."""


class OrderGenerators(Protocol):
    def order(self, instance: Instance, epoch: int) -> torch.Generator: ...


@dataclass(frozen=True)
class Feed:
    """How batches are made.

    Attributes:
        shift: most pixels an image is moved in each direction.
    """

    images_per_epoch: int
    batch: int
    flip: bool
    shift: int
    device: torch.device
    dtype: torch.dtype
    memory_format: torch.memory_format


class DeviceImages:
    """Training and validation images on a device.  A ``BatchSource`` of the engine."""

    def __init__(self, train: Images, val: Images, feed: Feed, generators: OrderGenerators):
        self.feed, self.generators, self.count = feed, generators, len(train)
        device = feed.device
        pixels = train.pixels.to(device)
        channels = pixels.float() if len(pixels) <= 10_000 else pixels[:10_000].float()
        self.mean, self.std = channels.mean((0, 2, 3)), channels.std((0, 2, 3))
        self.pixels, self.labels = pixels, train.labels.to(device)
        self.windows = self._windows(pixels) if feed.shift else None
        self.val = val

    def _windows(self, pixels: Tensor) -> Tensor:
        """Every shifted view ``[n, 2s+1, 2s+1, 3, H, W]`` of the images padded with their mean; no copies."""
        s, size = self.feed.shift, pixels.shape[-1]
        padded = self.mean.round().to(torch.uint8).view(1, 3, 1, 1).repeat(len(pixels), 1, size + 2 * s, size + 2 * s)
        padded[:, :, s : s + size, s : s + size] = pixels
        return padded.unfold(2, size, 1).unfold(3, size, 1).permute(0, 2, 3, 1, 4, 5)

    def epoch(self, instances: list[Instance], epoch: int) -> "EpochPlan":
        plans = {instance: self._draw(instance, epoch) for instance in dict.fromkeys(instances)}
        drawn = torch.stack([plans[instance] for instance in instances]).to(self.feed.device)
        return EpochPlan(self, drawn)

    def _draw(self, instance: Instance, epoch: int) -> Tensor:
        """Index, flip and shifts of every image of an epoch: int64 ``[4, images]``."""
        g, n, wanted = self.generators.order(instance, epoch), self.count, self.feed.images_per_epoch
        passes = [torch.randperm(n, generator=g) for _ in range(math.ceil(wanted / n))]
        order = torch.cat(passes)[:wanted]
        flips = torch.randint(0, 2, (wanted,), generator=g)
        shifts = torch.randint(0, 2 * self.feed.shift + 1, (2, wanted), generator=g)
        return torch.stack([order, flips, *shifts])

    def validation(self) -> list[tuple[Tensor, Tensor]]:
        return self.measuring(self.val)

    def training_images(self) -> list[Tensor]:
        return [x for x, _ in self._batches(self.pixels, self.labels)]

    def measuring(self, images: Images) -> list[tuple[Tensor, Tensor]]:
        """Images without augmentation, in even batches ``[B, 3, H, W]`` with labels ``[B]``."""
        return self._batches(images.pixels.to(self.feed.device), images.labels.to(self.feed.device))

    def _batches(self, pixels: Tensor, labels: Tensor) -> list[tuple[Tensor, Tensor]]:
        count = math.ceil(len(labels) / MEASURE_BATCH)
        parts = zip(pixels.tensor_split(count), labels.tensor_split(count), strict=True)
        return [(self.normalised(x, rows=1), y) for x, y in parts]

    def checksum(self) -> str:
        """A fingerprint of the training and validation images and labels."""
        digest = hashlib.blake2b(digest_size=8)
        for tensor in (self.pixels, self.labels, self.val.pixels, self.val.labels):
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def normalised(self, pixels: Tensor, rows: int) -> Tensor:
        """uint8 ``[B, rows·3, H, W]`` as floats with zero mean and unit deviation per channel of the training set."""
        mean = self.mean.to(self.feed.dtype).repeat(rows).view(1, -1, 1, 1)
        scale = (1.0 / self.std).to(self.feed.dtype).repeat(rows).view(1, -1, 1, 1)
        return pixels.to(self.feed.dtype, memory_format=self.feed.memory_format).sub_(mean).mul_(scale)


class EpochPlan:
    """The batches of one epoch for all rows.  An ``EpochBatches`` of the engine."""

    def __init__(self, source: DeviceImages, drawn: Tensor):
        """``drawn`` ``[rows, 4, images]``: index, flip, shift down, shift right."""
        self.source, self.drawn = source, drawn
        images = drawn.shape[2]
        self.steps = math.ceil(images / source.feed.batch)
        self.edges = [round(i * images / self.steps) for i in range(self.steps + 1)]

    def batch(self, step: int, rows: list[int]) -> tuple[Tensor, Tensor]:
        source = self.source
        index, flips, down, right = self.drawn[rows, :, self.edges[step] : self.edges[step + 1]].permute(1, 2, 0)
        pixels = source.pixels[index] if source.windows is None else source.windows[index, down, right]
        if source.feed.flip:
            pixels = torch.where(flips.bool()[:, :, None, None, None], pixels.flip(-1), pixels)
        return source.normalised(pixels.flatten(1, 2), len(rows)), source.labels[index]


def halves(count: int, generator: torch.Generator) -> Tensor:
    """Which validation images belong to the gate half; the others judge: bool ``[count]``."""
    mask = torch.zeros(count, dtype=torch.bool)
    mask[torch.randperm(count, generator=generator)[: count // 2]] = True
    return mask
