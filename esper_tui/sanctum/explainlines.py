"""Why something was decided, as lines: what was seen, what was chosen, what was closed, what came of it."""

from collections.abc import Sequence
from typing import Any

from esper_tui.karn.record import Epoch, Round
from esper_tui.leyline.choices import ALPHA_SPEEDS, ALPHA_TARGETS, LIVE_HEADS, STYLES, TEMPOS, Head, Op
from esper_tui.sanctum.envlines import reward_lines
from esper_tui.sanctum.ink import Line, fitted, line, width_of
from esper_tui.sanctum.legallines import wrapped
from esper_tui.sanctum.lines import SHORT_OPS, decision_text
from esper_tui.sanctum.mind import Mind, entropy_share, mind_of
from esper_tui.sanctum.outcome import SPANS, change_line, gain_change
from esper_tui.sanctum.text import DASH, number, short, stale
from esper_tui.sanctum.worth import Measure, interval, now_of

Row = dict[str, Any]
MEANING: dict[Op, str] = {
    Op.WAIT: "change nothing", Op.GERMINATE: "plant a seed", Op.SET_ALPHA_TARGET: "blend a seed in more, or less",
    Op.PRUNE: "take a seed away", Op.FOSSILIZE: "commit a seed for good", Op.ADVANCE: "let a seed through its gate",
}  # fmt: skip
FEATURES = 12
"""Features that are listed; the most unusual first."""


def heading(event: Row) -> str:
    """The decision in one line: ep 16 env 5 #82  FOSSILIZE r0c1  by tamiyo."""
    decision = event["decision"]
    slot = f" {decision['slot']}" if "slot" in decision else ""
    number_ = f"by a person #{event['intervention']}" if event.get("intervention") is not None else f"by {event['by']}"
    return f"ep {event['epoch']} env {event['env']} #{event['seq']}  {decision['op']}{slot}  {number_}"


def explain_lines(current: Round, event: Row, head: Head, width: int) -> list[Line]:
    """What she saw and chose; ``head`` is the one that is told in full."""
    mind = mind_of(event)
    lines = [*person_lines(current, event, width), *seen_lines(mind, event, width), ()]
    lines += head_lines(mind, event["decision"], head, width)
    lines += feature_lines(mind)
    return [fitted(content, width) if width_of(content) > width else content for content in lines]


def outcome_lines(current: Round, event: Row, what_if: bool, width: int) -> list[Line]:
    """What came of it, what it earned, and what was not legal; or what the seeds were worth, measured."""
    if what_if:
        lines = counterfactual_lines(current, event, width)
    else:
        lines = _came_of_it(current, event)
        lines += [*reward, ()] if (reward := reward_lines(current, event["env"], event["epoch"])) else []
        lines += closed_lines(event, width)
    return [fitted(content, width) if width_of(content) > width else content for content in lines]


# --- who and why ---------------------------------------------------------------------------------------------------


def person_lines(current: Round, event: Row, width: int) -> list[Line]:
    """Tamiyo's own choice beside a person's; nothing where she decided herself."""
    if event["by"] != "human":
        return []
    own = decision_text(event["intended"]) if event.get("intended") else DASH
    slot = (event.get("intended") or {}).get("slot", "")
    request = current.interventions.get(event.get("intervention") or 0, {}).get("intervention", {})
    who = request.get("author") or "a person"
    verdict = "the same: nothing was overruled" if event.get("agreed") else "overruled: this step counts as assisted"
    lines = [
        line(("person  ", "head"), (decision_text(event["decision"]), "human"), (f"  {who}", "dim")),
        line(("tamiyo  ", "head"), f"{own} {slot}"),
        line("        ", (verdict, "dim")),
    ]
    lines += [line("        ", part) for part in wrapped(request.get("note") or "", width - 8)]
    return [*lines, ()]


def seen_lines(mind: Mind, event: Row, width: int) -> list[Line]:
    """The rules in the order they were asked: + fired, · not; with value and threshold."""
    if event.get("refused"):
        refused = [line(("refused ", "head"), part) for part in wrapped(str(event["refused"]), width - 8, "bad")]
    else:
        refused = []
    if not mind.rules:
        return refused
    whose = "what Tamiyo would have gone by" if event["by"] == "human" else "what was asked, in order"
    return [*refused, line((whose, "head")), *(rule for row in mind.rules for rule in _rule_lines(row, width))]


