"""Proximal policy optimisation over factored decisions (Schulman et al. 2017), recurrent and with causal masks.

Shapes: T steps, B episodes, H heads.  A decision's log-probability is the sum over the heads that are live for its
operation; the others carry no choice and so neither gradient nor entropy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from esper_tui.leyline.protocols import Evaluated
from esper_tui.simic.advantages import gae, normalised
from esper_tui.simic.buffer import Rollout


@dataclass(frozen=True)
class PpoSettings:
    """What one update does; the sentences are those of the configuration's section ``ppo``."""

    epochs: int = 6
    minibatches: int = 4
    clip: float = 0.2
    lam: float = 0.95
    stop_kl: float = 0.03
    entropy: float = 0.03
    value: float = 0.5
    imitate: float = 0.1
    grad_clip: float = 0.5
    advantage_floor: float = 0.1


class Evaluates(Protocol):
    """A policy that can replay whole episodes from their start."""

    def evaluate(self, inputs: Any, actions_TBH: Tensor, epsilon: float) -> Evaluated: ...

    def parameters(self) -> Any: ...


def joint(log_TBH: Tensor, live_TBH: Tensor) -> Tensor:
    """Log-probability of the whole decision: the sum over its live heads."""
    return torch.where(live_TBH, log_TBH, 0.0).sum(-1)


def mean_over(values: Tensor, mask: Tensor) -> Tensor:
    """Mean where the mask holds; 0 where it holds nowhere."""
    return torch.where(mask, values, 0.0).sum() / mask.sum().clamp_min(1)


def clipped_loss(ratio: Tensor, advantages: Tensor, learnable: Tensor, clip: float) -> Tensor:
    """−E[min(r·A, clip(r, 1−c, 1+c)·A)] over the learnable steps (eq. 7)."""
    assert ratio.shape == advantages.shape == learnable.shape
    bounded = ratio.clamp(1.0 - clip, 1.0 + clip)
    return -mean_over(torch.minimum(ratio * advantages, bounded * advantages), learnable)


def approximate_kl(log_ratio: Tensor, learnable: Tensor) -> Tensor:
    """KL(old‖new) by the estimator (r − 1) − ln r, which is never negative (Schulman 2020)."""
    return mean_over(log_ratio.exp() - 1.0 - log_ratio, learnable)


def normalised_entropy(entropy_TBH: Tensor, legal_TBH: Tensor, counted_TBH: Tensor) -> Tensor:
    """Mean entropy per head ``[H]`` as a share of its maximum ln(legal), over steps where it had a choice.

    Args:
        legal_TBH: number of legal choices of each head.
        counted_TBH: live heads of steps that count.
    """
    counted = counted_TBH & (legal_TBH > 1)
    share = entropy_TBH / legal_TBH.clamp_min(2).log()
    total = torch.where(counted, share, 0.0).flatten(0, -2).sum(0)
    return total / counted.flatten(0, -2).sum(0).clamp_min(1)


def value_loss(values: Tensor, targets: Tensor, used: Tensor) -> Tensor:
    """½·E[(V − target)²] over used steps; both in units of the value scale."""
    return 0.5 * mean_over((values - targets).square(), used)


@dataclass
class Losses:
    """The parts of one minibatch's loss and what is reported of it."""

    policy: Tensor
    value: Tensor
    entropy_H: Tensor
    imitation: Tensor
    kl: Tensor
    clip_frac: Tensor
    ratio_max: Tensor

    def total(self, settings: PpoSettings) -> Tensor:
        bonus = settings.entropy * self.entropy_H.sum()
        return self.policy + settings.value * self.value - bonus + settings.imitate * self.imitation


def losses(seen: Evaluated, batch: Rollout, advantages: Tensor, targets: Tensor, clip: float) -> Losses:
    """All losses of a minibatch.  ``targets`` are in units of the value scale."""
    learnable, used = batch.learnable_TE, batch.used_TE
    log_ratio = torch.where(learnable, joint(seen.log_mu_TBH - batch.log_mu_TEH, batch.live_TEH), 0.0)
    log_change = torch.where(learnable, joint(seen.log_pi_TBH - batch.log_pi_TEH, batch.live_TEH), 0.0)
    ratio = log_ratio.clamp(-20.0, 20.0).exp()
    return Losses(
        policy=clipped_loss(ratio, advantages, learnable, clip),
        value=value_loss(seen.values_TB, targets, used),
        entropy_H=normalised_entropy(seen.entropy_TBH, batch.legal_TEH, batch.live_TEH & learnable[..., None]),
        imitation=-mean_over(joint(seen.log_pi_TBH, batch.live_TEH), batch.taught_TE),
        kl=approximate_kl(log_change, learnable).detach(),
        clip_frac=mean_over(((ratio - 1.0).abs() > clip).float(), learnable).detach(),
        ratio_max=torch.where(learnable, ratio, 1.0).max().detach(),
    )


