"""Plots in characters, as lines of (text, style): the pictures of the Markdown twin and of the terminal."""

from collections.abc import Callable
from functools import partial

from esper_tui.evidence.report.escape import clean
from esper_tui.evidence.report.plots import Curves, Line, Plot, Range, Ranges, Scatter, Timeline
from esper_tui.leyline.stages import LETTERS, Stage
from esper_tui.sanctum.ink import Line as Inked
from esper_tui.sanctum.ink import line
from esper_tui.sanctum.text import fit
from esper_tui.sanctum.widgets.chart import Mark, Series, chart_lines
from esper_tui.sanctum.widgets.chart import Plot as Chart
from esper_tui.sanctum.widgets.raster import Window, nice_ticks

LABEL = 38
"""Cells of the names of rows, at most."""
SIGNS = {"control": "○", "own": "●"}
SHORT = {"epoch": "ep", "update": "upd", "round": "rd", "parameters": "par", "FLOPs": "fl"}
"""Names of an x axis where they stand in the gutter of the y axis."""
PLAIN_SIGNS = {"control": "o", "own": "*"}


def lettered(plot: Plot, width: int, height: int, kind: str = "braille") -> list[Inked]:
    """The plot in so many cells; ``kind`` is braille, block or ascii.  Timelines and ranges take a line per row."""
    return _DRAW[type(plot)](plot, width, height, kind)


def _curves(plot: Curves, width: int, height: int, kind: str) -> list[Inked]:
    """The own line comes last, over the others."""
    series = [_series(each, i) for i, each in enumerate(plot.lines)]
    marks = tuple(Mark(m.x, m.letter, "person" if m.by_person else "") for m in plot.marks)
    return chart_lines(
        Chart(tuple(series), marks, x_name=SHORT.get(plot.x_name, plot.x_name), x_span=plot.x_span), width, height, kind
    )


def _series(each: Line, index: int) -> Series:
    return Series(each.name, each.letter, each.points, each.role if each.role in SIGNS else f"series-{index}")


def _scatter(plot: Scatter, width: int, height: int, kind: str) -> list[Inked]:
    """The middles alone, a letter each."""
    series = tuple(Series(c.name, c.letter, (c.middle,), f"series-{i % 8}") for i, c in enumerate(plot.clouds))
    drawn = chart_lines(Chart(series, x_name=SHORT.get(plot.x_name, plot.x_name)), width, height, kind)
    return [line((f"{plot.y_name} over {plot.x_name}", "dim")), *drawn]


def _timeline(plot: Timeline, width: int, height: int, kind: str) -> list[Inked]:
    """A letter per epoch, or per column where there are more epochs than columns."""
    room = min(LABEL, max((len(clean(life.label)) for life in plot.lives), default=0))
    start, end = plot.x_span
    columns = max(1, min(width - room - 1, int(end - start)))
    rows = []
    for life in plot.lives:
        pieces = [("·", "dim")] * columns
        for span in life.spans:
            first = min(columns - 1, int((span.start - start) / (end - start or 1) * columns))
            last = max(first + 1, int((span.end - start) / (end - start or 1) * columns))
            letter = LETTERS[Stage[span.kind.upper()]]
            for x in range(first, min(last, columns)):
                pieces[x] = (letter, span.kind)
        rows.append(line((fit(clean(life.label), room), ""), " ", pieces))
    axis = f"{plot.x_name} {start:g}".ljust(columns - len(f"{end:g}")) + f"{end:g}"
    return [*rows, line(" " * (room + 1), (axis[-columns:] if columns > 12 else "", "dim"))]


def _ranges(plot: Ranges, width: int, height: int, kind: str) -> list[Inked]:
    room = min(LABEL, max((len(clean(row.label)) for row in plot.rows), default=0))
    values = [v for row in plot.rows for v in (row.low, row.high)] + ([0.0] if plot.zero else [])
    note = max((len(row.note) for row in plot.rows), default=0)
    columns = max(8, min(width, 100) - room - note - 3)
    place = partial(_place, Window(min(values, default=0), max(values, default=1), 0, 1), columns)
    rows = [_range(plot, row, room, columns, place, kind) for row in plot.rows]
    axis = [" "] * columns
    for tick in nice_ticks(min(values, default=0), max(values, default=1), max(2, columns // 12)):
        label = f"{tick:g}"
        at = min(place(tick), columns - len(label))
        axis[at : at + len(label)] = label
    return [*rows, line(" " * (room + 1), ("".join(axis), "dim")), line(" " * (room + 1), (plot.x_name, "dim"))]


def _place(window: Window, columns: int, x: float) -> int:
    return window.place((x, 0.0), columns, 1)[0]


def _range(plot: Ranges, row: Range, room: int, columns: int, place: Callable[[float], int], kind: str) -> Inked:
    bar, signs = ("-", PLAIN_SIGNS) if kind == "ascii" else ("─", SIGNS)
    pieces = [(" ", "")] * columns
    if plot.zero:
        pieces[place(0.0)] = ("|" if kind == "ascii" else "│", "dim")
    for x in range(place(row.low), place(row.high) + 1):
        pieces[x] = (bar, "dim")
    for value, role in row.points:
        pieces[place(value)] = (signs.get(role, signs["own"]), role)
    return line((fit(clean(row.label), room), ""), " ", pieces, f"  {row.note}")


_DRAW: dict[type, Callable[..., list[Inked]]] = {
    Curves: _curves, Scatter: _scatter, Timeline: _timeline, Ranges: _ranges,
}  # fmt: skip
