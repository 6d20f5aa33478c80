"""``esper policies`` and ``esper evaluate`` as a person uses them."""

import json

import pytest

from esper_tui.runtime.policy_file import PolicyFile, policies_folder
from esper_tui.tamiyo.network import Network, Sizes
from tests import console


@pytest.fixture
def gardener():
    """A policy that was never trained, in the policies folder."""
    sizes = Sizes(16, 8, 4)
    made = PolicyFile(
        sizes, Network(sizes).state_dict(), progress={"episodes": 32, "updates": 2, "best": 0.5},
        origin={"data": "procedural", "reward": "economy"},
    )  # fmt: skip
    policies_folder().mkdir(parents=True)
    made.save(policies_folder() / "gardener.safetensors")
    return policies_folder() / "gardener.safetensors"


def test_without_any_policy_the_way_to_one_is_said():
    found = console.esper("policies", "list")
    assert found.code == 0
    assert "esper run learn_quickstart" in found.out


def test_listed_shown_and_removed(gardener):
    listed = console.esper("policies", "list")
    assert "gardener" in listed.out
    assert "32 episodes" in listed.out
    assert json.loads(console.esper("policies", "list", "--json").out)[0]["best"] == 0.5
    shown = json.loads(console.esper("policies", "show", "gardener").out)
    assert shown["sizes"]["width"] == 16
    assert shown["choices"]["tempo"] == ["FAST", "STANDARD", "SLOW"]
    assert console.esper("policies", "rm", "gardener", "--yes").code == 0
    assert not gardener.exists()


def test_a_damaged_file_does_not_hide_the_others(gardener):
    (policies_folder() / "broken.safetensors").write_bytes(b"nothing")
    listed = console.esper("policies", "list")
    assert listed.code == 0
    assert "32 episodes" in listed.out
    assert "not a readable policy file" in listed.out
    assert console.esper("policies", "show", "broken").code == 5


def test_a_policy_that_is_not_there_is_named_with_the_nearest(gardener):
    found = console.esper("evaluate", "gardner", "--preset", "quickstart")
    assert found.code == 2
    assert "did you mean 'gardener'" in found.err


def test_evaluated_against_another(gardener, tmp_path):
    preset = console.tiny_preset(tmp_path)
    found = console.esper(
        "evaluate", "gardener", "--preset", str(preset), "-n", "3", "--against", "wait", "--set", "run.envs=3"
    )
    assert found.code == 0, found.err
    assert [line.split()[0] for line in found.out.splitlines()] == ["policy", "gardener", "wait", "gardener"]
    told = console.esper("evaluate", "wait", "--preset", str(preset), "-n", "2", "--json")
    rows = json.loads(told.out)[0]["rows"]
    assert [row["gain"] for row in rows] == [0.0, 0.0]
