"""The slot inspector as lines: who the seed is, its life, alpha, worth, gates.  Unmeasured is –, never 0."""

from collections.abc import Sequence
from typing import Any

from esper_tui.karn.record import Round, RunRecord
from esper_tui.karn.view import env_now, legality_now
from esper_tui.leyline.config import HOLD_WINDOW
from esper_tui.leyline.legality import Code
from esper_tui.leyline.metrics import METRICS
from esper_tui.leyline.stages import LETTERS, Stage
from esper_tui.sanctum.costs import rent_due, rents, shock_of
from esper_tui.sanctum.glyphs import Glyphs
from esper_tui.sanctum.ink import Line, Piece, fitted, line, width_of
from esper_tui.sanctum.lines import SHORT_OPS
from esper_tui.sanctum.slotfacts import (
    AlphaRamp,
    Gate,
    Seed,
    alpha_of,
    alpha_series,
    credit_of,
    gates_of,
    index_of,
    life_changes,
    seed_of,
    slot_interventions,
    stage_now,
    stage_series,
)
from esper_tui.sanctum.text import DASH, number, percent, short, si
from esper_tui.sanctum.widgets.spark import sparkline
from esper_tui.sanctum.worth import (
    flags_of,
    gradient_ratio,
    interval,
    now_of,
    pair_measures,
    ratio_text,
    seed_measure,
    shapley_measure,
    tone,
)

LABEL = 9
"""Cells of the names on the left."""
LEANING = METRICS["seed/index"].warn or 1.0
"""Dependence index above which the host leans on a seed that added little."""
GATE_SIGNS = {"passed": ("+", "good"), "open": ("+", "good"), "closed": ("x", "warn"), "ahead": (DASH, "dim")}


def named(label: str, *parts: Any) -> Line:
    """A line with its name on the left."""
    return line((f"{label:<{LABEL}}", "head"), *parts)


def inspector_lines(record: RunRecord, env: int, slot: str, width: int, glyphs: Glyphs) -> list[Line]:
    """All that is known of a slot, in lines of at most so many cells; one that was always empty says so."""
    current = record.round
    if current is None:
        return [line(("waiting for the first round", "dim"))]
    seed = seed_of(current, env, slot)
    if seed is None:
        lines = [line("empty; nothing was planted here in this round"), *_strips(current, env, slot, width, glyphs)]
        lines += [_people(current, env, slot), (), *_blueprints(record, current, env, slot)]
    else:
        lines = [*_identity(record, current, env, slot, seed), _timeline(current, env, slot)]
        lines += _strips(current, env, slot, width, glyphs)
        lines += [] if seed.gone else _living(record, current, env, slot, seed)
        lines.append(_people(current, env, slot))
        lines += [] if seed.gone else [_gate_line(gate) for gate in reversed(gates_of(current, env, slot))]
        lines.append(_budget(record, current, env))
    return [fitted(content, width) if width_of(content) > width else content for content in lines]


def _living(record: RunRecord, current: Round, env: int, slot: str, seed: Seed) -> list[Line]:
    return [
        _alpha(alpha_of(current, env, slot)),
        *_worth(record, current, env, slot),
        _cost(record, current, env, slot, seed),
        _gradient(record, current, env, slot),
        _age(record, current, env, slot),
    ]


# --- who it is -----------------------------------------------------------------------------------------------------


def _identity(record: RunRecord, current: Round, env: int, slot: str, seed: Seed) -> list[Line]:
    chosen = seed.planting["decision"] if seed.planting else {}
    how = " ".join(filter(None, (seed.style, chosen.get("tempo"), chosen.get("alpha_target"))))
    human = seed.planting is not None and seed.planting["by"] == "human"
    who = f"{seed.number} {seed.blueprint or DASH}"
    lines = [
        named("seed", (who, "bold"), f"  {si(seed.params)} parameters" + ("  taken away" if seed.gone else "")),
        named("planted", f"ep {seed.born} ", (seed.by, "human" if human else ""), f"  {how}"),
    ]
    state = env_now(record, env)
    if seed.gone and (clock := state.slot(slot).clock):
        lines.append(named("slot", f"free again about ep {state.epoch + clock}"))
    return lines


