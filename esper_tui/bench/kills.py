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
from esper_tui.bench.tiny_runs import Reference, end_of, reference, run_words, unlogged
from esper_tui.karn.read import read_records
from esper_tui.leyline.errors import ExitCode, Incompatible
from esper_tui.leyline.folder import CHECKPOINT, CHECKPOINTS, is_run
from esper_tui.runtime.checkpoints import newest_checkpoint

Say = Callable[[str], None]
CASES = ("twins", "kept", "learnt")
AGAIN = 0.4
"""Probability that what goes on is killed as well."""
MOST_KILLS = 4
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
        if trail.kills < wanted:
            time.sleep(rng.uniform(0.0, ref.seconds))
            if child.kill():
                trail.killed(child.text)
                continue
        code = child.end()
        trail.missing += unlogged(child.text, trail.folder)
        return _wrong_end(ref, trail, code, child.text)


def _wrong_end(ref: Reference, trail: Trail, code: int, printed: str) -> str:
    """A run that was killed when it had already ended is refused, and that is right."""
    last = list(read_records(trail.folder))[-1]
    late = code == ExitCode.BUSY and trail.words[0] == "resume" and "nothing left" in printed
    if not (code == 0 or late) or (last["type"], last.get("status")) != ("RunEnded", "done"):
        return f"ended with {code}, last event {last['type']}: {printed.strip()[-300:]}"
    return ref.end.difference(end_of(trail.folder))


# --- in the middle of a write --------------------------------------------------------------------------------------


def bench_writes(say: Say, n: int, work: Path, seed: int = 1) -> list[Finding]:
    """``n`` kills while a temporary file of a checkpoint was there; the kills that came too late do not count."""
    ref, rng, began = reference("wide", work), random.Random(seed), time.monotonic()
    whole = max(p.stat().st_size for p in (work / "wide-whole-1" / CHECKPOINTS).glob("r*"))
    found = Tally("kill -9 during a checkpoint write: newest valid one found", 50, 200)
    sizes: Counter[str] = Counter()
    late, ends, number = 0, 0, 0
    while found.tries < n:
        number += 1
        trail = Trail(work / f"written-{number}", run_words("wide", work / f"written-{number}"))
        while found.tries < n:
            child = Child(trail.words, work)
            if not _seen_writing(child, trail.folder, rng):
                break
            left = _left_over(trail.folder)
            trail.killed(child.text)
            if not left:
                late += 1
                continue
            found.check(_wrong_newest(trail.folder, child.text))
            sizes["part of the file" if max(left) < whole / 2 else "nearly all or all of it"] += 1
        if child.end() not in (0, -9) or (not child.alive and child.process.exitcode == 0 and _differs(ref, trail)):
            found.check(f"run {number} did not come to the same end: {child.text[-300:]}")
        ends += child.process.exitcode == 0
        if number % 5 == 0 or found.tries == n:
            say(f"  {found.tries} of {n} in {number} runs, {time.monotonic() - began:.0f} s")
    shown = ", ".join(f"{count} with {name} written" for name, count in sorted(sizes.items()))
    return [found.finding(f"{shown}; {late} kills came after the write; {ends} runs went on to the same end")]


def _differs(ref: Reference, trail: Trail) -> str:
    return ref.end.difference(end_of(trail.folder))


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
    names = sorted(p.name for p in (folder / CHECKPOINTS).iterdir() if CHECKPOINT.match(p.name))
    try:
        path, _, _, problems = newest_checkpoint(folder)
    except Incompatible as problem:
        return f"{problem} although {announced[-1]} was announced" if announced else ""
    if problems:
        return f"a damaged checkpoint is there: {problems[0]}"
    if path.name != names[-1] or (announced and path.name < Path(announced[-1]).name):
        return f"found {path.name}, announced {announced[-1:]}, there {names}"
    return f"{unlogged(printed, folder)} printed epochs are missing" if unlogged(printed, folder) else ""
