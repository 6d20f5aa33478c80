"""What a critic foresees of an episode's end, and its ceiling, by hand and on tiny networks."""

import pytest
import torch

from esper_tui.bench.foresight import Foresight, bench_foresight
from esper_tui.leyline.errors import UsageError
from esper_tui.runtime.build import build_network
from esper_tui.runtime.policy_file import PolicyFile
from tests import learning


def test_the_ceiling_is_what_replicas_leave():
    # ends vary by 2 around their mean 0, replicas differ by 1 each: noise ½, so ¾ of the variance 2 can be explained
    half = 2.0**0.5
    found = Foresight(ends=[half, -half], replicas=[half + 1, -half - 1])
    assert found.ceiling() == pytest.approx(1 - 0.5 / 2)


def test_only_the_second_half_counts_and_the_mean_of_a_step_does_not():
    ends = [1.0, 2.0, 6.0]
    early, late = torch.zeros(2, 3), torch.tensor([[1.0, 2.0, 6.0], [11.0, 12.0, 16.0]])
    assert Foresight([torch.cat([early, late])], ends).explained() == pytest.approx(1.0)
    assert Foresight([torch.zeros(4, 3)], ends).explained() == pytest.approx(0.0)


def test_a_policy_is_played_twice_on_held_out_instances(tmp_path):
    config = learning.learn_parts(run={"epochs": 20, "envs": 2}).config
    network = build_network(config)
    PolicyFile(network.sizes, network.state_dict()).save(tmp_path / "p.safetensors")
    said: list[str] = []
    bench_foresight(said.append, str(tmp_path / "p.safetensors"), config, 3)
    assert said[:2] == ["2 of 3 episodes, each with a replica", "3 of 3 episodes, each with a replica"]
    assert said[2].startswith("explained variance of U_t, t ≥ T/2: ")
    assert said[2].endswith("n = 3")


def test_what_has_nothing_to_foresee_is_refused():
    with pytest.raises(UsageError, match="no learned policy"):
        bench_foresight(print, "heuristic", learning.learn_parts().config, 2)
    with pytest.raises(UsageError, match="no potential"):
        bench_foresight(print, "ppo", learning.learn_parts(reward={"mode": "sparse"}).config, 2)
