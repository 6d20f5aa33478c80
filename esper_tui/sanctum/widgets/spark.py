"""A line of numbers in a few cells."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from esper_tui.sanctum.glyphs import Glyphs
from esper_tui.sanctum.text import number

_LEFT = (0x40, 0x04, 0x02, 0x01)
"""Braille dots of the left half of a cell, lowest first; the right half has others."""
_RIGHT = (0x80, 0x20, 0x10, 0x08)


def sparkline(values: Sequence[Any], width: int, glyphs: Glyphs, low: float | None = None) -> str:
    """The newest values in ``width`` cells, the last one at the right; older ones are averaged if they are too many.

    Braille has two values per cell on four levels, the other sets one value on as many levels as they have.
    Unmeasured values are blanks.  ``low`` fixes the bottom.
    """
    if width <= 0:
        return ""
    dots = width * 2 if glyphs.plot == "braille" else width
    known = thinned([number(v) for v in values], dots)
    finite = [v for v in known if v is not None and math.isfinite(v)]
    bottom = low if low is not None else min(finite, default=0.0)
    top = max(finite, default=0.0)
    levels = 4 if glyphs.plot == "braille" else len(glyphs.spark)
    steps: list[int | None] = [None] * (dots - len(known))
    steps += [_level(v, bottom, top, levels) for v in known]
    if glyphs.plot != "braille":
        return "".join(" " if step is None else glyphs.spark[step] for step in steps)
    return "".join(_cell(*steps[i : i + 2]) for i in range(0, dots, 2))


def thinned(values: list[float | None], count: int) -> list[float | None]:
    """At most ``count`` values: means of stretches that are as equal as can be."""
    if len(values) <= count:
        return values
    edges = [round(i * len(values) / count) for i in range(count + 1)]
    return [_mean(values[a:b]) for a, b in pairwise(edges)]


def _mean(values: list[float | None]) -> float | None:
    known = [v for v in values if v is not None and math.isfinite(v)]
    return sum(known) / len(known) if known else None


def _level(value: float | None, low: float, high: float, levels: int) -> int | None:
    if value is None or math.isnan(value):
        return None
    if high <= low:
        return 0
    return min(levels - 1, max(0, int((value - low) / (high - low) * levels))) if math.isfinite(value) else levels - 1


def _cell(left: int | None, right: int | None) -> str:
    dots = (0 if left is None else _LEFT[left]) | (0 if right is None else _RIGHT[right])
    return chr(0x2800 + dots) if dots else " "
