"""A plot with the room of a whole view: textual-plotext, decimated, drawn at most once a second."""

import math
from typing import TYPE_CHECKING, Any, cast

from rich.text import Text
from textual.color import Color
from textual_plotext import PlotextPlot

from esper_tui.sanctum.widgets.chart import Plot, Series, tick_labels, ticks_of, usable, window_of
from esper_tui.sanctum.widgets.raster import Point, Window, decimated, nice_ticks

if TYPE_CHECKING:
    from esper_tui.sanctum.app import EsperApp

REDRAW_S = 1.0
"""Least time between two drawings that nobody asked for; one costs as much as a hundred lines of a table."""
LETTER_CELLS = 3
"""Cells between the letters of two lines that end at the same place."""
MARKERS = {"braille": "braille", "block": "hd"}
"""How plotext draws where the glyphs are not ASCII; there a line consists of its letter."""


def _finite(points: list[Point]) -> list[Point]:
    return [point for point in points if math.isfinite(point[1])]


class BigPlot(PlotextPlot):
    """Shows the same plots as ``chart.Chart``.  A letter stands at the end of each line."""

    def __init__(self, *, id: str | None = None, classes: str | None = None):
        super().__init__(id=id, classes=classes)
        self.plot = Plot()
        self.drawn_at = float("-inf")
        self.drawn_for: tuple[object, ...] = ()
        self.picture = Text()

    @property
    def esper(self) -> "EsperApp":
        return cast("EsperApp", self.app)

    def show_plot(self, plot: Plot, at_once: bool = False) -> None:
        """Shows another plot: now if a person waits for it, else if the last one has stood for a second."""
        now = self.esper.clock()
        if plot != self.plot and (at_once or now - self.drawn_at >= REDRAW_S):
            self.plot, self.drawn_at = plot, now
            self.refresh()

    def render(self) -> Text:
        now = (self.plot, self.size, self.esper.ink)
        if now != self.drawn_for:
            self.drawn_for, self.picture = now, self._picture()
        return self.picture

    def _picture(self) -> Text:
        lines = [_finite(usable(series, self.plot.log)) for series in self.plot.series]
        if not any(lines):
            return Text("nothing measured yet")
        window = window_of(lines, [y for points in lines for _, y in points], self.plot)
        self.plt.clear_figure()
        self._draw_axes(window)
        for place, (series, points) in enumerate(zip(self.plot.series, lines, strict=True)):
            if points:
                self._draw_line(series, place, decimated(points, max(1, self.size.width)), window)
        text = super().render()
        assert isinstance(text, Text)
        if self.esper.ink.glyphs.plot not in MARKERS:
            text.plain = self.esper.ink.glyphs.shown(text.plain)
        return text

    def _draw_line(self, series: Series, place: int, points: list[Point], window: Window) -> None:
        """A line, and its letter on it: each further from the end, so that none covers another."""
        xs, ys = zip(*points, strict=True)
        ink = self._ink(series.style)
        marker = MARKERS.get(self.esper.ink.glyphs.plot, series.letter)
        self.plt.plot(xs, ys, marker=marker, color=ink["color"])
        until = window.x1 - place * LETTER_CELLS * (window.x1 - window.x0) / max(1, self.size.width)
        at = next((point for point in reversed(points) if point[0] <= until), points[0])
        self.plt.text(series.letter, *at, **ink)

    def _ink(self, style: str) -> dict[str, Any]:
        """How plotext paints a letter in one of our styles."""
        color = self.esper.ink.style(style).color
        paper = Color.parse(self.app.theme_variables["surface"]).rgb
        return {"color": (*color.get_truecolor(),) if color else "default", "background": paper, "style": "bold"}

    def _draw_axes(self, window: Window) -> None:
        ticks = ticks_of(self.plot)(window.y0, window.y1, max(2, self.size.height // 3))
        self.plt.yticks(ticks, list(tick_labels(ticks, self.plot).values()))
        across = nice_ticks(window.x0, window.x1, max(2, self.size.width // 14))
        self.plt.xticks(across, [f"{tick:g}" for tick in across])
        self.plt.xlim(window.x0, window.x1)
        self.plt.ylim(window.y0, window.y1)
        self.plt.xlabel(self.plot.x_name)
        for mark in self.plot.marks:
            self.plt.text(mark.letter, mark.x, window.y0, **self._ink(mark.style))