def _blueprints(record: RunRecord, current: Round, env: int, slot: str) -> list[Line]:
    """What could be planted: parameters of the largest form, and their share of the host."""
    legal, sizes = legality_now(record, env), record.rules.get("seed_params", {}).get(slot, {})
    if legal is None:
        return []
    lines = [line(("what could be planted", "head"))]
    for name, reason in legal.blueprints[slot].items():
        if reason is None and current.host_params:
            share = percent(sizes[name] / current.host_params, 0)
            lines.append(line(f" {name:<15}", f"{si(sizes[name]):>6}", (f"  {share} % of the host", "dim")))
        elif reason is not None and reason.code is Code.PARAMETER_BUDGET:
            lines.append(line((f" {name:<15}", "dim"), f"{si(sizes[name]):>6}", ("  over the budget", "warn")))
    return lines


def _timeline(current: Round, env: int, slot: str) -> Line:
    """Letters and boundaries: ``G 6  T 7  B 8  H 11``; causes other than a decision are told."""
    pieces: list[Piece] = []
    for change in life_changes(current, env, slot):
        letter = LETTERS[Stage[change["target"]]]
        pieces += [(letter, f"stage-{letter}"), (f"{change['epoch']}", "")]
        if change["cause"] not in ("decision", "clock", "ramp"):
            pieces.append((f" {change['cause']}", "warn"))
        pieces.append(("  ", ""))
    return named("life ep", pieces)


