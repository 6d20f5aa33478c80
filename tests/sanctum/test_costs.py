"""What a seed costs in the reward, by hand."""

from dataclasses import replace

import pytest
from test_environment import inspected, told

from esper_tui.sanctum.costs import rents, shock_of
from esper_tui.sanctum.slotfacts import seed_of

HALF_LOG = -0.20273255
"""-κ·ρ·ln(1 + P/P_host) with κρ = 0.5 and seeds half as large as the host."""


@pytest.fixture
def record(quick_events):
    """After epoch 10, where the seed of r0c1 blends: 200 of 500 parameters of seeds in a host of 1000."""
    record = told(quick_events, until=10)
    record.config["reward"] |= {"kappa": 50.0, "rho": 0.01, "shock": 0.2}
    current = record.round
    current.host_params = 1000
    current.epochs[-1].params[0] = 1500
    return record


def seed(record, params=200):
    return replace(seed_of(record.round, 0, "r0c1"), params=params)


@pytest.mark.parametrize(
    ("mode", "whole"),
    [("economy", HALF_LOG), ("sparse", HALF_LOG), ("shaped", HALF_LOG / 30), ("basic", HALF_LOG / 30)],
)
def test_rent_is_shared_out_by_parameters(record, mode, whole):
    record.config["reward"]["mode"] = mode
    assert rents(record, record.round, 0, seed(record)) == pytest.approx((0.4 * whole, whole))


def test_a_reward_without_rent_says_so(record):
    record.config["reward"]["mode"] = "loss"
    assert rents(record, record.round, 0, seed(record)) is None
    assert "rent     – not in this reward" in inspected(record)


def test_a_step_of_alpha_shocks_by_its_square_and_the_size_of_the_seed(record):
    current = record.round
    index = current.slots.index("r0c1")
    for epoch, alpha in zip(current.epochs[-2:], (0.2, 0.7), strict=True):
        epoch.alphas[0][index] = alpha
        epoch.stages[0][index] = 4
    assert shock_of(record, current, 0, "r0c1", seed(record)) is None  # the economy has none
    record.config["reward"]["mode"] = "shaped"
    assert shock_of(record, current, 0, "r0c1", seed(record)) == pytest.approx(-0.2 * 0.25 * 0.2)
    assert "  shock -.1" in inspected(record)  # of the seed as it was recorded, with 2.3k parameters
