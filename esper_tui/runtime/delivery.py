"""What a round hands over: the delivered networks, and what growth bought for each."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from esper_tui.kasmina.network import Network
from esper_tui.leyline.state import Estimate
from esper_tui.runtime.build import Parts
from esper_tui.simic.attribution import mean_estimate
from esper_tui.tolaria.chunk import row_losses


@dataclass
class Delivered:
    """One environment's delivered network and, if there is one, its control's."""

    env: int
    network: Network
    control: Network | None


@dataclass(frozen=True)
class Score:
    """Per-image losses and hits of a network."""

    losses: np.ndarray
    hits: np.ndarray

    @property
    def acc(self) -> float:
        return float(self.hits.mean())

    @property
    def loss(self) -> float:
        return float(self.losses.mean())


def deliver_all(parts: Parts, healthy: list[bool]) -> list[Delivered]:
    """The delivered networks of all environments that stayed finite."""
    return [
        Delivered(env, parts.engine.deliver(env), _control(parts, env))
        for env in range(len(parts.engine.envs))
        if healthy[env]
    ]


def _control(parts: Parts, env: int) -> Network | None:
    """The control's delivered network: that of the twin, or the one that was kept."""
    if parts.engine.twins:
        return parts.engine.deliver_control(env)
    return parts.instances.control_network(parts.engine, env)


@torch.no_grad()
def score(network: Network, batches: list[tuple[Tensor, Tensor]]) -> Score:
    losses, hits = [], []
    for images, labels in batches:
        logits = network(images)
        losses.append(row_losses(logits, labels[:, None])[:, 0])
        hits.append(logits.argmax(1) == labels)
    return Score(torch.cat(losses).float().cpu().numpy(), torch.cat(hits).cpu().numpy())


def summary_rows(parts: Parts, delivered: list[Delivered], counts: list[dict[str, int]]) -> list[dict[str, Any]]:
    """One row per environment, measured on the reward half; values are None for one that was lost."""
    by_env = {d.env: d for d in delivered}
    return [_row(parts, env, by_env.get(env), counts[env]) for env in range(len(parts.engine.envs))]


def _row(parts: Parts, env: int, delivered: Delivered | None, counts: dict[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "env": env, "loss": None, "acc": None, "control_loss": None, "control_acc": None, "gain": None, "gain_se": None,
        "params": None, "host_params": parts.host_params, "kept": [], **counts,
    }  # fmt: skip
    if delivered is None:
        return row
    judged = ~parts.gate_mask(parts.engine.envs[env].instance)
    own = _halved(score(delivered.network, parts.source.validation()), judged)
    row |= {"loss": own.loss, "acc": own.acc, "params": delivered.network.parameter_count()}
    row["kept"] = [{"slot": p.slot, "blueprint": p.blueprint, "form": str(p.form)} for p in delivered.network.planted]
    if delivered.control is not None:
        twin = _halved(score(delivered.control, parts.source.validation()), judged)
        gain = paired_gain(own, twin)
        row |= {"control_loss": twin.loss, "control_acc": twin.acc, "gain": gain.value, "gain_se": gain.se}
    return row


def _halved(whole: Score, mask: np.ndarray) -> Score:
    return Score(whole.losses[mask], whole.hits[mask])


def paired_gain(own: Score, control: Score) -> Estimate:
    """Control loss minus own loss, paired by image."""
    return mean_estimate(control.losses - own.losses)
