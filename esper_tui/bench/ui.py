"""``esper bench ui``: what the screen costs training, and how soon it answers; on a pseudo-terminal of 120x40."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from esper_tui.bench.recorded import Recorded
from esper_tui.bench.stage import HIDDEN, TERMINAL, Terminal, on_stage, perform
from esper_tui.bench.timing import Target, judge, machine
from esper_tui.evidence.stats import Interval, median_ratio_interval, quantile_interval
from esper_tui.karn.replay import Player
from esper_tui.leyline.events import to_line
from esper_tui.leyline.folder import events_file
from esper_tui.leyline.session import Ack, Command, Progress, Resources, Role
from esper_tui.nissa.hub import Hub
from esper_tui.runtime.build import build_parts
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.session import LocalSession
from esper_tui.sanctum.app import EsperApp
from esper_tui.sanctum.widgets.grid import Grid

Say = Callable[[str], None]
SETTINGS = ("run.epochs=10000", "data.train_images=1000", 'tamiyo.policy="wait"', "run.envs=8")
"""Training that goes on and on at an even pace: nothing grows."""
WINDOW_S, KEY_EVERY_S = 2.0, 0.35
LAUNCHES, OPENINGS = 9, 7


@dataclass(frozen=True)
class Limit:
    """A figure that should be small, in some unit."""

    what: str
    unit: str
    floor: float
    goal: float
    digits: int = 2

    def text(self, found: Interval) -> str:
        """The figure, its interval, what it is held against, and how it stands."""
        if found.high <= self.goal:
            word = "goal reached"
        elif found.high <= self.floor:
            word = "floor reached"
        else:
            word = "undecided" if found.low <= self.floor else "missed"
        value, low, high = (f"{v:.{self.digits}f}" for v in (found.value, found.low, found.high))
        measured = f"{value} [{low}, {high}] {self.unit}"
        return f"{self.what:<46} {measured:<30} floor {self.floor:g}  goal {self.goal:g}  {word}  (n={found.n})"


RATE = Target("training rate with the screen at 4 Hz / without", "with", "without", 0.95, 0.98)
KEY = Limit("key to screen while training, p95", "ms", 120, 60, 0)
THREAD = Limit("UI thread at 4 Hz, 32 environments x 12 slots", "% of a core", 10, 5, 1)
OUTPUT = Limit("terminal output in steady state", "kB/s", 30, 10, 1)
PAINT = Limit("from `esper` to the launch screen", "s", 1.0, 0.7)
REPLAY = Limit("opening 1,000 epochs x 32 environments x 3", "s", 2.0, 1.0)


def bench_ui(say: Say, windows: int, keys: int) -> None:
    say(machine())
    say("the screen draws into a pseudo-terminal of 120x40 inside this process\n")
    launches = [first_paint_s() for _ in range(LAUNCHES)]
    training = measure_training(windows, keys)
    say(f"{RATE.what:<46} {judge(training.times, RATE).text()}")
    for limit, found in (
        (KEY, quantile_interval([1000 * s for s in training.keys_s], 0.95)),
        (THREAD, median_ratio_interval(measure_thread(windows))),
        (OUTPUT, median_ratio_interval(training.output_kb)),
        (PAINT, median_ratio_interval(launches)),
        (REPLAY, median_ratio_interval(measure_replay())),
    ):
        assert found is not None, "at least six of each"
        say(limit.text(found))
    epoch_s, answers = median(training.times["without"]) / training.epochs, [1000 * s for s in training.keys_s]
    say(f"\nepochs of {epoch_s:.2f} s; key to screen: median {median(answers):.0f} ms, longest {max(answers):.0f} ms")


# --- while training ------------------------------------------------------------------------------------------------


@dataclass
class Training:
    """What was measured beside a run; ``times`` in seconds per window."""

    times: dict[str, list[float]] = field(default_factory=lambda: {"with": [], "without": []})
    output_kb: list[float] = field(default_factory=list)
    keys_s: list[float] = field(default_factory=list)
    epochs: int = 0


class Metered(LocalSession):
    """A session that notes when every epoch ends."""

    ends: list[float]

    def rest(self, epoch: int) -> bool:
        stop = super().rest(epoch)
        self.ends.append(time.perf_counter())
        return stop


def measure_training(windows: int, keys: int) -> Training:
    """A run whose screen is drawn in every other window, and keys that are answered meanwhile."""
    parts = build_parts(resolve("quickstart", list(SETTINGS)).config)
    session, found = Metered(parts, None, Hub(None), None), Training()
    session.ends = []
    session.start()
    try:
        with on_stage() as terminal:

            async def plan(app: EsperApp) -> None:
                await _windows(app, session, terminal, windows, found)
                found.keys_s = await key_answers(app, terminal, keys)

            perform(session, plan)
    finally:
        session.abort()
        session.join()
    return found


async def _windows(app: EsperApp, session: Metered, terminal: Terminal, windows: int, found: Training) -> None:
    """Windows of whole epochs in pairs, the order turned around from pair to pair."""
    await _ended(session, 5)
    epochs = found.epochs = max(2, round(WINDOW_S * 4 / (session.ends[4] - session.ends[0])))
    for pair in range(windows):
        for case in ("with", "without") if pair % 2 else ("without", "with"):
            _draw(app, case == "with")
            first, written = len(session.ends) - 1, terminal.written
            await _ended(session, first + epochs + 1)
            seconds = session.ends[first + epochs] - session.ends[first]
            found.times[case].append(seconds)
            if case == "with":
                found.output_kb.append((terminal.written - written) / seconds / 1000)
    _draw(app, True)


def _draw(app: EsperApp, wanted: bool) -> None:
    """Lets the frame timer run, or holds it; slow frames may have put another one in its place."""
    if app.timer is not None:
        app.timer.resume() if wanted else app.timer.pause()


async def _ended(session: Metered, epochs: int) -> None:
    """Waits for so many epochs."""
    while len(session.ends) < epochs:
        if session.ending is not None:
            raise RuntimeError(f"the run ended: {session.ending.error or session.ending.status}")
        await asyncio.sleep(0.02)


async def key_answers(app: EsperApp, terminal: Terminal, keys: int) -> list[float]:
    """Seconds from j or k to the cursor standing in the next row of the fleet.

    A row that changes places meanwhile takes the cursor along, so that the answer never comes where it is awaited: such
    keys are left out, and too many of them are an error.
    """
    assert app.view is not None
    grid = app.view.query_one(Grid)
    top = grid.content_region.y + 2  # lines of a terminal count from 1; the first holds the titles
    found: list[float] = []
    for number in range(keys):
        key, row = (b"j", grid.cursor + 1) if grid.cursor == 0 else (b"k", grid.cursor - 1)
        with suppress(TimeoutError):
            found.append(await terminal.answer_s(key, marked_row(top + row)))
        await asyncio.sleep(KEY_EVERY_S * (0.5 + (number * 0.618) % 1.0))
    if len(found) < 0.9 * keys:
        raise RuntimeError(f"{keys - len(found)} of {keys} keys had no answer")
    return found


def marked_row(line: int) -> bytes:
    """Matches what is drawn when the cursor's mark comes into a line of the terminal, counted from 1."""
    return rb"\x1b\[%d;\d+H(?:(?!\x1b\[\d+;\d+H).)*?>" % line


