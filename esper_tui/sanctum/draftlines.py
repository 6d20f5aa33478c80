"""The override dialog as lines: what is chosen, what is closed and why, what to think about before it is sent."""

from collections.abc import Mapping

from esper_tui.karn.record import Round, RunRecord
from esper_tui.leyline.choices import Head, Op
from esper_tui.leyline.legality import Legality, Reason
from esper_tui.leyline.stages import LETTERS, Stage
from esper_tui.sanctum.draft import Draft, Field, Offer, offer
from esper_tui.sanctum.explainlines import choice_meaning
from esper_tui.sanctum.ink import Line, fitted, line, width_of
from esper_tui.sanctum.legallines import reason_text, wrapped
from esper_tui.sanctum.lines import SHORT_OPS
from esper_tui.sanctum.losses import FINAL, warnings
from esper_tui.sanctum.slotfacts import stage_now
from esper_tui.sanctum.text import DASH

NAMES: dict[Field, str] = {
    Head.OP: "operation", Head.ALPHA_TARGET: "alpha target", Head.ALPHA_SPEED: "alpha speed",
    Head.ALPHA_CURVE: "alpha curve", "waits": "expires", "epoch": "epoch",
}  # fmt: skip
Legal = Mapping[int, Legality | None]
CHOICE, NOTES = 18, 4
"""Cells of a choice; lines for reasons and advice, so that the dialog keeps its size."""


def title_of(current: Round, draft: Draft) -> str:
    """Where it applies: env 9 · r0c1 BLENDING CONV_LIGHT seed 3, or the environments that are marked."""
    if len(draft.envs) > 1:
        listed = " ".join(map(str, draft.envs[:12])) + (" …" if len(draft.envs) > 12 else "")
        return f"override {len(draft.envs)} marked environments: {listed}"
    env, slot = draft.envs[0], draft.slot
    if slot not in current.slots:
        return f"override env {env}"
    stage, seed = stage_now(current, env, slot), current.seeds.get((env, slot))
    who = f" {seed['blueprint']} seed {seed['seed']}" if seed else ""
    return f"override env {env} · {slot} {LETTERS[stage]} {'empty' if stage is Stage.DORMANT else stage.name}{who}"


def draft_lines(record: RunRecord, draft: Draft, chosen: Field, legal: Legal, width: int) -> list[Line]:
    """The whole dialog in lines of ``width`` cells."""
    refusals = draft.refusals(legal)
    closed = len(refusals) == len(draft.envs)
    first = legal[draft.envs[0]]
    lines = [_overview(draft, first), ()]
    lines += [_field_line(record, draft, field, field == chosen, first, closed) for field in draft.fields(closed)]
    notes = [*_refused(draft, refusals, closed, width), *_advice(record, draft, width), *_behind(record, draft)]
    lines += [(), *(notes + [()] * NOTES)[: max(NOTES, len(notes))]]
    return [fitted(content, width) if width_of(content) > width else content for content in [*lines, _keys(draft)]]


def _overview(draft: Draft, legal: Legality | None) -> Line:
    """Every operation with + or x for this slot."""
    parts = []
    for op in Op:
        reason = legal.ops[op].get(draft.slot) if legal is not None and op in legal.ops else None
        sign = ("x ", "warn") if reason is not None else ("+ ", "good")
        parts += [(SHORT_OPS[op.name] + " ", "bold" if op is draft.op else ""), sign, ("  ", "")]
    return line((f"{draft.slot} now  ", "head"), parts)


def _field_line(
    record: RunRecord, draft: Draft, field: Field, under: bool, legal: Legality | None, closed: bool
) -> Line:
    choice, note = _shown(record, draft, field, legal, closed)
    frame = ("‹", "›") if under else (" ", " ")
    return line(
        (">" if under else " ", "mark"), (f" {NAMES.get(field, str(field)):<14}", "head"), (frame[0], "key"),
        (choice, "bold" if under else ""), (frame[1], "key"), " " * max(1, CHOICE - len(choice)), note,
    )  # fmt: skip


