"""What a policy does and why, as lines: the narrative, operations, seeds, blueprints, gates.  Pure."""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from esper_tui.karn.record import Round, RunRecord, best_network
from esper_tui.karn.view import GATE_OF
from esper_tui.leyline.choices import Op
from esper_tui.leyline.metrics import METRICS
from esper_tui.leyline.stages import CLEANUP, LETTERS, Stage
from esper_tui.sanctum.ink import Line, fitted, line
from esper_tui.sanctum.lines import decision_text, place
from esper_tui.sanctum.metric_groups import levels_text, verdict
from esper_tui.sanctum.summaries import SHARE_EPOCHS, op_shares, seeds_by_stage
from esper_tui.sanctum.tally import Tally
from esper_tui.sanctum.text import DASH, figure, fit, plus_minus

BLUEPRINT = 44
"""Cells of a blueprint's line without the number of its seeds."""
Row = dict[str, Any]
Update = Mapping[str, Any]


# --- now, why, next ------------------------------------------------------------------------------------------------


def narrative(record: RunRecord, tally: Tally, updates: Sequence[Update], width: int) -> list[Line]:
    """NOW what happens, WHY it does, NEXT what to expect: a sentence or two each."""
    current = record.round
    if current is None:
        return [line(("nothing was decided yet: the run is starting", "dim"))]
    parts = (("NOW", _now(record, current, tally, updates)), ("WHY", _why(current, updates)),
             ("NEXT", _next(record, current, updates)))  # fmt: skip
    lines = []
    for label, text in parts:
        wrapped = textwrap.wrap(text, max(20, width - 7)) or [""]
        lines += [line((f" {label if not n else '':<5} ", "key"), part) for n, part in enumerate(wrapped)]
    return lines


def _now(record: RunRecord, current: Round, tally: Tally, updates: Sequence[Update]) -> str:
    policy = record.config.get("tamiyo", {}).get("policy", DASH)
    epoch = current.epochs[-1].number if current.epochs else 0
    alive = len(tally.living) - sum(tally.kept.values())
    seeds = f"{_count(alive, 'seed')} growing, {tally.kept.total()} kept, {tally.lost.total()} pruned"
    learning = f" Update {len(updates)}: {_health(updates[-1])}." if updates else ""
    return f"{policy} policy, ep {epoch}: {seeds}. {_last_boundary(current, epoch)}.{learning}"


def learning_title(record: RunRecord) -> str:
    """How much was learnt from, and the best network of all rounds."""
    title = f"learning · update {len(record.updates)} · {record.updates[-1].get('episodes', DASH)} episodes"
    if (found := best_network(record)) is None:
        return title
    best, row = found
    return f"{title} · best network: round {best.number + 1} env {row['env']}, loss {row['loss']:.3f}"


def _last_boundary(current: Round, epoch: int) -> str:
    newest = current.decisions[-1]["epoch"] if current.decisions else None
    if newest is None:
        return "Nothing but WAIT so far"
    ops = Counter(d["decision"]["op"] for d in current.decisions if d["epoch"] == newest)
    told = ", ".join(f"{n} x {op}" if n > 1 else op for op, n in ops.most_common())
    return f"Decided at ep {newest}: {told}" + ("; WAIT since" if epoch > newest + 1 else "")


def _health(latest: Update) -> str:
    """Metrics that have levels, the worst first."""
    judged = [(key, verdict(key, value)) for key, value in latest.items()]
    order = ("critical", "warn", "ok")
    found = sorted(((key, word) for key, word in judged if word), key=lambda pair: order.index(pair[1]))
    return ", ".join(f"{key} {figure(latest[key])} {word}" for key, word in found[:3]) or "no alarming figures"


def _why(current: Round, updates: Sequence[Update]) -> str:
    """The rule behind the newest decision; what an alarming metric means."""
    alarming = [key for key, value in (updates[-1] if updates else {}).items() if verdict(key, value) in _BAD]
    if alarming:
        return f"{alarming[0]}: {METRICS[alarming[0]].help} ({levels_text(METRICS[alarming[0]])})."
    if not current.decisions:
        return "No rule has fired yet."
    event = current.decisions[-1]
    what = f"{place(event, event['decision'].get('slot', ''))} {decision_text(event['decision'])}"
    if event["by"] == "human":
        return f"{what}: a person asked for it (#{event.get('intervention')})."
    fired = [step for step in event["trace"] if step.get("fired")]
    return f"{what}: {_rule_text(fired[-1])}." if fired else f"{what}."


