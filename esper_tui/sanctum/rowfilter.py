"""What ``/`` understands over a table: words, and comparisons with a column: ``st!=ok acc>70 conv``."""

import operator
import re
from collections.abc import Callable
from typing import Any

from esper_tui.sanctum.ink import plain
from esper_tui.sanctum.text import number
from esper_tui.sanctum.widgets.grid import AnyRow, Match

_TERM = re.compile(r"^(\w+)(!=|>=|<=|=|>|<|:)(.*)$")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip


def row_match(text: str) -> Match | None:
    """A test of rows; None for an empty text.  All words must match; a term that is not finished matches all."""
    tests = [_test(word) for word in text.split()]
    return (lambda row: all(test(row) for test in tests)) if tests else None


def _test(word: str) -> Match:
    found = _TERM.match(word)
    if found is None:
        return lambda row: word.lower() in _text(row)
    key, sign, value = found.groups()
    return lambda row: not value or key not in row.facts or _holds(row.facts[key], sign, value)


def _holds(fact: Any, sign: str, value: str) -> bool:
    if sign in _COMPARE:
        try:
            known, wanted = number(fact), float(value)
        except ValueError:
            return True
        return known is not None and _COMPARE[sign](known, wanted)
    same = value.lower() in str(fact).lower() if sign == ":" else str(fact).lower() == value.lower()
    return same != (sign == "!=")


def _text(row: AnyRow) -> str:
    return " ".join([*(plain(cell) for cell in row.cells.values()), *map(str, row.facts.values())]).lower()
