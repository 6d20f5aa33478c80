"""Decisions as rows of a table: who, what, what Tamiyo wanted, what came of it."""

from collections.abc import Collection
from typing import Any

from esper_tui.karn.record import Round
from esper_tui.leyline.choices import Head
from esper_tui.sanctum.ink import line
from esper_tui.sanctum.lines import SHORT_OPS, decision_text
from esper_tui.sanctum.mind import mind_of
from esper_tui.sanctum.outcome import SPANS, change_line, gain_change
from esper_tui.sanctum.text import DASH, short
from esper_tui.sanctum.widgets.grid import Column, Row
from esper_tui.sanctum.worth import now_of

COLUMNS = (
    Column("number", "#", 5, ">", drop=3),
    Column("epoch", "ep", 3, ">"),
    Column("env", "env", 3, ">"),
    Column("slot", "slot", 5),
    Column("what", "decision", 14, grow=36),
    Column("by", "by", 6, grow=2),
    Column("own", "tamiyo", 6, drop=2),
    Column("p", "p", 3, ">", drop=5),
    Column("+1", "+1 ep", 5, ">", drop=4),
    Column("+5", "+5 ep", 5, ">", drop=1),
    Column("why", "because", 12, grow=60, drop=6),
)


def decision_columns(current: Round) -> list[Column]:
    """Without what no decision of the round has: a probability, or a person who overruled."""
    people = any(event["by"] == "human" for event in current.decisions)
    learned = any(mind_of(event).heads for event in current.decisions[-1:])
    return [c for c in COLUMNS if (people or c.key != "own") and (learned or c.key != "p")]


class DecisionRows:
    """The rows of a round.  Those whose outcome is known are made once: a long run has thousands."""

    def __init__(self) -> None:
        self.of: Round | None = None
        self.settled: dict[tuple[int, bool], Row] = {}

    def rows(self, current: Round, pinned: Collection[int]) -> list[Row]:
        """The newest first, pinned ones before all others."""
        if self.of is not current:
            self.of = current
            self.settled.clear()
        rows = [self._row(current, event, event["seq"] in pinned) for event in reversed(current.decisions)]
        return [r for r in rows if r.key in pinned] + [r for r in rows if r.key not in pinned] if pinned else rows

    def _row(self, current: Round, event: dict[str, Any], pinned: bool) -> Row:
        key = event["seq"], pinned
        if (row := self.settled.get(key)) is None:
            row = _row(current, event, pinned)
            if now_of(current) >= event["epoch"] + SPANS[-1]:
                self.settled[key] = row
        return row


def _row(current: Round, event: dict[str, Any], pinned: bool) -> Row:
    decision, human = event["decision"], event["by"] == "human"
    by = f"#{event['intervention']}" if event.get("intervention") is not None else str(event["by"])
    own = (event.get("intended") or {}).get("op")
    probability = mind_of(event).probability(Head.OP, decision["op"])
    changes = {span: gain_change(current, event["env"], event["epoch"], span) for span in SPANS}
    refused = f"  refused: {event['refused']}" if event.get("refused") else ""
    because = reason_of(event)
    cells = {
        "number": line((f"{'=' if pinned else ''}{event['seq']}", "dim")),
        "epoch": line(str(event["epoch"])),
        "env": line(str(event["env"])),
        "slot": line(decision.get("slot", "")),
        "what": line((decision_text(decision), "human" if human else ""), (refused, "bad")),
        "by": line((by, "human" if human else "dim")),
        "own": line((SHORT_OPS.get(own or "", DASH if human else ""), "" if event.get("agreed") is False else "dim")),
        "p": line((short(probability), "dim")),
        "why": line((because, "dim")),
        **{f"+{span}": change_line(change) for span, change in changes.items()},
    }
    facts = {
        "number": event["seq"], "epoch": event["epoch"], "env": event["env"], "slot": decision.get("slot", ""),
        "what": decision["op"], "op": decision["op"], "by": "human" if human else event["by"], "p": probability,
        "own": own or "", "why": because,
    }  # fmt: skip
    moved = {f"+{span}": change.value if change is not None else None for span, change in changes.items()}
    return Row(event["seq"], cells, facts | moved)


def reason_of(event: dict[str, Any]) -> str:
    """The last rule that fired; empty for a learned policy."""
    fired = [str(row.get("rule", "")) for row in mind_of(event).rules if row.get("fired")]
    return fired[-1] if fired else ""
