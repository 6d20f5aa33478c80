"""How fast a run goes: phases, steps and epochs on the clock, paused time left out."""

import itertools
import time
from collections import deque
from collections.abc import Callable

EPOCHS_AVERAGED = 10


class Pace:
    """The clock of a loop.  The loop tells what happens; the rest may be read from anywhere."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self.clock = clock
        self.began = self.phase_began = self.epoch_began = clock()
        self.phase_name, self.steps, self.steps_done = "starting", itertools.count(1), 0
        self.before_s = 0.0  # what earlier parts of a run took that goes on
        self.alive = self.began
        self.rested_s = self.epoch_rested = 0.0
        self.resting_since: float | None = None
        self.epoch_times: deque[float] = deque(maxlen=EPOCHS_AVERAGED)
        self.phase_s: dict[str, float] = {}

    def phase(self, name: str) -> None:
        now = self.alive = self.clock()
        self.phase_s = self.phase_s | {self.phase_name: now - self.phase_began}
        self.phase_name, self.phase_began = name, now
        if name == "training":
            self.steps, self.steps_done = itertools.count(1), 0
            self.epoch_began, self.epoch_rested = now, 0.0

    def tick(self) -> None:
        self.steps_done, self.alive = next(self.steps), self.clock()

    def end_epoch(self) -> None:
        """Called at the boundary, before anything rests."""
        self.epoch_times.append(self.clock() - self.epoch_began - self.epoch_rested)

    def rest(self) -> None:
        """A pause begins."""
        self.resting_since = self.clock()

    def go_on(self) -> None:
        """A pause ends: it is taken out of the epoch, the phase and the rate."""
        if self.resting_since is None:
            return
        self.alive = self.clock()
        seconds, self.resting_since = self.alive - self.resting_since, None
        self.rested_s += seconds
        self.epoch_rested += seconds
        self.phase_began += seconds

    @property
    def paused_s(self) -> float:
        """All pauses together, the one that lasts included."""
        since = self.resting_since
        return self.rested_s + (self.clock() - since if since is not None else 0.0)

    @property
    def epoch_s(self) -> float | None:
        times = list(self.epoch_times)
        return sum(times) / len(times) if times else None

    @property
    def silent_s(self) -> float:
        """Since the last sign of life; 0 while it rests."""
        return self.clock() - self.alive if self.resting_since is None else 0.0

    @property
    def elapsed_s(self) -> float:
        """All parts of the run together."""
        return self.before_s + self.clock() - self.began - self.paused_s
