"""Tables of curves: what ships holds only committed life; what is no table is refused; policies of the surrogate."""

import numpy as np
import pytest
import torch

from esper_tui.bench.policy import policy_file
from esper_tui.bench.surrogate import World
from esper_tui.bench.surrogate_view import layout_of
from esper_tui.bench.tabulate import BLENDING_AFTER, HELD_UNTIL, PLANTED, load_table
from esper_tui.kasmina.gates import LOOK_EVERY, MAX_LOOKS
from esper_tui.leyline.errors import UsageError
from esper_tui.runtime.policy_file import load_policy
from esper_tui.tamiyo.learned import Learned
from esper_tui.tamiyo.network import Network, Sizes


def test_no_curve_goes_on_after_the_slot_would_have_taken_the_seed_away():
    """A cell is in HOLDING 5 epochs after its germination and is never committed: its time is up 20 epochs later."""
    assert HELD_UNTIL == 5 + LOOK_EVERY * MAX_LOOKS
    table = load_table()
    assert table["planted"] == list(PLANTED)
    for name, curve in table["curves"].items():
        planted = int(name.rsplit(" ", 1)[1])
        assert len(curve) == min(HELD_UNTIL, table["epochs"] - planted) - BLENDING_AFTER


def test_a_curve_goes_on_as_it_ended():
    world = World(load_table())
    for planted in (5, 13):
        late = world.curves[:, :, planted, HELD_UNTIL - BLENDING_AFTER :]
        assert np.ptp(late, axis=-1).max() == 0.0


@pytest.mark.parametrize("text", [None, "[1, 2]", "{", '{"epochs": 3}'])
def test_what_is_no_table_is_refused(tmp_path, text):
    path = tmp_path / "t.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=r"is not a table of curves.*--tabulate writes one"):
        load_table(path)


def test_a_policy_of_the_surrogate_is_an_ordinary_policy_file(tmp_path):
    world = World(load_table())
    network = Network(Sizes(16, 8, 4))
    learned = Learned(network, layout_of(world), value_scale=3.0)
    policy_file(world, learned, 7, 6400).save(tmp_path / "p.safetensors")
    found = load_policy(tmp_path / "p.safetensors")
    assert found.value_scale == 3.0
    assert (found.origin["seed"], found.progress["updates"], found.progress["episodes"]) == (7, 10, 160)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), found.network().parameters(), strict=True))
