"""Plots as plain values; ``svg`` draws them for a browser, ``lettering`` in characters."""

from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A curve.  ``role`` names its colour: own, control, human, or series-0 to series-7.

    Attributes:
        letter: stands for the line where there is no colour.
        band: (x, low, high) of an interval around it.
    """

    name: str
    letter: str
    points: tuple[Point, ...]
    role: str = "own"
    band: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True)
class Mark:
    """Something that happened at ``x``, with a sentence about it."""

    x: float
    letter: str
    text: str
    by_person: bool = False


@dataclass(frozen=True)
class Curves:
    """Lines over a common axis, and what happened below them; the spans are the least that the axes cover."""

    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    x_name: str = "epoch"
    y_name: str = ""
    x_span: Point | None = None
    y_span: Point | None = None
    zero: bool = False


@dataclass(frozen=True)
class Span:
    """From ``start`` to ``end``, both in epochs; ``kind`` is the name of a stage in lower case."""

    start: float
    end: float
    kind: str
    text: str


@dataclass(frozen=True)
class Life:
    """One row of a timeline."""

    label: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Timeline:
    lives: tuple[Life, ...]
    x_span: Point
    x_name: str = "epoch"


@dataclass(frozen=True)
class Range:
    """One row: an interval, and named points on it.

    Attributes:
        points: (x, role), drawn in this order.
    """

    label: str
    low: float
    high: float
    points: tuple[tuple[float, str], ...]
    note: str = ""


@dataclass(frozen=True)
class Ranges:
    """Rows of intervals over a common axis; ``zero`` draws the line of no difference."""

    rows: tuple[Range, ...]
    x_name: str
    zero: bool = False


@dataclass(frozen=True)
class Cloud:
    """Points of one kind: each by itself, and their middle with an interval of its height."""

    name: str
    letter: str
    points: tuple[Point, ...]
    middle: Point
    interval: Point | None = None
    role: str = "series-0"


@dataclass(frozen=True)
class Scatter:
    """Clouds, and the front of those middles that no other one beats in both."""

    clouds: tuple[Cloud, ...]
    front: tuple[Point, ...]
    x_name: str
    y_name: str


Plot = Curves | Timeline | Ranges | Scatter


def pareto_front(points: list[Point]) -> tuple[Point, ...]:
    """Those with the highest y among all that have at most their x, from left to right."""
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p[0], -p[1])):
        if not front or point[1] > front[-1][1]:
            front.append(point)
    return tuple(front)
