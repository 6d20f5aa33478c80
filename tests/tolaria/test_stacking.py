"""k environments in one chunk are k environments in chunks of one."""

import pytest
import torch

from esper_tui.leyline.state import Instance
from tests import worlds

LIFE = {
    0: ("r0c0", "CONV_LIGHT", "LINEAR_ADD"),
    1: ("r1c0", "DEPTHWISE", "GATED"),
    2: ("r0c0", "CONV_LIGHT", "LINEAR_ADD"),
}


def grow(made, envs: int):
    """Seeds in every stage: one blending, one incubating, one blending of the same kind, the rest bare."""
    for env, (slot, blueprint, style) in LIFE.items():
        made.apply(env, worlds.germinate(slot, blueprint, style), 0)
    worlds.train(made, 1)
    for env, (slot, _, _) in LIFE.items():
        made.apply(env, worlds.advance(slot), 1)
    worlds.train(made, 2)
    for env in (0, 2):
        made.apply(env, worlds.advance(LIFE[env][0]), 2)
    for epoch in (3, 4):
        worlds.train(made, epoch)
    return made


def everything(made) -> dict[str, torch.Tensor]:
    """All state of an engine by global row, whatever its chunks."""
    found = {}
    for chunk, span in zip(made.chunks, made.spans, strict=True):
        for name, rows in chunk.bank.tensors.items():
            found |= {f"{name}/{row}": rows[i] for i, row in enumerate(span)}
        found |= {f"stats/{row}": values for row, values in zip(span, chunk.host.statistics(), strict=True)}
        for slot, group in chunk.groups():
            for name, rows in group.bank.tensors.items():
                found |= {f"seed{slot}/{name}/{span[m]}": rows[i] for i, m in enumerate(group.members)}
    return found


@pytest.mark.parametrize("name", ["sgd", "adamw"])
@pytest.mark.parametrize("layout", ["channels_last", "contiguous"])
def test_one_chunk_equals_chunks_of_one_in_float64(layout, name, monkeypatch):
    place = worlds.placement(torch.float64, layout)
    plain = worlds.shape
    monkeypatch.setattr(worlds, "shape", lambda *a: plain(*a, name=name))
    whole = everything(grow(worlds.engine(envs=4, chunk=16, place=place), 4))
    single = everything(grow(worlds.engine(envs=4, chunk=1, place=place), 4))
    assert whole.keys() == single.keys()
    assert any(key.startswith("seed") for key in whole)
    for key in whole:
        torch.testing.assert_close(
            whole[key], single[key], rtol=1e-11, atol=1e-12, msg=lambda m, key=key: f"{key}: {m}"
        )


@pytest.mark.parametrize("chunk", [2, 3, 5])
def test_chunk_size_does_not_change_a_bit_in_float32(chunk):
    reference = everything(grow(worlds.engine(envs=4, chunk=16), 4))
    other = everything(grow(worlds.engine(envs=4, chunk=chunk), 4))
    assert [key for key in reference if not torch.equal(reference[key], other[key])] == []


def test_threads_do_not_change_a_bit():
    one = everything(grow(worlds.engine(envs=4, chunk=2, threads=1), 4))
    two = everything(grow(worlds.engine(envs=4, chunk=2, threads=2), 4))
    assert [key for key in one if not torch.equal(one[key], two[key])] == []


def test_a_control_and_its_environment_are_identical_until_a_seed_blends_in():
    made = worlds.engine(envs=2)
    made.apply(0, worlds.germinate("r0c0"), 0)
    worlds.train(made, 1)
    made.apply(0, worlds.advance("r0c0"), 1)
    for epoch in (2, 3):
        worlds.train(made, epoch)
        measured = made.validate([[], []])
        rows = worlds.rows_of(made)
        assert torch.equal(rows[0], rows[1])
        assert (measured[0].losses == measured[0].control.losses).all()
    made.apply(0, worlds.advance("r0c0"), 3)
    worlds.train(made, 4)
    rows = worlds.rows_of(made)
    assert not torch.equal(rows[0], rows[1])
    assert torch.equal(rows[2], rows[3])


def test_instances_fix_a_row_whatever_its_place():
    made = worlds.engine(envs=3)
    for epoch in (1, 2):
        worlds.train(made, epoch)
    other = worlds.engine(envs=1)
    other.reset([Instance(7, 2)])
    for epoch in (1, 2):
        worlds.train(other, epoch)
    assert torch.equal(worlds.rows_of(made)[4], worlds.rows_of(other)[0])