def _rule_lines(row: Row, width: int) -> list[Line]:
    fired = bool(row.get("fired"))
    sign, style = ("+", "good") if fired else ("·", "dim")
    held, slot = _held(row), f"{row['slot']} " if row.get("slot") else ""
    text = f"{row.get('rule', '')}  {slot}{held}"
    parts = wrapped(text, width - 3, "bold" if fired else "")
    return [line((f" {sign} ", style), parts[0] if parts else ""), *(line("   ", part) for part in parts[1:])]


def _held(row: Row) -> str:
    """The measured value against its threshold."""
    value, threshold = row.get("value"), number(row.get("threshold"))
    if isinstance(value, str) and number(value) is None:
        return value
    known = number(value)
    if known is None and threshold is None:
        return ""
    if threshold is None:
        return short(known, 3)
    sign = "against" if known is None else "≥" if known >= threshold else "<"
    return f"{_figure(known)} {sign} {_figure(threshold)}"


def _figure(value: float | None) -> str:
    return DASH if value is None else f"{value:.0f}" if value == int(value) else short(value, 3)


# --- what was chosen -----------------------------------------------------------------------------------------------


def head_lines(mind: Mind, decision: dict[str, str], chosen: Head, width: int) -> list[Line]:
    """The heads that count: choice, probability, how open it was; then those that do not."""
    op = Op[decision["op"]]
    value = f"   V(s) {short(mind.value, 2, sign=True)}" if mind.value is not None else ""
    lines = [line(("what was chosen", "head"), (value, "bold"))]
    for head in LIVE_HEADS[op]:
        under = (">", "mark") if head is chosen else (" ", "")
        lines.append(line(under, *_head_line(mind, head, decision, op)))
        if head is chosen:
            lines += _distribution(mind, head, decision[head.value])
    unused = ", ".join(head.value for head in Head if head not in LIVE_HEADS[op])
    return [*lines, *(line(" ", part) for part in wrapped(f"not used by {op.name}: {unused}", width - 2)), ()]


def _head_line(mind: Mind, head: Head, decision: dict[str, str], op: Op) -> Line:
    choice = decision[head.value]
    table = mind.heads.get(head, {})
    probability = mind.probability(head, choice)
    figures = f"  p {short(probability)}" if probability is not None else ""
    share = entropy_share(table)
    openness = "  [forced]" if table and share is None else f"  H {short(share)}" if share is not None else ""
    meaning = choice_meaning(head, choice, op)
    told = line(f"{head.value:<13}", (choice, "bold"), figures, (openness, "dim"))
    return line(told, (f"  {meaning}", "dim")) if meaning else told


def _distribution(mind: Mind, head: Head, choice: str) -> list[Line]:
    """All choices that were open, the likeliest first."""
    table = sorted(mind.heads.get(head, {}).items(), key=lambda pair: -pair[1])
    return [
        line(f"    {name:<16}", f"{short(p)} ", ("█" * round(12 * p), "human" if name == choice else "series-0"))
        for name, p in table
    ]


def choice_meaning(head: Head, choice: str, op: Op) -> str:
    """A choice in a few words; empty where its name says it."""
    if head is Head.OP:
        return MEANING[op]
    if head is Head.STYLE and choice in STYLES:
        return f"{STYLES[choice].form.value.lower()}, {STYLES[choice].curve.kind}"
    if head is Head.ALPHA_TARGET:
        return f"alpha {short(ALPHA_TARGETS.get(choice), 1)}"
    epochs = (
        TEMPOS.get(choice) if head is Head.TEMPO else ALPHA_SPEEDS.get(choice) if head is Head.ALPHA_SPEED else None
    )
    return "" if epochs is None else f"{epochs} epochs" if epochs else "at once"


