"""A copied environment goes on exactly as the original does."""

import pytest
import torch

from esper_tui.leyline.choices import Decision, Op
from esper_tui.tolaria.copying import copy_env
from tests import worlds


def seeds_of(engine, env):
    chunk, row = engine.place(env)
    found = {}
    for index, slot in enumerate(engine.envs[env].slots):
        if slot.seed is not None:
            found[index] = chunk.copy_seed((row, index))
    return found


def grown(epochs: int):
    """An engine whose environment 1 has a fossil, and a second seed that was planted ``epochs`` ago."""
    made = worlds.engine(envs=3, chunk=2, twins=False)
    commit, second = Decision(op=Op.FOSSILIZE, slot="r0c0"), worlds.germinate("r0c1", "CONV_HEAVY")
    steps = {
        1: [worlds.germinate("r0c0")], 2: [worlds.advance("r0c0")], 3: [worlds.advance("r0c0")],
        6: [worlds.advance("r0c0"), commit, second], 7: [worlds.advance("r0c1")], 8: [worlds.advance("r0c1")],
    }  # fmt: skip
    for epoch in range(1, 6 + epochs + 1):
        worlds.train(made, epoch)
        for decision in steps.get(epoch, []):
            made.apply(1, decision, epoch)
    return made, 6 + epochs


@pytest.mark.parametrize("epochs", [0, 1, 2, 3], ids=["planted", "incubating", "grafted", "blending"])
def test_both_go_on_as_one(epochs):
    source, epoch = grown(epochs)
    target = worlds.engine(envs=3, chunk=3, twins=False)
    instance = source.envs[1].instance
    target.reset([source.envs[0].instance, source.envs[2].instance, instance])
    copy_env(source, 1, target, 2)
    for more in range(epoch + 1, epoch + 3):
        worlds.train(source, more)
        worlds.train(target, more)
    assert source.envs[1].slots == target.envs[2].slots
    (chunk, row), (other, place) = source.place(1), target.place(2)
    assert torch.equal(chunk.bank.weight[row], other.bank.weight[place])
    assert torch.equal(chunk.bank.average[row], other.bank.average[place])
    before, after = seeds_of(source, 1), seeds_of(target, 2)
    assert [(w, k) for w, k, _ in before.values()] == [(w, k) for w, k, _ in after.values()]
    for (_, _, a), (_, _, b) in zip(before.values(), after.values(), strict=True):
        assert all(torch.equal(a[name], b[name]) for name in a)


def test_they_share_nothing():
    source, epoch = grown(1)
    target = worlds.engine(envs=1, twins=False)
    target.reset([source.envs[1].instance])
    copy_env(source, 1, target, 0)
    before = worlds.rows_of(source).clone()
    target.apply(0, worlds.advance("r0c1"), epoch)
    worlds.train(target, epoch + 1)
    assert torch.equal(worlds.rows_of(source), before)
    assert source.envs[1].slots != target.envs[0].slots
