"""What it costs a run to write a checkpoint every epoch."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from esper_tui.bench.faults_table import Finding
from esper_tui.evidence.stats import median_ratio_interval
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.session import LocalSession
from esper_tui.runtime.start import prepare_session

Say = Callable[[str], None]
WARM_UP = 2
"""Epochs at the beginning that are not compared."""


class Metered(LocalSession):
    """A session that notes how long every epoch took, from boundary to boundary, and what copying a state took."""

    ends: list[float]
    copies_s: list[float]

    def rest(self, epoch: int) -> bool:
        self.ends.append(time.perf_counter())
        return super().rest(epoch)

    def _keep(self, wanted: bool) -> None:
        began = time.perf_counter()
        super()._keep(wanted)
        if wanted:
            self.copies_s.append(time.perf_counter() - began)


def bench_upkeep(say: Say, pairs: int, overrides: tuple[str, ...] = ()) -> Finding:
    """Neighbouring epochs of quickstart, one that begins with a checkpoint and one that does not.

    A checkpoint at the boundary before an epoch is copied there and written while the epoch is trained, so that all it
    costs falls into that epoch.
    """
    found, copies, writes, sizes = list[float](), list[float](), list[float](), list[int]()
    while len(found) < pairs:
        session = _play(overrides)
        epochs = [b - a for a, b in zip(session.ends, session.ends[1:], strict=False)]  # from boundary 1, 2, …
        with_, without = epochs[1 + WARM_UP :: 2], epochs[2 + WARM_UP :: 2]  # even boundaries have a checkpoint
        found += [a / b for a, b in zip(with_, without, strict=False)]
        saved = [e for e in session.listener.drain() if e["type"] == "CheckpointSaved"]
        copies, writes = copies + session.copies_s, writes + [e["seconds"] for e in saved]
        sizes += [e["bytes"] for e in saved]
        say(f"  {len(found)} pairs of epochs of {median(without):.2f} s, copying {1e3 * median(copies):.0f} ms, "
            f"writing {1e3 * median(writes):.0f} ms of {median(sizes) / 1e3:.0f} kB")  # fmt: skip
    return _finding(found, median(copies), median(without))


def _play(overrides: tuple[str, ...]) -> Metered:
    """Quickstart with a checkpoint at every other boundary, in a folder that is thrown away."""
    resolved = resolve("quickstart", ["checkpoint.every_epochs=2", "checkpoint.every_minutes=0", *overrides])
    with tempfile.TemporaryDirectory() as folder:
        made = prepare_session(resolved, Path(folder) / "run", None)
        assert made.folder is not None
        session = Metered(made.parts, made.folder, made.hub, None)
        session.ends, session.copies_s = [], []
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
