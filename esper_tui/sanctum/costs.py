"""What a seed costs in the reward: its share of the rent, and the shock of its last step of alpha.  Pure."""

from math import log1p
from typing import Any

from esper_tui.karn.record import Round, RunRecord
from esper_tui.sanctum.slotfacts import Seed, alpha_series
from esper_tui.sanctum.text import number

DUE = {
    "economy": "now", "shaped": "an epoch", "basic": "an epoch", "basic_plus": "an epoch", "escrow": "an epoch",
    "sparse": "at the end", "minimal": "at the end",
}  # fmt: skip
"""Rewards that take rent, and when: as much as it rises, every epoch its part of the round, or once."""
SHOCKED = ("shaped",)


def rent_due(record: RunRecord) -> str:
    """When rent is due; empty where the reward takes none."""
    return DUE.get(str(_reward(record).get("mode")), "")


def rents(record: RunRecord, current: Round, env: int, seed: Seed) -> tuple[float, float] | None:
    """The rent of a seed and of all seeds of its environment: -κ·ρ·ln(1 + P/P_host), shared out by parameters.

    None where the reward takes none, or before the first epoch.
    """
    due, reward = rent_due(record), _reward(record)
    kappa, rho = number(reward.get("kappa")), number(reward.get("rho"))
    params = (number(current.epochs[-1].params[env]) or 0.0) - current.host_params if current.epochs else 0.0
    if not due or kappa is None or rho is None or params <= 0 or not current.host_params:
        return None
    whole = -kappa * rho * log1p(params / current.host_params)
    if due == "an epoch":
        whole /= max(1.0, number(record.config.get("run", {}).get("epochs")) or 1.0)
    return whole * min(1.0, seed.params / params), whole


def shock_of(record: RunRecord, current: Round, env: int, slot: str, seed: Seed) -> float | None:
    """The penalty of the newest step of alpha: -shock·Δα²·P/P_host; None where the reward has none."""
    weight = number(_reward(record).get("shock"))
    alphas = alpha_series(current, env, slot)[-2:]
    if str(_reward(record).get("mode")) not in SHOCKED or weight is None or not current.host_params:
        return None
    if len(alphas) < 2 or alphas[0] is None or alphas[1] is None:
        return None
    return -weight * (alphas[1] - alphas[0]) ** 2 * seed.params / current.host_params


def _reward(record: RunRecord) -> dict[str, Any]:
    found = record.config.get("reward", {})
    return found if isinstance(found, dict) else {}
