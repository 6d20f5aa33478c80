"""Many variants in one pass are the same as one pass each."""

from itertools import product

import pytest
import torch

from esper_tui.tolaria.sweep import Sweep, Variant
from tests import worlds
from tests.tolaria.test_stacking import grow


def blended(place=None):
    """Three environments with seeds in all three slots at different strengths."""
    made = worlds.engine(envs=3, place=place)
    plan = {0: ("r0c0", "r1c0", "r0c1"), 1: ("r1c0", "r0c1"), 2: ()}
    for env, slots in plan.items():
        for slot, blueprint in zip(slots, ("CONV_LIGHT", "NORM", "DEPTHWISE"), strict=False):
            made.apply(env, worlds.germinate(slot, blueprint), 0)
    worlds.train(made, 1)
    for epoch in (1, 2):
        for env, slots in plan.items():
            for slot in slots:
                made.apply(env, worlds.advance(slot), epoch)
        worlds.train(made, epoch + 1)
    worlds.train(made, 4)
    return made


def test_eight_subsets_equal_eight_separate_passes():
    made = blended(worlds.placement(torch.float64))
    chunk = made.chunks[0]
    alphas = chunk.alphas(0)
    assert all(alphas)
    variants = [
        Variant(0, tuple(a * on for a, on in zip(alphas, subset, strict=True)))
        for subset in product((1.0, 0.0), repeat=3)
    ]
    images, _ = made.source.validation()[0]
    with torch.no_grad():
        together = Sweep(chunk, variants).load("average")
        assert [len(stage.rows) for stage in together.stages] == [1, 2, 4, 8]
        logits = together.run(images)
        for i, variant in enumerate(variants):
            alone = Sweep(chunk, [variant]).load("average").run(images)[:, 0]
            torch.testing.assert_close(logits[:, i], alone, rtol=1e-11, atol=1e-12)


def test_variants_of_several_rows_share_one_pass():
    made = blended()
    asked = [[frozenset(), frozenset({"r0c0"})], [frozenset({"r0c1"})], []]
    measured = made.validate(asked)
    for env, coalitions in enumerate(asked):
        alone = made.validate([coalitions if e == env else [] for e in range(3)])[env]
        assert set(measured[env].coalitions) == set(coalitions)
        for coalition in coalitions:
            assert (measured[env].coalitions[coalition] == alone.coalitions[coalition]).all()
            assert not (measured[env].coalitions[coalition] == measured[env].losses).all()


def test_a_seed_that_does_nothing_contributes_nothing():
    made = blended()
    chunk = made.chunks[0]
    for slot, group in chunk.groups():
        if slot == 0:
            group.bank.average.zero_()
    everyone = frozenset(s.name for s in made.envs[0].slots)
    measured = made.validate([[everyone, everyone - {"r0c0"}], [], []])[0]
    assert (measured.coalitions[everyone] == measured.coalitions[everyone - {"r0c0"}]).all()
    assert (measured.coalitions[everyone] == measured.losses).all()


def test_every_variant_uses_its_own_statistics():
    """After a slot, the variant with its seed and the one without are each normalised over the batch by themselves."""
    made = blended(worlds.placement(torch.float64))
    images, _ = made.source.validation()[0]
    sweep = Sweep(made.chunks[0], [Variant(0, (1.0, 0.0, 0.0)), Variant(0, (0.0, 0.0, 0.0))]).load("average")
    inputs = []
    block = sweep.stages[2].stacked.module[0]  # runs on two nodes
    block.norm.register_forward_hook(lambda layer, given, out: inputs.append((given[0], out)))
    with torch.no_grad():
        sweep.run(images)
    (given, out), norm = inputs[0], block.norm
    for node in range(2):
        own = slice(16 * node, 16 * node + 16)
        z = given[:, own]
        z = (z - z.mean((0, 2, 3), keepdim=True)) / (z.var((0, 2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
        expected = z * norm.weight[own].view(1, -1, 1, 1) + norm.bias[own].view(1, -1, 1, 1)
        torch.testing.assert_close(out[:, own], expected)
    assert not torch.allclose(given[:, :16].mean((0, 2, 3)), given[:, 16:].mean((0, 2, 3)))


def test_measuring_changes_nothing():
    a, b = grow(worlds.engine(envs=4), 4), grow(worlds.engine(envs=4), 4)
    a.validate([[frozenset()], [], [frozenset()], []])
    worlds.train(a, 5)
    worlds.train(b, 5)
    assert torch.equal(worlds.rows_of(a), worlds.rows_of(b))


def test_the_delivered_network_is_the_measured_one():
    """A single plain network with the same weights gives the losses of the stacked sweep, up to statistics."""
    made = blended(worlds.placement(torch.float64))
    network = made.deliver(2)
    chunk, row = made.place(2)
    images = made.source.training_images()[0]
    from esper_tui.kasmina.layers import set_statistics

    set_statistics(network, "batch")
    with torch.no_grad():
        stacked = Sweep(chunk, [Variant(row, (0.0, 0.0, 0.0))]).load("average").run(images)[:, 0]
        torch.testing.assert_close(network(images), stacked, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("style", ["LINEAR_ADD", "LINEAR_MULTIPLY", "GATED"])
def test_a_delivered_fossil_is_the_measured_seed(style):
    made = worlds.engine(envs=1, place=worlds.placement(torch.float64), twins=False)
    made.apply(0, worlds.germinate("r1c0", "CONV_LIGHT", style), 0)
    for epoch in range(1, 7):
        worlds.train(made, epoch)
        if epoch in (1, 2, 5, 6):
            made.slot(0, "r1c0")
            made.apply(0, worlds.advance("r1c0"), epoch) if epoch < 6 else None
    from esper_tui.kasmina.layers import set_statistics
    from esper_tui.leyline.choices import Decision, Op

    made.apply(0, Decision(op=Op.FOSSILIZE, slot="r1c0"), 6)
    network = made.deliver(0)
    assert [p.slot for p in network.planted] == ["r1c0"]
    images = made.source.training_images()[0]
    set_statistics(network, "batch")
    with torch.no_grad():
        stacked = Sweep(made.chunks[0], [Variant(0, (0.0, 1.0, 0.0))]).load("average").run(images)[:, 0]
        torch.testing.assert_close(network(images), stacked, rtol=1e-10, atol=1e-11)
