"""Columns and rows of a table: plain values, and how columns are fitted to a width."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from esper_tui.sanctum.ink import Line


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        width: cells it needs.
        grow: cells more that it can use.
        drop: the higher, the sooner it is left out where there is no room; 0 stays.
    """

    key: str
    title: str
    width: int
    align: str = "<"
    grow: int = 0
    drop: int = 0


@dataclass(frozen=True)
class Row:
    """A row.  ``facts`` are its values by column, for sorting and filtering; ``over`` is a style laid over it."""

    key: Hashable
    cells: dict[str, Line]
    facts: dict[str, Any] = field(default_factory=dict)
    over: str = ""


class LazyRow:
    """A row whose cells are made when it comes in sight, and whose facts when rows are sorted or filtered."""

    over = ""

    def __init__(self, key: Hashable, cells: Callable[[], dict[str, Line]], facts: Callable[[], dict[str, Any]]):
        self.key, self.make_cells, self.make_facts = key, cells, facts

    @cached_property
    def cells(self) -> dict[str, Line]:
        return self.make_cells()

    @cached_property
    def facts(self) -> dict[str, Any]:
        return self.make_facts()


AnyRow = Row | LazyRow


def fit_columns(columns: Sequence[Column], width: int, gap: int = 1) -> dict[str, int]:
    """Widths of the columns that have room, by key.  The last by rank go first; what is left over is shared out."""
    kept = list(columns)
    while len(kept) > 1 and _total(kept, gap) > width:
        droppable = [c for c in kept if c.drop]
        if not droppable:
            break
        kept.remove(max(droppable, key=lambda c: c.drop))
    widths = {c.key: c.width for c in kept}
    spare = width - _total(kept, gap)
    while spare > 0 and (hungry := [c for c in kept if widths[c.key] < c.width + c.grow]):
        for column in hungry[:spare]:
            widths[column.key] += 1
        spare -= min(spare, len(hungry))
    return widths


def _total(columns: Sequence[Column], gap: int) -> int:
    return sum(c.width for c in columns) + gap * (len(columns) - 1)


def sort_key(value: Any) -> tuple[int, Any, str]:
    """Numbers before texts, unmeasured last."""
    if value is None:
        return 2, 0, ""
    return (1, 0, value) if isinstance(value, str) else (0, value, "")