class ValueScale:
    """Running deviation of the value targets: targets are divided by it, never shifted.

    Changed between updates only; whoever holds the value head rescales it by the returned factor, so that the values
    it stands for stay what they were.
    """

    def __init__(self, deviation: float = 1.0, count: int = 0):
        self.deviation, self.count = deviation, count

    def update(self, targets: Tensor, momentum: float = 0.1, floor: float = 1e-2) -> float:
        """Takes in used targets ``[n]``; returns old deviation / new deviation."""
        if len(targets) < 2:
            return 1.0
        fresh, old = float(targets.square().mean().sqrt()), self.deviation
        self.deviation = max(floor, fresh if self.count == 0 else (1 - momentum) * old + momentum * fresh)
        self.count += 1
        return old / self.deviation


class Ppo:
    """The optimiser of a policy and one update after another."""

    def __init__(self, network: Evaluates, settings: PpoSettings, lr: float):
        self.network, self.settings = network, settings
        self.optimiser = torch.optim.Adam(network.parameters(), lr=lr, eps=1e-5)

    def set_learning_rate(self, lr: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = lr

    def update(
        self, rollout: Rollout, scale: float, shuffle: Callable[[int], Tensor], settings: PpoSettings | None = None
    ) -> dict[str, float]:
        """Up to ``epochs`` passes over whole episodes; returns metrics by key.

        Args:
            scale: deviation that value targets are divided by.
            shuffle: pass → a permutation of the episodes.
            settings: other settings for this update only.
        """
        settings = settings or self.settings
        raw_TE = gae(rollout.rewards_TE, rollout.values_TE, rollout.used_TE, settings.lam)
        targets_TE = (raw_TE + rollout.values_TE + rollout.potentials_TE) / scale
        advantages_TE = normalised(raw_TE, rollout.learnable_TE, settings.advantage_floor)
        told: list[dict[str, Tensor]] = []
        for number in range(settings.epochs):
            found = [
                self._step(rollout.episodes(part), advantages_TE[:, part], targets_TE[:, part], settings)
                for part in shuffle(number).tensor_split(settings.minibatches)
                if len(part)
            ]
            told += found
            if float(torch.stack([f["ppo/kl"] for f in found]).mean()) > settings.stop_kl:
                break
        return _averaged(told) | {"ppo/passes": float(number + 1)}

    def _step(self, batch: Rollout, advantages: Tensor, targets: Tensor, settings: PpoSettings) -> dict[str, Tensor]:
        seen = self.network.evaluate(batch.inputs, batch.actions_TEH, batch.epsilon)
        found = losses(seen, batch, advantages, targets, settings.clip)
        self.optimiser.zero_grad()
        found.total(settings).backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), settings.grad_clip)
        if finite := bool(norm.isfinite()):
            self.optimiser.step()
        return {
            "ppo/policy_loss": found.policy.detach(), "ppo/value_loss": found.value.detach(),
            "ppo/imitation_loss": found.imitation.detach(), "ppo/kl": found.kl, "ppo/clip_frac": found.clip_frac,
            "ppo/ratio_max": found.ratio_max, "ppo/grad_norm": norm.detach(),
            "ppo/skipped": torch.tensor(float(not finite)),
        }  # fmt: skip


def _averaged(told: list[dict[str, Tensor]]) -> dict[str, float]:
    """Means over all steps; the largest ratio; the number of steps that were skipped."""
    columns = {key: torch.stack([t[key] for t in told]) for key in told[0]}
    found = {key: float(column.nanmean()) for key, column in columns.items()}
    largest, skipped = columns["ppo/ratio_max"], columns["ppo/skipped"]
    return found | {"ppo/ratio_max": float(largest.max()), "ppo/skipped": float(skipped.sum())}
