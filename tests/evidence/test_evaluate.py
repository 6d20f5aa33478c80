"""Evaluation: held-out instances, shared controls, pairs."""

import numpy as np
import pytest
import torch

from esper_tui.evidence.evaluate import (
    MATCHED,
    SAMPLED,
    Evaluation,
    Outcome,
    difference_interval,
    differences,
    evaluate,
    evaluation_config,
    report,
)
from esper_tui.evidence.stats import iqm_interval, nested_iqm_interval
from esper_tui.leyline.choices import Head, Op
from esper_tui.leyline.errors import UsageError
from esper_tui.runtime.build import build_network
from esper_tui.runtime.instances import HELD_OUT
from esper_tui.runtime.policy_file import PolicyFile
from tests import learning


def test_the_same_held_out_instances_for_every_policy():
    config = learning.learn_parts(run={"epochs": 20, "envs": 4}).config
    told: list[tuple[str, int]] = []
    found = evaluate(config, ["wait"], ["heuristic"], 5, lambda name, count: told.append((name, count)))
    assert told == [("wait", 4), ("wait", 5), ("heuristic", 4), ("heuristic", 5)]
    wait, heuristic = found.all
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
    assert differences(a, b) == pytest.approx([0.2, np.nan, -0.1], nan_ok=True)


def rows_of(name: str, gains: list[float | None]) -> Evaluation:
    rest = {"reward": 0.0, "acc": 0.5, "control_acc": 0.5, "params": 9, "host_params": 8, "kept": [], "planted": 1}
    return Evaluation(name, [rest | {"gain": gain} for gain in gains])


def test_of_several_policies_the_policy_is_the_unit_and_an_instance_counts_if_all_were_measured_there():
    group = [rows_of(str(p), [p + 0.1 * i for i in range(4)] + [None if p else 9.0]) for p in range(3)]
    other = rows_of("other", [1.0, 1.0, 1.0, 1.0, 0.0])
    table = np.array([[p + 0.1 * i - 1.0 for i in range(4)] for p in range(3)])
    found = difference_interval(group, other)
    assert found == nested_iqm_interval(table)
    assert found.n == 3
    two = difference_interval(group[:2], rows_of("other", [1.0] * 5))
    assert two.n == 4  # the mean of both, instance by instance
    alone = difference_interval(group[1:2], other)
    assert alone == iqm_interval(table[1].tolist())
    assert alone.n == 4


def test_the_report_compares_every_group_with_every_rival():
    group, others = [rows_of(f"p{i}", [0.1, 0.2, 0.3]) for i in range(3)], [rows_of("wait", [0.0, 0.0, 0.0])]
    lines = report(Outcome(group, [rows_of(f"p{i} sampled", [0.0, 0.0, 0.1]) for i in range(3)], others))
    assert len(lines) == 1 + 7 + 2
    assert lines[-2].startswith("3 policies, greedy − wait: gain +0.2000")
    assert lines[-1].startswith("3 policies, sampled − wait: gain")
    assert "n = 3 policies" in lines[-1]


def test_greedy_and_sampled_are_played_apart_and_random_is_matched_to_the_first(tmp_path):
    config = learning.learn_parts(run={"epochs": 20, "envs": 2}).config
    network = build_network(config)
    with torch.no_grad():
        network.heads[Head.OP][2].bias[Op.GERMINATE] = 4.0
    path = tmp_path / "p.safetensors"
    PolicyFile(network.sizes, network.state_dict()).save(path)
    greedy, drawn, matched = evaluate(config, [str(path)], [MATCHED], 3, sampled=True).all
    assert drawn.policy == f"{path}{SAMPLED}"
    assert all(row["planted"] for row in greedy.rows)  # wherever it may: the rate is 1
    assert all(row["planted"] for row in matched.rows)
    assert [row["terms"] for row in greedy.rows] != [row["terms"] for row in drawn.rows]


def test_nobody_to_be_matched_to_and_nothing_to_be_drawn():
    config = learning.learn_parts().config
    with pytest.raises(UsageError, match="nobody to be matched to"):
        evaluate(config, [MATCHED], ["wait"], 2)
    with pytest.raises(UsageError, match="no learned policy"):
        evaluate(config, ["heuristic"], [], 2, sampled=True)
