"""What a decision event says of how it was made: rules that were asked, or distributions, value and features.  Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from esper_tui.leyline.choices import Head
from esper_tui.sanctum.text import number

Row = dict[str, Any]
HEAD_RULE = "head "
"""Trace rows of a learned policy: ``head op`` and so on, ``value``, ``saw``."""


@dataclass(frozen=True)
class Feature:
    """Something that was seen; ``z`` is how many deviations from its mean, if that is known."""

    group: str
    name: str
    value: float | None
    z: float | None = None


@dataclass(frozen=True)
class Mind:
    """Whatever of it was recorded; a heuristic has rules, a learned policy the rest.

    Attributes:
        heads: head → choice → probability after the mask, for the heads that counted.
        value: the critic's V(s).
    """

    rules: tuple[Row, ...] = ()
    heads: Mapping[Head, Mapping[str, float]] = field(default_factory=dict)
    value: float | None = None
    features: tuple[Feature, ...] = ()

    def probability(self, head: Head, choice: str | None) -> float | None:
        return self.heads.get(head, {}).get(choice or "")


def mind_of(event: Row) -> Mind:
    """Reads the event's own keys ``probabilities``, ``value`` and ``features``, else the rows of its trace."""
    trace = [row for row in event.get("trace", []) if isinstance(row, dict)]
    rules = tuple(row for row in trace if not _is_learned(row))
    heads = event.get("probabilities") or {
        str(row["rule"]).removeprefix(HEAD_RULE): row["probabilities"] for row in trace if "probabilities" in row
    }
    value = number(event.get("value"))
    if value is None:
        value = next((number(row.get("value")) for row in trace if row.get("rule") == "value"), None)
    features = event.get("features") or next((row for row in trace if row.get("rule") == "saw"), {})
    return Mind(rules, _heads(heads), value, tuple(_features(features)))


def _is_learned(row: Row) -> bool:
    return row.get("rule") in ("value", "saw") or str(row.get("rule", "")).startswith(HEAD_RULE)


def _heads(document: Any) -> dict[Head, dict[str, float]]:
    known = {head.value for head in Head}
    if not isinstance(document, dict):
        return {}
    return {
        Head(name): {choice: p for choice, share in table.items() if (p := number(share)) is not None}
        for name, table in document.items()
        if name in known and isinstance(table, dict)
    }


def _features(document: Any) -> list[Feature]:
    """Flat or in groups; a value alone, or with its z-score.  The most unusual first."""
    found: list[Feature] = []
    for name, content in document.items() if isinstance(document, dict) else ():
        if isinstance(content, dict):
            found += [_feature(str(name), str(part), value) for part, value in content.items()]
        elif name not in ("rule", "fired"):
            found.append(_feature("", str(name), content))
    return sorted(found, key=lambda f: -abs(f.z or 0.0))


def _feature(group: str, name: str, content: Any) -> Feature:
    pair = content if isinstance(content, list) else [content]
    return Feature(group, name, number(pair[0]) if pair else None, number(pair[1]) if len(pair) > 1 else None)


def entropy_share(table: Mapping[str, float]) -> float | None:
    """Entropy over its maximum for the choices that were open; None where there was no choice."""
    shares = [p for p in table.values() if p > 0.0]
    if len(shares) < 2:
        return None
    return -sum(p * math.log(p) for p in shares) / math.log(len(shares))
