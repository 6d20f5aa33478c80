"""What it costs a run to write a checkpoint every epoch."""

import math
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median

from esper_tui.bench.faults_table import Finding
from esper_tui.evidence.stats import median_ratio_interval
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.session import LocalSession
from esper_tui.runtime.start import prepare_session

Say = Callable[[str], None]
WARM_UP = 2
"""The first boundary whose epoch is compared; an even one."""


class Metered(LocalSession):
    """A session that keeps a checkpoint at every other boundary.

    It notes how long every epoch took, from boundary to boundary, and what copying a state took.
    """

    odd: bool
    ends: list[float]
    copies_s: list[float]

    def rest(self, epoch: int) -> bool:
        self.ends.append(time.perf_counter())
        self.wants_checkpoint = (epoch % 2 == 1) == self.odd
        return super().rest(epoch)

    def _keep(self, wanted: bool) -> None:
        began = time.perf_counter()
        super()._keep(wanted)
        if wanted:
            self.copies_s.append(time.perf_counter() - began)

    def epochs_s(self) -> list[float]:
        """Seconds of the epochs that begin at boundary ``WARM_UP``, ``WARM_UP + 1``, …"""
        times = [b - a for a, b in pairwise(self.ends)]  # from boundary 1, 2, …; the ends begin with boundary 1
        return times[WARM_UP - 1 :]


def bench_upkeep(say: Say, pairs: int, overrides: tuple[str, ...] = ()) -> Finding:
    """Quickstart twice, with checkpoints at the even and at the odd boundaries, until there are enough pairs.

    A checkpoint at the boundary before an epoch is copied there and written while the epoch is trained, so that all it
    costs falls into that epoch.  Both runs compute the same, so every epoch has its own comparison: the one with a
    checkpoint against the one without.  A pair is two neighbouring epochs, whose ratios are averaged: one has its
    checkpoint in the first run and the other in the second, so that a machine that drifts between them cancels out.
    """
    found, copies, writes, sizes, epochs = list[float](), list[float](), list[float](), list[int](), list[float]()
    while len(found) < pairs:
        even, odd = (_play(odd, overrides) for odd in (False, True))
        found += paired(even.epochs_s(), odd.epochs_s())
        saved = [e for one in (even, odd) for e in one.listener.drain() if e["type"] == "CheckpointSaved"]
        copies += even.copies_s + odd.copies_s
        writes += [e["seconds"] for e in saved]
        sizes += [e["bytes"] for e in saved]
        epochs += even.epochs_s() + odd.epochs_s()
        say(f"  {len(found)} pairs of epochs of {median(epochs):.2f} s, copying {1e3 * median(copies):.0f} ms, "
            f"writing {1e3 * median(writes):.0f} ms of {median(sizes) / 1e3:.0f} kB")  # fmt: skip
    return _finding(found, median(copies), median(epochs))


def paired(even: list[float], odd: list[float]) -> list[float]:
    """Time with a checkpoint over time without one, per two neighbouring epochs (geometric mean of their ratios).

    Args:
        even, odd: seconds of the same epochs, the first from an even boundary, with checkpoints at such boundaries.
    """
    ratios = [b / a if index % 2 else a / b for index, (a, b) in enumerate(zip(even, odd, strict=True))]
    return [math.sqrt(a * b) for a, b in zip(ratios[::2], ratios[1::2], strict=False)]


def _play(odd: bool, overrides: tuple[str, ...]) -> Metered:
    """Quickstart in a folder that is thrown away."""
    resolved = resolve("quickstart", ["checkpoint.every_epochs=0", "checkpoint.every_minutes=0", *overrides])
    with tempfile.TemporaryDirectory() as folder:
        made = prepare_session(resolved, Path(folder) / "run", None)
        assert made.folder is not None
        session = Metered(made.parts, made.folder, made.hub, None)
        session.odd, session.ends, session.copies_s = odd, [], []
        session.start()
        if session.join().status != "done":
            raise RuntimeError(f"quickstart ended with {session.ending}")
    return session


def _finding(ratios: list[float], copy_s: float, epoch_s: float) -> Finding:
    what = "cost of checkpointing every epoch on the quickstart"
    share = 100 * copy_s / epoch_s
    floor, goal = "≤ 5 % of wall time", "≤ 1 %"
    interval = median_ratio_interval(ratios)
    if interval is None:
        return Finding(what, f"{share:.2f} % by the clock of one run", floor, goal, "too few pairs")
    value, low, high = (100 * (v - 1) for v in (interval.value, interval.low, interval.high))
    word = "goal reached" if high <= 1 else "floor reached" if high <= 5 else "undecided" if low <= 5 else "missed"
    measured = f"{value:+.1f} % [{low:+.1f}, {high:+.1f}] (n={interval.n} pairs); the loop waits {share:.2f} %"
    return Finding(what, measured, floor, goal, word)
