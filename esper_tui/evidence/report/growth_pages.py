"""What growth bought, the curves, and the life of every seed."""

from dataclasses import replace
from typing import Any

from esper_tui.evidence.report.blocks import Block, Cell, Figure, Panel, Paragraph, Section, Table
from esper_tui.evidence.report.facts import RunFacts
from esper_tui.evidence.report.lives import SeedLife, seed_lives
from esper_tui.evidence.report.numbers import (
    DASH,
    column,
    count,
    finite,
    interval_of,
    mean,
    number,
    percent,
    spread,
    tone_of,
)
from esper_tui.evidence.report.plots import Curves, Life, Line, Mark, Range, Ranges, Span, Timeline
from esper_tui.karn.record import Round
from esper_tui.leyline.stages import LETTERS, Stage

Row = dict[str, Any]
MARK_LETTERS = {"GERMINATE": "G", "ADVANCE": "A", "PRUNE": "P", "FOSSILIZE": "F", "SET_ALPHA_TARGET": "S"}
PAIR = (("own", "grown", "g"), ("control", "twin that never grew", "c"))


def _current(facts: RunFacts) -> Round:
    assert facts.round is not None
    return facts.round


def gain_section(facts: RunFacts) -> Section:
    """Test accuracy of every environment beside its control, as a picture and as a table."""
    current, test = _current(facts), {row["env"]: row for row in facts.record.test}
    if not current.rows:
        return Section("What growth bought", (Paragraph("The run has not come to the end of a round."),))
    ranges = [_range(env, row) for env, row in test.items() if _both(row)]
    note = "Test accuracy of each environment: ○ the twin that never grew, ● the grown network."
    legend = (("control", "twin that never grew", "○"), ("own", "grown", "●"))
    figure = Figure((Panel("", Ranges(tuple(ranges), "test accuracy, %")),), legend, note)
    table = Table(
        (">env", ">host %", ">grown %", ">Δ", ">validation gain, nat", ">parameters", ">planted", ">pruned", "kept"),
        tuple(_gain_row(row, test.get(row["env"], {})) for row in current.rows),
        f"Measured once, when the run had ended, on {count(facts.setting('data', 'test_images'))} test images."
        if test else "The test split was not opened.",
    )  # fmt: skip
    return Section("What growth bought", ((figure, table) if ranges else (table,)))


def _both(row: Row) -> bool:
    return len(finite([row.get("control_acc"), row.get("acc")])) == 2


def _range(env: int, row: Row) -> Range:
    host, grown = 100 * row["control_acc"], 100 * row["acc"]
    note = f"{grown - host:+.1f}"
    return Range(f"env {env}", min(host, grown), max(host, grown), ((host, "control"), (grown, "own")), note)


def _gain_row(row: Row, test: Row) -> tuple[Cell, ...]:
    host, grown = number(test.get("control_acc")), number(test.get("acc"))
    delta = None if host is None or grown is None else grown - host
    params = number(row.get("params"))
    extra = "" if params is None else f" + {params - row['host_params']:,.0f}"
    kept = ", ".join(f"{k['slot']} {k['blueprint']}" for k in row.get("kept", [])) or DASH
    lost = number(row.get("loss")) is None
    return (
        Cell(str(row["env"])), Cell(percent(host)), Cell(percent(grown)),
        Cell(percent(delta, sign=True), "" if delta is None else "good" if delta > 0 else "bad" if delta < 0 else ""),
        Cell(spread(row.get("gain"), row.get("gain_se"), 4), tone_of(row.get("gain"), row.get("gain_se"))),
        Cell(f"{row['host_params']:,}{extra}"), Cell(count(row.get("planted"))), Cell(count(row.get("pruned"))),
        Cell("lost: the loss left the finite numbers" if lost else kept, "bad" if lost else ""),
    )  # fmt: skip


# --- curves --------------------------------------------------------------------------------------------------------


def curves_section(facts: RunFacts) -> Section:
    current = _current(facts)
    if not current.epochs:
        return Section("Curves", (Paragraph("No epoch was measured yet."),))
    blocks: list[Block] = [*_mean_gain(current)]
    curves = [_env_curves(facts, env) for env in range(len(current.instances))]
    heights = [y for plot in curves for line in plot.lines for _, y in line.points] or [0.0]
    span = (min(heights), max(heights))
    panels = tuple(Panel(f"env {env}", replace(plot, y_span=span)) for env, plot in enumerate(curves))
    used = {d["decision"]["op"] for d in current.decisions}
    letters = ", ".join(f"{letter} {op.lower().replace('_', ' ')}" for op, letter in MARK_LETTERS.items() if op in used)
    marks = f" Below: {letters}; a person's decisions stand out." if letters else ""
    blocks.append(Figure(panels, PAIR, f"Validation accuracy in percent, gate half.{marks}"))
    return Section("Curves", tuple(blocks))


