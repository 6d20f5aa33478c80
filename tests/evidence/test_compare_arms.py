"""Arms by name, hosts of a wanted size, blocks of seeds."""

import pytest

from esper_tui.evidence import grown
from esper_tui.evidence.compare.arms import chosen_arms
from esper_tui.evidence.compare.hosts import host_parameters, with_parameters
from esper_tui.evidence.compare.plan import BLOCK, make_plan, next_block
from esper_tui.evidence.compare.static import filled
from esper_tui.kasmina import layers
from esper_tui.kasmina.host import CnnSpec, spec_of
from esper_tui.leyline.errors import UsageError
from esper_tui.runtime.build import build_parts
from tests import worlds


def test_without_a_wish_all_that_are_affordable_are_played():
    assert chosen_arms([], kernel=3, policies=0) == ("A0", "A1", "A2", "A3", "A4", "A5", "A6", "A7")
    assert chosen_arms([], kernel=1, policies=1) == ("A0", "A1", "A2", "A3", "A4", "A4b", "A5", "A6", "A7", "A8")


def test_what_an_arm_needs_is_played_too():
    assert chosen_arms(["A4"], 3, 0) == ("A0", "A4", "A7")
    assert chosen_arms(["A5"], 3, 0) == ("A0", "A5")
    assert chosen_arms(["A8"], 3, 2) == ("A0", "A8.1", "A8.2")
    assert chosen_arms(["A2"], 3, 1, match="A8") == ("A0", "A2", "A8")


@pytest.mark.parametrize(
    ("arms", "kernel", "match", "word"),
    [
        (["A77"], 3, "A7", "choose from A0, A1"),
        (["A8"], 3, "A7", "--policy"),
        (["A4b"], 3, "A7", "blind hosts"),
        (["A2"], 3, "A8", "--match A8 needs"),
        (["A2"], 3, "A5", "--match A5"),
        (["A6"], 3, "A6", "--match A6"),
        (["A9"], 3, "A77", "--match A77"),
    ],
)
def test_arms_that_cannot_be_played_are_one_sentence(arms, kernel, match, word):
    config = worlds.tiny_config(host={"kernel": kernel})
    with pytest.raises(UsageError, match=word):
        make_plan("tiny", config, arms, [], match=match)


@pytest.mark.parametrize("growth", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("params", [3_500, 8_754, 11_058, 100_000])
def test_hosts_are_within_two_percent_of_the_wanted_size(params, growth):
    spec = with_parameters(CnnSpec(), params, growth)
    assert host_parameters(spec) == pytest.approx(params, rel=0.02)
    assert len(spec.widths) == 3


@pytest.mark.parametrize("params", [8_754, 11_058])
def test_a_host_of_any_width_can_be_built_with_its_slots(params):
    """19 or 21 channels are no multiple of eight, which groups of a group norm usually have."""
    config = worlds.tiny_config(
        host={"blocks": 3, "pools": 3, "channels": 8}, growth={"slots": ["r0c0", "r0c1", "r0c2"]}
    )
    spec = with_parameters(spec_of(config), params)
    assert any(width % 8 for width in spec.widths)
    parts = build_parts(config, choice=worlds.CHOICE, spec=spec)
    parts.engine.close()
    assert parts.host_params == pytest.approx(params, rel=0.02)


def test_a_host_of_its_own_size_is_the_host():
    spec = CnnSpec(blocks=3, channels=8)
    found = with_parameters(spec, host_parameters(spec))
    assert found.widths == (8, 16, 32)


def test_a_blind_host_gets_its_sight_back():
    found = with_parameters(CnnSpec(kernel=1), 4_000, 2.0, kernel=3)
    assert found.kernel == 3
    assert host_parameters(found) == pytest.approx(4_000, rel=0.02)


def test_all_slots_are_filled_by_the_rotation():
    config = worlds.tiny_config()
    first, second = filled(config, 0), filled(config, 1)
    assert [(s.slot, s.blueprint) for s in first] == [("r0c0", "CONV_LIGHT"), ("r1c0", "CONV_HEAVY")]
    assert [s.blueprint for s in second] == ["CONV_HEAVY", "CONV_LIGHT"]


def test_blocks_of_seeds():
    assert next_block(0, 7) == list(range(BLOCK))
    assert next_block(BLOCK, 7) == list(range(BLOCK, 7))
    assert next_block(7, 7) == []
    assert len(next_block(10, None)) == BLOCK


def test_an_export_normalises_any_width_as_the_engine_does():
    for channels in range(1, 65):
        assert grown.group_norm(channels).num_groups == layers.group_norm(channels, 1).num_groups
