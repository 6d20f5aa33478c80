"""The rows of the environment view: its slots, and the history of one of them."""

from typing import Any

from esper_tui.karn.record import Round, RunRecord
from esper_tui.leyline.stages import LETTERS
from esper_tui.sanctum.chips import FLAGS
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.lines import decision_text, event_line
from esper_tui.sanctum.outcome import SPANS, change_line, gain_change
from esper_tui.sanctum.slotfacts import AlphaRamp, alpha_of, seed_of, slot_decisions, slot_interventions, stage_now
from esper_tui.sanctum.text import DASH, short, si
from esper_tui.sanctum.widgets.grid import Column, Row
from esper_tui.sanctum.worth import Measure, flags_of, gradient_ratio, now_of, ratio_text, seed_measure, tone

SLOT_COLUMNS = (
    Column("slot", "slot", 5),
    Column("stage", "stage", 12),
    Column("blueprint", "blueprint", 10, grow=2),
    Column("alpha", "alpha", 8, grow=6),
    Column("age", "age", 3, ">"),
    Column("in", "in", 3, ">"),
    Column("gain", "gain", 12, grow=6, drop=1),
    Column("depend", "depend.", 7, ">", drop=2, grow=5),
    Column("grad", "grad", 6, ">", drop=3),
    Column("params", "params", 6, ">", drop=4),
    Column("people", "people", 6, ">", drop=5),
)
HISTORY_COLUMNS = (
    Column("epoch", "ep", 3, ">"),
    Column("what", "what", 16, grow=60),
    Column("by", "by", 6, grow=2, drop=2),
    Column("+1", "+1 ep", 5, ">", drop=3),
    Column("+5", "+5 ep", 5, ">", drop=1),
)


def slot_rows(record: RunRecord, current: Round, env: int) -> list[Row]:
    return [_slot_row(record, current, env, slot) for slot in current.slots]


def _slot_row(record: RunRecord, current: Round, env: int, slot: str) -> Row:
    seed, stage, index = seed_of(current, env, slot), stage_now(current, env, slot), current.slots.index(slot)
    letter = LETTERS[stage]
    cells = {"slot": line((slot, "bold")), "stage": line((f"{letter} {stage.name}", f"stage-{letter}"))}
    facts: dict[str, Any] = {"slot": slot, "stage": stage.name}
    if seed is None or seed.gone or not current.epochs:
        return Row(slot, cells, facts)
    last, flags = current.epochs[-1], flags_of(record, env, slot)
    gain, depend = (seed_measure(current, key, env, slot) for key in ("seed/gain", "seed/dependence"))
    flag = "".join(FLAGS.get(f["rule"], "!") for f in flags)
    touched = sum(e["epoch"] >= seed.born for e in slot_interventions(current, env, slot))
    cells |= {
        "blueprint": line(seed.blueprint),
        "alpha": _alpha_cell(alpha_of(current, env, slot)),
        "age": line(str(last.ages[env][index])),
        "in": line(str(last.in_stage[env][index])),
        "gain": _gain_cell(gain, now_of(current)),
        "depend": line((short(depend.value if depend else None, 3, sign=True), "dim")),
        "grad": line((ratio_text(gradient_ratio(current, env, slot)) + flag, "bad" if flag else "")),
        "params": line(si(seed.params)),
        "people": line((str(touched) if touched else DASH, "human" if touched else "dim")),
    }
    facts |= {"blueprint": seed.blueprint, "age": last.ages[env][index], "gain": gain.value if gain else None,
              "depend": depend.value if depend else None, "params": seed.params}  # fmt: skip
    return Row(slot, cells, facts)


def _alpha_cell(ramp: AlphaRamp | None) -> Line:
    if ramp is None:
        return line((DASH, "dim"))
    if not ramp.left:
        return line(short(ramp.now))
    return line(f"{short(ramp.now)}>{short(ramp.target, 1)} ", (f"{ramp.left}ep", "dim"))


def _gain_cell(gain: Measure | None, now: int) -> Line:
    """Value and standard error; the inspector has the interval."""
    if gain is None:
        return line((DASH, "dim"))
    old = f" {now - gain.epoch}ep old" if gain.epoch < now else ""
    return line((short(gain.value, 3, sign=True), tone(gain)), f"±{short(gain.se, 3)}", (old, "dim"))


# --- history -------------------------------------------------------------------------------------------------------


def history_rows(current: Round, env: int, slot: str) -> list[Row]:
    """The newest first.  Decisions have their number as key, everything else a text."""
    rows = [(d["seq"], _decision_row(current, d)) for d in slot_decisions(current, env, slot)]
    rows += [
        (c["seq"], _event_row(c, f"change-{c['seq']}"))
        for c in current.changes
        if c["env"] == env and c["slot"] == slot and c["cause"] != "decision"
    ]
    rows += [
        (e["seq"], _event_row(e, f"override-{e['intervention']['id']}"))
        for e in slot_interventions(current, env, slot)
        if e["fate"] != "applied"
    ]
    return [row for _, row in sorted(rows, key=lambda pair: pair[0], reverse=True)]


def _decision_row(current: Round, event: dict[str, Any]) -> Row:
    human = event["by"] == "human"
    by = f"#{event['intervention']}" if event.get("intervention") is not None else str(event["by"])
    refused = " (refused)" if event.get("refused") else ""
    cells = {
        "epoch": line(str(event["epoch"])),
        "what": line((decision_text(event["decision"]) + refused, "human" if human else "")),
        "by": line((by, "human" if human else "dim")),
    }
    for span in SPANS:
        cells[f"+{span}"] = change_line(gain_change(current, event["env"], event["epoch"], span))
    return Row(event["seq"], cells, {"epoch": event["epoch"], "by": event["by"], "what": event["decision"]["op"]})


def _event_row(event: dict[str, Any], key: str) -> Row:
    told = event_line(event)
    style = "human" if told.by == "human" else "dim"
    cells = {"epoch": line(str(event["epoch"])), "what": line((told.text, style))}
    return Row(key, cells, {"epoch": event["epoch"], "by": told.by})
