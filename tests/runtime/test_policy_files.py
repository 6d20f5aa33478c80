"""Policy files: saved, loaded and acting alike; named, listed, compared by name; training goes on from one."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from esper_tui.leyline.errors import Incompatible, UsageError
from esper_tui.runtime.policy_file import (
    PolicyFile,
    all_policies,
    find_policy,
    load_policy,
    policies_folder,
    policy_path,
)
from esper_tui.tamiyo.learned import Learned
from tests import learning, sights


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The learner and the run folder of a finished run."""
    folder = tmp_path_factory.mktemp("run")
    for part in ("checkpoints", "artefacts"):
        (folder / part).mkdir()
    parts = learning.learn_parts(ppo={"save_every": 1}, run={"epochs": 20})
    loop, events = learning.play(parts, learning.Watched(path=folder))
    return loop.learner, folder, events


def names(folder) -> list[str]:
    return sorted(p.stem for p in (folder / "checkpoints").glob("policy-*"))


def test_best_regular_and_last_are_saved(trained):
    _, folder, events = trained
    assert names(folder) == ["policy-000001", "policy-best", "policy-last"]
    updates = learning.of_type(events, "PolicyUpdated")
    assert [u.saved for u in updates] == [
        "checkpoints/policy-000001.safetensors",
        "checkpoints/policy-last.safetensors",
    ]
    assert (folder / "artefacts" / "round-001-best.safetensors").is_file()
    last = load_policy(folder / "checkpoints" / "policy-last.safetensors")
    assert last.progress == {
        "rounds": 2, "episodes": 8, "updates": 2, "best": max(u.metrics["return/mean"] for u in updates),
    }  # fmt: skip


@pytest.mark.parametrize("slots", [1, 2, 12])
def test_a_saved_policy_acts_like_the_one_it_was_on_any_number_of_slots(trained, slots):
    learner, folder, _ = trained
    saved = load_policy(folder / "checkpoints" / "policy-last.safetensors")
    policies = [Learned(net, sights.layout(slots)) for net in (learner.network, saved.network())]
    look = sights.observation(slots, 6, 9)
    one, two = (p.act(look, p.initial_state(6)) for p in policies)
    assert one.decisions == two.decisions
    assert torch.equal(one.sample["log_pi"], two.sample["log_pi"])
    assert torch.equal(one.sample["values"], two.sample["values"])
    assert saved.value_scale == learner.trainer.scale.deviation


def test_training_goes_on_with_optimiser_scale_and_statistics(trained):
    learner, folder, _ = trained
    path = folder / "checkpoints" / "policy-last.safetensors"
    parts = learning.learn_parts(tamiyo={"policy": str(path)}, run={"rounds": 1, "epochs": 3})
    loop, events = learning.play(parts)
    update = learning.of_type(events, "PolicyUpdated")[0]
    assert (update.update, update.episodes) == (3, 12)
    steps = [float(s["step"]) for s in loop.learner.trainer.ppo.optimiser.state.values()]
    assert max(steps) > max(float(s["step"]) for s in learner.trainer.ppo.optimiser.state.values())
    assert float(loop.learner.network.env_normal.count[0]) > float(learner.network.env_normal.count[0])


def test_a_grow_run_uses_it_greedily(trained):
    _, folder, _ = trained
    path = folder / "checkpoints" / "policy-best.safetensors"
    parts = learning.learn_parts(tamiyo={"policy": str(path)}, run={"mode": "grow", "rounds": 1, "epochs": 8})
    _, events = learning.play(parts)
    assert not learning.of_type(events, "PolicyUpdated")
    assert len(learning.of_type(events, "RoundEnded")) == 1


def altered(path, target, change):
    """A copy of a policy file with another document."""
    with safe_open(str(path), framework="pt") as file:
        meta = dict(file.metadata())
    document = json.loads(meta["document"])
    change(document)
    from esper_tui.runtime.statefile import save_state

    save_state(target, "policy", load_file(str(path)), document)
    return target


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d["choices"]["tempo"].append("GLACIAL"), "other choices of tempo: it has GLACIAL"),
        (lambda d: d["choices"]["style"].remove("GATED"), "it lacks GATED"),
        (lambda d: d["choices"]["op"].reverse(), "their order is another"),
        (lambda d: d["observation"]["env"].append("weather [K]"), "other features of env: it has weather"),
        (lambda d: d["sizes"].update(width=17), "does not describe a policy"),
        (lambda d: d.pop("progress"), "does not describe a policy"),
        (lambda d: d.update(value_scale="much"), "does not describe a policy"),
    ],
)
def test_a_mismatch_is_one_sentence(trained, tmp_path, change, sentence):
    _, folder, _ = trained
    path = altered(folder / "checkpoints" / "policy-last.safetensors", tmp_path / "other.safetensors", change)
    with pytest.raises(Incompatible) as caught:
        load_policy(path)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_files_and_other_files_are_refused(trained, tmp_path):
    _, folder, _ = trained
    whole = (folder / "checkpoints" / "policy-last.safetensors").read_bytes()
    (tmp_path / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    save_file({"x": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    for name in ("half", "foreign"):
        with pytest.raises(Incompatible):
            load_policy(tmp_path / f"{name}.safetensors")


def test_policies_are_found_by_name_and_near_misses_are_named(trained):
    learner, _, _ = trained
    policies_folder().mkdir(parents=True)
    learner.snapshot().save(policies_folder() / "gardener.safetensors")
    assert [name for name, _ in all_policies()] == ["gardener"]
    assert isinstance(find_policy("gardener"), PolicyFile)
    with pytest.raises(UsageError, match="did you mean 'gardener'"):
        policy_path("gardner")
    with pytest.raises(UsageError, match="did you mean 'heuristic'"):
        policy_path("heuristik")
    with pytest.raises(UsageError, match="no policy file"):
        policy_path("./gardener.safetensors")


def test_the_policy_that_is_given_away_fits_the_present_choices_and_features():
    """A change of either makes the file useless, and whoever makes it has to train a new one."""
    (path,) = (Path(__file__).parents[2] / "policies").glob("*.safetensors")
    given = load_policy(path)
    assert sum(p.numel() for p in given.network().parameters()) > 100_000
    assert given.origin["data"] == path.stem
