"""Returns and advantages.  γ = 1: an episode has a known length and the time is observed, so its end is terminal.

Shapes: T steps, E episodes.
"""

import torch
from torch import Tensor


def gae(rewards_TE: Tensor, values_TE: Tensor, used_TE: Tensor, lam: float) -> Tensor:
    """Generalised advantage estimates with γ = 1 (Schulman et al. 2016, eq. 16).

    δ_t = r_t + V(s_{t+1}) − V(s_t), A_t = δ_t + λ·A_{t+1}, and V is 0 after the last step.  At a step that is not
    used (a person decided, or nothing could be measured) the trace is zero, so that A_{t−1} = δ_{t−1} bootstraps
    from V(s_t); its own advantage is 0.

    Args:
        rewards_TE, values_TE: float; where a step is not used the reward may be anything, the value must be finite.
        used_TE: bool.
    """
    assert rewards_TE.shape == values_TE.shape == used_TE.shape
    advantages_TE = torch.zeros_like(values_TE)
    trace_E = torch.zeros_like(values_TE[0])
    following_E = torch.zeros_like(values_TE[0])
    for t in reversed(range(len(rewards_TE))):
        delta_E = rewards_TE[t] + following_E - values_TE[t]
        trace_E = torch.where(used_TE[t], delta_E + lam * trace_E, 0.0)
        advantages_TE[t], following_E = trace_E, values_TE[t]
    return advantages_TE


def normalised(advantages: Tensor, learnable: Tensor, floor: float) -> Tensor:
    """Zero mean and unit deviation over the learnable steps; the deviation is at least ``floor``.

    Without the floor, advantages that are all noise would be blown up to full size.
    """
    picked = advantages[learnable]
    if len(picked) < 2:
        return torch.zeros_like(advantages)
    return (advantages - picked.mean()) / picked.std(unbiased=False).clamp_min(floor)


def explained_variance(predicted_TE: Tensor, outcome_E: Tensor, used_TE: Tensor) -> float | None:
    """Share of the variance of the outcome between episodes that the prediction explains, over used steps.

    1 − Var(outcome − predicted)/Var(outcome), both with the mean of their step removed, so that knowing the time
    explains nothing.  None where fewer than three episodes are used or the outcomes do not differ.
    """
    kept_E = used_TE.all(0)
    if int(kept_E.sum()) < 3:
        return None
    outcome = outcome_E[kept_E] - outcome_E[kept_E].mean()
    error_TE = outcome_E[kept_E] - predicted_TE[:, kept_E]
    spread = outcome.square().mean()
    if float(spread) < 1e-12:
        return None
    return float(1.0 - (error_TE - error_TE.mean(1, keepdim=True)).square().mean() / spread)
