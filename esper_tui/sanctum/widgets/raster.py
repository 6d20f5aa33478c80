"""Lines of numbers as characters: decimation, dots, ticks.  Pure; ``chart`` is the widget."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Point = tuple[float, float]
Dots = dict[tuple[int, int], int]
"""(column, row) of a cell → bits of the dots that are set in it."""


@dataclass(frozen=True)
class Plotter:
    """How dots become characters: ``across`` x ``down`` dots per cell."""

    across: int
    down: int
    bit: Callable[[int, int], int]
    char: Callable[[int], str]


_BRAILLE_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"

PLOTTERS: dict[str, Plotter] = {
    "braille": Plotter(2, 4, lambda x, y: _BRAILLE_BITS[x][y], lambda bits: chr(0x2800 + bits)),
    "block": Plotter(2, 2, lambda x, y: 1 << (x + 2 * y), lambda bits: _QUADRANTS[bits]),
    "ascii": Plotter(1, 1, lambda x, y: 1, lambda bits: "*"),
}


@dataclass(frozen=True)
class Window:
    """The part of the plane that is drawn."""

    x0: float
    x1: float
    y0: float
    y1: float

    def place(self, point: Point, across: int, down: int) -> tuple[int, int]:
        """The dot of a point on a canvas of so many dots; row 0 is at the top."""
        x = (point[0] - self.x0) / ((self.x1 - self.x0) or 1)
        y = (point[1] - self.y0) / ((self.y1 - self.y0) or 1)
        return round(x * (across - 1)), round((1 - y) * (down - 1))


def decimated(points: Sequence[Point], columns: int) -> list[Point]:
    """At most two points for each of so many columns of equal width: the lowest and the highest, in order.

    Extremes survive; a series that is short enough stays as it is.
    """
    if len(points) <= 2 * columns:
        return list(points)
    first, span = points[0][0], (points[-1][0] - points[0][0]) or 1
    buckets: dict[int, list[Point]] = {}
    for point in points:
        buckets.setdefault(min(columns - 1, int((point[0] - first) / span * columns)), []).append(point)
    kept: list[Point] = []
    for bucket in buckets.values():
        ends = {min(bucket, key=lambda p: p[1]), max(bucket, key=lambda p: p[1])}
        kept += sorted(ends)
    return kept


def drawn(points: Sequence[Point], window: Window, columns: int, rows: int, plot: Plotter) -> Dots:
    """The cells of a line through the points; values that are not finite interrupt it."""
    dots: Dots = {}
    across, down = columns * plot.across, rows * plot.down
    before: tuple[int, int] | None = None
    for point in decimated(points, across):
        if not math.isfinite(point[1]):
            before = None
            continue
        here = window.place(point, across, down)
        for x, y in _segment(before or here, here):
            cell = x // plot.across, y // plot.down
            dots[cell] = dots.get(cell, 0) | plot.bit(x % plot.across, y % plot.down)
        before = here
    return dots


def _segment(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """The dots from start to end, both included."""
    (x0, y0), (x1, y1) = start, end
    steps = max(abs(x1 - x0), abs(y1 - y0), 1)
    return [(round(x0 + (x1 - x0) * i / steps), round(y0 + (y1 - y0) * i / steps)) for i in range(steps + 1)]


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """At most about ``count`` round numbers from low to high, spaced by 1, 2 or 5 times a power of ten."""
    if not high > low or count < 1:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    digits = max(0, 2 - math.floor(math.log10(step)))
    return [round(i * step, digits) for i in range(first, math.floor(high / step + 1e-9) + 1)] or [low]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """Like ``nice_ticks`` where low and high are logarithms: powers of ten, or 1, 2 and 5 times them."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    for factors in ((1, 2, 5), (1,)):
        ticks = [p + math.log10(f) for p in powers for f in factors if low <= p + math.log10(f) <= high]
        if len(ticks) <= count:
            break
    return (ticks if len(ticks) > 1 else nice_ticks(low, high, count))[:: max(1, -(-len(ticks) // max(1, count)))]


def smoothed(values: Sequence[float | None], width: int) -> list[float | None]:
    """The mean of the last ``width`` measured values at every place; unmeasured ones stay unmeasured."""
    result: list[float | None] = []
    window: list[float] = []
    for value in values:
        if value is not None:
            window = [*window[-(width - 1) :], value] if width > 1 else [value]
        result.append(None if value is None else sum(window) / len(window))
    return result
