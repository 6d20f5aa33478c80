"""What a rollout says about the policy that made it, before the update: figures for the screen and the alerts."""

from esper_tui.simic.advantages import explained_variance
from esper_tui.simic.buffer import Rollout
from esper_tui.simic.ppo import normalised_entropy


def rollout_metrics(rollout: Rollout, heads: list[str]) -> dict[str, float]:
    """Metrics by key: returns, explained variance, value error, and live steps of every head.

    The explained variance is that of U_t = V_t + Φ_t against Φ_T over the second half of the episode: with −Φ_t in
    the observation, explaining the remaining return alone would be trivial.
    """
    returns_E = rollout.rewards_TE.sum(0)
    half = len(rollout.used_TE) // 2
    predicted_TE = rollout.values_TE + rollout.potentials_TE
    explained = explained_variance(predicted_TE[half:], rollout.final_E, rollout.used_TE[half:])
    remaining_TE = rollout.rewards_TE.flip(0).cumsum(0).flip(0)
    errors = (rollout.values_TE - remaining_TE)[rollout.used_TE]
    found = {
        "return/mean": float(returns_E.mean()),
        "return/deviation": float(returns_E.std(unbiased=False)),
        "return/best": float(returns_E.max()),
        "potential/final": float(rollout.final_E.mean()),
        "ppo/value_error": float(errors.square().mean().sqrt()) if len(errors) else 0.0,
        "ppo/learnable_frac": float(rollout.learnable_TE.float().mean()),
    }
    if explained is not None:
        found["ppo/explained_variance"] = explained
    return found | _head_metrics(rollout, heads)


def _head_metrics(rollout: Rollout, heads: list[str]) -> dict[str, float]:
    """Per head: steps in which it had a choice that teaches something, and there its entropy as a share of ln(legal).

    A head that never acted has no entropy; ``ppo/entropy`` is the mean over those that did.
    """
    counted = rollout.live_TEH & rollout.learnable_TE[..., None]
    counts = (counted & (rollout.legal_TEH > 1)).flatten(0, 1).sum(0).tolist()
    shares = normalised_entropy(rollout.entropy_TEH, rollout.legal_TEH, counted).tolist()
    found = {f"live/{head}": float(count) for head, count in zip(heads, counts, strict=True)}
    acted = {f"entropy/{h}": share for h, share, n in zip(heads, shares, counts, strict=True) if n}
    mean = {"ppo/entropy": sum(acted.values()) / len(acted)} if acted else {}
    return found | acted | mean
