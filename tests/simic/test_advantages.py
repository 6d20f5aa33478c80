"""Returns and advantages by hand, and against a loop that sums the definition."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.simic.advantages import explained_variance, gae, normalised


def column(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)[:, None]


def gae_by_definition(rewards, values, used, lam):
    """A_t = Σ_k λ^k δ_{t+k}, up to the first step that is not used or the end; one episode, plain floats."""
    steps = len(rewards)
    deltas = [rewards[t] + (values[t + 1] if t + 1 < steps else 0.0) - values[t] for t in range(steps)]
    found = []
    for t in range(steps):
        total, weight = 0.0, 1.0
        for k in range(t, steps):
            if not used[k]:
                break
            total += weight * deltas[k]
            weight *= lam
        found.append(total)
    return found


def test_three_steps_by_hand():
    # δ = (1 + 2 − 1, 2 + 4 − 2, 3 + 0 − 4) = (2, 4, −1); λ = 0.5: A2 = −1, A1 = 4 − 0.5 = 3.5, A0 = 2 + 1.75 = 3.75
    found = gae(column(1, 2, 3), column(1, 2, 4), column(True, True, True, dtype=torch.bool), 0.5)
    assert found[:, 0].tolist() == [3.75, 3.5, -1.0]


def test_with_lambda_one_advantage_plus_value_is_the_return():
    rewards, values = column(1, 2, 3), column(7, -3, 11)
    returns = gae(rewards, values, torch.ones(3, 1, dtype=torch.bool), 1.0) + values
    assert returns[:, 0].tolist() == [6.0, 5.0, 3.0]


def test_a_human_step_cuts_the_trace_and_is_bootstrapped_from():
    # step 1 is a person's: A1 = 0, A0 = r0 + V1 − V0 = 1 + 2 − 1 = 2, A2 as without it
    found = gae(column(1, 100, 3), column(1, 2, 4), column(True, False, True, dtype=torch.bool), 0.5)
    assert found[:, 0].tolist() == [2.0, 0.0, -1.0]


finite = st.floats(-10, 10)


@given(st.lists(st.tuples(finite, finite, st.booleans()), min_size=1, max_size=12), st.floats(0, 1))
def test_against_the_definition(steps, lam):
    rewards, values, used = zip(*steps, strict=True)
    found = gae(column(*rewards), column(*values), column(*used, dtype=torch.bool), lam)
    assert found[:, 0].tolist() == pytest.approx(gae_by_definition(rewards, values, used, lam), abs=1e-9)


def test_episodes_do_not_touch_each_other():
    rewards, values = torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    used = torch.ones(5, 3, dtype=torch.bool)
    together = gae(rewards, values, used, 0.9)
    for e in range(3):
        alone = gae(rewards[:, e : e + 1], values[:, e : e + 1], used[:, e : e + 1], 0.9)
        assert torch.equal(together[:, e : e + 1], alone)


def test_normalising_counts_learnable_steps_only_and_keeps_the_floor():
    values = torch.tensor([1.0, 3.0, 1000.0])
    learnable = torch.tensor([True, True, False])
    assert normalised(values, learnable, 0.1)[:2].tolist() == [-1.0, 1.0]
    small = normalised(values / 1000, learnable, 0.1)  # deviation 0.001, the floor 0.1 divides
    assert small[:2].tolist() == pytest.approx([-0.01, 0.01], rel=1e-5)


def test_explained_variance():
    outcome = torch.tensor([0.0, 1.0, 2.0, 3.0])
    used = torch.ones(2, 4, dtype=torch.bool)
    perfect = outcome.repeat(2, 1) + torch.tensor(
        [[5.0], [-7.0]]
    )  # a constant per step explains nothing, costs nothing
    assert explained_variance(perfect, outcome, used) == pytest.approx(1.0)
    assert explained_variance(torch.zeros(2, 4), outcome, used) == pytest.approx(0.0)
    assert explained_variance(-outcome.repeat(2, 1), outcome, used) == pytest.approx(-3.0)
    assert explained_variance(perfect, torch.ones(4), used) is None
