"""Tamiyo learns: collects what was done and earned in a round, and updates the policy between rounds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from esper_tui.leyline.choices import Decision
from esper_tui.leyline.events import Event, PolicyUpdated
from esper_tui.leyline.folder import CHECKPOINTS
from esper_tui.leyline.protocols import Policy, PolicyStep
from esper_tui.nissa.policy_alerts import PolicyAlerts
from esper_tui.runtime.build import Parts, build_heuristic
from esper_tui.runtime.policy_file import PREFIX, SUFFIX, PolicyFile, load_optimiser, optimiser_tensors
from esper_tui.runtime.scoring import Terms
from esper_tui.runtime.seeding import generator
from esper_tui.simic.buffer import Episodes, Rollout, Step, joined
from esper_tui.simic.diagnostics import rollout_metrics
from esper_tui.simic.ppo import Ppo, PpoSettings, ValueScale
from esper_tui.tamiyo.learned import Learned
from esper_tui.tamiyo.network import HEADS
from esper_tui.tamiyo.taught import Taught, replaced_actions


class Idle:
    """What a run without a learner does between rounds: nothing."""

    def __init__(self, policy: Policy):
        self.policy = policy

    def start_round(self, round_: int, envs: int) -> None: ...

    def decided(self, step: PolicyStep, potentials: list[float], people: dict[int, Decision]) -> None: ...

    def rewarded(self, terms: list[Terms]) -> None: ...

    def end_round(self, terms: list[Terms], final: list[float]) -> None: ...

    def improve(self, round_: int, epoch: int) -> None: ...


class Learner(Idle):
    """PPO on whole episodes.  Everything the policy depends on changes in ``improve`` and nowhere else."""

    def __init__(self, parts: Parts, emit: Callable[[Event], object], folder: Path | None):
        assert isinstance(parts.policy, Learned)
        super().__init__(parts.policy)
        self.parts, self.config, self.emit, self.folder = parts, parts.config, emit, folder
        self.learned, self.network = parts.policy, parts.policy.network
        self.ppo = Ppo(self.network, ppo_settings(parts), self.config.ppo.lr)
        self.scale = ValueScale()
        self.progress: dict[str, Any] = {"rounds": 0, "episodes": 0, "updates": 0, "best": None}
        if parts.saved is not None:
            self._continue(parts.saved)
        self.alerts = PolicyAlerts(emit)
        self.teacher = Taught(self.learned, build_heuristic(self.config))
        self.pending: list[Rollout] = []
        self._set_exploration(0)

    def _continue(self, saved: PolicyFile) -> None:
        self.scale = ValueScale(saved.value_scale, saved.value_count)
        self.progress = self.progress | saved.progress
        load_optimiser(self.ppo.optimiser, saved.optimiser)

    # --- during a round ----------------------------------------------------------------------------------------

    def start_round(self, round_: int, envs: int) -> None:
        self.teaching = round_ < self.config.ppo.clone_rounds
        self.policy = self.teacher if self.teaching else self.learned
        self.episodes, self.tainted = Episodes(), [False] * envs

    def decided(self, step: PolicyStep, potentials: list[float], people: dict[int, Decision]) -> None:
        """Notes a boundary.  ``people``: what persons decided in Tamiyo's place, by environment."""
        assert step.sample is not None
        learn, envs = self.config.override.learn, range(len(potentials))
        used = [env not in people and not self.tainted[env] for env in envs]
        taught = [self.teaching or (env in people and learn == "imitate") for env in envs]
        if learn == "taint":
            self.tainted = [tainted or env in people for env, tainted in enumerate(self.tainted)]
        sample = replaced_actions(step.sample, people, list(self.parts.shape.slots))
        self.episodes.act(Step(sample, potentials, used, taught))

    def rewarded(self, terms: list[Terms]) -> None:
        """What the decisions of the latest boundary earned; None where nothing could be measured."""
        if self.episodes.steps:
            totals = [sum(row.values()) if row is not None else 0.0 for row in terms]
            self.episodes.reward(totals, [row is not None for row in terms])

    def end_round(self, terms: list[Terms], final: list[float]) -> None:
        """The last rewards of complete episodes; a round that was stopped early teaches nothing."""
        if len(self.episodes.steps) != self.config.run.epochs - 1:
            return
        self.rewarded(terms)
        self.pending.append(self.episodes.rollout(final, self.learned.epsilon, self.learned.value_scale))
        self.progress["rounds"] += 1
        self.progress["episodes"] += len(final)

    # --- between rounds ----------------------------------------------------------------------------------------

    def improve(self, round_: int, epoch: int) -> None:
        """One update once enough episodes are there, or when the first stage of learning ends."""
        episodes = sum(len(r.final_E) for r in self.pending)
        last_taught = round_ + 1 == self.config.ppo.clone_rounds
        if episodes < self.config.ppo.episodes and not (last_taught and episodes):
            return
        rollout, self.pending = joined(self.pending), []
        metrics = rollout_metrics(rollout, [str(h) for h in HEADS])
        self._keep_best(metrics["return/mean"])
        progress = round_ / self.config.run.rounds
        self.ppo.set_learning_rate(self.config.ppo.lr * (1.0 - progress))
        settings = replace(self.ppo.settings, imitate=1.0, entropy=0.0) if self.teaching else self.ppo.settings
        metrics |= self.ppo.update(rollout, self.scale.deviation, self._shuffle(rollout), settings)
        metrics |= {"ppo/epsilon": self.learned.epsilon, "ppo/lr": self.config.ppo.lr * (1.0 - progress)}
        self._renormalise(rollout)
        self._set_exploration(round_ + 1)
        self._publish(round_, epoch, metrics)

    def _shuffle(self, rollout: Rollout) -> Callable[[int], torch.Tensor]:
        seed, updates, episodes = self.config.run.seed, self.progress["updates"], len(rollout.final_E)
        return lambda number: torch.randperm(episodes, generator=generator("minibatches", seed, updates, number))

    def _renormalise(self, rollout: Rollout) -> None:
        """Statistics of features and of value targets take in the rollout; the values stand for what they stood for."""
        sound = rollout.used_TE | rollout.taught_TE
        self.network.env_normal.update(rollout.inputs["env"][sound])
        self.network.slot_normal.update(rollout.inputs["slots"][sound].flatten(0, 1))
        returns = rollout.rewards_TE.flip(0).cumsum(0).flip(0)[rollout.used_TE]
        self.network.rescale_values(self.scale.update(returns))
        self.learned.value_scale = self.scale.deviation

    def _set_exploration(self, round_: int) -> None:
        ppo = self.config.ppo
        self.learned.epsilon = ppo.epsilon * max(0.0, 1.0 - round_ / (ppo.epsilon_frac * self.config.run.rounds))

    def _publish(self, round_: int, epoch: int, metrics: dict[str, float]) -> None:
        self.progress["updates"] += 1
        updates = self.progress["updates"]
        saved = self._save(f"{updates:06d}") if updates % self.config.ppo.save_every == 0 else None
        if round_ + 1 == self.config.run.rounds:
            saved = self._save("last")
        self.emit(
            PolicyUpdated(
                round=round_, epoch=epoch, update=updates, episodes=self.progress["episodes"], metrics=metrics,
                saved=saved, taught=self.teaching,
            )
        )  # fmt: skip
        self.alerts.watch_policy(round_, epoch, metrics)

    # --- files -------------------------------------------------------------------------------------------------

    def _keep_best(self, mean_return: float) -> None:
        """Saves the policy that earned the highest mean return, as it was when it earned it."""
        best = self.progress["best"]
        if not self.teaching and np.isfinite(mean_return) and (best is None or mean_return > best):
            self.progress["best"] = mean_return
            self._save("best")

    def _save(self, name: str) -> str | None:
        if self.folder is None:
            return None
        path = self.folder / CHECKPOINTS / f"{PREFIX}{name}{SUFFIX}"
        self.snapshot().save(path)
        return f"{CHECKPOINTS}/{path.name}"

    def snapshot(self) -> PolicyFile:
        """The policy and all that its training depends on."""
        config = self.config
        origin: dict[str, Any] = {
            "seed": config.run.seed, "instances": config.run.instances, "epochs": config.run.epochs,
            "data": config.data.name, "reward": config.reward.mode, "slots": list(self.parts.shape.slots),
        }  # fmt: skip
        return PolicyFile(
            self.network.sizes, {k: v.clone() for k, v in self.network.state_dict().items()},
            optimiser_tensors(self.ppo.optimiser), self.scale.deviation, self.scale.count, dict(self.progress), origin,
        )  # fmt: skip


def ppo_settings(parts: Parts) -> PpoSettings:
    keys = ("epochs", "minibatches", "clip", "lam", "stop_kl", "entropy", "value", "grad_clip", "advantage_floor")
    return PpoSettings(**{key: getattr(parts.config.ppo, key) for key in keys})


def build_learner(parts: Parts, emit: Callable[[Event], object], folder: Path | None) -> Idle:
    return Learner(parts, emit, folder) if parts.config.run.mode == "learn" else Idle(parts.policy)
