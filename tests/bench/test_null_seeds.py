"""Gate G5 against histories of seeds that do nothing: how many it keeps, and how many of those that help.

The noise is drawn as it was measured: what whole epochs wander by is twice what the choice of images explains, and
neighbouring epochs resemble each other, because averaged weights change slowly.
"""

from math import log, sqrt

import numpy as np
import pytest

from esper_tui.bench.null_seeds import EPOCHS, GERMINATION, HOLDING_FROM, is_kept
from esper_tui.leyline.config import Gates
from esper_tui.simic.attribution import mean_estimate

IMAGES, HISTORIES = 200, 200
IMAGE_SD = 0.1
IMAGE_SE = IMAGE_SD / sqrt(IMAGES / 2)
"""Standard error over the images of one half: 0.01 nat, about the least gain worth keeping (0.0115 nat)."""
EPOCH_SD = 2 * IMAGE_SE
PERSISTENCE = 0.5
MIN_GAIN = Gates().min_gain * log(10)
HALF = np.arange(IMAGES) < IMAGES // 2


def history(seed: int, gain: float = 0.0) -> np.ndarray:
    """Control loss − environment loss ``[epochs, images]``; the seed's true gain is there from HOLDING on."""
    rng = np.random.default_rng(seed)
    wander = np.empty(EPOCHS)
    wander[0] = rng.normal()
    for t in range(1, EPOCHS):
        wander[t] = PERSISTENCE * wander[t - 1] + sqrt(1 - PERSISTENCE**2) * rng.normal()
    images = rng.normal(0.0, IMAGE_SD, (EPOCHS, IMAGES))
    differences = images + EPOCH_SD * wander[:, None]
    differences[HOLDING_FROM - 1 :] += gain
    return differences


def share_kept(gain: float) -> float:
    return sum(is_kept(history(seed, gain), HALF, MIN_GAIN) for seed in range(HISTORIES)) / HISTORIES


def is_kept_naively(differences: np.ndarray) -> bool:
    """Looking every epoch, with the error over images alone, and without confirmation."""
    before = differences[:GERMINATION, HALF].mean()
    held = [mean_estimate(row[HALF] - before) for row in differences[HOLDING_FROM - 1 :]]
    return any(seen.above(MIN_GAIN) for seen in held)


def test_few_seeds_that_do_nothing_are_kept():
    assert share_kept(0.0) < 0.10


def test_the_noise_would_fool_a_careless_gate():
    fooled = sum(is_kept_naively(history(seed)) for seed in range(HISTORIES)) / HISTORIES
    assert fooled > 0.5


@pytest.mark.parametrize(("gain", "least"), [(0.1, 0.9), (0.2, 0.99)])
def test_most_seeds_that_help_are_kept(gain, least):
    assert share_kept(gain) >= least


def test_harmful_seeds_are_not_kept():
    assert share_kept(-0.1) == 0.0


def test_a_gain_on_one_half_only_is_not_kept():
    """Whatever the gate half shows, the reward half has to confirm it."""
    luck = history(0)
    luck[HOLDING_FROM - 1 :, HALF] += 0.5
    assert not is_kept(luck, HALF, MIN_GAIN)
    luck[HOLDING_FROM - 1 :, ~HALF] += 0.5
    assert is_kept(luck, HALF, MIN_GAIN)
