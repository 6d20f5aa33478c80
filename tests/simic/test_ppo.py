"""The clipped loss, entropy, KL and the value scale by hand and against a slow loop."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.simic.ppo import (
    ValueScale,
    approximate_kl,
    clipped_loss,
    joint,
    mean_over,
    normalised_entropy,
    value_loss,
)


def test_the_clipped_loss_by_hand():
    # clip 0.2: (A 1, r 1.5) → 1.2; (A −1, r 0.5) → −0.8; (A −1, r 1.5) → −1.5; (A 2, r 1) → 2; the mean is 0.225
    ratio = torch.tensor([1.5, 0.5, 1.5, 1.0, 9.0])
    advantages = torch.tensor([1.0, -1.0, -1.0, 2.0, 9.0])
    learnable = torch.tensor([True, True, True, True, False])
    assert float(clipped_loss(ratio, advantages, learnable, 0.2)) == pytest.approx(-0.225)


@given(st.lists(st.tuples(st.floats(0.1, 3.0), st.floats(-3, 3), st.booleans()), min_size=1, max_size=20))
def test_the_clipped_loss_against_a_loop(steps):
    total, count = 0.0, 0
    for ratio, advantage, learnable in steps:
        if learnable:
            total += min(ratio * advantage, min(max(ratio, 0.8), 1.2) * advantage)
            count += 1
    ratio, advantage, learnable = (torch.tensor(c) for c in zip(*steps, strict=True))
    expected = -total / max(count, 1)
    assert float(clipped_loss(ratio, advantage, learnable, 0.2)) == pytest.approx(expected, abs=1e-5)


def test_beyond_the_clip_there_is_no_gradient():
    log_ratio = torch.tensor([0.5, 0.1], requires_grad=True)
    advantages, learnable = torch.tensor([1.0, 1.0]), torch.tensor([True, True])
    clipped_loss(log_ratio.exp(), advantages, learnable, 0.2).backward()
    assert log_ratio.grad[0] == 0.0
    assert log_ratio.grad[1] < 0.0


def test_dead_heads_change_neither_the_joint_nor_its_gradient():
    logs = torch.tensor([[-1.0, -2.0, math.nan]], requires_grad=True)
    live = torch.tensor([[True, True, False]])
    total = joint(logs, live)
    assert total.tolist() == [-3.0]
    total.sum().backward()
    assert logs.grad.tolist() == [[1.0, 1.0, 0.0]]


def test_kl_is_zero_for_the_same_policy_and_positive_otherwise():
    everywhere = torch.tensor([True, True])
    assert float(approximate_kl(torch.zeros(2), everywhere)) == 0.0
    # mean of (2 − 1 − ln 2) and (½ − 1 + ln 2) = ¼
    assert float(approximate_kl(torch.tensor([2.0, 0.5]).log(), everywhere)) == pytest.approx(0.25)


def test_entropy_is_a_share_of_ln_legal_on_live_steps_with_a_choice():
    entropy = torch.tensor([[[math.log(2), 5.0]], [[0.5 * math.log(4), 5.0]], [[0.0, math.log(3)]]])  # [T, B, H]
    legal = torch.tensor([[[2, 9]], [[4, 9]], [[1, 3]]])
    live = torch.tensor([[[True, False]], [[True, False]], [[True, True]]])
    # head 0: (1 + 0.5)/2, the step with one legal choice does not count; head 1: 1
    assert normalised_entropy(entropy, legal, live).tolist() == pytest.approx([0.75, 1.0])


def test_the_value_loss_and_a_mean_over_nothing():
    values, targets = torch.tensor([1.0, 5.0]), torch.tensor([3.0, 0.0])
    assert float(value_loss(values, targets, torch.tensor([True, False]))) == 2.0
    assert float(mean_over(values, torch.tensor([False, False]))) == 0.0


def test_a_value_scale_keeps_what_the_head_stands_for():
    scale = ValueScale()
    first = scale.update(torch.tensor([3.0, -3.0]))
    assert scale.deviation == 3.0
    assert first == pytest.approx(1 / 3)
    second = scale.update(torch.tensor([5.0, -5.0]))
    assert scale.deviation == pytest.approx(0.9 * 3 + 0.1 * 5)
    assert second * scale.deviation == pytest.approx(3.0)
