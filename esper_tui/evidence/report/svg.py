"""Plots as inline SVG: no script, no fetch; colours are classes that the style sheet of the page sets.

A picture is drawn in its own units, 1 unit a pixel at full size, and scales with its place.  ``<title>`` elements say
what a point is, on hovering and to a screen reader.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from esper_tui.evidence.report.escape import for_html
from esper_tui.evidence.report.plots import Curves, Mark, Plot, Point, Ranges, Scatter, Timeline
from esper_tui.sanctum.text import si
from esper_tui.sanctum.widgets.raster import nice_ticks

LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 34
ROW = 22


@dataclass(frozen=True)
class Frame:
    """Where a plane of values lies in a picture."""

    x0: float
    x1: float
    y0: float
    y1: float
    width: float
    height: float
    left: float = LEFT
    bottom: float = BOTTOM

    def x(self, value: float) -> float:
        return self.left + (value - self.x0) / ((self.x1 - self.x0) or 1) * (self.width - self.left - RIGHT)

    def y(self, value: float) -> float:
        return TOP + (1 - (value - self.y0) / ((self.y1 - self.y0) or 1)) * (self.height - TOP - self.bottom)


def draw(plot: Plot, wide: bool, label: str) -> str:
    """The plot as an ``<svg>`` element; ``wide`` takes the width of the page, else a third of it."""
    body, width, height = _DRAW[type(plot)](plot, 960.0 if wide else 320.0)
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{for_html(label)}" '
        f'class="{"wide" if wide else "small"}">{body}</svg>'
    )


def tag(name: str, inside: str = "", **values: object) -> str:
    """An element; numbers are shortened, texts escaped, ``_`` in names becomes ``-``."""
    told = "".join(f' {key.strip("_").replace("_", "-")}="{_value(value)}"' for key, value in values.items())
    return f"<{name}{told}>{inside}</{name}>"


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) and abs(value) < 1000 else for_html(value)


def text(words: str, x: float, y: float, kind: str = "", anchor: str = "middle") -> str:
    return tag("text", for_html(words), x=x, y=y, class_=kind, text_anchor=anchor)


def path(points: Iterable[Point], kind: str) -> str:
    """A line that is interrupted where a value is not finite."""
    steps, pen = [], "M"
    for x, y in points:
        if not math.isfinite(y):
            pen = "M"
            continue
        steps.append(f"{pen}{x:.2f} {y:.2f}")
        pen = "L"
    return tag("path", d="".join(steps), class_=kind)


def dot(x: float, y: float, radius: float, kind: str, told: str) -> str:
    return tag("circle", tag("title", for_html(told)), cx=x, cy=y, r=radius, class_=kind)


# --- axes ----------------------------------------------------------------------------------------------------------


def label_of(ticks: list[float]) -> Callable[[float], str]:
    """As many decimals as tell the ticks apart; large numbers with a letter."""
    if max(map(abs, ticks)) >= 1e6:
        return si
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) or 1
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
    return lambda tick: f"{tick:,.{min(6, digits)}f}"


def x_axis(frame: Frame, name: str, count: int) -> str:
    ticks = nice_ticks(frame.x0, frame.x1, count)
    shown, base = label_of(ticks), frame.height - frame.bottom
    parts = [tag("line", x1=frame.left, x2=frame.width - RIGHT, y1=base, y2=base, class_="axis")]
    for tick in ticks:
        parts.append(tag("line", x1=frame.x(tick), x2=frame.x(tick), y1=base, y2=base + 4, class_="axis"))
        parts.append(text(shown(tick), frame.x(tick), base + 16, "tick"))
    return "".join([*parts, text(name, frame.width - RIGHT, frame.height - 3, "name", "end")])


def y_axis(frame: Frame, name: str, count: int) -> str:
    ticks = nice_ticks(frame.y0, frame.y1, count)
    shown = label_of(ticks)
    parts = []
    for tick in ticks:
        y = frame.y(tick)
        parts.append(tag("line", x1=frame.left, x2=frame.width - RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(text(shown(tick), frame.left - 6, y + 4, "tick", "end"))
    return "".join([*parts, text(name, 4, frame.height - 3, "name", "start") if name else ""])


def padded(values: list[float], share: float = 0.05) -> Point:
    """Their range with some air."""
    known = [v for v in values if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(known), max(known)
    air = share * (high - low) or 0.05 * abs(high) or 1.0
    return low - air, high + air


# --- kinds of plots ------------------------------------------------------------------------------------------------

Drawn = tuple[str, float, float]


def _curves(plot: Curves, width: float) -> Drawn:
    height = 260.0 if width > 400 else 190.0
    xs = [x for line in plot.lines for x, _ in line.points] + list(plot.x_span or ())
    ys = [y for line in plot.lines for _, y in line.points] + [v for s in plot.lines for b in s.band for v in b[1:]]
    low, high = padded(ys + list(plot.y_span or ()) + ([0.0] if plot.zero else []))
    bottom = BOTTOM + (24 if plot.marks else 0)
    frame = Frame(min(xs, default=0), max(xs, default=1), low, high, width, height, bottom=bottom)
    parts = [y_axis(frame, plot.y_name, 5), _zero_line(frame) if plot.zero else ""]
    parts += [_band(frame, line.band, line.role) for line in plot.lines]
    for line in plot.lines:
        title = tag("title", for_html(line.name))
        parts.append(tag("g", title + path(((frame.x(x), frame.y(y)) for x, y in line.points), f"line {line.role}")))
    parts += [x_axis(frame, plot.x_name, 8 if width > 400 else 4), _marks(frame, plot.marks)]
    return "".join(parts), width, height


def _zero_line(frame: Frame) -> str:
    return tag("line", x1=frame.left, x2=frame.width - RIGHT, y1=frame.y(0), y2=frame.y(0), class_="zero")


def _band(frame: Frame, band: tuple[tuple[float, float, float], ...], role: str) -> str:
    if not band:
        return ""
    there = [f"{frame.x(x):.2f},{frame.y(high):.2f}" for x, _, high in band]
    back = [f"{frame.x(x):.2f},{frame.y(low):.2f}" for x, low, _ in reversed(band)]
    return tag("polygon", points=" ".join(there + back), class_=f"band {role}")


def _marks(frame: Frame, marks: tuple[Mark, ...]) -> str:
    """Letters between the axis and its name, each at its time, with a hair through the plane; two rows of them where
    they stand close."""
    parts, before, low = [], -math.inf, False
    for mark in marks:
        x, kind = frame.x(mark.x), "mark person" if mark.by_person else "mark"
        low, before = x - before < 9 and not low, x
        line = tag("line", x1=x, x2=x, y1=TOP, y2=frame.height - frame.bottom, class_=f"{kind} hair")
        letter = text(mark.letter, x, frame.height - frame.bottom + (39 if low else 29), kind)
        parts.append(tag("g", tag("title", for_html(mark.text)) + line + letter))
    return "".join(parts)


def _room(labels: list[str]) -> float:
    """Width of the names of rows, by their length."""
    return 24 + 6.9 * min(42, max(map(len, labels), default=0))


def _timeline(plot: Timeline, width: float) -> Drawn:
    left, height = _room([life.label for life in plot.lives]), TOP + ROW * len(plot.lives) + BOTTOM
    frame = Frame(plot.x_span[0], plot.x_span[1], 0, 1, width, height, left)
    parts = []
    for index, life in enumerate(plot.lives):
        y = TOP + index * ROW
        parts.append(text(life.label, left - 10, y + 14, "label", "end"))
        for span in life.spans:
            x = frame.x(span.start)
            wide = max(3.0, frame.x(span.end) - x)
            shape = tag("rect", tag("title", for_html(span.text)), x=x, y=y + 3, width=wide, height=ROW - 7,
                        class_=f"stage {span.kind}")  # fmt: skip
            parts.append(shape)
    return "".join([*parts, x_axis(frame, plot.x_name, 10)]), width, height


def _ranges(plot: Ranges, width: float) -> Drawn:
    left, height = _room([row.label for row in plot.rows]), TOP + ROW * len(plot.rows) + BOTTOM
    values = [v for row in plot.rows for v in (row.low, row.high, *(x for x, _ in row.points))]
    low, high = padded(values + ([0.0] if plot.zero else []))
    frame = Frame(low, high, 0, 1, width - 60, height, left)
    base = height - BOTTOM
    parts = [tag("line", x1=frame.x(0), x2=frame.x(0), y1=TOP, y2=base, class_="zero")] if plot.zero else []
    for index, row in enumerate(plot.rows):
        y = TOP + index * ROW + ROW / 2
        parts.append(text(row.label, left - 10, y + 4, "label", "end"))
        parts.append(tag("line", x1=frame.x(row.low), x2=frame.x(row.high), y1=y, y2=y, class_="range"))
        for x, role in row.points:
            parts.append(dot(frame.x(x), y, 5.0, f"dot {role}", f"{row.label}: {x:.2f}"))
        parts.append(text(row.note, frame.width + 52 - RIGHT, y + 4, "tick", "end"))
    return "".join([*parts, x_axis(frame, plot.x_name, 8)]), width, height


def _scatter(plot: Scatter, width: float) -> Drawn:
    height = 420.0
    every = [p for cloud in plot.clouds for p in (*cloud.points, cloud.middle)]
    ends = [v for cloud in plot.clouds for v in cloud.interval or ()]
    frame = Frame(*padded([x for x, _ in every]), *padded([y for _, y in every] + ends), width, height)
    parts = [y_axis(frame, plot.y_name, 6), x_axis(frame, plot.x_name, 8)]
    parts.append(path(((frame.x(x), frame.y(y)) for x, y in plot.front), "front"))
    for cloud in plot.clouds:
        parts += [dot(frame.x(x), frame.y(y), 2.5, f"dot faint {cloud.role}", cloud.name) for x, y in cloud.points]
    for cloud in plot.clouds:
        x, y = frame.x(cloud.middle[0]), frame.y(cloud.middle[1])
        if cloud.interval is not None:
            low, high = (frame.y(end) for end in cloud.interval)
            parts.append(tag("line", x1=x, x2=x, y1=low, y2=high, class_=f"whisker {cloud.role}"))
        told = f"{cloud.name}: {cloud.middle[1]:.2f} at {cloud.middle[0]:,.0f}"
        parts.append(dot(x, y, 6.0, f"dot {cloud.role}", told))
    at = [(frame.x(x), frame.y(y), cloud.letter) for cloud in plot.clouds for x, y in [cloud.middle]]
    return "".join([*parts, *_labels(at)]), width, height


def _labels(at: list[tuple[float, float, str]]) -> list[str]:
    """Names beside their points, each at the first of four places where neither a name nor a point is."""
    taken: list[Point] = []
    parts = []
    for x, y, letter in at:
        left = x - 10 - 8 * len(letter)
        places = [(x + 10, y - 8), (left, y - 8), (x + 10, y + 16), (left, y + 16)]
        free = (p for p in places if _is_free(p, taken, at))
        taken.append(next(free, places[0]))
        parts.append(text(letter, *taken[-1], "label", "start"))
    return parts


def _is_free(place: Point, names: list[Point], points: list[tuple[float, float, str]]) -> bool:
    x, y = place
    clear = all(abs(x - other) > 24 or abs(y - height) > 13 for other, height in names)
    return clear and all(abs(x + 8 - other) > 15 or abs(y - 4 - height) > 11 for other, height, _ in points)


_DRAW: dict[type, Callable[..., Drawn]] = {
    Curves: _curves, Timeline: _timeline, Ranges: _ranges, Scatter: _scatter,
}  # fmt: skip
