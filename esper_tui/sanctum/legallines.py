"""What may be done in a slot, and why not, as lines."""

import textwrap

from esper_tui.leyline.choices import Op
from esper_tui.leyline.legality import Legality, Reason
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.lines import SHORT_OPS

INDENT = 10
"""Cells before a reason."""


def legal_lines(legal: Legality | None, slot: str, width: int) -> list[Line]:
    """Operation by operation: open, or why not and when it opens, wrapped."""
    if legal is None:
        return [line(("this log does not hold the rules of the run", "dim"))]
    lines = list[Line]()
    for op, table in legal.ops.items():
        reason = table.get(slot)
        sign = ("+", "good") if reason is None else ("x", "warn")
        told = wrapped(_told(legal, op, slot, reason), width - INDENT)
        lines += [line(f"{SHORT_OPS[op.name]:<7}", sign, "  ", told[0] if told else "")]
        lines += [line(" " * INDENT, part) for part in told[1:]]
    return lines


def _told(legal: Legality, op: Op, slot: str, reason: Reason | None) -> str:
    if reason is not None:
        return reason_text(reason, slot)
    return f"{len(legal.open_blueprints(slot))} blueprints fit" if op is Op.GERMINATE else "open"


def reason_text(reason: Reason, slot: str = "") -> str:
    """The sentence of a reason, shortened where the slot is known, and when it opens."""
    text = reason.text.removeprefix(f"{slot} is ") if slot else reason.text
    return text + (f"; opens about ep {reason.opens}" if reason.opens is not None else "")


def wrapped(text: str, width: int, style: str = "dim") -> list[Line]:
    return [line((part, style)) for part in textwrap.wrap(text, max(12, width))]
