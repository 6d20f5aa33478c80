"""A run in a few lines each: what Tamiyo does, what happened, overrides, the machine, an environment's slots."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from esper_tui.karn.record import Round, RunRecord
from esper_tui.karn.view import env_legality, env_state
from esper_tui.leyline.choices import Op
from esper_tui.leyline.legality import Code, Reason
from esper_tui.leyline.session import Progress
from esper_tui.leyline.stages import LETTERS, Stage, parse_stage
from esper_tui.leyline.state import EnvState
from esper_tui.sanctum.ink import Line, fitted, line
from esper_tui.sanctum.lines import POLICY_METRICS, SHORT_OPS, decision_text, event_line, place, stamp
from esper_tui.sanctum.pace import FramePace
from esper_tui.sanctum.text import DASH, column, duration, fit, number, percent, plus_minus, short, size

SHARE_EPOCHS = 10
"""Boundaries that the shares of operations are counted over."""
LEVEL_STYLES = {"debug": "dim", "info": "", "warn": "warn", "error": "bad"}


# --- what Tamiyo does ----------------------------------------------------------------------------------------------


def op_shares(current: Round) -> dict[Op, float]:
    """How often each operation was decided at the last boundaries, as fractions; empty before the first."""
    now = current.epochs[-1].number if current.epochs else 0
    counts: Counter[Op] = Counter()
    for event in reversed(current.decisions):
        if event["epoch"] <= now - SHARE_EPOCHS:
            break
        if event["decision"]["op"] != "WAIT":
            counts[Op[event["decision"]["op"]]] += 1
    counts[Op.WAIT] += sum(len(epoch.waits) for epoch in current.epochs[-SHARE_EPOCHS:])
    total = counts.total()
    return {op: counts[op] / total for op in Op} if total else {}


def seeds_by_stage(current: Round) -> Counter[Stage]:
    return Counter(parse_stage(number_) for row in current.stages for number_ in row)


def policy_lines(record: RunRecord, width: int, height: int) -> list[Line]:
    """Shares of operations, seeds by stage, what growth has bought so far; bars where there is room for them."""
    current = record.round
    if current is None:
        return [line(("waiting for the first round", "dim"))]
    lines = _share_bars(op_shares(current), width) if height >= 9 else [_share_line(op_shares(current))]
    lines += [*_learning(record), _seed_line(current), *_bought(current)]
    if height >= 10:
        lines = [*lines, (), *_policy_facts(record)]
    return [fitted(content, width) for content in lines[:height]]


def _share_line(shares: dict[Op, float]) -> Line:
    if not shares:
        return line((" ops    nothing was decided yet", "dim"))
    parts = [line(f"{SHORT_OPS[op.name]} ", (f"{100 * share:.0f}%", "bold"), "  ") for op, share in _ranked(shares)]
    return line((" ops    ", "head"), *parts)


def _share_bars(shares: dict[Op, float], width: int) -> list[Line]:
    if not shares:
        return [line((f" what is decided, last {SHARE_EPOCHS} boundaries", "head")), line((" nothing yet", "dim"))]
    room = max(4, width - 15)
    bars = [
        line(f" {SHORT_OPS[op.name]:<6}", ("█" * round(share * room), "series-0"), f" {100 * share:.0f}%")
        for op, share in shares.items()
    ]
    return [line((f" what is decided, last {SHARE_EPOCHS} boundaries", "head")), *bars]


def _ranked(shares: dict[Op, float]) -> list[tuple[Op, float]]:
    return sorted(((op, share) for op, share in shares.items() if share), key=lambda pair: -pair[1])


def _seed_line(current: Round) -> Line:
    counts = seeds_by_stage(current)
    planted = sum(c["target"] == "GERMINATED" for c in current.changes)
    pruned = sum(c["target"] == "PRUNED" for c in current.changes)
    parts = [
        line((f"{LETTERS[s]}{counts[s]}", f"stage-{LETTERS[s]}"), " ")
        for s in Stage
        if counts[s] and s is not Stage.DORMANT
    ]
    return line(
        (" seeds  ", "head"), *(parts or [line("none alive ")]), (f" planted {planted} · pruned {pruned}", "dim")
    )


def _bought(current: Round) -> list[Line]:
    """Means over environments: accuracy, the control's, and the gain with its standard error."""
    if not current.epochs:
        return [line((" mean   ", "head"), ("nothing was measured yet", "dim"))]
    columns = current.epochs[-1].columns
    acc, _ = mean_se(column(columns, "val/acc") or [])
    control, _ = mean_se(column(columns, "control/acc") or [])
    gain, se = mean_se(column(columns, "gain/loss") or [])
    if control is None:
        return [line((" mean   ", "head"), f"acc {percent(acc)} %", ("  no control, so no gain", "dim"))]
    return [line((" mean   ", "head"), f"acc {percent(acc)} %  control {percent(control)} %  gain ",
                 (plus_minus(gain, se), _sure(gain, se)), " nat")]  # fmt: skip


