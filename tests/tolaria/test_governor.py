"""The governor sees what is wrong, and a roll-back touches one environment only."""

import math

import pytest
import torch
import worlds

from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.stages import Stage
from esper_tui.tolaria.engine import Engine
from esper_tui.tolaria.governor import HISTORY, PATIENCE, Watch, keep_env, roll_back

CHANCE = math.log(10)


def fed(*losses: float) -> tuple[Watch, list[str]]:
    watch = Watch(CHANCE)
    return watch, [watch.look(loss, 1.0) for loss in losses]


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite(loss):
    _, said = fed(2.0, loss)
    assert said[0] == ""
    assert "not finite" in said[1]


def test_gradients():
    watch = Watch(CHANCE)
    assert watch.look(2.0, 9.9e3) == ""
    assert "exploded" in watch.look(2.0, 1.1e4)
    assert "not finite" in watch.look(2.0, math.nan)


def test_divergence_needs_three_epochs_in_a_row():
    # median 1.0, MAD 0.05: the limit is max(1.0 + 6·0.05, 1.5) = 1.5
    history = [0.95, 1.05] * (HISTORY // 2)
    _, said = fed(*history, 1.6, 1.6, 1.0, 1.6, 1.6, 1.6)
    assert said[:-1] == [""] * (len(said) - 1)
    assert "diverged" in said[-1]
    assert PATIENCE == 3


def test_a_rise_within_the_limit_is_no_divergence():
    _, said = fed(*[0.95, 1.05] * 5, 1.45, 1.45, 1.45, 1.45)
    assert not any(said)


def test_collapse_to_chance_only_after_learning():
    assert not any(fed(*[2.3] * 12)[1])
    assert "collapsed" in fed(2.3, 1.5, 2.25)[1][-1]


def fossil_and_seed() -> Engine:
    """Environment 0 has a fossil and an incubating seed; so has its neighbour in the same chunk."""
    made = worlds.engine(envs=3, chunk=8)
    for env in (0, 1):
        made.apply(env, worlds.germinate("r0c0"), 0)
        for _ in range(2):
            made.apply(env, worlds.advance("r0c0"), 0)
        made.slot(env, "r0c0").alpha.value = made.slot(env, "r0c0").alpha.target = 1.0
        made.slot(env, "r0c0").alpha.done = made.slot(env, "r0c0").alpha.ticks
        made.apply(env, worlds.advance("r0c0"), 0)
        made.apply(env, Decision(op=Op.FOSSILIZE, slot="r0c0"), 0)
        made.apply(env, worlds.germinate("r0c1"), 0)
        made.apply(env, worlds.advance("r0c1"), 0)
    return made


def test_a_roll_back_restores_the_environment_and_nobody_else():
    made, alone = fossil_and_seed(), fossil_and_seed()
    for engine in (made, alone):
        worlds.train(engine, 1)
    kept = keep_env(made, 0, 1)
    host = made.place(0)[0].bank.row(made.place(0)[1])
    for engine in (made, alone):
        worlds.train(engine, 2)
    changes = roll_back(made, 0, kept)
    assert [(c.slot, c.target, c.cause) for c in changes] == [("r0c1", Stage.PRUNED, "governor")]
    chunk, row = made.place(0)
    assert all(torch.equal(chunk.bank.row(row)[name], value) for name, value in host.items())
    assert torch.equal(chunk.seed_row((row, 0))[1]["weight"], kept.fossils[0][1]["weight"])
    worlds.train(made, 3)
    worlds.train(alone, 3)
    others = [r for r in range(len(worlds.rows_of(made))) if r != row]
    assert torch.equal(worlds.rows_of(made)[others], worlds.rows_of(alone)[others])
    assert not torch.equal(worlds.rows_of(made)[row], worlds.rows_of(alone)[row])


def test_a_roll_back_heals_a_poisoned_environment():
    made = fossil_and_seed()
    worlds.train(made, 1)
    kept = keep_env(made, 0, 1)
    chunk, row = made.place(0)
    for tensor in chunk.bank.tensors.values():
        tensor[row] = math.nan
    chunk.load()
    worlds.train(made, 2)
    roll_back(made, 0, kept)
    worlds.train(made, 3)
    assert worlds.rows_of(made).isfinite().all()
    assert all(torch.isfinite(torch.as_tensor(m.losses)).all() for m in made.validate([[] for _ in made.envs]))
