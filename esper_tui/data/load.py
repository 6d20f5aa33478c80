"""Loads the splits of a configuration."""

from collections.abc import Callable

import torch

from esper_tui.data import procedural
from esper_tui.data.images import Splits
from esper_tui.leyline.config import Data

CIFAR10_VALIDATION = 5_000
"""The last images of the training file, never trained on."""


def load_splits(data: Data, generator: Callable[..., torch.Generator]) -> Splits:
    """Training, validation and test images.

    Raises:
        DataMissing: if files are needed and not there.
    """
    if data.name == "procedural":
        parts = (("train", data.train_images), ("val", data.val_images), ("test", data.test_images))
        return Splits(*(procedural.draw(n, data.image_size, generator("procedural", name)) for name, n in parts))
    from esper_tui.data import cifar  # imports torchvision, which takes a second

    training = cifar.load(train=True, size=data.image_size)
    front = training.first(len(training) - CIFAR10_VALIDATION)
    back = training.last(CIFAR10_VALIDATION)
    test = cifar.load(train=False, size=data.image_size)
    return Splits(front.first(data.train_images), back.first(data.val_images), test.first(data.test_images))
