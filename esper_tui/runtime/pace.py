"""How fast a run goes: phases, steps and epochs on the clock, paused time left out."""

import itertools
import time
from collections import deque
from collections.abc import Callable

EPOCHS_AVERAGED = 10


class Pace:
    """The clock of a loop.  ``phase`` and ``tick`` are called by the loop, the rest may be read from anywhere."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self.clock = clock
        self.began = self.phase_began = self.epoch_began = clock()
        self.phase_name, self.steps, self.steps_done = "starting", itertools.count(1), 0
        self.paused_s = self.epoch_paused = 0.0
        self.epoch_times: deque[float] = deque(maxlen=EPOCHS_AVERAGED)
        self.phase_s: dict[str, float] = {}

    def phase(self, name: str) -> None:
        now = self.clock()
        self.phase_s = self.phase_s | {self.phase_name: now - self.phase_began}
        self.phase_name, self.phase_began = name, now
        if name == "training":
            self.steps, self.steps_done = itertools.count(1), 0
            self.epoch_began, self.epoch_paused = now, 0.0

    def tick(self) -> None:
        self.steps_done = next(self.steps)

    def end_epoch(self) -> None:
        """Called at the boundary, before anything rests."""
        self.epoch_times.append(self.clock() - self.epoch_began - self.epoch_paused)

    def rested(self, seconds: float) -> None:
        """Takes a pause out of the epoch, the phase and the rate."""
        self.paused_s += seconds
        self.epoch_paused += seconds
        self.phase_began += seconds

    @property
    def epoch_s(self) -> float | None:
        times = list(self.epoch_times)
        return sum(times) / len(times) if times else None

    @property
    def elapsed_s(self) -> float:
        return self.clock() - self.began - self.paused_s
