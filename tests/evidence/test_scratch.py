"""Training the found architecture from new weights: the same engine, every seed there from the first step."""

import torch

from esper_tui.evidence.scratch import plant_full, scratch_config, train_from_scratch
from esper_tui.kasmina.network import Planted
from esper_tui.leyline.choices import Form
from esper_tui.leyline.state import Instance
from esper_tui.runtime.build import build_parts
from tests import worlds

SEEDS = [Planted("r0c0", "CONV_LIGHT", Form.GATED), Planted("r1c0", "NORM", Form.MULTIPLY)]
INSTANCES = [Instance(7, 100), Instance(7, 101)]


def scratch_parts(epochs: int = 3):
    config = scratch_config(worlds.tiny_config(gates={"auto_forward": ("G1",)}), SEEDS, 2, epochs)
    return build_parts(config, choice=worlds.CHOICE)


def test_the_recipe_is_the_run_s_and_nobody_decides():
    before = worlds.tiny_config()
    after = scratch_config(before, SEEDS, 5)
    assert (after.run.envs, after.run.epochs, after.tamiyo.policy, after.twins) == (5, 16, "wait", False)
    assert (after.optim, after.data, after.host) == (before.optim, before.data, before.host)


def test_all_seeds_are_delivered_and_have_learnt():
    found = train_from_scratch(scratch_parts(), INSTANCES, SEEDS)
    for network in found:
        assert network.planted == SEEDS
        assert network.seeds[0].residual.out.weight.abs().sum() > 0, "its last layer has left zero"
    host = [torch.cat([p.flatten() for p in network.segments.parameters()]) for network in found]
    assert not host[0].equal(host[1])


def test_rows_do_not_depend_on_their_companions():
    both = train_from_scratch(scratch_parts(), INSTANCES, SEEDS)
    alone = train_from_scratch(scratch_parts(), INSTANCES[1:], SEEDS)
    for a, b in zip(both[1].parameters(), alone[0].parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_planted_at_full_strength_a_new_seed_changes_nothing():
    parts = scratch_parts()
    parts.engine.reset(INSTANCES)
    bare = parts.engine.validate([[], []])[0].losses
    for seed in SEEDS:
        plant_full(parts.engine, 0, seed)
    assert parts.engine.place(0)[0].alphas(0) == (1.0, 1.0)
    assert (parts.engine.validate([[], []])[0].losses == bare).all()
