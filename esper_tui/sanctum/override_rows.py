"""Overrides as rows of a table: what was asked, when it applies, what became of it, what it did."""

from typing import Any

from esper_tui.karn.record import Round, RunRecord
from esper_tui.leyline.choices import Op
from esper_tui.leyline.config import SCRIPTED
from esper_tui.leyline.interventions import Intervention
from esper_tui.leyline.session import Override
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.lines import decision_text
from esper_tui.sanctum.outbox import Outbox, Sent
from esper_tui.sanctum.outcome import effect_line
from esper_tui.sanctum.widgets.grid import Column, Row

Event = dict[str, Any]
OVERRIDE_COLUMNS = (
    Column("number", "#", 3, ">"),
    Column("env", "env", 3, ">"),
    Column("slot", "slot", 5),
    Column("what", "action", 9, grow=26),
    Column("when", "when", 17, grow=8),
    Column("state", "state", 18, grow=12),
    Column("effect", "+1 +5 ep", 11, drop=1),
    Column("by", "by", 6, grow=14, drop=2),
)
STYLES = {"queued": "human", "applied": "good", "rejected": "bad", "expired": "warn", "held": "human"}
INVERSE: dict[Op, str] = {
    Op.PRUNE: "a pruned seed is gone", Op.FOSSILIZE: "a committed seed stays", Op.WAIT: "that epoch is over",
    Op.GERMINATE: "o can prune the seed once it is old enough", Op.ADVANCE: "a stage is not gone back",
    Op.SET_ALPHA_TARGET: "o can set alpha back",
}  # fmt: skip
"""What can be done instead of taking back what was applied."""
LEARNING = {
    "mask": "Tamiyo does not learn from people's steps: they are left out of the loss, and returns are cut there",
    "taint": "the rest of an episode that a person touched is left out of what Tamiyo learns from",
    "imitate": "Tamiyo also learns to decide as people did",
}


def override_rows(current: Round, outbox: Outbox) -> list[Row]:
    """The newest first; those that the run has not told of yet on top."""
    sent = [_sent_row(one, place) for place, one in enumerate(outbox.waiting)]
    return [
        *reversed(sent),
        *(_row(current, event) for _, event in sorted(current.interventions.items(), reverse=True)),
    ]


def state_of(event: Event) -> str:
    """queued, held while it is in force, or what became of it in the end."""
    in_force = event["intervention"].get("hold", 1) != 1 and event.get("left") != 0
    return "held" if event["fate"] == "applied" and in_force else str(event["fate"])


def _row(current: Round, event: Event) -> Row:
    request, state, epoch = event["intervention"], state_of(event), applied_at(current, event)
    decision = request["decision"]
    told = {"applied": f"APPLIED ep {epoch}", "held": _held_text(event)}.get(
        state, f"{state.upper()} ep {event['epoch']}"
    )
    cells = {
        "number": line(str(request["id"])),
        "env": line(str(request["env"])),
        "slot": line(decision.get("slot", "any")),
        "what": line(decision_text(decision)),
        "when": line((when_text(request), "dim")),
        "state": line((told, STYLES.get(state, "dim")), (f" {event['reason']}" if event.get("reason") else "", "dim")),
        "effect": effect_line(current, request["env"], epoch) if state in ("applied", "held") else (),
        "by": line((request.get("author") or "", "dim")),
    }
    facts = {"number": request["id"], "env": request["env"], "state": state, "what": decision["op"]}
    return Row(request["id"], cells, facts)


def _sent_row(sent: Sent, place: int) -> Row:
    """One that waits for the next boundary to be taken in."""
    command, number = sent.command, "" if sent.number is None else str(sent.number)
    cells = {
        "number": line(number),
        "env": line(str(command.env)),
        "slot": line(command.decision.slot or "any"),
        "what": line(decision_text(command.decision.named())),
        "when": line((_when(command.when, command.at_epoch, command.hold, None), "dim")),
        "state": line(("DRAFT until the boundary", "human")),
        "by": line((command.author, "dim")),
    }
    key = sent.number if sent.number is not None else f"sent-{place}"
    return Row(
        key, cells, {"number": sent.number, "env": command.env, "state": "draft", "what": command.decision.op.name}
    )


def _held_text(event: Event) -> str:
    return f"HELD, {event['left']} left" if event.get("left") is not None else "HELD until undone"


def applied_at(current: Round, event: Event) -> int:
    """The first boundary at which it was in force."""
    number = event["intervention"]["id"]
    return next((d["epoch"] for d in current.decisions if d.get("intervention") == number), int(event["epoch"]))


def when_text(request: Event) -> str:
    return _when(request.get("when", "now"), request.get("at_epoch"), request.get("hold", 1), request.get("expires"))


def _when(when: str, at_epoch: int | None, hold: int, expires: int | None) -> str:
    """``when legal ≤ep 52``, ``at ep 60, hold 5``."""
    parts = [f"at ep {at_epoch}" if at_epoch is not None else "when legal" if when == "when_legal" else "now"]
    if expires is not None:
        parts[0] += f" ≤ep {expires}"
    if hold != 1:
        parts.append(f"hold {hold}" if hold else "hold")
    return ", ".join(parts)


def asked_again(event: Event) -> Override:
    """The command behind a recorded intervention, to be changed; it is guarded anew when it is sent."""
    asked = Intervention.from_named(event["intervention"])
    first = max(int(event["epoch"]), asked.at_epoch or 0)
    waits = max(1, asked.expires - first) if asked.expires is not None else 0
    return Override(asked.env, asked.decision, asked.when, asked.at_epoch, asked.hold, waits, note=asked.note)


def learning_lines(record: RunRecord) -> list[Line]:
    """What overrides do to what Tamiyo learns, and where they are written down."""
    config, current = record.config, record.round
    learns = config.get("run", {}).get("mode") == "learn" and config.get("tamiyo", {}).get("policy") not in SCRIPTED
    learn = config.get("override", {}).get("learn", "mask")
    told = (
        LEARNING.get(learn, learn) if learns else "no policy learns in this run: people's steps are recorded, no more"
    )
    steps = sum(current.assisted.values()) if current else 0
    badge = f"ASSISTED in {steps} steps" if steps else "not assisted: no step was overruled"
    return [line((told, "dim")), line((badge, "human" if steps else "dim"), ("; all of it is in the event log", "dim"))]
