"""``esper bench faults``: what becomes of a run when processes die, signals come, networks go wrong and files break."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from esper_tui.bench.children import workshop
from esper_tui.bench.faults_table import HEAD, Finding
from esper_tui.bench.fuzz import bench_fuzz
from esper_tui.bench.kills import bench_kills, bench_writes
from esper_tui.bench.poison import bench_poison
from esper_tui.bench.signal_matrix import bench_signals
from esper_tui.bench.soak import bench_soak
from esper_tui.bench.timing import machine
from esper_tui.bench.tiny_runs import reference
from esper_tui.bench.upkeep import bench_upkeep

Say = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How much is tried.

    Attributes:
        kills: runs that are killed at random moments, and kills in the middle of a write.
        inputs: broken files and messages.
        pairs: neighbouring epochs that are compared.
        epochs, cycles: length of the long run, attachments to it.
    """

    kills: int = 50
    inputs: int = 10_000
    pairs: int = 30
    epochs: int = 1000
    cycles: int = 100


QUICK = Effort(kills=6, inputs=600, pairs=6, epochs=100, cycles=20)
Part = Callable[[Say, Effort, Path], list[Finding]]


def _fuzz(say: Say, effort: Effort, work: Path) -> list[Finding]:
    reference("twins", work)
    (work / "fuzz").mkdir()
    return [bench_fuzz(say, effort.inputs, work / "twins-whole", work / "fuzz")]


PARTS: dict[str, Part] = {
    "kills": lambda say, effort, work: bench_kills(say, effort.kills, work),
    "writes": lambda say, effort, work: bench_writes(say, effort.kills, work),
    "signals": lambda say, effort, work: [bench_signals(say, work)],
    "poison": lambda say, effort, work: [bench_poison(say)],
    "fuzz": _fuzz,
    "cost": lambda say, effort, work: [bench_upkeep(say, effort.pairs)],
    "growth": lambda say, effort, work: bench_soak(say, effort.epochs, effort.cycles, work),
}
"""What is measured, in this order."""


def bench_faults(say: Say, parts: list[str], effort: Effort) -> list[Finding]:
    """Measures the parts one after the other and prints the table of the README."""
    say(machine())
    found: list[Finding] = []
    for name in parts:
        say(f"\n{name}")
        began = time.monotonic()
        with workshop() as work:
            measured = PARTS[name](say, effort, work)
        for finding in measured:
            say(f"  {finding.measured}  {finding.word}  {finding.what}")
        found += measured
        say(f"  {time.monotonic() - began:.0f} s")
    say(f"\n{HEAD}")
    for finding in found:
        say(finding.row())
    for finding in found:
        if finding.notes:
            say(f"\n{finding.what}\n  {finding.notes}")
        for problem in finding.problems[:20]:
            say(f"  ! {problem}")
    return found
