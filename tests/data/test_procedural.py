"""Drawn images: the class is a shape, and nothing else says which."""

import pytest
import torch

from esper_tui.data import procedural
from esper_tui.data.images import Images
from esper_tui.data.procedural import CLASSES, draw
from esper_tui.runtime.seeding import generator

COUNT = 3000
CHANCE = 1 / len(CLASSES)
NEAR = 0.03
"""Five standard errors of an accuracy of one tenth over 3,000 images."""


@pytest.fixture(scope="module")
def drawn() -> tuple[Images, Images]:
    return draw(COUNT, 16, generator("first")), draw(COUNT, 16, generator("second"))


def statistics(images: Images) -> torch.Tensor:
    """Mean, deviation, minimum and maximum of every channel ``[n, 12]``."""
    x = images.pixels.float().flatten(2)
    return torch.cat([x.mean(2), x.std(2), x.amin(2), x.amax(2)], dim=1)


def histograms(images: Images) -> torch.Tensor:
    """How often every brightness occurs, whatever the place ``[n, 3·16]``."""
    levels = images.pixels.flatten(2).div(16, rounding_mode="floor")
    return torch.cat([(levels == level).float().mean(2) for level in range(16)], dim=1)


def standardised(features, drawn) -> tuple[torch.Tensor, torch.Tensor]:
    train, test = (features(images) for images in drawn)
    mean, std = train.mean(0), train.std(0).clamp(min=1e-6)
    return (train - mean) / std, (test - mean) / std


@pytest.mark.parametrize("features", [statistics, histograms])
def test_the_nearest_class_mean_of_colours_and_brightness_is_chance(features, drawn):
    train, test = standardised(features, drawn)
    centres = torch.stack([train[drawn[0].labels == k].mean(0) for k in range(len(CLASSES))])
    accuracy = (torch.cdist(test, centres).argmin(1) == drawn[1].labels).float().mean().item()
    assert abs(accuracy - CHANCE) < NEAR


@pytest.mark.parametrize("features", [statistics, histograms])
def test_a_linear_probe_on_colours_and_brightness_is_chance(features, drawn):
    train, test = (torch.cat([x, torch.ones(len(x), 1)], dim=1) for x in standardised(features, drawn))
    targets = torch.eye(len(CLASSES))[drawn[0].labels]
    weights = torch.linalg.lstsq(train, targets, driver="gelsd").solution
    accuracy = ((test @ weights).argmax(1) == drawn[1].labels).float().mean().item()
    assert abs(accuracy - CHANCE) < NEAR


def masks() -> torch.Tensor:
    """The figures alone, upright, in the middle ``[10, 16, 16]``."""

    def middle(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.full((len(CLASSES), *shape), (low + high) / 2)

    y, x = torch.meshgrid(torch.arange(16) + 0.5, torch.arange(16) + 0.5, indexing="ij")
    distance = procedural._figure_distance(torch.arange(len(CLASSES)), x, y, 16, middle)
    return procedural._coverage(distance)[:, 0]


def test_every_class_is_a_figure_of_its_own():
    figures = masks().flatten(1)
    apart = torch.cdist(figures, figures, p=1) + 1e9 * torch.eye(len(CLASSES))
    assert apart.min() > 10, "two figures differ in less than ten pixels"
    assert figures.sum(1).min() > 20


def test_every_figure_is_its_own_mirror_image():
    """So that a flip keeps the label."""
    figures = masks()
    assert torch.allclose(figures, figures.flip(-1), atol=1e-6)


def test_the_same_seed_draws_the_same_images_and_another_one_others():
    one, again, other = (draw(200, 16, generator("x", key)) for key in (1, 1, 2))
    assert torch.equal(one.pixels, again.pixels)
    assert torch.equal(one.labels, again.labels)
    assert not torch.equal(one.pixels, other.pixels)
    assert not torch.equal(one.labels, other.labels)


@pytest.mark.parametrize(("count", "size"), [(16, 8), (25, 16), (10, 32)])
def test_shapes_types_and_balance(count, size):
    images = draw(count, size, generator("x"))
    assert (images.pixels.shape, images.pixels.dtype) == ((count, 3, size, size), torch.uint8)
    assert (images.labels.shape, images.labels.dtype) == ((count,), torch.int64)
    counts = images.labels.bincount(minlength=len(CLASSES))
    assert counts.max() - counts.min() <= 1


def test_a_figure_stands_anywhere_in_any_colour(drawn):
    """No pixel and no channel is the same in all images of a class."""
    for label in range(len(CLASSES)):
        own = drawn[0].pixels[drawn[0].labels == label].float()
        assert own.std(0).min() > 10
