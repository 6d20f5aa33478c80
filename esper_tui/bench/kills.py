"""Signal 9 at random moments of a run and in the middle of writing a checkpoint, and what comes after."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from esper_tui.bench.children import PATIENCE_S, Child
from esper_tui.bench.faults_table import Finding, Tally
from esper_tui.bench.tiny_runs import Reference, end_of, logged, reference, run_words, unlogged
from esper_tui.karn.read import read_records
from esper_tui.leyline.errors import ExitCode, Incompatible
from esper_tui.leyline.folder import CHECKPOINTS, checkpoint_files, is_run
from esper_tui.runtime.checkpoints import newest_checkpoint

Say = Callable[[str], None]
CASES = ("twins", "kept", "learnt")
AGAIN = 0.4
"""Probability that what goes on is killed as well."""
MOST_KILLS = 4
STARTING = 0.15
"""Share of the kills that strike while a process starts."""
SUFFIX = ".tmp"


@dataclass
class Trail:
    """What one run went through.

    Attributes:
        folder: where it is now; a run that had no checkpoint yet is made again in another one.
        words: how it goes on.
    """

    folder: Path
    words: list[str]
    kills: int = 0
    missing: int = 0
    steps: Counter[str] = field(default_factory=Counter)

    def killed(self, printed: str) -> None:
        """Looks at what is left, and does what the program says."""
        self.kills += 1
        if not is_run(self.folder):
            self.steps["before anything was written"] += 1
            return
        self.missing += unlogged(printed, self.folder)
        try:
            newest_checkpoint(self.folder)
        except Incompatible as problem:
            self._begin_again(str(problem))
        else:
            self.steps["resumed"] += 1
            self.words = ["resume", str(self.folder), "--no-ui"]

    def _begin_again(self, problem: str) -> None:
        assert "start again with `esper rerun" in problem
        self.steps["before the first checkpoint"] += 1
        old, self.folder = self.folder, self.folder.with_name(f"{self.folder.name}-again")
        self.words = ["rerun", str(old), "--no-ui", "--run-dir", str(self.folder)]


def bench_kills(say: Say, n: int, work: Path, cases: tuple[str, ...] = CASES, seed: int = 0) -> list[Finding]:
    """``n`` runs, each killed at random moments until it is let come to its end."""
    references = [reference(case, work) for case in cases]
    for ref in references:
        say(f"  {ref.preset}: {ref.seconds:.1f} s, {len(ref.end.events)} events, {', '.join(sorted(ref.stages))}")
    same = Tally("kill -9 at random moments, then resume: identical end state", 50, 200)
    kept = Tally("kill -9: finished epochs missing from the log")
    steps: Counter[str] = Counter()
    kills, rng, began = 0, random.Random(seed), time.monotonic()
    for number in range(n):
        ref = references[number % len(references)]
        trail = Trail(work / f"killed-{number}", run_words(ref.preset, work / f"killed-{number}"))
        same.check(_named(number, ref, kill_and_resume(ref, trail, rng, work)))
        kept.check(f"run {number}: {trail.missing} epochs" if trail.missing else "")
        kills, steps = kills + trail.kills, steps + trail.steps
        if (number + 1) % 10 == 0 or number + 1 == n:
            say(f"  {number + 1} of {n}, {kills} kills, {time.monotonic() - began:.0f} s")
    shown = ", ".join(f"{count} {name}" for name, count in sorted(steps.items()))
    missing = sum(int(problem.split()[2]) for problem in kept.problems)
    lost = Finding(kept.what, f"{missing} after {kills} kills", "0", "0", "missed" if missing else "goal reached",
                   kept.problems)  # fmt: skip
    return [same.finding(f"{kills} kills: {shown}"), lost]


def _named(number: int, ref: Reference, problem: str) -> str:
    return f"run {number} ({ref.preset}): {problem}" if problem else ""


def kill_and_resume(ref: Reference, trail: Trail, rng: random.Random, work: Path) -> str:
    """Kills a run at moments spread evenly over its life, then lets it end; what is wrong with its end state."""
    wanted = 1
    while wanted < MOST_KILLS and rng.random() < AGAIN:
        wanted += 1
    while True:
        child = Child(trail.words, work)
        if trail.kills < wanted and _strike(child, ref, trail.folder, rng):
            trail.killed(child.text)
            continue
        code = child.end()
        trail.missing += unlogged(child.text, trail.folder)
        if trail.kills:
            return _wrong_end(ref, trail, code, child.text)
        trail.folder = trail.folder.with_name(f"{trail.folder.name}x")  # it was faster than the kill
        trail.words = run_words(ref.preset, trail.folder)


def _strike(child: Child, ref: Reference, folder: Path, rng: random.Random) -> bool:
    """Kills while the process starts, or once its log has grown by some share of what is still to come; False if it
    ended before."""
    before, share = logged(folder), rng.uniform(-STARTING, 1.0)
    wanted = before + share * max(ref.size - before, ref.size // 5)
    while share > 0 and child.alive and logged(folder) < wanted:
        time.sleep(0.003)
    time.sleep(rng.uniform(0.0, 0.1 if share > 0 else 0.6))
    return child.kill()


def _wrong_end(ref: Reference, trail: Trail, code: int, printed: str) -> str:
    """A run that was killed when it had already ended is refused, and that is right."""
    last = list(read_records(trail.folder))[-1]
    late = code == ExitCode.BUSY and trail.words[0] == "resume" and "nothing left" in printed
    if not (code == 0 or late) or (last["type"], last.get("status")) != ("RunEnded", "done"):
        return f"ended with {code}, last event {last['type']}: {printed.strip()[-300:]}"
    return ref.end.difference(end_of(trail.folder))


# --- in the middle of a write --------------------------------------------------------------------------------------


@dataclass
class Writes:
    """What came of kills while a temporary file of a checkpoint was there; those that came too late do not count.

    Attributes:
        whole: bytes of a checkpoint.
    """

    ref: Reference
    rng: random.Random
    whole: int
    found: Tally
    sizes: Counter[str] = field(default_factory=Counter)
    late: int = 0
    ends: int = 0

    def play(self, trail: Trail, n: int, work: Path) -> None:
        """Kills a run again and again until it comes to its end, or ``n`` kills have counted."""
        while self.found.tries < n:
            child = Child(trail.words, work)
            if not _seen_writing(child, trail.folder, self.rng):
                if wrong := _wrong_end(self.ref, trail, child.end(), child.text):
                    self.found.check(wrong)
                self.ends += not wrong  # an end that is as it should be is no kill
                return
            left, wrong = _left_over(trail.folder), _wrong_newest(trail.folder, child.text)
            trail.killed(child.text)
            if left:
                self.found.check(wrong)
                self.sizes["part of the file" if max(left) < self.whole / 2 else "most or all of it"] += 1
            self.late += not left


def bench_writes(say: Say, n: int, work: Path, seed: int = 1) -> list[Finding]:
    """``n`` kills in the middle of a write, of runs that are resumed each time."""
    ref, rng, began = reference("wide", work), random.Random(seed), time.monotonic()
    whole = max(path.stat().st_size for _, path in checkpoint_files(work / "wide-whole"))
    tally = Tally("kill -9 during a checkpoint write: newest valid one found", 50, 200)
    writes, number = Writes(ref, rng, whole, tally), 0
    while tally.tries < n:
        folder = work / f"written-{(number := number + 1)}"
        writes.play(Trail(folder, run_words("wide", folder)), n, work)
        say(f"  {tally.tries} of {n} in {number} runs, {time.monotonic() - began:.0f} s")
    shown = ", ".join(f"{count} with {name} written" for name, count in sorted(writes.sizes.items()))
    return [tally.finding(f"{shown}; {writes.late} kills came too late; {writes.ends} runs went on to the same end")]


def _seen_writing(child: Child, folder: Path, rng: random.Random) -> bool:
    """Waits for the temporary file of a checkpoint and kills at once or within the next milliseconds."""
    skipped, seen, until = rng.randrange(6), set[str](), time.monotonic() + PATIENCE_S
    while child.alive and time.monotonic() < until:
        for name in _names(folder):
            if name.endswith(SUFFIX) and name not in seen:
                seen.add(name)
                if len(seen) > skipped:
                    time.sleep(rng.choice((0.0, 0.0, rng.uniform(0.0, 0.004))))
                    return child.kill()
    return False


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder / CHECKPOINTS)
    except OSError:
        return []


def _left_over(folder: Path) -> list[int]:
    """Sizes of temporary files that a killed process left, which says that it was killed before the rename."""
    return [p.stat().st_size for p in (folder / CHECKPOINTS).iterdir() if p.name.endswith(SUFFIX)]


def _wrong_newest(folder: Path, printed: str) -> str:
    """What is wrong with what is found now: it must verify, and be no older than the last one that was announced."""
    announced = [e["path"] for e in read_records(folder) if e["type"] == "CheckpointSaved" and not e["problem"]]
    there = [path.name for _, path in checkpoint_files(folder)]
    try:
        path, _, _, problems = newest_checkpoint(folder)
    except Incompatible as problem:
        return f"{problem} although {announced[-1]} was announced" if announced else ""
    if problems:
        return f"a damaged checkpoint is there: {problems[0]}"
    if path.name != there[0] or (announced and path.name < Path(announced[-1]).name):
        return f"found {path.name}, announced {announced[-1:]}, there {there}"
    return f"{unlogged(printed, folder)} printed epochs are missing" if unlogged(printed, folder) else ""
