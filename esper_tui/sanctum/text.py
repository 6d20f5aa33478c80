"""Numbers and states as text.  Accuracies are fractions inside and percentages only here; unmeasured is ``–``."""

import math
import time
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

DASH = "–"


def number(value: Any) -> float | None:
    """A recorded value as a number; None where it was not measured.  NaN and the infinities come as strings."""
    if isinstance(value, str):
        return float(value) if value in ("NaN", "Infinity", "-Infinity") else None
    return float(value) if isinstance(value, int | float) else None


def fixed(value: Any, digits: int = 2, sign: bool = False) -> str:
    """With so many decimals, for example 0.42 or +0.42."""
    known = number(value)
    if known is None:
        return DASH
    if not math.isfinite(known):
        return "NaN" if math.isnan(known) else "+inf" if known > 0 else "-inf"
    return f"{known:{'+' if sign else ''}.{digits}f}"


def short(value: Any, digits: int = 2, sign: bool = False) -> str:
    """Like ``fixed`` without the zero before the point: +.42."""
    text = fixed(value, digits, sign)
    return text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text


def figure(value: Any, digits: int = 3) -> str:
    """With so many significant digits, for numbers of any size: 0.0123, 1.8e-07."""
    known = number(value)
    if known is None or not math.isfinite(known):
        return fixed(value)
    return f"{known:.{digits}g}"


def percent(value: Any, digits: int = 1, sign: bool = False) -> str:
    """A fraction as a percentage without its sign, for example 61.2."""
    known = number(value)
    return fixed(None if known is None else 100 * known, digits, sign)


def plus_minus(value: Any, se: Any, digits: int = 3) -> str:
    """A value with its standard error, for example +.123±.004."""
    if number(value) is None:
        return DASH
    error = f"±{short(se, digits)}" if number(se) is not None else ""
    return short(value, digits, sign=True) + error


def si(value: Any) -> str:
    """A count with a letter: 950, 18.4k, 2.5M."""
    known = number(value)
    if known is None or not math.isfinite(known):
        return DASH
    for unit in ("", "k", "M", "G"):
        if abs(known) < 999.5:
            return f"{known:.0f}{unit}" if not unit or abs(known) >= 99.95 else f"{known:.1f}{unit}"
        known /= 1000
    return f"{known:.1f}T"


def size(count: Any) -> str:
    """Bytes with a binary unit: 512B, 9.2G."""
    known = number(count)
    if known is None:
        return DASH
    for unit in ("B", "K", "M", "G"):
        if known < 1023.5:
            return f"{known:.0f}{unit}" if unit == "B" or known >= 99.5 else f"{known:.1f}{unit}"
        known /= 1024
    return f"{known:.1f}T"


def duration(seconds: Any) -> str:
    """A time span: 4.2s, 58s, 3:07, 1:12:40."""
    known = number(seconds)
    if known is None or not math.isfinite(known):
        return DASH
    if known < 9.95:
        return f"{known:.1f}s"
    whole = round(known)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def clock_time(t: Any) -> str:
    """Seconds since the epoch as the local time of day."""
    known = number(t)
    return DASH if known is None else time.strftime("%H:%M:%S", time.localtime(known))


def fit(text: str, width: int, align: str = "<") -> str:
    """Exactly so many cells: padded, or cut with an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(0, width - 1)) + "…" if width > 0 else ""
    pad = width - length
    if align == ">":
        return " " * pad + text
    return " " * (pad // 2) + text + " " * (pad - pad // 2) if align == "^" else text + " " * pad


def stale(epoch: int | None, now: int) -> str:
    """How old a measurement is, if it is not of now: (12 ep old)."""
    return "" if epoch is None or epoch >= now else f"({now - epoch} ep old)"


def column(columns: dict[str, list[Any]], key: str, *path: int) -> Any:
    """A recorded cell by metric key, environment and slot; None where it was not measured."""
    value: Any = columns.get(key)
    for index in path:
        if not isinstance(value, Sequence) or isinstance(value, str) or index >= len(value):
            return None
        value = value[index]
    return value
