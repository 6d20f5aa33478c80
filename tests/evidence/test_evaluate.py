"""Evaluation: held-out instances, shared controls, pairs."""

import pytest
import torch

from esper_tui.evidence.evaluate import MATCHED, SAMPLED, Evaluation, differences, evaluate, evaluation_config, report
from esper_tui.leyline.choices import Head, Op
from esper_tui.leyline.errors import UsageError
from esper_tui.runtime.build import build_network
from esper_tui.runtime.instances import HELD_OUT
from esper_tui.runtime.policy_file import PolicyFile
from tests import learning


def test_the_same_held_out_instances_for_every_policy():
    config = learning.learn_parts(run={"epochs": 20, "envs": 4}).config
    told: list[tuple[str, int]] = []
    found = evaluate(config, ["wait", "heuristic"], 5, lambda name, count: told.append((name, count)))
    assert told == [("wait", 4), ("wait", 5), ("heuristic", 4), ("heuristic", 5)]
    wait, heuristic = found
    assert [row["gain"] for row in wait.rows] == [0.0] * 5  # bit-identical to the kept controls
    assert any(row["planted"] for row in heuristic.rows)
    assert wait.column("control_loss") == heuristic.column("control_loss")
    assert len(set(wait.column("control_loss"))) == 5
    lines = report(found)
    assert lines[1].startswith("wait")
    assert lines[-1].startswith("wait − heuristic")


def test_a_learning_preset_is_played_by_a_fixed_policy():
    config = learning.learn_parts().config
    fixed = evaluation_config(config, "random", 3)
    assert (fixed.run.mode, fixed.run.rounds, fixed.run.envs, fixed.tamiyo.policy) == ("grow", 1, 3, "random")
    assert config.run.instances < HELD_OUT


def test_differences_leave_out_what_was_not_measured():
    a = Evaluation("a", [{"gain": 0.3}, {"gain": None}, {"gain": 0.1}])
    b = Evaluation("b", [{"gain": 0.1}, {"gain": 0.1}, {"gain": 0.2}])
    assert differences(a, b) == pytest.approx([0.2, -0.1])


def test_greedy_and_sampled_are_played_apart_and_random_is_matched_to_the_first(tmp_path):
    config = learning.learn_parts(run={"epochs": 20, "envs": 2}).config
    network = build_network(config)
    with torch.no_grad():
        network.heads[Head.OP][2].bias[Op.GERMINATE] = 4.0
    path = tmp_path / "p.safetensors"
    PolicyFile(network.sizes, network.state_dict()).save(path)
    greedy, drawn, matched = evaluate(config, [str(path), f"{path}{SAMPLED}", MATCHED], 3)
    assert all(row["planted"] for row in greedy.rows)  # wherever it may: the rate is 1
    assert all(row["planted"] for row in matched.rows)
    assert [row["terms"] for row in greedy.rows] != [row["terms"] for row in drawn.rows]


def test_nobody_to_be_matched_to_and_nothing_to_be_drawn():
    config = learning.learn_parts().config
    with pytest.raises(UsageError, match="nobody to be matched to"):
        evaluate(config, [MATCHED, "wait"], 2)
    with pytest.raises(UsageError, match="no learned policy"):
        evaluate(config, [f"heuristic{SAMPLED}"], 2)
