"""Whole episodes: rewards arrive one boundary late, rollouts are joined and cut by episode."""

import pytest
import torch

from esper_tui.simic.buffer import Episodes, Step, joined
from esper_tui.simic.diagnostics import rollout_metrics

HEADS = ["op", "slot"]


def sample(t: int, envs: int = 2):
    def grid(value, kind=torch.float32):
        return torch.full((envs, 2), value, dtype=kind)

    return {
        "inputs": {"env": torch.full((envs, 3), float(t))},
        "actions": grid(t, torch.long), "live": torch.tensor([[True, t % 2 == 1]] * envs),
        "legal": grid(2, torch.long), "log_mu": grid(-1.0), "log_pi": grid(-1.0), "entropy": grid(0.3),
        "values": torch.full((envs,), float(t)),
    }  # fmt: skip


def rollout(steps: int = 4, broken: int | None = None, epsilon: float = 0.1):
    episodes = Episodes()
    for t in range(steps):
        episodes.act(Step(sample(t), [0.0, 1.0], [True, True], [False, False]))
        episodes.reward([1.0, float("nan") if t == broken else 2.0], [True, t != broken])
    return episodes.rollout([5.0, 6.0], epsilon, value_scale=10.0)


def test_values_are_scaled_and_a_step_that_was_not_measured_is_not_used():
    made = rollout(broken=2)
    assert made.values_TE[:, 0].tolist() == [0.0, 10.0, 20.0, 30.0]
    assert made.used_TE.tolist() == [[True, True], [True, True], [True, False], [True, True]]
    assert made.rewards_TE.isfinite().all()
    assert made.learnable_TE.equal(made.used_TE)


def test_joining_and_picking_episodes():
    two = joined([rollout(), rollout(broken=0)])
    assert two.used_TE.shape == (4, 4)
    assert two.inputs["env"].shape == (4, 4, 3)
    picked = two.episodes(torch.tensor([3, 0]))
    assert picked.final_E.tolist() == [6.0, 5.0]
    assert picked.used_TE[0].tolist() == [False, True]
    assert picked.inputs["env"].shape == (4, 2, 3)
    with pytest.raises(ValueError, match="same exploration"):
        joined([rollout(), rollout(epsilon=0.2)])
    with pytest.raises(ValueError, match="same length"):
        joined([rollout(), rollout(steps=3)])


def test_figures_of_a_rollout_by_hand():
    metrics = rollout_metrics(rollout(), HEADS)
    assert metrics["return/mean"] == 6.0  # (4 + 8)/2
    assert metrics["return/deviation"] == 2.0
    assert metrics["live/op"] == 8.0
    assert metrics["live/slot"] == 4.0  # live in every second step
    assert metrics["entropy/op"] == pytest.approx(0.3 / 0.6931, rel=1e-3)
    assert "ppo/explained_variance" not in metrics  # two episodes say nothing
