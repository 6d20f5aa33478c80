"""Whether a process grows: memory, open files and threads over many epochs, and over many attachments."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from esper_tui.bench.children import PATIENCE_S
from esper_tui.bench.faults_table import Finding
from esper_tui.bench.tiny_runs import COMMON, SMALL, TWINS, unlogged
from esper_tui.karn.read import read_records
from esper_tui.leyline.session import Command, Note, Pause
from esper_tui.runtime.lock import socket_of
from esper_tui.runtime.remote import RemoteSession

Say = Callable[[str], None]
LONG = TWINS + SMALL + COMMON.format(channels=8)
WARM_UP = 0.25
"""Share of the beginning that is left out: allocators and buffers fill up there."""
NOTHING_KIB = 4096
"""Growth after the warm-up that is called none: what allocators wander by."""
EPISODE_KIB = 2
"""Upper bound per epoch of what an episode keeps on purpose until it ends: losses and accuracies."""


@dataclass(frozen=True)
class Sample:
    """What a process held at some moment; ``at`` counts epochs or attachments."""

    at: int
    rss_kib: float
    files: int
    threads: int


def look(pid: int, at: int) -> Sample:
    process = psutil.Process(pid)
    return Sample(at, process.memory_info().rss / 1024, process.num_fds(), process.num_threads())


@dataclass(frozen=True)
class Growth:
    """What a process gained after its warm-up.

    Attributes:
        kib: slope of the resident memory times the number of steps, with its interval (Theil and Sen).
        files, threads: how many more at the end than after the warm-up.
    """

    steps: int
    kib: float
    low: float
    high: float
    files: int
    threads: int

    @classmethod
    def of(cls, samples: list[Sample]) -> "Growth":
        from scipy.stats import theilslopes

        kept = samples[int(WARM_UP * len(samples)) :]
        steps = kept[-1].at - kept[0].at
        slope, _, low, high = map(float, theilslopes([s.rss_kib for s in kept], [s.at for s in kept]))
        files, threads = ([s.files for s in kept], [s.threads for s in kept])
        return cls(steps, slope * steps, low * steps, high * steps, _more(files), _more(threads))

    def problems(self, allowed_kib: float) -> list[str]:
        found = [f"{self.low:,.0f} KiB of memory at least"] * (self.low > allowed_kib)
        found += [f"{self.files} open files"] * (self.files > 0)
        return found + [f"{self.threads} threads"] * (self.threads > 0)

    def text(self) -> str:
        value, low, high = (kib / 1024 for kib in (self.kib, self.low, self.high))
        return f"{value:+.1f} MiB [{low:+.1f}, {high:+.1f}], {self.files:+d} files, {self.threads:+d} threads"


def _more(counts: list[int]) -> int:
    """How many more at the end than at the beginning; what comes and goes does not count."""
    some = max(1, len(counts) // 5)
    return min(counts[-some:]) - min(counts[:some])


def bench_soak(say: Say, epochs: int, cycles: int, work: Path) -> list[Finding]:
    """One run of so many epochs, then so many attachments to another one."""
    (work / "long.toml").write_text(LONG)
    began = time.monotonic()
    grown = Growth.of(train(epochs, work))
    say(f"  {epochs} epochs: {grown.text()} over the last {grown.steps}, {time.monotonic() - began:.0f} s")
    here, there = (Growth.of(samples) for samples in attach(cycles, work))
    say(f"  {cycles} attachments: the run {there.text()}, this process {here.text()}, {time.monotonic() - began:.0f} s")
    visits = [*there.problems(NOTHING_KIB), *here.problems(NOTHING_KIB)]
    allowed = NOTHING_KIB + EPISODE_KIB * grown.steps
    return [
        _finding(f"memory growth over {epochs:,} epochs", grown.text(), grown.problems(allowed)),
        _finding(
            f"memory growth over {cycles} attach and detach cycles",
            f"the run {there.text()}; the client {here.text()}", visits,
        ),
    ]  # fmt: skip


def _finding(what: str, measured: str, problems: list[str]) -> Finding:
    word = "missed" if problems else "goal reached"
    return Finding(what, measured, "none beyond bounded buffers", "same", word, problems)


@contextmanager
def program(words: list[str], work: Path) -> Iterator[tuple[subprocess.Popen, Path]]:
    """The program in a new process, whose memory is all its own, and the file it prints to; killed at the end."""
    out = work / f"{words[-1]}.txt"
    with out.open("wb") as file:
        command = [sys.executable, "-m", "esper_tui", *words]
        process = subprocess.Popen(command, cwd=work, stdout=file, stderr=file, start_new_session=True)
    try:
        yield process, out
    finally:
        process.kill()
        process.wait()


def _words(name: str, epochs: int) -> list[str]:
    return ["run", "long.toml", "--no-ui", f"--set=run.epochs={epochs}", "--run-dir", name]


def train(epochs: int, work: Path) -> list[Sample]:
    """A run without a screen, looked at about a hundred times on its way."""
    samples = list[Sample]()
    with program(_words("long", epochs), work) as (process, out):
        while process.poll() is None:
            printed = out.read_text().count("\nep=")
            if printed >= (samples[-1].at if samples else 0) + max(1, epochs // 100):
                with suppress(psutil.Error):  # it has just ended
                    samples.append(look(process.pid, printed))
            time.sleep(0.05)
    if process.returncode != 0:
        raise RuntimeError(f"the long run ended with {process.returncode}:\n{out.read_text()[-2000:]}")
    if lost := unlogged(out.read_text(), work / "long"):
        raise RuntimeError(f"{lost} epochs are not in the log")
    return [s for s in samples if s.at < epochs - 1]  # what follows the last epoch is no epoch


def attach(cycles: int, work: Path) -> tuple[list[Sample], list[Sample]]:
    """Attaches, writes a note, waits for its acknowledgement and leaves; samples of this process and of the run.

    The run rests meanwhile, so that whatever grows does so because of the visits.
    """
    here, there, folder = list[Sample](), list[Sample](), work / "visited"
    with program(_words("visited", 10_000), work) as (process, out):
        _until(lambda: "ep=5/" in out.read_text(), "the fifth epoch")
        _visit(folder, Pause())
        for cycle in range(cycles):
            _visit(folder, Note(f"visit {cycle}"))
            here.append(look(os.getpid(), cycle))
            there.append(look(process.pid, cycle))
    notes = sum(e["type"] == "SessionChanged" and e["state"] == "note" for e in read_records(folder))
    if notes != cycles:
        raise RuntimeError(f"{notes} of {cycles} notes are in the log")
    return here, there


def _visit(folder: Path, command: Command) -> None:
    session = RemoteSession(folder, socket_of(folder), "visitor")
    try:
        number = session.submit(command)
        _until(lambda: any(a.id == number and a.state == "applied" for a in session.poll()[0]), "its acknowledgement")
    finally:
        session.close()
        session.thread.join(PATIENCE_S)


def _until(seen: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not seen():
        if time.monotonic() > until:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.005)
