"""One network never touches another."""

import pytest
import torch

from tests import worlds
from tests.tolaria.test_stacking import LIFE, everything, grow


@pytest.mark.parametrize("victim", [0, 1, 3])
def test_a_poisoned_environment_leaves_the_others_bit_identical(victim):
    """Victim 0 has a blending seed of the same kind as environment 2, 1 an incubating seed, 3 none."""
    clean = grow(worlds.engine(envs=4, chunk=4), 4)
    sick = grow(worlds.engine(envs=4, chunk=4), 4)
    row = 2 * victim
    chunk, local = sick._place_row(row)
    chunk.bank.weight[local] = float("nan")
    chunk.load()
    for epoch in (5, 6):
        worlds.train(clean, epoch)
        worlds.train(sick, epoch)
    a, b = everything(clean), everything(sick)
    touched = {key for key in a if not torch.equal(a[key], b[key])}
    assert touched
    assert all(key.endswith(f"/{row}") for key in touched)
    measured = sick.validate([[], [], [], []])
    reference = clean.validate([[], [], [], []])
    for env in range(4):
        if env != victim:
            assert (measured[env].losses == reference[env].losses).all()
    assert not bool(torch.isfinite(torch.from_numpy(measured[victim].losses)).all())


def test_a_seeds_numbers_do_not_depend_on_its_group():
    """Environment 2 shares its group with environment 0; without 0 it is alone and padded."""
    together = everything(grow(worlds.engine(envs=4, chunk=16), 4))
    alone = worlds.engine(envs=4, chunk=16)
    life = dict(LIFE)
    try:
        LIFE.pop(0)
        for env, (slot, blueprint, style) in LIFE.items():
            alone.apply(env, worlds.germinate(slot, blueprint, style), 0)
        worlds.train(alone, 1)
        for env, (slot, _, _) in LIFE.items():
            alone.apply(env, worlds.advance(slot), 1)
        worlds.train(alone, 2)
        alone.apply(2, worlds.advance("r0c0"), 2)
        for epoch in (3, 4):
            worlds.train(alone, epoch)
    finally:
        LIFE.update(life)
    found = everything(alone)
    mine = [key for key in together if key.endswith("/4")]
    assert [key for key in mine if not torch.equal(together[key], found[key])] == []
