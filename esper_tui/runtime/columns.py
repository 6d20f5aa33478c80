"""The columns of ``EpochMeasured``: from measurements to one list per metric."""

from typing import Any

import numpy as np

from esper_tui.leyline.state import EnvSignals, Estimate
from esper_tui.simic.attribution import Coalition, dependence_index, interactions, shapley
from esper_tui.simic.ledger import Ledger
from esper_tui.tolaria.engine import Measured, TrainReport


def epoch_columns(
    trained: TrainReport,
    measured: list[Measured],
    ledgers: list[Ledger],
    signals: list[EnvSignals],
    slots: tuple[str, ...],
) -> dict[str, list[Any]]:
    """Metric key → one value per environment, or one list over slots per environment.  None = not measured."""
    rows = list(zip(measured, ledgers, strict=True))

    def per_slot(pick) -> list[list[Any]]:
        return [[pick(env, slot) for slot in slots] for env in range(len(rows))]

    def gain(env: int, slot: str) -> Estimate | None:
        seed = signals[env].seeds.get(slot)
        return seed.gain if seed else None

    def dependence(env: int, slot: str) -> Estimate | None:
        seed = signals[env].seeds.get(slot)
        return seed.dependence if seed else None

    return {
        "train/loss": trained.loss,
        "train/acc": trained.acc,
        "val/loss": [_mean(m.losses, g.gate.mask) for m, g in rows],
        "val/acc": [_mean(m.hits, g.gate.mask) for m, g in rows],
        "val/reward_loss": [_mean(m.losses, g.reward.mask) for m, g in rows],
        "control/loss": [_mean(m.control.losses, g.gate.mask) if m.control else None for m, g in rows],
        "control/acc": [_mean(m.control.hits, g.gate.mask) if m.control else None for m, g in rows],
        "gain/loss": [g.latest.value if g.latest else None for _, g in rows],
        "gain/se": [g.latest.se if g.latest else None for _, g in rows],
        "grad/host": trained.host_grad,
        "grad/seed": per_slot(lambda env, slot: trained.seed_grad[env].get(slot)),
        "seed/gain": per_slot(lambda env, slot: _pair(gain(env, slot))),
        "seed/dependence": per_slot(lambda env, slot: _pair(dependence(env, slot))),
        "seed/credit": per_slot(lambda env, slot: getattr(signals[env].seeds.get(slot), "credit", None)),
        "seed/index": per_slot(lambda env, slot: _index(gain(env, slot), dependence(env, slot))),
    }


def reward_columns(rewards: list[dict[str, float] | None]) -> dict[str, list[Any]]:
    """Reward of every environment's last decision, and its terms."""
    totals = [sum(terms.values()) if terms is not None else None for terms in rewards]
    return {"reward/total": totals, "reward/terms": rewards}


def shapley_row(
    env: int, players: tuple[str, ...], coalitions: dict[Coalition, np.ndarray], gate: np.ndarray
) -> dict[str, Any]:
    """What measured coalitions say, in the form of ``EpochMeasured.shapley``; losses of the gate half."""
    subsets = {on: losses[gate] for on, losses in coalitions.items()}
    values, pairs = shapley(subsets, players), interactions(subsets, players)
    return {
        "env": env,
        "values": {slot: [v.value, v.se] for slot, v in values.items()},
        "pairs": [[a, b, v.value, v.se] for (a, b), v in pairs.items()],
        "subsets": [[sorted(on), float(losses.mean())] for on, losses in subsets.items()],
    }


def _mean(values: np.ndarray, mask: np.ndarray) -> float:
    return float(values[mask].mean())


def _pair(estimate: Estimate | None) -> list[float] | None:
    """(value, standard error)."""
    return [estimate.value, estimate.se] if estimate else None


def _index(gain: Estimate | None, dependence: Estimate | None) -> float | None:
    return dependence_index(gain, dependence) if gain and dependence else None