def _shown(record: RunRecord, draft: Draft, field: Field, legal: Legality | None, closed: bool) -> tuple[str, Line]:
    """What is chosen in a row, and what is said beside it."""
    if isinstance(field, Head):
        choice = draft.choices[field]
        return choice, _head_note(record, draft, field, offer(draft, field, record, legal))
    if field == "when":
        return draft.timing(closed), line((_WHEN_NOTES[draft.timing(closed)], "dim"))
    if field == "waits":
        return (f"after {draft.waits} ep" if draft.waits else "never"), line(("", ""))
    if field == "epoch":
        return f"ep {draft.epoch}", line(("its boundary; refused if closed then", "dim"))
    held = "once" if draft.held == 1 else f"{draft.held} boundaries" if draft.held else "until cancelled"
    note = "" if draft.held == 1 else "where closed, the environment waits"
    return held, line((note, "dim"))


_WHEN_NOTES = {
    "now": "next boundary; refused if closed then",
    "when legal": "the first boundary that allows it",
    "at epoch": "not before that epoch",
}


def _head_note(record: RunRecord, draft: Draft, head: Head, offered: Offer) -> Line:
    choice = draft.choices[head]
    reason = offered.closed.get(choice)
    if head is Head.SLOT:
        return line(("x ", "warn") if reason is not None else "", (_inside(record, draft), "dim"))
    if reason is not None:
        return line(("x ", "warn"), (reason_text(reason, draft.slot), "warn"))
    meaning = choice_meaning(head, choice, draft.op)
    open_ = len(offered.choices) - len(offered.closed)
    return line((f"{open_} of {len(offered.choices)} open" if head is Head.BLUEPRINT else meaning, "dim"))


def _inside(record: RunRecord, draft: Draft) -> str:
    """What is in the slot of the first environment."""
    current, env, slot = record.round, draft.envs[0], draft.slot
    if current is None or slot not in current.slots:
        return DASH
    stage, seed = stage_now(current, env, slot), current.seeds.get((env, slot), {})
    return f"{LETTERS[stage]} {'empty' if stage is Stage.DORMANT else stage.name} {seed.get('blueprint', '')}"


def _refused(draft: Draft, refusals: Mapping[int, Reason], closed: bool, width: int) -> list[Line]:
    """Why it is not legal now, in full, and what becomes of it if it stays so."""
    if not refusals:
        return []
    reason = next(iter(refusals.values()))
    where = "" if len(draft.envs) == 1 else f"env {' '.join(map(str, refusals))}: "
    told = wrapped(f"x  {where}{reason_text(reason)}", width, "warn")
    if draft.timing(closed) == "now":
        told += wrapped("x  it will be refused if that stays; w: as soon as it is legal", width, "warn")
    return told


def _advice(record: RunRecord, draft: Draft, width: int) -> list[Line]:
    """Warnings for the first environment; they never refuse."""
    asked = draft.overrides(False)[0]
    found = warnings(record, asked)
    if draft.op in FINAL:
        found.append(f"{draft.op.name} is final; it is asked about once more")
    return [part for text in found for part in wrapped(f"!  {text}", width, "pause")]


def _behind(record: RunRecord, draft: Draft) -> list[Line]:
    """One override per environment and boundary: others wait behind it."""
    current = record.round
    waiting = [n for n, e in current.interventions.items()
               if e["fate"] == "queued" and e["intervention"]["env"] in draft.envs] if current else []  # fmt: skip
    return [line((f"queued behind #{max(waiting)}: one per environment and boundary", "human"))] if waiting else []


def _keys(draft: Draft) -> Line:
    send = "queue it" if len(draft.envs) == 1 else f"queue {len(draft.envs)}"
    pairs = (("Enter", send), ("j k", "row"), ("h l", "choice"), ("w", "when"), ("+ -", "epochs"), ("Esc", "leave"))
    return line(*(piece for key, what in pairs for piece in ((key, "key"), (f" {what}   ", "dim"))))
