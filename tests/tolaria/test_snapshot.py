"""An engine that was captured and restored goes on bit for bit."""

import json

import pytest
import torch
import worlds

from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.stages import Stage
from esper_tui.tolaria.engine import Engine
from esper_tui.tolaria.snapshot import capture_engine, load_slot, restore_engine, slot_document


def lived_in() -> Engine:
    """Seeds resting, incubating, blending; one pruned."""
    made = worlds.engine(envs=4, chunk=3)
    made.apply(0, worlds.germinate("r0c0", "CONV_LIGHT"), 0)
    made.apply(1, worlds.germinate("r0c1", "ATTENTION", "GATED"), 0)
    made.apply(2, worlds.germinate("r1c0", "NORM", "LINEAR_MULTIPLY"), 0)
    for env, slot in ((0, "r0c0"), (1, "r0c1")):
        made.apply(env, worlds.advance(slot), 0)
    worlds.train(made, 1)
    made.apply(0, worlds.advance("r0c0"), 1)
    worlds.train(made, 2)
    return made


def go_on(made: Engine) -> tuple[torch.Tensor, list]:
    for epoch in (3, 4):
        worlds.train(made, epoch)
        made.apply(2, worlds.advance("r1c0"), epoch) if epoch == 3 else None
    return worlds.rows_of(made), [m.losses for m in made.validate([[] for _ in made.envs])]


def test_a_restored_engine_computes_the_same_bits():
    first = lived_in()
    tensors, document = capture_engine(first)
    document = json.loads(json.dumps(document))
    second = worlds.engine(envs=4, chunk=3)
    restore_engine(second, tensors, document)
    rows, losses = go_on(first)
    again, measured = go_on(second)
    assert torch.equal(rows, again)
    assert all((a == b).all() for a, b in zip(losses, measured, strict=True))
    for (_, a), (_, b) in zip(
        sorted(capture_engine(first)[0].items()), sorted(capture_engine(second)[0].items()), strict=True
    ):
        assert torch.equal(a, b)


def test_the_capture_is_a_copy():
    made = lived_in()
    tensors, document = capture_engine(made)
    before, said = {name: tensor.clone() for name, tensor in tensors.items()}, json.dumps(document)
    go_on(made)
    made.apply(0, Decision(op=Op.PRUNE, slot="r0c0", alpha_speed="INSTANT", alpha_curve="LINEAR"), 6)
    assert json.dumps(document) == said, "seeds may be gone before the document is written"
    assert all(torch.equal(before[name], tensor) for name, tensor in tensors.items())


def test_a_slot_survives_the_round_trip():
    slot = lived_in().envs[0].slots[0]
    assert slot.stage is Stage.BLENDING
    assert load_slot(json.loads(json.dumps(slot_document(slot)))) == slot


def test_another_shape_is_refused():
    tensors, document = capture_engine(lived_in())
    with pytest.raises(Incompatible, match="chunk"):
        restore_engine(worlds.engine(envs=4, chunk=16), tensors, document)
