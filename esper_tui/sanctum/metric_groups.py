"""Metrics in groups, as far as they exist: what a learning policy tells about itself after every update.  Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from esper_tui.leyline.metrics import METRICS, MetricSpec
from esper_tui.sanctum.glyphs import Glyphs
from esper_tui.sanctum.ink import Line, fitted, line
from esper_tui.sanctum.text import figure, fit, number
from esper_tui.sanctum.widgets.spark import sparkline

Row = dict[str, Any]

GROUPS: dict[str, tuple[str, ...]] = {
    "optimisation": ("ppo/policy", "ppo/kl", "ppo/clip", "ppo/ratio", "ppo/entropy", "ppo/imitation", "ppo/lr",
                     "ppo/passes", "ppo/epsilon"),
    "value": ("ppo/value", "ppo/explained", "value/", "return/"),
    "gradient and advantage": ("ppo/grad", "ppo/advantage", "ppo/skipped", "advantage/"),
    "action space": ("entropy/", "live/", "head/", "mask/"),
    "infrastructure": ("time/", "steps/", "episodes/", "ppo/seconds"),
    "other": ("",),
}  # fmt: skip
"""Group → beginnings of the keys that stand in it; the first that fits counts."""
NAME, SPARK, COLUMN = 22, 12, 40
"""Cells of a name, of a sparkline, of a column without one."""


def grouped(keys: Sequence[str]) -> dict[str, list[str]]:
    """The keys by group, groups in order; those without a key are left out."""
    found: dict[str, list[str]] = {name: [] for name in GROUPS}
    for key in keys:
        group = next(name for name, beginnings in GROUPS.items() if key.startswith(beginnings))
        found[group].append(key)
    return {name: members for name, members in found.items() if members}


def verdict(key: str, value: Any) -> str:
    """ok, warn or critical by the levels of the metrics table; empty where nothing is alarming or measured."""
    spec, known = METRICS.get(key), number(value)
    if spec is None or known is None or (spec.warn is None and spec.critical is None):
        return ""
    if known != known or _beyond(known, spec.critical, spec):
        return "critical"
    return "warn" if _beyond(known, spec.warn, spec) else "ok"


def _beyond(value: float, level: float | None, spec: MetricSpec) -> bool:
    if level is None:
        return False
    return value < level if spec.good == "up" else value > level


VERDICT_STYLES = {"ok": "good", "warn": "warn", "critical": "bad", "": ""}


def levels_text(spec: MetricSpec) -> str:
    """When to worry: ``warn > 0.02, critical > 0.1``; empty where nothing is alarming."""
    sign = "<" if spec.good == "up" else ">"
    levels = (("warn", spec.warn), ("critical", spec.critical))
    return ", ".join(f"{name} {sign} {level:g}" for name, level in levels if level is not None)


def learning_lines(updates: Sequence[Mapping[str, Any]], width: int, glyphs: Glyphs) -> list[Line]:
    """All groups, each under its heading, in as many columns as there is room for."""
    count = max(1, width // COLUMN)
    each = width // count
    lines: list[Line] = []
    for name, keys in grouped(list(updates[-1])).items():
        lines += [line((name, "head")), *(metric_line(updates, key, each, glyphs) for key in keys)]
    height = -(-len(lines) // count)
    rows = [lines[y::height] for y in range(height)]
    return [line(*(fitted(cell, each) for cell in row)) for row in rows]


def metric_line(updates: Sequence[Mapping[str, Any]], key: str, width: int, glyphs: Glyphs) -> Line:
    """Name, newest value, verdict, and how it went where there is room."""
    value = updates[-1].get(key)
    word, room = verdict(key, value), min(SPARK, width - COLUMN - 2)
    past = sparkline([update.get(key) for update in updates[-2 * SPARK :]], room, glyphs) if room >= 4 else ""
    named = line(f"{fit(key, NAME)} ", (f"{figure(value):>8} ", "bold"))
    return line(named, (f"{word:<8}", VERDICT_STYLES[word]), (past, "series-0"))
