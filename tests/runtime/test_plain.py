"""Objects survive the way through JSON with their types and bits; nothing else comes out of a file."""

import json
from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.leyline.choices import WAIT, Curve, Decision, Op
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.state import Instance
from esper_tui.runtime.plain import Packer, Unpacker


@dataclass
class Thing:
    number: float
    inner: "Thing | None" = None
    table: dict = field(default_factory=dict)


CLASSES = (Thing, Op, Decision, Instance, Curve)


def through(value):
    packer = Packer(CLASSES)
    text = json.dumps(packer.pack(value))
    return Unpacker(CLASSES, packer.tensors).unpack(json.loads(text))


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -1.5, 0.1 + 0.2, float("inf"), "a – b", [], [1, [2]], (1, (2.0, "x")), {1, 2}, frozenset({"a"}),
        {(1, "r0c0"): [1.0], frozenset({"b"}): None}, Counter({("nan", None, "r0c0"): 2}), Op.PRUNE, WAIT,
        Instance(3, 4), Thing(1.0, Thing(2.0), {Op.WAIT: (1,)}), Curve("sigmoid", 6.0),
    ],
    ids=repr,
)  # fmt: skip
def test_round_trip(value):
    found = through(value)
    assert found == value
    assert type(found) is type(value)


def test_a_bounded_queue_stays_bounded():
    found = through(deque([1, 2], maxlen=2))
    assert (list(found), found.maxlen) == ([1, 2], 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bool, torch.int64])
def test_tensors_keep_type_and_bits(dtype):
    value = torch.tensor([[0.1, 2.0], [0.0, 7.0]]).to(dtype)
    found = through({"x": value})["x"]
    assert found.dtype is dtype
    assert torch.equal(found, value)


def test_arrays_come_back_as_arrays_and_are_copies():
    value = np.arange(6.0).reshape(2, 3)[:, ::2]
    packer = Packer(())
    plain = packer.pack([value, np.array([True, False])])
    value[:] = -1
    found, mask = Unpacker((), packer.tensors).unpack(plain)
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [[0.0, 2.0], [3.0, 5.0]]
    assert mask.dtype == bool


def test_numbers_of_numpy_become_plain():
    assert through([np.float64(0.25), np.bool_(True), np.int64(3)]) == [0.25, True, 3]


def test_an_unknown_class_is_not_packed():
    @dataclass
    class Other:
        x: int

    with pytest.raises(TypeError, match="Other"):
        Packer(CLASSES).pack([Other(1)])


@pytest.mark.parametrize(
    "document",
    [{}, {"!": "os.system", "v": "true"}, {"!": "Thing", "v": {"nope": 1}}, {"!": "Thing", "v": 3},
     {"!": "Op", "v": "FLY"}, {"!": "tensor", "v": "plain/9"}, {"!": "dict", "v": [1]}, {"!": "set", "v": [[1]]},
     {"!": "deque", "v": []}],
)  # fmt: skip
def test_what_is_not_a_plain_form_is_one_sentence(document):
    with pytest.raises(Incompatible, match="does not know"):
        Unpacker(CLASSES, {}).unpack(document)


keys = st.none() | st.integers() | st.text(max_size=3) | st.tuples(st.integers(), st.text(max_size=2))
values = st.recursive(
    keys | st.floats(allow_nan=False) | st.booleans() | st.sampled_from(Op),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=10,
)


@given(values)
def test_wild_values(value):
    assert through(value) == value
