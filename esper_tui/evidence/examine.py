"""The test split: opened here, once per finished run, on the delivered networks.  No choice uses it."""

from typing import Any

from esper_tui.evidence.stats import mean_interval
from esper_tui.leyline.events import TestMeasured
from esper_tui.runtime.build import Parts
from esper_tui.runtime.delivery import Delivered, paired_gain, score


def examine(parts: Parts, delivered: list[Delivered]) -> TestMeasured:
    """Test accuracy and gain of every delivered network, and the mean gain in accuracy with its interval."""
    batches = parts.source.measuring(parts.splits.test)
    rows = [_row(d, batches) for d in delivered]
    gains = [row["acc"] - row["control_acc"] for row in rows if row["control_acc"] is not None]
    interval = mean_interval(gains)
    summary = {"low": interval.low, "mean": interval.value, "high": interval.high, "n": interval.n} if interval else {}
    return TestMeasured(rows=rows, summary=summary)


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
