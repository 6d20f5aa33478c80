"""The test split: opened here, once per finished run, on the delivered networks.  No choice uses it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from esper_tui.data.load import load_splits
from esper_tui.evidence.stats import mean_interval
from esper_tui.kasmina.network import Network
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.events import TestMeasured
from esper_tui.runtime import seeding
from esper_tui.runtime.build import Parts
from esper_tui.runtime.delivery import Delivered, Score, paired_gain, score


def examine(parts: Parts, delivered: list[Delivered], tick: Callable[[], None] = lambda: None) -> TestMeasured:
    """Test accuracy and gain of every delivered network, and the mean gain in accuracy with its interval.

    ``tick`` is called before every network; what it raises ends the measurement.
    """
    batches, rows = parts.source.measuring(parts.splits.test), []
    for one in delivered:
        tick()
        rows.append(_row(one, batches))
    gains = [row["acc"] - row["control_acc"] for row in rows if row["control_acc"] is not None]
    interval = mean_interval(gains)
    summary = {"low": interval.low, "mean": interval.value, "high": interval.high, "n": interval.n} if interval else {}
    return TestMeasured(rows=rows, summary=summary)


def open_test(parts: Parts, networks: list[Network]) -> list[Score]:
    """Losses and hits of delivered networks, per test image."""
    batches = parts.source.measuring(parts.splits.test)
    return [score(network, batches) for network in networks]


BATCH = 512


@torch.no_grad()
def examine_exported(networks: list[nn.Sequential], config: RunConfig) -> list[np.ndarray]:
    """Which test images of a recipe exported modules classify correctly: a bool array ``[n]`` for each.

    Raises:
        DataMissing: if the images are not here.
    """
    test = load_splits(config.data, seeding.generator).test
    parts = list(zip(test.pixels.split(BATCH), test.labels.split(BATCH), strict=True))
    return [
        np.concatenate([(network(pixels.float() / 255).argmax(1) == labels).numpy() for pixels, labels in parts])
        for network in networks
    ]


def _row(delivered: Delivered, batches: list) -> dict[str, Any]:
    own = score(delivered.network, batches)
    row: dict[str, Any] = {
        "env": delivered.env,
        "acc": own.acc,
        "loss": own.loss,
        "control_acc": None,
        "control_loss": None,
    }
    if delivered.control is not None:
        control = score(delivered.control, batches)
        gain = paired_gain(own, control)
        row |= {"control_acc": control.acc, "control_loss": control.loss, "gain": gain.value, "gain_se": gain.se}
    return row