_BAD = ("critical", "warn")


def _rule_text(step: Row) -> str:
    value, threshold = step.get("value"), step.get("threshold")
    if value is None:
        return str(step["rule"])
    shown = value if isinstance(value, str) and not value.endswith(("NaN", "Infinity")) else figure(value)
    return f"{step['rule']} ({shown}" + (f" against {figure(threshold)})" if threshold is not None else ")")


def _next(record: RunRecord, current: Round, updates: Sequence[Update]) -> str:
    """Gates that seeds stand before, and until when seeds may be planted."""
    ahead = Counter(GATE_OF[Stage(s)] for row in current.stages for s in row if Stage(s) in GATE_OF)
    waiting = ", ".join(f"{_count(n, 'seed')} before {gate}" for gate, n in sorted(ahead.items()))
    sentences = [waiting[:1].upper() + waiting[1:] if waiting else "No seed stands before a gate"]
    last, epoch = record.rules.get("last_germination"), current.epochs[-1].number if current.epochs else 0
    if last is not None:
        sentences.append(f"Planting is open until ep {last}" if epoch <= last else f"Planting closed at ep {last}")
    watched = [METRICS[key] for key in (updates[-1] if updates else {}) if key in METRICS]
    levels = [f"{spec.key} {levels_text(spec)}" for spec in watched if levels_text(spec)]
    return ". ".join([*sentences, *(["Watch " + levels[0]] if levels else [])]) + "."


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


# --- counts --------------------------------------------------------------------------------------------------------


def op_lines(current: Round, tally: Tally, width: int) -> list[Line]:
    """Per operation: how often in the round, and its share at the last boundaries as a bar."""
    shares, room = op_shares(current), max(0, width - 34)
    lines = [_head(f"{'operation':<17}{'times':>6}{f'last {SHARE_EPOCHS}':>9}")]
    for op in Op:
        share = shares.get(op)
        text = DASH if share is None else f"{100 * share:.0f}%"
        bar = "█" * round((share or 0) * room)
        lines.append(line(f" {op.name:<17}{tally.ops[op.name]:>6}{text:>9} ", (bar, "series-0")))
    return lines


def stage_lines(current: Round, width: int) -> list[Line]:
    """Slots by stage, as letters and bars."""
    counts, room = seeds_by_stage(current), max(0, width - 22)
    total = max(1, counts.total())
    lines = [_head(f"{'slots by stage':<16}{'now':>4}")]
    for stage in Stage:
        if counts[stage] or stage not in CLEANUP:
            style = f"stage-{LETTERS[stage]}"
            bar = "█" * round(counts[stage] / total * room)
            name = f"{stage.name.lower():<14}{counts[stage]:>4} "
            lines.append(line((f" {LETTERS[stage]} ", style), name, (bar, style)))
    return lines


def blueprint_lines(tally: Tally, width: int) -> list[Line]:
    """Per blueprint: planted, kept, lost, and what its seeds gained; where there is room, how many were measured."""
    counted = width >= BLUEPRINT + len(" seeds")
    lines = [_head(f"{'blueprint':<12}{'planted':>7}{'kept':>5}{'lost':>5}  {'gain ± SE':<11}{' seeds' * counted}")]
    for name, planted in tally.planted.most_common():
        gain, se, n = tally.gain_of(name)
        style = "good" if gain is not None and se is not None and gain > 2 * se else ""
        counts = f" {fit(name, 12)}{planted:>7}{tally.kept[name]:>5}{tally.lost[name]:>5}  "
        lines.append(line(counts, (f"{plus_minus(gain, se):<11}", style), (f"{n or DASH:>6}" * counted, "dim")))
    return lines if tally.planted else [*lines, line((" nothing was planted yet", "dim"))]


def gate_lines(tally: Tally, width: int) -> list[Line]:
    """Per gate: looks that passed and that did not, and what was missing the last time."""
    lines = [_head(f"{'gate':<5}{'passed':>7}{'not yet':>8}  what is missing")]
    for name, count in sorted(tally.gates.items()):
        content = line(f" {name:<5}", (f"{count.passed:>7}", "good"), f"{count.failed:>8}  ", (count.last, "dim"))
        lines.append(fitted(content, width))
    return lines if tally.gates else [*lines, line((" no gate was looked at yet", "dim"))]


def _head(text: str) -> Line:
    return line((f" {text}", "head"))
