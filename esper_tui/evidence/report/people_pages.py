"""What people did to the run, and what went wrong in it."""

from typing import Any

from esper_tui.evidence.report.blocks import Block, Cell, Paragraph, Section, Table, plain_row
from esper_tui.evidence.report.facts import RunFacts
from esper_tui.evidence.report.numbers import DASH, moment

Row = dict[str, Any]


def people_section(facts: RunFacts) -> Section:
    """Overrides with what became of them, and notes."""
    asked = [(round_.number, e) for round_ in facts.record.rounds for e in round_.interventions.values()]
    blocks: list[Block] = []
    if asked:
        head = (">epoch", ">env", "asked for", "fate", "who", "note", "reason")
        blocks.append(Table(head, tuple(_asked(e) for _, e in asked), "The last step in the life of every request."))
    else:
        blocks.append(Paragraph("Nobody decided in Tamiyo's place."))
    if notes := facts.record.notes:
        rows = tuple(plain_row(str(n.get("epoch")), moment(n.get("t")), str(n.get("text"))) for n in notes)
        blocks.append(Table((">epoch", "when", "note"), rows, "Notes."))
    return Section("Human interventions", tuple(blocks))


def _asked(event: Row) -> tuple[Cell, ...]:
    request = event["intervention"]
    decision = request["decision"]
    what = " ".join(str(decision[key]) for key in ("op", "slot", "blueprint", "style") if decision.get(key))
    held = request.get("hold", 1)
    hold = "" if held == 1 else " until cancelled" if held == 0 else f" for {held} epochs"
    tone = {"applied": "good", "rejected": "bad", "expired": "bad"}.get(str(event["fate"]), "")
    return (
        Cell(str(event["epoch"])), Cell(str(request["env"])), Cell(what + hold), Cell(str(event["fate"]), tone),
        Cell(str(request.get("author") or DASH)), Cell(str(request.get("note") or DASH)),
        Cell(str(event.get("reason") or DASH), "dim"),
    )  # fmt: skip


def alerts_section(facts: RunFacts) -> Section:
    if not facts.alarms and not facts.panics:
        return Section("Alerts", (Paragraph("None was raised."),))
    blocks: list[Block] = []
    if facts.alarms:
        head = (">epoch", ">until", "rule", "where", "what was seen")
        rows = tuple(_alarm(alarm.raised, alarm.cleared) for alarm in facts.alarms)
        blocks.append(Table(head, rows, "Alerts as they were raised and cleared.", many=20))
    if facts.panics:
        rows = tuple(
            plain_row(str(p["epoch"]), str(p.get("env", DASH)), str(p["seen"]), str(p["done"])) for p in facts.panics
        )
        blocks.append(Table((">epoch", ">env", "the governor saw", "and did"), rows))
    return Section("Alerts", tuple(blocks))


def _alarm(raised: Row, cleared: Any) -> tuple[Cell, ...]:
    env, slot = raised.get("env"), raised.get("slot")
    where = " ".join(filter(None, (f"env {env}" if env is not None else "Tamiyo", str(slot or ""))))
    tone = "bad" if raised.get("severity") == "error" else ""
    return (
        Cell(str(raised.get("epoch"))), Cell(DASH if cleared is None else str(cleared)),
        Cell(str(raised.get("rule")), tone), Cell(where), Cell(str(raised.get("text"))),
    )  # fmt: skip