def _mean_gain(current: Round) -> list[Figure]:
    """The gain averaged over environments, with its interval."""
    known = [(e.number, e.columns.get("gain/loss") or []) for e in current.epochs]
    points = [(float(n), m) for n, values in known if (m := mean(values)) is not None]
    if not points:
        return []
    band = [(float(n), i.low, i.high) for n, values in known if (i := interval_of(values)) is not None]
    line = Line("mean gain", "g", tuple(points), "own", tuple(band))
    note = "Gain over the twin, mean of all environments, with its 95 % interval over environments."
    return [Figure((Panel("", Curves((line,), y_name="gain, nat", zero=True)),), note=note)]


def _env_curves(facts: RunFacts, env: int) -> Curves:
    current, epochs = _current(facts), number(facts.setting("run", "epochs"))
    lines = [
        Line(name, letter, _points(current, key, env), role)
        for key, (role, name, letter) in zip(("control/acc", "val/acc"), PAIR[::-1], strict=True)
    ]
    marks = [_mark(d) for d in current.decisions if d["env"] == env and d["decision"]["op"] in MARK_LETTERS]
    return Curves(tuple(line for line in lines if line.points), tuple(marks), x_span=(1, epochs) if epochs else None)


def _points(current: Round, key: str, env: int) -> tuple[tuple[float, float], ...]:
    known = ((e.number, finite([column(e.columns, key, env)])) for e in current.epochs)
    return tuple((float(n), 100 * value) for n, values in known for value in values)


def _mark(event: Row) -> Mark:
    decision = event["decision"]
    what = " ".join(filter(None, (decision["op"], decision.get("slot"), decision.get("blueprint"))))
    who = "a person" if event["by"] == "human" else event["by"]
    text = f"epoch {event['epoch']}: {what}, by {who}{', refused' if event.get('refused') else ''}"
    return Mark(float(event["epoch"]), MARK_LETTERS[decision["op"]], text, event["by"] == "human")


# --- seeds ---------------------------------------------------------------------------------------------------------

STAGES = ("GERMINATED", "TRAINING", "BLENDING", "HOLDING", "FOSSILIZED", "PRUNED")
SHOWN_LIVES = 40


def lives_section(facts: RunFacts) -> Section:
    current = _current(facts)
    lives = seed_lives(current)
    if not lives:
        return Section("The life of every seed", (Paragraph("Nothing was planted."),))
    last = float(current.epochs[-1].number if current.epochs else 1)
    shown = lives[:SHOWN_LIVES]
    timeline = Timeline(tuple(_life(life, last) for life in shown), (0.0, last))
    legend = tuple((name.lower(), name.lower(), _letter(name)) for name in STAGES)
    several = len(facts.record.rounds)
    last_one = f" Round {several}, the last one." if several > 1 else ""
    cut = f" The first {SHOWN_LIVES} of {len(lives)} seeds." if len(lives) > SHOWN_LIVES else ""
    head = ("seed", "blueprint, style", ">epochs", "fate", ">gain, nat [± 2 SE]", ">dependence, nat [± 2 SE]",
            ">parameters", "what decided")  # fmt: skip
    table = Table(head, tuple(_life_row(life, bool(current.rows)) for life in lives))
    return Section(
        "The life of every seed",
        (Figure((Panel("", timeline),), legend, f"Stages from planting to the end.{last_one}{cut}"), table),
    )


def _letter(name: str) -> str:

    return LETTERS[Stage[name]]


def _life(life: SeedLife, last: float) -> Life:
    ends = [start for start, _ in life.stages[1:]] + [last]
    spans = []
    for (start, name), end in zip(life.stages, ends, strict=True):
        until = start if name == "PRUNED" else end
        text = f"{life.slot} {life.blueprint}: {name} from epoch {start}" + (f" to {until:g}" if until > start else "")
        spans.append(Span(float(start), float(until), name.lower(), text))
    return Life(f"env {life.env} {life.slot} {life.blueprint}", tuple(spans))


def _life_row(life: SeedLife, over: bool) -> tuple[Cell, ...]:
    """``over``: the round has ended, and what was still on trial was not delivered."""
    decided = "" if life.cause in ("", "decision") else life.cause
    if isinstance(life.gate, dict):
        decided = f"{life.gate.get('gate', '')}: {life.gate.get('text', '')}"
    until = DASH if life.end is None else str(life.end)
    fate = "left out" if over and life.fate == "on trial" else life.fate
    person = " by a person" if life.by_person else ""
    return (
        Cell(f"env {life.env} {life.slot}"),
        Cell(f"{life.blueprint}, {life.style.lower()}{person}", "person" if person else ""),
        Cell(f"{life.born} to {until}"), Cell(fate, {"kept": "good", "pruned": "bad"}.get(fate, "")),
        Cell(spread(*life.gain), tone_of(*life.gain)), Cell(spread(*life.dependence)), Cell(f"{life.params:,}"),
        Cell(decided or DASH, "dim"),
    )  # fmt: skip