def _strips(current: Round, env: int, slot: str, width: int, glyphs: Glyphs) -> list[Line]:
    """Stage letters over alpha, epoch by epoch, the newest at the right; only where there is room for them."""
    room = width - LABEL
    stages = stage_series(current, env, slot)
    if room < 40 or not stages:
        return []
    cells = min(room, len(stages))
    shown = [stages[(i + 1) * len(stages) // cells - 1] for i in range(cells)]
    letters = [(LETTERS[stage], f"stage-{LETTERS[stage]}") for stage in shown]
    alphas = alpha_series(current, env, slot)
    values = [alphas[(i + 1) * len(alphas) // cells - 1] for i in range(cells)]
    return [named("stages", *letters), named("", (_alpha_spark(values, glyphs), "series-0"))]


def _alpha_spark(values: Sequence[float | None], glyphs: Glyphs) -> str:
    """One cell per value, between 0 and 1."""
    if glyphs.plot == "braille":
        doubled = [v for value in values for v in (value, value)]
        return sparkline([*doubled, None, 0.0, 1.0, None], len(values) + 2, glyphs, 0.0)[:-2]
    return sparkline([*values, 0.0, 1.0], len(values) + 2, glyphs, 0.0)[:-2]


def _alpha(ramp: AlphaRamp | None) -> Line:
    if ramp is None:
        return named("alpha", (DASH, "dim"))
    how = f" {ramp.curve}" if ramp.curve else ""
    if ramp.left:
        return named("alpha", (short(ramp.now), "bold"), f" → {short(ramp.target)}",
                     (f"  {ramp.left} ep left{how}", "warn"))  # fmt: skip
    if ramp.now == 0.0 and ramp.ticks is not None:
        return named("alpha", (short(ramp.now), "bold"), (f"  first ramp {ramp.ticks} ep{how}", "dim"))
    return named("alpha", (short(ramp.now), "bold"), ("  at rest", "dim"))


# --- what it is worth ----------------------------------------------------------------------------------------------


def _worth(record: RunRecord, current: Round, env: int, slot: str) -> list[Line]:
    now = now_of(current)
    gain = seed_measure(current, "seed/gain", env, slot)
    dependence = seed_measure(current, "seed/dependence", env, slot)
    told = interval(gain, now) if gain else line((_why_no_gain(current, env, slot), "dim"))
    index = index_of(current, env, slot)
    return [
        named("gain", told, (f"  {_samples(record)}" if gain else "", "dim")),
        named("depend.", interval(dependence, now), ("  reliance, not benefit", "dim")),
        named("", ("index ", "dim"), (short(index), "warn" if index is not None and index > LEANING else ""),
              ("  credit ", "dim"), short(credit_of(current, env, slot), 3, sign=True)),
        *_shapley(current, env, slot, now),
    ]  # fmt: skip


def _why_no_gain(current: Round, env: int, slot: str) -> str:
    if current.control == "none":
        return f"{DASH} there is no control to compare with"
    if stage_now(current, env, slot) is not Stage.HOLDING:
        return f"{DASH} after {HOLD_WINDOW} ep at full strength"
    index = current.slots.index(slot)
    return f"{DASH} {current.epochs[-1].in_stage[env][index]} of {HOLD_WINDOW} ep at full strength"


def _samples(record: RunRecord) -> str:
    """What an interval rests on: images of the gate half, and epochs before and after."""
    images = int(number(record.config.get("data", {}).get("val_images")) or 0) // 2
    return f"n {images}×{HOLD_WINDOW} ep" if images else ""


def _shapley(current: Round, env: int, slot: str, now: int) -> list[Line]:
    """The Shapley value, and what this seed and each other add more together than apart."""
    value = shapley_measure(current, env, slot)
    lines = [named("shapley", interval(value, now))]
    for other, both in pair_measures(current, env, slot).items():
        clash = ("  they get in each other's way", "bad") if tone(both) == "bad" else ("", "")
        lines.append(named(f" +{other}", interval(both, now), clash))
    return lines


def _cost(record: RunRecord, current: Round, env: int, slot: str, seed: Seed) -> Line:
    """What the reward takes for the seed: its share of the rent by parameters, and for its last step of alpha."""
    both, shock = rents(record, current, env, seed), shock_of(record, current, env, slot, seed)
    if both is None:
        told = DASH if rent_due(record) else f"{DASH} not in this reward"
        return named("rent", (told, "dim"))
    own, whole = (short(value, 3, sign=True) for value in both)
    parts = [own, (f"  all seeds {whole} {rent_due(record)}", "dim")]
    return named("rent", *parts, *((("  shock ", "dim"), short(shock, 3, sign=True)) if shock is not None else ()))


def _gradient(record: RunRecord, current: Round, env: int, slot: str) -> Line:
    told = "".join(f"  ! {flag['rule']}" for flag in flags_of(record, env, slot))
    ratio = gradient_ratio(current, env, slot)
    return named("gradient", ratio_text(ratio), (" of the host's" if ratio is not None else "", "dim"), (told, "bad"))


def _age(record: RunRecord, current: Round, env: int, slot: str) -> Line:
    """Age, and time in the stage; a seed in HOLDING is taken away when its time is over."""
    last, index = (current.epochs[-1] if current.epochs else None), current.slots.index(slot)
    stage = stage_now(current, env, slot)
    fresh = last is None or last.stages[env][index] != int(stage)
    age, inside = (last.ages[env][index], 0 if fresh else last.in_stage[env][index]) if last else (0, 0)
    limit = number(record.config.get("gates", {}).get("hold_epochs"))
    most = f" of {limit:.0f}" if stage is Stage.HOLDING and limit else ""
    return named("age", f"{age} ep, {inside}{most} in {stage.name}")


def _budget(record: RunRecord, current: Round, env: int) -> Line:
    """The share of the parameter budget that all seeds of the environment use."""
    budget = number(record.rules.get("parameter_budget"))
    used = (number(current.epochs[-1].params[env]) or 0.0) - current.host_params if current.epochs else 0.0
    return named(
        "budget", f"seeds use {si(used)} of {si(budget)}", (f"  {percent(used / budget, 0)} %", "dim") if budget else ""
    )


def _people(current: Round, env: int, slot: str) -> Line:
    touches = [
        f"#{e['intervention']['id']} {SHORT_OPS[e['intervention']['decision']['op']]} {e['fate']} ep {e['epoch']}"
        for e in slot_interventions(current, env, slot)
    ]
    told = ("  ".join(reversed(touches[-3:])), "human") if touches else ("had no hand in it", "dim")
    return named("people", told)


def _gate_line(gate: Gate) -> Line:
    sign, style = GATE_SIGNS[gate.state]
    measured, threshold = number(gate.measured), number(gate.threshold)
    held = ""
    undecided = gate.state == "closed" and measured == threshold
    if measured is not None and threshold is not None and not undecided:
        held = f"{_figure(measured)} {'≥' if measured >= threshold else '<'} {_figure(threshold)}  "
    when = f"ep {gate.epoch}  " if gate.epoch is not None else ""
    return named(f" {gate.name}", (sign, style), f" {held}", (f"{when}{gate.text}", "dim"))


def _figure(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else short(value, 3)
