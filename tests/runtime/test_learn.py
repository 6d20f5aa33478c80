"""Learn mode end to end, on networks of a few hundred parameters."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from esper_tui.leyline.choices import WAIT
from esper_tui.leyline.errors import Diverged
from esper_tui.leyline.events import is_deterministic, to_record
from esper_tui.leyline.state import Instance
from esper_tui.runtime.instances import Control, Instances
from esper_tui.runtime.learn import Learner
from esper_tui.runtime.scoring import delivery_coalitions
from esper_tui.runtime.trainer import Trainer
from tests import learning, worlds


def weights(loop) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in loop.learner.network.parameters()])


@pytest.fixture(scope="module")
def two_rounds():
    """A whole run, played once for the tests that only look at it."""
    return learning.play(learning.learn_parts())


def test_every_round_plays_and_teaches(two_rounds):
    loop, events = two_rounds
    starts, ends, updates = (learning.of_type(events, name) for name in ("RoundStarted", "RoundEnded", "PolicyUpdated"))
    assert [e.round for e in starts] == [e.round for e in ends] == [e.round for e in updates] == [0, 1]
    assert [e.episodes for e in updates] == [4, 8]
    assert len({tuple(i) for i in starts[0].instances}) == 4
    assert starts[0].instances != starts[1].instances
    assert all(math.isfinite(v) for e in updates for v in e.metrics.values())
    assert updates[0].metrics["live/op"] > 0
    assert torch.isfinite(weights(loop)).all()


def test_the_rewards_of_an_episode_are_the_reward_of_its_row(two_rounds):
    """The last decision is paid at the end of the round; the rest is in the columns."""
    _, events = two_rounds
    epochs = [e for e in learning.of_type(events, "EpochMeasured") if e.round == 0]
    assert all(r is None for r in epochs[0].columns["reward/total"])
    for row in learning.of_type(events, "RoundEnded")[0].rows:
        paid = [e.columns["reward/total"][row["env"]] for e in epochs[1:-1]]
        assert row["reward"] == pytest.approx(sum(row["terms"].values()))
        assert set(row["terms"]) == {"gain", "rent", "compute"}
        assert all(isinstance(r, float) for r in paid)


def test_a_run_started_again_gives_the_same_deterministic_events(two_rounds):
    def deterministic(events):
        records = [to_record(e, 0, 0.0) for e in events]
        return [r for r in records if is_deterministic(r)]

    _, again = learning.play(learning.learn_parts())
    assert deterministic(again) == deterministic(two_rounds[1])


def test_without_compute_the_rewards_sum_to_the_final_potential():
    parts = learning.learn_parts(reward={"compute": 0.0}, run={"rounds": 1})
    boundary = learning.Watched(lambda loop, epoch: plant_everywhere(boundary, loop, epoch))
    loop, events = learning.play(parts, boundary)
    rows = learning.of_type(events, "RoundEnded")[0].rows
    assert any(row["planted"] for row in rows)
    for env, row in enumerate(rows):
        assert row["reward"] == pytest.approx(loop.scoring.potentials()[env], abs=1e-6)


def plant_everywhere(boundary, loop, epoch):
    if epoch == 5:
        for env in range(4):
            learning.ask(boundary, epoch, env, worlds.germinate("r0c0"))
    if epoch in (6, 7):
        for env in (0, 1):
            learning.ask(boundary, epoch, env, worlds.advance("r0c0"))


def test_waiting_earns_exactly_nothing():
    parts = worlds.tiny_parts(run={"envs": 2, "epochs": 6}, tamiyo={"policy": "wait"})
    _, events = learning.play(parts)
    assert [row["reward"] for row in learning.of_type(events, "RoundEnded")[0].rows] == [0.0, 0.0]


def test_a_kept_control_is_the_twin_that_would_have_run_beside():
    beside = worlds.tiny_parts(run={"envs": 3, "epochs": 4}, tamiyo={"policy": "wait"})
    alone = learning.learn_parts(
        run={"envs": 3, "instances": 3, "epochs": 4, "rounds": 1}, data={"train_images": 64, "val_images": 64}
    )
    loop, _ = learning.play(beside)
    learning.play(alone)
    twins = {i: seen.control for i, seen in zip(loop.instances, loop.measured, strict=True)}
    for instance, twin in twins.items():
        kept = alone.instances.controls[instance].epochs[-1]
        assert np.array_equal(kept.losses, twin.losses)
        assert np.array_equal(kept.hits, twin.hits)


def test_the_pool_is_drawn_without_repetition_and_leaves_out_failed_controls():
    instances = Instances(learning.learn_parts().config)
    first = instances.draw(0)
    assert len(set(first)) == 4
    assert all(i.index < 5 for i in first)
    assert first == instances.draw(0)
    instances.voided.add(Instance(1, 0))
    assert all(Instance(1, 0) not in instances.draw(r) for r in range(6))
    instances.voided.add(Instance(1, 1))
    with pytest.raises(Diverged, match="2 of 5 controls"):
        instances.draw(0)


def test_a_control_that_left_the_finite_numbers_is_void():
    control = Control()
    seen = worlds.tiny_parts(run={"envs": 1, "epochs": 1}).engine
    seen.reset([Instance(1, 0)])
    measured = seen.validate([[]])[0]
    control.epochs.append(measured)
    assert control.finite
    control.epochs.append(replace(measured, losses=np.full_like(measured.losses, np.nan)))
    assert not control.finite


def poison(loop, epoch):
    if epoch == 9 and loop.round == 0:
        chunk, row = loop.engine.place(1)
        chunk.bank.weight[row] = math.nan
        chunk.bank.average[row] = math.nan


def test_one_environment_that_breaks_reaches_neither_the_policy_nor_the_others():
    parts = learning.learn_parts(governor={"max_rollbacks": 0})
    loop, events = learning.play(parts, learning.Watched(poison))
    assert torch.isfinite(weights(loop)).all()
    assert len(learning.of_type(events, "RoundEnded")) == 2
    rows = learning.of_type(events, "RoundEnded")[0].rows
    assert [row["loss"] is None for row in rows] == [False, True, False, False]
    update = learning.of_type(events, "PolicyUpdated")[0]
    assert all(math.isfinite(v) for v in update.metrics.values())


@pytest.mark.parametrize(("rollbacks", "used"), [(0, [True] * 8 + [False] * 3), (3, [True] * 11)])
def test_a_panic_is_an_ordinary_step_and_what_comes_after_a_lost_environment_is_not_used(rollbacks, used):
    parts = learning.learn_parts(
        ppo={"episodes": 100}, run={"rounds": 1, "epochs": 12}, governor={"max_rollbacks": rollbacks}
    )
    loop, _ = learning.play(parts, learning.Watched(poison))
    rollout = loop.learner.pending[0]
    assert rollout.used_TE[:, 1].tolist() == used  # without a rollback the decision at epoch 9 is never paid
    assert rollout.used_TE[:, [0, 2, 3]].all()
    assert rollout.rewards_TE[8, 1].item() == pytest.approx(-1.0 if rollbacks else 0.0, abs=0.1)


def pending(learn: str, decide=lambda: WAIT):
    """The rollout of a run in which a person decides for environment 2 at epoch 7."""
    parts = learning.learn_parts(ppo={"episodes": 100}, override={"learn": learn}, run={"rounds": 1, "epochs": 10})
    boundary = learning.Watched(lambda loop, epoch: learning.ask(boundary, epoch, 2, decide()) if epoch == 7 else None)
    loop, _ = learning.play(parts, boundary)
    return loop.learner, loop.learner.pending[0]


@pytest.mark.parametrize(
    ("learn", "unused", "taught"), [("mask", [6], []), ("taint", list(range(6, 9)), []), ("imitate", [6], [6])]
)
def test_what_is_learnt_from_a_person(learn, unused, taught):
    _, rollout = pending(learn)
    assert torch.nonzero(~rollout.used_TE[:, 2]).flatten().tolist() == unused
    assert torch.nonzero(rollout.taught_TE[:, 2]).flatten().tolist() == taught
    assert rollout.used_TE[:, [0, 1, 3]].all()
    assert rollout.actions_TEH[6, 2, 0] == 0


def flat_gradient(network) -> torch.Tensor:
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters()]
    return torch.cat([g.flatten() for g in grads])


def gradient(learner: Learner, rollout, **changes) -> torch.Tensor:
    """Gradient of the first step of an update on the whole rollout, without moving anything."""
    network = learner.network
    before = [p.detach().clone() for p in network.parameters()]
    settings = replace(learner.trainer.ppo.settings, epochs=1, minibatches=1, **changes)
    learner.trainer.ppo.update(rollout, 1.0, lambda n: torch.arange(4), settings)
    found = flat_gradient(network)
    for parameter, old in zip(network.parameters(), before, strict=True):
        parameter.data.copy_(old)
    return found


def test_a_masked_human_step_changes_no_gradient_whatever_it_was_and_earned():
    learner, rollout = pending("mask")
    other = rollout.rewards_TE.clone()
    other[6, 2] += 100.0
    actions = rollout.actions_TEH.clone()
    actions[6, 2] = torch.tensor([1, 0, 1, 0, 0, 0, 0, 0])
    log_mu = rollout.log_mu_TEH.clone()
    log_mu[6, 2] -= 3.0
    first = gradient(learner, rollout)
    assert torch.equal(gradient(learner, replace(rollout, rewards_TE=other)), first)
    assert torch.equal(gradient(learner, replace(rollout, actions_TEH=actions, log_mu_TEH=log_mu)), first)
    used = replace(rollout, used_TE=torch.ones_like(rollout.used_TE), rewards_TE=other)
    assert not torch.equal(gradient(learner, used), first)


def test_imitation_adds_the_gradient_of_the_persons_choice_and_nothing_else():
    learner, rollout = pending("imitate")
    plain = gradient(learner, replace(rollout, taught_TE=torch.zeros_like(rollout.taught_TE)), grad_clip=1e6)
    taught = gradient(learner, rollout, grad_clip=1e6)
    learner.network.zero_grad()
    seen = learner.network.evaluate(rollout.inputs, rollout.actions_TEH, rollout.epsilon)
    live = rollout.live_TEH[6, 2]
    (-0.1 * seen.log_pi_TBH[6, 2][live].sum()).backward()
    assert torch.allclose(taught - plain, flat_gradient(learner.network), atol=1e-6)


def test_cloning_makes_the_heuristics_choices_likely():
    parts = learning.learn_parts(run={"rounds": 2, "envs": 2, "instances": 2}, ppo={"clone_rounds": 2, "lr": 3e-3})
    _, events = learning.play(parts)
    updates = learning.of_type(events, "PolicyUpdated")
    assert all(u.taught for u in updates)
    losses = [u.metrics["ppo/imitation_loss"] for u in updates]
    assert all(b < a for a, b in pairwise(losses))


def test_every_round_of_teaching_repeats_all_before_it_and_ppo_sees_its_own_only(monkeypatch):
    seen = []
    update = Trainer.update

    def noting(self, rollout, number, progress, taught=False, fresh=None):
        parts = self.settings(progress, len(rollout.final_E) * taught).minibatches
        seen.append((len(rollout.final_E), len(fresh.final_E), taught, parts))
        return update(self, rollout, number, progress, taught, fresh)

    monkeypatch.setattr(Trainer, "update", noting)
    small = {"clone_rounds": 2, "episodes": 4, "minibatches": 2}
    parts = learning.learn_parts(run={"rounds": 4, "epochs": 4, "envs": 4, "instances": 4}, ppo=small)
    learning.play(parts)
    assert seen == [(4, 4, True, 2), (8, 4, True, 4), (4, 4, False, 2), (4, 4, False, 2)]


def test_exploration_and_learning_rate_fall():
    parts = learning.learn_parts(run={"rounds": 4, "epochs": 3}, ppo={"epsilon_frac": 0.5})
    loop, events = learning.play(parts)
    metrics = [u.metrics for u in learning.of_type(events, "PolicyUpdated")]
    assert [m["ppo/epsilon"] for m in metrics] == pytest.approx([0.02, 0.01, 0.0, 0.0])
    assert [m["ppo/lr"] / 3e-3 for m in metrics] == pytest.approx([1.0, 0.75, 0.5, 0.25])
    weights = [loop.learner.trainer.settings(progress).entropy for progress in (0.0, 0.25, 1.0)]
    assert weights == pytest.approx([0.03, 0.0225, 0.0])


def test_episodes_are_collected_over_rounds():
    parts = learning.learn_parts(run={"rounds": 3, "epochs": 3}, ppo={"episodes": 8})
    _, events = learning.play(parts)
    assert [u.round for u in learning.of_type(events, "PolicyUpdated")] == [1]


def test_what_may_be_delivered():
    both = delivery_coalitions(["a"], ["b", "c"], 2)
    assert set(both) == {frozenset("a"), frozenset("ab"), frozenset("ac"), frozenset("abc")}
    assert delivery_coalitions(["a"], ["b"], 0) == [frozenset("a")]


@pytest.mark.parametrize(
    ("sections", "word"),
    [
        ({"tamiyo": {"policy": "heuristic"}}, "tamiyo.policy"),
        ({"run": {"mode": "grow", "rounds": 1}}, "tamiyo.policy"),
        ({"run": {"mode": "grow"}, "tamiyo": {"policy": "wait"}}, "run.rounds"),
        ({"reward": {"control": "none"}}, "reward.control"),
        ({"run": {"instances": 3}}, "run.instances"),
        ({"ppo": {"clone_rounds": 3}}, "ppo.clone_rounds"),
    ],
)
def test_what_cannot_be_learnt_is_said(sections, word):
    with pytest.raises(ValueError, match=word):
        learning.learn_parts(**sections)
