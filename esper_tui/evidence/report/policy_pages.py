"""Who decided what, and how a policy that learns did."""

from collections import Counter
from typing import Any

from esper_tui.evidence.report.blocks import Block, Cell, Figure, Panel, Paragraph, Section, Table
from esper_tui.evidence.report.facts import RunFacts
from esper_tui.evidence.report.numbers import DASH, count, finite, fixed, interval_of, mean, number
from esper_tui.evidence.report.plots import Curves, Line
from esper_tui.karn.record import Round

Row = dict[str, Any]
CHARTS = (
    ("return per episode", (("return/mean", "mean", "own"), ("return/best", "best", "control"))),
    ("explained variance", (("ppo/explained_variance", "explained variance", "own"),)),
    ("entropy, share of the maximum", (("ppo/entropy", "entropy", "own"),)),
    ("KL of an update, nat", (("ppo/kl", "KL", "own"),)),
)
"""Title and, for each line, its metric, name and role."""
FIRST = ("return/", "ppo/", "potential/")
"""Beginnings of the metrics that stand first in the table."""


def policy_section(facts: RunFacts) -> Section:
    """Diagnostics of the learner where there is one, then what was decided in the last round."""
    blocks: list[Block] = []
    if facts.record.updates:
        blocks += _learning(facts)
    current = facts.round
    if current is not None:
        blocks += _decisions(current)
    return Section("Policy and decisions", tuple(blocks))


def _decisions(current: Round) -> list[Block]:
    if not current.decisions:
        return [Paragraph("Nothing but WAIT was decided.")]
    counted = Counter((d["decision"]["op"], d["by"]) for d in current.decisions)
    refused = Counter((d["decision"]["op"], d["by"]) for d in current.decisions if d.get("refused"))
    rows = [
        (Cell(op), Cell("a person" if by == "human" else by, "person" if by == "human" else ""), Cell(f"{n}"),
         Cell(f"{refused[op, by]}" if refused[op, by] else DASH))
        for (op, by), n in sorted(counted.items())
    ]  # fmt: skip
    blocks: list[Block] = [Table(("decision", "by", ">times", ">refused"), tuple(rows), "Decisions other than WAIT.")]
    fired = [str(t["rule"]) for d in current.decisions for t in d.get("trace") or [] if t.get("fired")]
    rules = Counter(rule for rule in fired if not rule.startswith("head "))  # a learned policy has heads, not rules
    if rules:
        counts = tuple((Cell(rule), Cell(f"{n}")) for rule, n in rules.most_common(12))
        blocks.append(Table(("rule that fired", ">times"), counts, "Why: the rules behind them."))
    return blocks


def _learning(facts: RunFacts) -> list[Block]:
    updates = facts.record.updates
    panels = [Panel(title, _chart(updates, lines)) for title, lines in CHARTS]
    panels = [panel for panel in panels if isinstance(panel.plot, Curves) and panel.plot.lines]
    blocks: list[Block] = [_learnt(updates)]
    if gains := _round_gains(facts):
        panels.insert(0, Panel("gain per round, nat", gains))
    if panels:
        blocks.append(
            Figure(
                tuple(panels),
                note="Gain: mean over the environments of a round. Return: mean and, in grey, the best of an update.",
            )
        )
    keys = [key for key in updates[-1]["metrics"] if number(updates[-1]["metrics"][key]) is not None]
    rows = [
        (Cell(key), *(Cell(fixed(u["metrics"].get(key), 4)) for u in (updates[0], updates[-1])))
        for key in sorted(keys, key=lambda key: (not key.startswith(FIRST), key))
    ]
    blocks.append(Table(("metric", ">first update", ">last update"), tuple(rows), "Diagnostics of the learner.", 12))
    return blocks


def _learnt(updates: list[Row]) -> Paragraph:
    first, last = (fixed(u["metrics"].get("return/mean"), 2, sign=True) for u in (updates[0], updates[-1]))
    return Paragraph(
        f"Tamiyo learnt from {count(updates[-1].get('episodes'))} episodes in {len(updates)} updates; the mean return "
        f"went from {first} to {last}."
    )


def _chart(updates: list[Row], lines: tuple[tuple[str, str, str], ...]) -> Curves:
    found = []
    for key, name, role in lines:
        points = [(float(u["update"]), v) for u in updates for v in finite([u["metrics"].get(key)])]
        found.append(Line(name, name[0], tuple(points), role))
    return Curves(tuple(line for line in found if line.points), x_name="update")


def _round_gains(facts: RunFacts) -> Curves | None:
    known = [(r.number + 1, [row.get("gain") for row in r.rows]) for r in facts.record.rounds if r.rows]
    points = [(float(n), m) for n, gains in known if (m := mean(gains)) is not None]
    band = [(float(n), i.low, i.high) for n, gains in known if (i := interval_of(gains)) is not None]
    return (
        Curves((Line("gain", "g", tuple(points), "own", tuple(band)),), x_name="round", zero=True) if points else None
    )
