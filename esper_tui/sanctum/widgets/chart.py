"""A line chart: several series with letters, round ticks, and what happened marked below."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events

from esper_tui.sanctum.ink import Line, Piece, line
from esper_tui.sanctum.text import cell_len, fit, fixed
from esper_tui.sanctum.widgets.panel import Panel
from esper_tui.sanctum.widgets.raster import PLOTTERS, Point, Window, drawn, log_ticks, nice_ticks

if TYPE_CHECKING:
    from esper_tui.sanctum.widgets.bigplot import BigPlot

GUTTER_MAX = 9
LEAST_SPAN = 1e-9
"""Span of the y axis, relative to its values, below which a line counts as level."""


@dataclass(frozen=True)
class Series:
    """A line.  The letter stands at its newest point, so that lines are told apart without colour."""

    name: str
    letter: str
    points: tuple[Point, ...]
    style: str


@dataclass(frozen=True)
class Mark:
    """Something that happened at ``x``: a letter in the line below the chart."""

    x: float
    letter: str
    style: str = ""


@dataclass(frozen=True)
class Plot:
    """All that a chart shows; a plain value, so that it can be compared.

    Attributes:
        log: logarithmic y axis; values that are not positive are left out.
        x_name: stands before the ticks of the x axis.
        x_span: the least that the x axis covers.
    """

    series: tuple[Series, ...] = ()
    marks: tuple[Mark, ...] = ()
    log: bool = False
    x_name: str = "ep"
    x_span: tuple[float, float] | None = None
    digits: int | None = None


Label = Callable[[float], str]


def chart_lines(plot: Plot, width: int, height: int, kind: str) -> list[Line]:
    """The chart in so many cells; ``kind`` is braille, block or ascii."""
    series = [usable(s, plot.log) for s in plot.series]
    values = [y for s in series for _, y in s if math.isfinite(y)]
    rows = height - (2 if plot.marks else 1)
    if not values or rows < 2 or width < 16:
        return [line(("nothing measured yet", "dim"))]
    window = window_of(series, values, plot)
    ticks = ticks_of(plot)(window.y0, window.y1, max(2, rows // 2))
    labels = tick_labels(ticks, plot)
    gutter = min(GUTTER_MAX, max(map(cell_len, labels.values())))
    columns = width - gutter - 2
    cells = _cells(plot, series, window, columns, rows, kind)
    body = [_row(y, cells, columns, gutter, _tick_at(y, window, rows, labels)) for y in range(rows)]
    body.append(_x_axis(window, columns, gutter, plot.x_name))
    return [*body, _marks(plot, window, columns, gutter)] if plot.marks else body


def usable(series: Series, log: bool) -> list[Point]:
    """The points as they are placed: logarithms on a logarithmic axis, without what has none."""
    if not log:
        return list(series.points)
    return [(x, math.log10(y)) for x, y in series.points if y > 0]


def window_of(series: Sequence[Sequence[Point]], values: Sequence[float], plot: Plot) -> Window:
    """The part of the plane that holds all points."""
    xs = [x for s in series for x, _ in s] + list(plot.x_span or ())
    low, high = min(values), max(values)
    if high - low < LEAST_SPAN * max(1.0, abs(high)):
        pad = 0.05 * max(abs(high), LEAST_SPAN**0.5)
        low, high = low - pad, high + pad
    return Window(min(xs), max(xs), low, high)


def ticks_of(plot: Plot) -> Callable[[float, float, int], list[float]]:
    """How the ticks of its y axis are chosen."""
    return log_ticks if plot.log else nice_ticks


def tick_labels(ticks: Sequence[float], plot: Plot) -> dict[float, str]:
    """Tick → its text, with as many decimals as tell the ticks apart."""
    if plot.log:
        return {tick: f"{10**tick:.4g}" for tick in ticks}
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) or 1
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
    return {tick: fixed(tick, min(6, digits)) for tick in ticks}


def _cells(plot: Plot, series: Sequence[Sequence[Point]], window: Window, columns: int, rows: int, kind: str):
    """(column, row) → (character, style); later series lie over earlier ones, letters over all."""
    plotter = PLOTTERS[kind]
    cells: dict[tuple[int, int], Piece] = {}
    for shape, points in zip(plot.series, series, strict=True):
        for place, bits in drawn(points, window, columns, rows, plotter).items():
            cells[place] = (shape.letter if kind == "ascii" else plotter.char(bits), shape.style)
    for shape, points in zip(plot.series, series, strict=True):
        if points and math.isfinite(points[-1][1]):
            cells[window.place(points[-1], columns, rows)] = (shape.letter, f"bold {shape.style}")
    return cells


def _row(y: int, cells: dict[tuple[int, int], Piece], columns: int, gutter: int, tick: str) -> Line:
    pieces: list[Piece] = [(fit(tick, gutter, ">"), "dim"), (" ┤" if tick else " │", "line")]
    text, style = "", ""
    for x in range(columns):
        char, ink = cells.get((x, y), (" ", ""))
        if ink != style:
            pieces.append((text, style))
            text, style = "", ink
        text += char
    return line(*pieces, (text, style))


def _tick_at(y: int, window: Window, rows: int, labels: dict[float, str]) -> str:
    return next((text for tick, text in labels.items() if window.place((window.x0, tick), 1, rows)[1] == y), "")


def _x_axis(window: Window, columns: int, gutter: int, name: str) -> Line:
    text = [" "] * columns
    end = -1
    for tick in nice_ticks(window.x0, window.x1, max(2, columns // 12)):
        label = f"{tick:g}"
        start = min(columns - len(label), window.place((tick, window.y0), columns, 1)[0])
        if start > end and start >= 0:
            text[start : start + len(label)] = label
            end = start + len(label)
    return line((fit(name, gutter, ">"), "dim"), "  ", ("".join(text), "dim"))


def _marks(plot: Plot, window: Window, columns: int, gutter: int) -> Line:
    places: dict[int, Piece] = {}
    for mark in plot.marks:
        places[window.place((mark.x, window.y0), columns, 1)[0]] = (mark.letter, mark.style)
    pieces = [places.get(x, (" ", "")) for x in range(columns)]
    return line(" " * (gutter + 2), *pieces)


class Chart(Panel, can_focus=True):
    """Shows a plot; computes its lines only when the plot or the size changed.

    With the room of a whole view it shows the plot larger (``bigplot``).
    """

    DEFAULT_CSS = "Chart { height: 1fr; }"

    def __init__(self, title: str = "", *, id: str | None = None, classes: str | None = None, help: str = ""):
        super().__init__(title, id=id, classes=classes, help=help)
        self.plot = Plot()
        self.drawn_for: tuple[object, ...] = ()
        self.big: BigPlot | None = None

    def show_plot(self, plot: Plot, title: str, subtitle: str = "") -> None:
        asked = (title, plot.log) != (self.titles[0], self.plot.log)
        self.plot = plot
        self.show_title(title, subtitle)
        self._draw(asked)

    def show_zoomed(self, zoomed: bool) -> None:
        if zoomed and self.big is None:
            from esper_tui.sanctum.widgets.bigplot import BigPlot  # what it stands on takes a while to import

            self.big = BigPlot()
            self.mount(self.big)
        elif not zoomed and self.big is not None:
            self.big.remove()
            self.big = None
        self._draw()

    def _draw(self, at_once: bool = False) -> None:
        kind, size = self.ink.glyphs.plot, self.size
        if self.big is not None:
            self.big.show_plot(self.plot, at_once)
        elif self.drawn_for != (self.plot, size, kind) and size:
            self.drawn_for = (self.plot, size, kind)
            self.show_lines(chart_lines(self.plot, size.width, size.height, kind))

    def repaint_all(self) -> None:
        self._draw()
        super().repaint_all()

    def on_resize(self, event: events.Resize) -> None:
        self._draw()
