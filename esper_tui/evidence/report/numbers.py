"""Recorded values as numbers, and numbers as text."""

import json
import math
import time
from collections.abc import Sequence
from typing import Any

from esper_tui.evidence.stats import Interval, mean_interval
from esper_tui.sanctum.text import DASH, column, duration, fixed, number, si

__all__ = ["DASH", "column", "duration", "fixed", "number", "si"]


def finite(values: Sequence[Any]) -> list[float]:
    """Those that were measured and are finite."""
    return [v for raw in values if (v := number(raw)) is not None and math.isfinite(v)]


def mean(values: Sequence[Any]) -> float | None:
    known = finite(values)
    return sum(known) / len(known) if known else None


def interval_of(values: Sequence[Any]) -> Interval | None:
    """Mean with Student's t interval of what was measured; None below two values."""
    return mean_interval(finite(values))


def percent(value: Any, digits: int = 1, sign: bool = False) -> str:
    """A fraction in percent, without the sign of it."""
    known = number(value)
    return fixed(None if known is None else 100 * known, digits, sign)


def spread(value: Any, se: Any, digits: int = 3) -> str:
    """Value and two standard errors to both sides: +0.221 [+0.173, +0.268]."""
    middle, error = number(value), number(se)
    if middle is None:
        return DASH
    if error is None:
        return fixed(middle, digits, sign=True)
    low, high = (fixed(middle + side * 2 * error, digits, sign=True) for side in (-1, 1))
    return f"{fixed(middle, digits, sign=True)} [{low}, {high}]"


def tone_of(value: Any, se: Any) -> str:
    """Whether two standard errors leave zero out."""
    middle, error = number(value), number(se)
    if middle is None or error is None:
        return ""
    return "good" if middle - 2 * error > 0 else "bad" if middle + 2 * error < 0 else ""


def count(value: Any) -> str:
    known = number(value)
    return DASH if known is None or not math.isfinite(known) else f"{known:,.0f}"


def told(value: Any) -> str:
    """A setting as a preset writes it; texts without quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def moment(t: Any) -> str:
    """Seconds since the epoch in UTC, to the minute."""
    known = number(t)
    try:
        return DASH if known is None else time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(known))
    except (OverflowError, ValueError, OSError):
        return DASH


def pair(value: Any) -> tuple[float | None, float | None]:
    """(value, standard error) as ``EpochMeasured`` holds them."""
    if isinstance(value, list) and len(value) == 2:
        return number(value[0]), number(value[1])
    return None, None
