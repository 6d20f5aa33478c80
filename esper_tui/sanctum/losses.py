"""What an override costs: advice before it is sent, and what is lost by one that is final.  Never a refusal.  Pure."""

from math import log
from typing import Any

from esper_tui.karn.record import Round, RunRecord
from esper_tui.leyline.choices import Op
from esper_tui.leyline.session import Override
from esper_tui.sanctum.ink import plain
from esper_tui.sanctum.text import DASH, fixed, number, percent, si
from esper_tui.sanctum.worth import Measure, interval, now_of, pair_measures, seed_measure

FINAL = (Op.PRUNE, Op.FOSSILIZE)
"""Operations that nothing takes back."""
WORTH_A_WORD = 0.1
"""Share of the host from which on the size of a seed is mentioned."""


def warnings(record: RunRecord, asked: Override) -> list[str]:
    """Sentences to think about before it is sent; the most telling first."""
    current = record.round
    if current is None:
        return []
    decision, found = asked.decision, list[str]()
    gain = seed_measure(current, "seed/gain", asked.env, decision.slot) if decision.slot else None
    if decision.op is Op.GERMINATE:
        found += _rent(record, current, asked.env, decision.slot, decision.blueprint)
    elif gain is not None:
        found += _against_the_gain(decision.op, gain, now_of(current))
    elif decision.op in FINAL:
        found.append("its gain was not measured yet")
    if decision.op in (Op.PRUNE, Op.FOSSILIZE) and decision.slot:
        found += _partners(current, asked.env, decision.slot, decision.op)
    if decision.alpha_speed == "INSTANT" and decision.op is not Op.FOSSILIZE:
        found.append("INSTANT: alpha jumps at once, and the function with it")
    return found


def _against_the_gain(op: Op, gain: Measure, now: int) -> list[str]:
    told = f"gain {plain(interval(gain, now))} nat"
    if op is Op.PRUNE and gain.low > 0:
        return [f"this seed pays: {told}"]
    if op in (Op.FOSSILIZE, Op.ADVANCE, Op.SET_ALPHA_TARGET) and gain.high < 0:
        return [f"this seed hurts: {told}"]
    if op is Op.FOSSILIZE and gain.low <= 0:
        return [f"it is not clear that this seed pays: {told}"]
    return []


def _rent(record: RunRecord, current: Round, env: int, slot: str | None, blueprint: str | None) -> list[str]:
    """What a new seed costs: its share of the host, and the rent of the reward κ·ρ·ln(1 + P/P_host)."""
    params = number(record.rules.get("seed_params", {}).get(slot, {}).get(blueprint))
    if params is None or not current.host_params:
        return []
    share = params / current.host_params
    reward = record.config.get("reward", {})
    kappa, rho = number(reward.get("kappa")), number(reward.get("rho"))
    living = (number(current.epochs[-1].params[env]) or 0.0) / current.host_params if current.epochs else 1.0
    rent = f", rent {fixed(-kappa * rho * log(1 + share / living), 2)}" if kappa and rho else ""
    text = f"{blueprint} adds {si(params)} parameters, {percent(share, 0)} % of the host{rent}"
    return [text] if share >= WORTH_A_WORD else []


def _partners(current: Round, env: int, slot: str, op: Op) -> list[str]:
    """Seeds that add clearly more, or clearly less, together with this one."""
    found = []
    for other, both in pair_measures(current, env, slot).items():
        if op is Op.PRUNE and both.low > 0:
            found.append(f"{other} adds less without it (interaction {plain(interval(both, now_of(current)))})")
        elif op is Op.FOSSILIZE and both.high < 0:
            found.append(f"it gets in the way of {other} (interaction {plain(interval(both, now_of(current)))})")
    return found


def loss_sentences(record: RunRecord, asked: Override) -> list[str]:
    """What is lost for good by pruning or committing, by name."""
    current, decision = record.round, asked.decision
    if current is None or decision.slot is None:
        return []
    seed: dict[str, Any] = current.seeds.get((asked.env, decision.slot), {})
    if not seed:
        return [f"env {asked.env} {decision.slot}: no seed is there now"]
    age = now_of(current) - current.births[asked.env, decision.slot]
    gain = plain(interval(seed_measure(current, "seed/gain", asked.env, decision.slot), now_of(current)))
    who = f"env {asked.env} {decision.slot}: seed {seed['seed']} {seed.get('blueprint') or DASH}"
    if decision.op is Op.PRUNE:
        return [f"{who}, {si(seed.get('params'))} parameters and {age} epochs of training are lost, gain {gain}"]
    return [f"{who} stays for good and the slot with it; gain {gain}"]
