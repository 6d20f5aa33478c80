"""Broken files and messages: each is read or refused in one sentence; nothing else is raised, nothing in it runs."""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from esper_tui.bench.faults_table import Finding, Tally
from esper_tui.bench.fuzz_files import Door, Doors
from esper_tui.bench.fuzz_links import BURST, Links, take_command
from esper_tui.leyline.errors import EsperError

Say = Callable[[str], None]
RUNS_CODE = {
    "exec", "compile", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "subprocess.Popen",
    "pickle.find_class", "ctypes.dlopen", "code.__new__",
}  # fmt: skip
"""Audit events of Python that would tell of code being made or run."""
WARM_UP = 40
"""Inputs per door before the audit counts: whatever is imported on first use has been by then."""


class Auditor:
    """Listens to Python's own audit events while it is switched on; a hook cannot be taken away again."""

    def __init__(self) -> None:
        self.on, self.seen = False, list[str]()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self.on and event in RUNS_CODE and not _is_import(event, args):
            self.seen.append(f"{event}{args!r}"[:200])


def _is_import(event: str, args: tuple[Any, ...]) -> bool:
    """Whether a module is only imported for the first time: its code comes from a file of its own."""
    return event == "exec" and Path(getattr(args[0], "co_filename", "")).is_file()


def bench_fuzz(say: Say, n: int, run: Path, work: Path, seed: int = 0) -> Finding:
    """``n`` broken inputs through every door, by their shares.

    Args:
        run: a run that ended, with a checkpoint.
        work: an empty folder.
    """
    links, began = Links(run), time.monotonic()
    try:
        doors = _doors(Doors(run, work), links)
        shares = sum(share for share, _, _ in doors.values())
        found, outcomes = (
            Tally("random bytes, truncation, bit flips: clear error, no crash, no code run", 10_000, 100_000),
            Counter[str](),
        )
        auditor = Auditor()
        for name, (share, size, door) in doors.items():
            tries = max(1, round(n * share / shares / size))
            _push(found, outcomes, auditor, name, door, tries, size, seed)
            say(f"  {name}: {tries * size:,} inputs, {time.monotonic() - began:.0f} s")
    finally:
        links.close()
    shown = ", ".join(f"{count:,} {word}" for word, count in outcomes.most_common())
    return found.finding(shown)


def _doors(doors: Doors, links: Links) -> dict[str, tuple[int, int, Door]]:
    """Name → (share, inputs per push, door)."""
    files = {name: (share, 1, door) for name, (share, door) in doors.all().items()}
    return files | {
        "commands": (20, 1, take_command),
        "messages to a run": (20, BURST, links.to_server),
        "messages from a run": (10, BURST, links.to_client),
    }


def _push(
    found: Tally, outcomes: Counter[str], auditor: Auditor, name: str, door: Door, tries: int, size: int, seed: int
) -> None:
    for number in range(tries):
        auditor.seen.clear()
        auditor.on = number >= min(WARM_UP, tries // 2)
        problem, word = "", "read"
        try:
            door(random.Random(f"{seed}/{name}/{number}"))
        except EsperError as error:
            problem, word = _unclear(error), "refused"
        except BaseException as error:  # that is what is looked for
            problem = f"{type(error).__name__}: {error}"[:300]
        auditor.on = False
        problem = problem or (f"ran code: {auditor.seen[0]}" if auditor.seen else "")
        outcomes[word] += size
        for _ in range(size):
            found.check(f"{name} {number}: {problem}" if problem else "")


def _unclear(error: EsperError) -> str:
    """What is wrong with what was said; empty if it is a sentence."""
    text = str(error)
    if not text.strip() or "Traceback" in text:
        return f"{type(error).__name__} says {text[:80]!r}"
    return ""
