"""Labelled images in memory."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Images:
    """uint8 images ``[n, 3, H, W]`` and int64 labels ``[n]``."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> "Images":
        return Images(self.pixels[:count], self.labels[:count])

    def last(self, count: int) -> "Images":
        return Images(self.pixels[-count:], self.labels[-count:])


@dataclass(frozen=True)
class Splits:
    """Training, validation and test images.  Only ``evidence`` may look at ``test``."""

    train: Images
    val: Images
    test: Images