def _sure(value: float | None, se: float | None) -> str:
    if value is None or se is None or abs(value) <= 2 * se:
        return ""
    return "good" if value > 0 else "bad"


def mean_se(values: Sequence[Any]) -> tuple[float | None, float | None]:
    """Mean and standard error over environments; None where there are too few."""
    known = [v for v in map(number, values) if v is not None]
    if not known:
        return None, None
    mean = sum(known) / len(known)
    if len(known) < 2:
        return mean, None
    return mean, (sum((v - mean) ** 2 for v in known) / (len(known) - 1) / len(known)) ** 0.5


def _learning(record: RunRecord) -> list[Line]:
    """What the last update of a learning policy measured."""
    if not record.updates:
        return []
    update = record.updates[-1]
    known = [(name, update["metrics"][key]) for name, key in POLICY_METRICS if key in update["metrics"]]
    parts = [line((f"{name} ", "dim"), short(value, 3), "  ") for name, value in known]
    return [line((" learns ", "head"), *parts, (f"update {update['update']}", "dim"))]


def _policy_facts(record: RunRecord) -> list[Line]:
    tamiyo = record.config.get("tamiyo", {})
    growth = record.config.get("growth", {})
    return [
        line((" policy ", "head"), str(tamiyo.get("policy", DASH)), ("  style ", "dim"), str(tamiyo.get("style", DASH)),
             ("  tempo ", "dim"), str(tamiyo.get("tempo", DASH))),
        line((" limits ", "head"), f"{growth.get('concurrent', DASH)} seed(s) at a time per environment"),
    ]  # fmt: skip


# --- what happened -------------------------------------------------------------------------------------------------


def tail_lines(log: Sequence[dict[str, Any]], width: int, height: int) -> list[Line]:
    """The newest events that are worth a line, the newest first; a decision and what it changed are one line."""
    lines: list[Line] = []
    changed = ""
    for event in reversed(log):
        if event["type"] == "StageChanged" and event["cause"] == "decision":
            changed = f"{event['source']} → {event['target']}"
            continue
        if event_line(event).level != "debug":
            lines.append(tail_line(event, width, changed))
        changed = ""
        if len(lines) == height:
            break
    return lines


def tail_line(event: dict[str, Any], width: int, changed: str = "") -> Line:
    told = event_line(event)
    where = fit(place(event, told.slot), 11)
    style = "human" if told.by == "human" else LEVEL_STYLES[told.level]
    after = (f"  {changed}", "dim")
    return fitted(line((f" {stamp(event)}  ", "dim"), (where + " ", "bold"), (told.text, style), after), width)


def override_lines(record: RunRecord, width: int, height: int) -> list[Line]:
    """Overrides, the newest first, and what they do to learning."""
    events = list(record.round.interventions.values()) if record.round else []
    if not events:
        return [line((" none; o decides in Tamiyo's place,", "dim")), line((" at the next boundary", "dim"))]
    lines = [_override_line(event, width) for event in reversed(events)]
    return [*lines[: height - 1], line((f" {_learning_from_people(record)}", "dim"))]


def _learning_from_people(record: RunRecord) -> str:
    """What a learning policy makes of steps that people decided."""
    if record.config.get("run", {}).get("mode") != "learn":
        return "every step of them is in the log"
    how = {"mask": "left out of the loss", "taint": "their episodes are left out", "imitate": "imitated"}
    learn = record.config.get("override", {}).get("learn", "mask")
    return f"human steps in learning: {how.get(learn, learn)}"


def _override_line(event: dict[str, Any], width: int) -> Line:
    request = event["intervention"]
    decision = request["decision"]
    what = f" #{request['id']} env{request['env']} {decision.get('slot', '')} {SHORT_OPS[decision['op']]}"
    left = f" {event['left']} left" if event.get("left") else ""
    style = {"queued": "human", "applied": "good", "rejected": "bad"}.get(event["fate"], "dim")
    return fitted(
        line(f"{what}  ", (f"{event['fate'].upper()}{left}", style), (f" {event.get('reason', '')}", "dim")), width
    )


# --- the machine ---------------------------------------------------------------------------------------------------


def system_lines(progress: Progress, pace: FramePace, width: int) -> list[Line]:
    """Devices, memory, where the time of an epoch goes, and how the screen itself is doing."""
    r = progress.resources
    lines = [line(f" {device}") for device in r.devices]
    lines.append(line(f" cpu {r.cpu_pct:.0f}%  ram {size(r.memory)}  free {size(r.memory_free)}"))
    if r.disk_free:
        lines.append(line(f" disk free {size(r.disk_free)}"))
    spent = {k: v for k, v in progress.phase_s.items() if k not in ("starting",) and v > 0}
    if progress.epoch_s:
        lines.append(line(f" epoch {duration(progress.epoch_s)}"))
    lines += [line((f"   {name:<10}", "dim"), f"{duration(seconds)}") for name, seconds in spent.items()]
    lines.append(line(f" ui {pace.hz:g} Hz  p95 {pace.p95(pace.work_ms):.0f} ms  late {pace.p95(pace.lag_ms):.0f} ms"))
    return [fitted(content, width) for content in lines]


