"""Training, validation and test images have nothing in common."""

import pickle

import numpy as np
import pytest
import torch

from esper_tui.data import cifar
from esper_tui.data.catalogue import CIFAR10_FOLDER, has_files
from esper_tui.data.images import Images
from esper_tui.data.load import CIFAR10_VALIDATION, load_splits
from esper_tui.leyline.config import Data
from esper_tui.runtime.seeding import generator

SMALL = {"train_images": 500, "val_images": 300, "test_images": 400}


def fingerprints(images: Images) -> set[bytes]:
    return {image.numpy().tobytes() for image in images.pixels}


def test_no_drawn_image_is_in_two_splits():
    splits = load_splits(Data(image_size=8, **SMALL), generator)
    train, val, test = (fingerprints(images) for images in (splits.train, splits.val, splits.test))
    assert (len(train), len(val), len(test)) == (500, 300, 400)
    assert not train & val
    assert not train & test
    assert not val & test


def test_the_drawn_splits_come_from_generators_of_their_own():
    """The size of one split changes nothing about another."""
    asked = []

    def noted(*key):
        asked.append(key)
        return generator(*key)

    splits = load_splits(Data(image_size=8, **SMALL), noted)
    assert len(set(asked)) == 3
    other = load_splits(Data(image_size=8, **SMALL | {"train_images": 700, "test_images": 20}), generator)
    assert torch.equal(splits.val.pixels, other.val.pixels)


@pytest.fixture(scope="module")
def files() -> dict[str, tuple[np.ndarray, list[int]]]:
    """The files of CIFAR-10, read without the program: pixels [n, 3, 32, 32] and labels by file."""
    folder = has_files("cifar10")
    if folder is None:
        pytest.skip("the CIFAR-10 files are not here; set ESPER_DATA_DIR")
    found = {}
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        content = pickle.loads((folder / CIFAR10_FOLDER / name).read_bytes(), encoding="latin1")
        found[name] = content["data"].reshape(-1, 3, 32, 32), content["labels"]
    return found


@pytest.fixture(scope="module")
def training_file(files) -> tuple[torch.Tensor, torch.Tensor]:
    parts = [files[f"data_batch_{i}"] for i in range(1, 6)]
    labels = [label for _, labels in parts for label in labels]
    return torch.from_numpy(np.concatenate([pixels for pixels, _ in parts])), torch.tensor(labels)


def check(images: Images, pixels: torch.Tensor, labels: torch.Tensor) -> None:
    assert torch.equal(images.pixels, pixels)
    assert torch.equal(images.labels, labels)


def test_cifar_trains_on_the_front_and_validates_on_the_back_of_the_training_file(files, training_file):
    pixels, labels = training_file
    test_pixels, test_labels = files["test_batch"]
    sizes = {"train_images": 45_000, "val_images": 3_000, "test_images": 2_000}
    splits = load_splits(Data(name="cifar10", image_size=32, **sizes), generator)
    check(splits.train, pixels[:45_000], labels[:45_000])
    check(splits.val, pixels[-CIFAR10_VALIDATION:][:3_000], labels[-CIFAR10_VALIDATION:][:3_000])
    check(splits.test, torch.from_numpy(test_pixels[:2_000]), torch.tensor(test_labels[:2_000]))


def test_no_image_of_the_test_file_is_in_the_training_file(files, training_file):
    """Not by index only: by content (CIFAR-10 has near duplicates, no equal ones)."""
    train = {image.tobytes() for image in training_file[0].numpy()}
    assert not any(image.tobytes() in train for image in files["test_batch"][0])


@pytest.mark.parametrize("size", [8, 16, 32])
def test_smaller_images_are_means_of_squares(files, size):
    pixels = torch.from_numpy(files["data_batch_1"][0][:50])
    factor = 32 // size
    blocks = pixels.double().view(50, 3, size, factor, size, factor).mean((3, 5))
    shrunk = cifar._shrink(pixels, size)
    assert (shrunk.dtype, shrunk.shape) == (torch.uint8, (50, 3, size, size))
    assert torch.equal(shrunk.double(), blocks.round())
