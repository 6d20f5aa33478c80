"""A seed in TRAINING learns without touching its host."""

import math

import pytest
import torch

from esper_tui.kasmina.layers import set_statistics
from esper_tui.kasmina.network import Network, Planted, fresh_weights
from esper_tui.leyline.choices import Form
from esper_tui.runtime.seeding import generator
from tests import worlds


def start(blueprint: str = "CONV_HEAVY", style: str = "LINEAR_ADD", slot: str = "r0c0"):
    made = worlds.engine(envs=2)
    made.apply(0, worlds.germinate(slot, blueprint, style), 0)
    worlds.train(made, 1)
    made.apply(0, worlds.advance(slot), 1)
    return made


@pytest.mark.parametrize("slot", worlds.SLOTS)
def test_the_host_is_bit_identical_after_twenty_steps(slot):
    """Weights, momentum, averages, step counts and running statistics, against the control in the same chunk."""
    made = start(slot=slot)
    for epoch in range(2, 7):  # 4 steps each
        worlds.train(made, epoch)
    chunk = made.chunks[0]
    for name, rows in chunk.bank.tensors.items():
        assert torch.equal(rows[0], rows[1]), name
    statistics = chunk.host.statistics()
    assert torch.equal(statistics[0], statistics[1])


def test_the_clip_of_the_host_does_not_see_the_seed():
    made = start()
    made.begin_epoch()
    report = made.train_epoch(2)
    assert report.host_grad[0] > 0
    assert report.seed_grad[0]["r0c0"] > 0
    assert report.seed_grad[1] == {}


@pytest.mark.parametrize("blueprint", ["CONV_HEAVY", "CONV_LIGHT", "BOTTLENECK", "ATTENTION"])
def test_the_seed_learns_and_stays_bounded_over_twenty_epochs(blueprint):
    made = start(blueprint)
    before = made.validate([[], []])[0]
    for epoch in range(2, 22):
        worlds.train(made, epoch)
    measured = made.validate([[], []])[0]
    rms_delta, rms_host = measured.power["r0c0"]
    assert math.isfinite(rms_delta)
    assert 0.0 < rms_delta <= 2 * rms_host
    assert before.power["r0c0"][0] == 0.0


def test_several_incubating_seeds_are_each_shadowed_alone():
    """A seed's numbers are the same whether or not another seed incubates in another slot of the same row."""
    alone, beside = start(), start()
    chunk = beside.chunks[0]
    key = (0, 2)
    kind = ("CONV_LIGHT", Form.ADD)
    chunk.plant(key, kind, fresh_weights(beside.shape.seed_build(2, kind)(1), generator("other")))
    chunk.incubate(key)
    for epoch in (2, 3):
        worlds.train(alone, epoch)
        worlds.train(beside, epoch)
    kind = ("CONV_HEAVY", Form.ADD)
    rows = [made.chunks[0].nursery[0][kind].bank.weight for made in (alone, beside)]
    assert torch.equal(rows[0], rows[1])


def test_upstream_gradient_is_intact_at_full_strength():
    """A blended seed must not cut the host before it: every gradient equals that of the written-out network."""
    made = worlds.engine(envs=1, place=worlds.placement(torch.float64), twins=False)
    made.apply(0, worlds.germinate("r0c1"), 0)
    for epoch in range(1, 8):
        worlds.train(made, epoch)
        if epoch <= 2:
            made.apply(0, worlds.advance("r0c1"), epoch)
    chunk = made.chunks[0]
    assert chunk.alphas(0) == (0.0, 0.0, 1.0)
    images, labels = made.source.epoch(made.row_instances, 9).batch(0, [0])
    stacked = torch.autograd.grad(
        torch.nn.functional.cross_entropy(chunk.forward(images)[0], labels[:, 0]),
        chunk.host.params,
    )
    network = Network(worlds.SPEC, [Planted("r0c1", "CONV_LIGHT", Form.ADD)]).double()
    network.load_rows(chunk.bank.weight[0], [chunk.seed_row((0, 2))[1]["weight"]])
    set_statistics(network, "batch")
    plain = torch.autograd.grad(
        torch.nn.functional.cross_entropy(network(images), labels[:, 0]), list(network.segments.parameters())
    )
    for a, b in zip(stacked, plain, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
    assert stacked[0].norm() > 0.01 * max(g.norm() for g in stacked)


def test_without_incubation_a_seed_goes_on_to_blending_at_once():
    """GERMINATED → TRAINING → BLENDING at one boundary: no shadow pass is trained, and the ramp starts in the next
    epoch with the seed as it was born."""
    made = worlds.engine(envs=1)
    made.incubates = False
    made.apply(0, worlds.germinate("r0c0"), 0)
    worlds.train(made, 1)
    changes = made.apply(0, worlds.advance("r0c0"), 1)
    assert [(c.source.name, c.target.name) for c in changes] == [("GERMINATED", "TRAINING"), ("TRAINING", "BLENDING")]
    chunk, row = made.place(0)
    assert not any(chunk.nursery)
    _, seed = chunk.seed_row((row, 0))
    assert seed["steps"] == 0
    made.begin_epoch()
    assert made.slot(0, "r0c0").alpha.value > 0.0
    assert "r0c0" in made.train_epoch(2).seed_grad[0]


def test_with_incubation_it_trains_first():
    made = worlds.engine(envs=1)
    made.apply(0, worlds.germinate("r0c0"), 0)
    worlds.train(made, 1)
    assert [c.target.name for c in made.apply(0, worlds.advance("r0c0"), 1)] == ["TRAINING"]