# --- many slots ----------------------------------------------------------------------------------------------------


class Fed:
    """A session that tells of an epoch twice a second, without a loop; all of them are made beforehand."""

    role: Role = "control"
    path: Path | None = None
    attached = False
    EVERY_S = 0.5

    def __init__(self, recorded: Recorded):
        self.waiting = recorded.start()
        self.told = [recorded.epoch(number) for number in range(1, recorded.epochs + 1)]
        self.number, self.began = 0, time.perf_counter()

    def submit(self, command: Command) -> int:
        return 0

    def poll(self) -> tuple[list[Ack], list[dict[str, Any]]]:
        while self.number < min(len(self.told), (time.perf_counter() - self.began) / self.EVERY_S):
            self.waiting += self.told[self.number]
            self.number += 1
        events, self.waiting = self.waiting, []
        return [], events

    def progress(self) -> Progress:
        steps = int(1000 * (time.perf_counter() - self.began)) % 500
        return Progress("running", "training", 0, self.number, len(self.told), steps, 500, self.EVERY_S, 14200.0,
                        60.0, resources=Resources(71.0 + steps % 7, 2**30, 2**33, 2**36))  # fmt: skip


def measure_thread(windows: int) -> list[float]:
    """Percent of a core that the thread of the screen needs, one value per window."""
    shares: list[float] = []

    async def plan(app: EsperApp) -> None:
        await asyncio.sleep(WINDOW_S)
        for _ in range(windows):
            began, used = time.perf_counter(), time.thread_time()
            await asyncio.sleep(WINDOW_S)
            shares.append(100 * (time.thread_time() - used) / (time.perf_counter() - began))

    with on_stage():
        perform(Fed(Recorded(32, 12, round((windows + 2) * WINDOW_S / Fed.EVERY_S))), plan)
    return shares


# --- starting ------------------------------------------------------------------------------------------------------


def first_paint_s() -> float:
    """Seconds from starting the program to its launch screen being drawn."""
    environ = {name: value for name, value in os.environ.items() if name not in HIDDEN} | TERMINAL
    terminal = Terminal()
    try:
        terminal.expect(b"quickstart")
        began = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-m", "esper_tui"], env=environ, start_new_session=True,
            stdin=terminal.far, stdout=terminal.far, stderr=terminal.far,
        )  # fmt: skip
        while terminal.wanted is not None and child.poll() is None:
            time.sleep(0.005)
        child.kill()
        child.wait()
    finally:
        terminal.close()
    if not terminal.found_at:
        raise RuntimeError("the launch screen did not come")
    return terminal.found_at - began


def measure_replay() -> list[float]:
    """Seconds to open a long recording, several times."""
    with tempfile.TemporaryDirectory() as folder:
        with events_file(Path(folder), 0).open("w", encoding="utf-8") as log:
            log.writelines(f"{to_line(record)}\n" for record in Recorded(32, 3, 1000).all())
        return [_opening_s(Path(folder)) for _ in range(OPENINGS)]


def _opening_s(folder: Path) -> float:
    began = time.perf_counter()
    Player.open(folder)
    return time.perf_counter() - began
