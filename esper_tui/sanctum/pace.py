"""How often the screen is drawn: as often as asked for, or half or a quarter of it while frames are slow."""

from collections import deque

FRAMES = 40
SLOW_MS, QUICK_MS = 25.0, 10.0
FEWEST = 20
"""Frames that are looked at before the rate changes."""


class FramePace:
    """Measures frames and chooses the rate.  Times are in milliseconds, rates in frames per second."""

    def __init__(self, hz: float):
        self.wanted_hz, self.divisor = hz, 1
        self.work_ms: deque[float] = deque(maxlen=FRAMES)
        self.lag_ms: deque[float] = deque(maxlen=FRAMES)

    @property
    def hz(self) -> float:
        return self.wanted_hz / self.divisor

    def want(self, hz: float) -> None:
        self.wanted_hz, self.divisor = hz, 1
        self.work_ms.clear()

    def took(self, work_ms: float, lag_ms: float) -> bool:
        """Notes a frame: its work, and how late it came.  Returns whether the rate changed."""
        self.work_ms.append(work_ms)
        self.lag_ms.append(max(0.0, lag_ms))
        if len(self.work_ms) < FEWEST:
            return False
        slowest, before = self.p95(self.work_ms), self.divisor
        if slowest > SLOW_MS and self.divisor < 4:
            self.divisor *= 2
        elif slowest < QUICK_MS and self.divisor > 1:
            self.divisor //= 2
        if self.divisor != before:
            self.work_ms.clear()
        return self.divisor != before

    @staticmethod
    def p95(values: "deque[float]") -> float:
        """The 95th percentile; 0 where nothing was measured."""
        ordered = sorted(values)
        return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] if ordered else 0.0