# --- one environment -----------------------------------------------------------------------------------------------


def slot_lines(current: Round, env: int, selected: str, width: int) -> list[Line]:
    """The slot table of an environment: stage, blueprint, alpha, age, gain and dependence."""
    head = (
        f"   {'slot':<5}{'stage':<11}{'blueprint':<12}{'alpha':<11}{'age':>4}{'in':>4}  {'gain ±':<12}{'depend.':<11}"
    )
    lines = [line((fit(head, width), "head"))]
    for index, name in enumerate(current.slots):
        lines.append(fitted(_slot_line(current, env, index, name == selected), width))
    return lines


def _slot_line(current: Round, env: int, index: int, selected: bool) -> Line:
    name, stage = current.slots[index], parse_stage(current.stages[env][index])
    seed = current.seeds.get((env, name), {})
    start = line((f" {'>' if selected else ' '} {name:<5}", "bold" if selected else ""),
                 (f"{stage.name:<11}", f"stage-{LETTERS[stage]}"))  # fmt: skip
    if not seed or not current.epochs:
        return line(start, (DASH, "dim"))
    last = current.epochs[-1]
    alpha, target, ramp = last.alphas[env][index], last.targets[env][index], last.ramps[env][index]
    moving = f"{short(alpha)}>{short(target, 1)}" if ramp else short(alpha)
    gain = column(last.columns, "seed/gain", env, index) or [None, None]
    depends = column(last.columns, "seed/dependence", env, index) or [None, None]
    ages = f"{last.ages[env][index]:>4}{last.in_stage[env][index]:>4}"
    return line(start, f"{seed.get('blueprint', DASH):<12}{moving:<11}{ages}  ",
                f"{plus_minus(*gain):<12}", (f"{plus_minus(*depends):<11}", "dim"))  # fmt: skip


def decision_lines(current: Round, width: int, height: int) -> list[Line]:
    """Decisions that were not WAIT, the newest first."""
    lines = []
    for event in reversed(current.decisions[-height:]):
        decision = event["decision"]
        slot = decision.get("slot", "")
        human = event["by"] == "human"
        lines.append(fitted(line((f" ep{event['epoch']:<4}", "dim"), (f"env{event['env']:<3} ", "bold"), f"{slot:<5}",
                                 (decision_text(decision), "human" if human else ""),
                                 (f"  {_fired(event)}", "dim")), width))  # fmt: skip
    return lines or [line((" nothing but WAIT so far", "dim"))]


def _fired(event: dict[str, Any]) -> str:
    """The last rule that fired."""
    return next((str(rule["rule"]) for rule in reversed(event["trace"]) if rule.get("fired")), "")


def legal_lines(record: RunRecord, env: int, width: int) -> list[Line]:
    """What may be done in an environment at the coming boundary, and why the rest may not."""
    legal, state = env_legality(record, env), env_state(record, env)
    if legal is None:
        return []
    lines = [line((" open    ", "head"), "WAIT")]
    closed: list[Line] = []
    for op, slots in legal.ops.items():
        if free := legal.slots(op):
            lines.append(line("         ", (op.name, "good"), " " + " ".join(free)))
            continue
        reason = min(slots.items(), key=lambda pair: _remoteness(state, *pair))[1]
        opens = f" (about ep {reason.opens})" if reason is not None and reason.opens is not None else ""
        closed.append(line((" closed  " if not closed else "         ", "head"), f"{op.name:<17}",
                           (f"{reason.text if reason else ''}{opens}", "dim")))  # fmt: skip
    return [fitted(content, width) for content in (*lines, *closed)]


def _remoteness(state: EnvState, slot: str, reason: Reason | None) -> tuple[bool, bool]:
    """Reasons that say more come first: those about a condition, then those about a slot where a seed lives."""
    wrong_stage = reason is not None and reason.code == Code.WRONG_STAGE
    return wrong_stage, state.slot(slot).stage is Stage.DORMANT


def env_document(record: RunRecord, env: int) -> dict[str, Any]:
    """An environment as plain values: what was measured last, its slots, its last decision; for copying."""
    current = record.round
    if current is None or not current.epochs:
        return {"env": env}
    last = current.epochs[-1]
    decided = [d["decision"] | {"epoch": d["epoch"], "by": d["by"]} for d in current.decisions if d["env"] == env]
    slots = {
        name: {"stage": parse_stage(current.stages[env][index]).name, "alpha": last.alphas[env][index]}
        | {k: v for k, v in current.seeds.get((env, name), {}).items() if k in ("seed", "blueprint", "style", "params")}
        for index, name in enumerate(current.slots)
    }
    measured = {key: column(last.columns, key, env) for key in last.columns}
    return {"env": env, "epoch": last.number, "measured": measured, "slots": slots, "decisions": decided}