def feature_lines(mind: Mind) -> list[Line]:
    """What a learned policy saw, the most unusual first."""
    if not mind.features:
        return []
    lines = [line(("what she saw", "head"))]
    for seen in mind.features[:FEATURES]:
        z = f"  z {short(seen.z, 1, sign=True)}" if seen.z is not None else ""
        lines.append(
            line(f" {seen.group:<5}" if seen.group else " ", f"{seen.name:<20}", f"{short(seen.value, 3)}", (z, "dim"))
        )
    more = len(mind.features) - FEATURES
    return [*lines, line((f" and {more} more; y copies all", "dim"))] if more > 0 else lines


# --- what came of it -----------------------------------------------------------------------------------------------


def _came_of_it(current: Round, event: Row) -> list[Line]:
    lines = [line(("what came of it", "head"), ("  gain moved, nat", "dim"))]
    for span in SPANS:
        change = gain_change(current, event["env"], event["epoch"], span)
        waits = f"  known at ep {event['epoch'] + span}" if now_of(current) < event["epoch"] + span else ""
        lines.append(line(f" after {span} ep  ", *change_line(change), (waits, "dim")))
    if stages := _stages_since(current, event):
        lines.append(line(" stages      ", stages))
    return [*lines, ()]


def _stages_since(current: Round, event: Row) -> str:
    """What became of the seed afterwards: → FOSSILIZED ep 16."""
    slot = event["decision"].get("slot")
    changes = [
        c for c in current.changes if c["env"] == event["env"] and c["slot"] == slot and c["seq"] > event["seq"]
    ][:4]
    return "  ".join(f"→ {c['target']} ep {c['epoch']}" for c in changes)


def closed_lines(event: Row, width: int) -> list[Line]:
    """What was not legal, slots with the same reason together."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for op, slot, _code, text, opens in event.get("closed", []):
        when = f"; opens about ep {opens}" if opens is not None else ""
        grouped.setdefault((op, f"{text.removeprefix(f'{slot} is ')}{when}"), []).append(slot)
    if not grouped:
        return [line(("everything was legal", "head"))]
    lines = [line(("what was closed", "head"))]
    for (op, text), slots in grouped.items():
        parts = wrapped(f"{_listed(slots)}: {text}", width - 9)
        lines += [line(f" {SHORT_OPS[op]:<6}", ("x ", "warn"), parts[0]), *(line(" " * 9, part) for part in parts[1:])]
    return lines


def _listed(slots: Sequence[str]) -> str:
    return " ".join(slots) if len(slots) <= 3 else f"{len(slots)} slots"


# --- what the seeds are worth --------------------------------------------------------------------------------------


def counterfactual_lines(current: Round, event: Row, width: int) -> list[Line]:
    """The measured ablation after the decision: what the loss is with seeds off.  Dependence, not benefit."""
    found = _coalitions_after(current, event["env"], event["epoch"])
    lines = [line(("seeds switched off", "head"))]
    lines += wrapped("measured: how much the network leans on them, not what would have happened otherwise", width)
    if found is None:
        return [*lines, (), line(f"{DASH} not measured after ep {event['epoch']}; L measures it while the run rests")]
    epoch, row = found
    old = stale(epoch, now_of(current))
    lines += [(), line((f"at ep {epoch} ", "bold"), (old, "dim"))]
    for on, loss in sorted(row.get("subsets", []), key=lambda pair: -len(pair[0])):
        lines.append(line(f" on: {' '.join(on) or 'none':<18}", f"loss {short(loss, 3)}"))
    lines.append(line(("Shapley", "head")))
    for slot, (value, se) in row.get("values", {}).items():
        measure = Measure(number(value) or 0.0, number(se) or 0.0, epoch)
        lines.append(line(f" {slot:<6}", interval(measure, epoch)))
    return lines


def _coalitions_after(current: Round, env: int, boundary: int) -> tuple[int, Row] | None:
    """The first measurement at least five epochs later, else the newest one after the boundary."""
    rows = [(e.number, row) for e in current.epochs if e.number > boundary if (row := _row_of(e, env)) is not None]
    newest = current.shapley.get(env)
    if newest is not None and newest[0] > boundary:
        rows.append(newest)
    late = [found for found in rows if found[0] >= boundary + SPANS[-1]]
    return late[0] if late else rows[-1] if rows else None


def _row_of(epoch: Epoch, env: int) -> Row | None:
    return next((row for row in epoch.shapley if row["env"] == env), None)
