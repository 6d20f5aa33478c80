"""What the engine is fed with: order, augmentation, normalisation, and the halves of the validation images."""

import math

import pytest
import torch

from esper_tui.data.images import Images
from esper_tui.data.source import MEASURE_BATCH, DeviceImages, Feed, halves
from esper_tui.leyline.state import Instance
from esper_tui.runtime.seeding import RunGenerators, generator
from tests import worlds

CPU = torch.device("cpu")
INSTANCES = [Instance(1, 0), Instance(1, 1), Instance(1, 0)]


def source(
    images_per_epoch: int = 50, batch: int = 16, flip: bool = True, shift: int = 2, train: int = 50
) -> DeviceImages:
    """Labels number the images, so that every one can be followed."""
    feed = Feed(images_per_epoch, batch, flip, shift, CPU, torch.float64, torch.channels_last)
    numbered = Images(worlds.images(train, key="train").pixels, torch.arange(train))
    return DeviceImages(numbered, worlds.images(40, key="val"), feed, RunGenerators())


def batches(
    made: DeviceImages, epoch: int = 1, rows: list[int] | None = None
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    plan = made.epoch(INSTANCES, epoch)
    return [plan.batch(step, rows or [0, 1, 2]) for step in range(plan.steps)]


def expected(made: DeviceImages, image: int, flip: bool, down: int, right: int) -> torch.Tensor:
    """One image, slowly: pad with the mean colour, cut out, mirror, normalise."""
    size, s = made.pixels.shape[-1], made.feed.shift
    padded = made.mean.round().view(3, 1, 1).expand(3, size + 2 * s, size + 2 * s).clone()
    padded[:, s : s + size, s : s + size] = made.pixels[image].float()
    cut = padded[:, down : down + size, right : right + size]
    cut = cut.flip(-1) if flip else cut
    return (cut.double() - made.mean.double().view(3, 1, 1)) / made.std.double().view(3, 1, 1)


@pytest.mark.parametrize(("flip", "shift"), [(False, 0), (True, 0), (False, 1), (True, 2)])
def test_augmentation_moves_pixels_and_keeps_labels(flip, shift):
    made = source(flip=flip, shift=shift)
    seen = []
    for images, labels in batches(made, rows=[0]):
        for image, label in zip(images, labels[:, 0].tolist(), strict=True):
            choices = [
                (f, d, r)
                for f in ([False, True] if flip else [False])
                for d in range(2 * shift + 1)
                for r in range(2 * shift + 1)
                if torch.allclose(image, expected(made, label, f, d, r), atol=1e-6)
            ]
            assert len(choices) == 1, "not the image that the label numbers"
            seen.append(choices[0])
    assert {f for f, _, _ in seen} == ({False, True} if flip else {False})
    assert {d for _, d, _ in seen} == set(range(2 * shift + 1)) == {r for _, _, r in seen}


def test_an_epoch_shows_every_image_once():
    labels = torch.cat([labels for _, labels in batches(source())])
    for row in range(3):
        assert sorted(labels[:, row].tolist()) == list(range(50))


@pytest.mark.parametrize(("wanted", "most"), [(20, 1), (50, 1), (120, 3)])
def test_a_longer_epoch_goes_over_the_images_again_a_shorter_one_shows_some(wanted, most):
    labels = torch.cat([labels for _, labels in batches(source(images_per_epoch=wanted))])[:, 0]
    counts = labels.bincount(minlength=50)
    assert len(labels) == wanted
    assert counts.max() <= most
    assert counts.min() >= wanted // 50


@pytest.mark.parametrize("batch", [7, 16, 50])
def test_batches_are_even(batch):
    sizes = [len(labels) for _, labels in batches(source(batch=batch))]
    assert sum(sizes) == 50
    assert len(sizes) == math.ceil(50 / batch)
    assert max(sizes) <= batch
    assert max(sizes) - min(sizes) <= 1


def test_order_and_augmentation_depend_on_instance_and_epoch_alone():
    made = source()
    for (images, labels), (alone, own) in zip(batches(made), batches(made, rows=[1]), strict=True):
        assert torch.equal(images[:, 0:3], images[:, 6:9]), "the same instance"
        assert not torch.equal(labels[:, 0], labels[:, 1]), "another instance"
        assert torch.equal(images[:, 3:6], alone)
        assert torch.equal(labels[:, 1:2], own)
    first, second = batches(made, epoch=1), batches(made, epoch=2)
    assert not torch.equal(first[0][1], second[0][1])
    assert torch.equal(first[0][0], batches(source(), epoch=1)[0][0])


def test_images_are_normalised_by_the_training_images():
    made = source(flip=False, shift=0)
    images = torch.cat([images for images, _ in batches(made, rows=[0])])
    assert images.mean((0, 2, 3)).abs().max() < 1e-6
    assert (images.std((0, 2, 3)) - 1).abs().max() < 1e-6
    val = torch.cat([images for images, _ in made.validation()])
    scaled = (worlds.images(40, key="val").pixels.double() - made.mean.double().view(1, 3, 1, 1)) / made.std.view(
        1, 3, 1, 1
    )
    assert torch.allclose(val, scaled, atol=1e-6)


def test_measuring_leaves_images_and_order_alone():
    made = source()
    many = Images(worlds.images(10).pixels.repeat(120, 1, 1, 1), torch.arange(1200))
    parts = made.measuring(many)
    assert torch.equal(torch.cat([labels for _, labels in parts]), torch.arange(1200))
    assert len({len(labels) for _, labels in parts}) == 1
    assert all(len(labels) <= MEASURE_BATCH for _, labels in parts)


def test_the_checksum_knows_every_pixel_and_label():
    made = source()
    before = made.checksum()
    assert source().checksum() == before
    made.val.labels[3] += 1
    changed = made.checksum()
    made.pixels[7, 2, 1, 1] += 1
    assert len({before, changed, made.checksum()}) == 3


@pytest.mark.parametrize("count", [16, 17, 1000])
def test_gate_and_reward_half_are_disjoint_and_cover_all(count):
    masks = [halves(count, RunGenerators().halves(Instance(1, i))) for i in range(8)]
    for mask in masks:
        assert mask.dtype is torch.bool
        assert int(mask.sum()) == count // 2
    assert len({tuple(mask.tolist()) for mask in masks}) == 8, "every instance has its own"
    assert torch.equal(masks[0], halves(count, RunGenerators().halves(Instance(1, 0))))
    drawn_by_both = torch.stack(masks).float().mean(0)
    assert 0 < drawn_by_both.mean() < 1


def test_random_numbers_of_different_purposes_are_different():
    generators = RunGenerators()
    firsts = {
        int(torch.randint(2**60, (1,), generator=g))
        for g in (
            generators.host(Instance(1, 0)), generators.order(Instance(1, 0), 1), generators.order(Instance(1, 0), 2),
            generators.order(Instance(1, 1), 1), generators.order(Instance(11, 0), 1),
            generators.halves(Instance(1, 0)), generators.seed(Instance(1, 0), 1, "r0c0"),
            generators.seed(Instance(1, 0), 1, "r0c1"), generator("host", 1, 0, 0),
        )
    }  # fmt: skip
    assert len(firsts) == 9
