"""Tamiyo learns: collects what was done and earned in a round, and updates the policy between rounds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from esper_tui.leyline.choices import Decision
from esper_tui.leyline.events import Event, PolicyUpdated
from esper_tui.leyline.folder import CHECKPOINTS
from esper_tui.leyline.protocols import Policy, PolicyStep
from esper_tui.nissa.policy_alerts import PolicyAlerts
from esper_tui.runtime.build import Parts, build_heuristic
from esper_tui.runtime.policy_file import PREFIX, SUFFIX, PolicyFile, load_optimiser, optimiser_tensors
from esper_tui.runtime.scoring import Terms
from esper_tui.runtime.trainer import Trainer
from esper_tui.simic.buffer import Episodes, Rollout, Step, joined
from esper_tui.simic.ppo import Ppo, ValueScale
from esper_tui.tamiyo.learned import Learned
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
        self.trainer = Trainer(self.learned, self.config.ppo, self.config.run.seed)
        self.progress: dict[str, Any] = {"rounds": 0, "episodes": 0, "updates": 0, "best": None}
        if parts.saved is not None:
            self._continue(parts.saved)
        self.alerts = PolicyAlerts(emit)
        self.teacher = Taught(self.learned, build_heuristic(self.config))
        self.pending: list[Rollout] = []

    def _continue(self, saved: PolicyFile) -> None:
        self.trainer.scale = ValueScale(saved.value_scale, saved.value_count)
        self.progress = self.progress | saved.progress
        load_optimiser(self.trainer.ppo.optimiser, saved.optimiser)

    @property
    def ppo(self) -> Ppo:
        return self.trainer.ppo

    @property
    def scale(self) -> ValueScale:
        return self.trainer.scale

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
        """One update, once there is something to learn from."""
        batch = self._batch(round_)
        if batch is None:
            if round_ + 1 == self.config.run.rounds:
                self._save("last")
            return
        rollout, fresh = batch
        self._keep_best(float(rollout.rewards_TE.sum(0).mean()))
        number = self.progress["updates"]
        metrics = self.trainer.update(rollout, number, round_ / self.config.run.rounds, self.teaching, fresh)
        if not self.teaching:
            self.trainer.explore((round_ + 1) / self.config.run.rounds)
        self.progress["updates"] = number + 1
        self.emit(
            PolicyUpdated(
                round=round_, epoch=epoch, update=number + 1, episodes=self.progress["episodes"], metrics=metrics,
                saved=self._save_due(round_), taught=self.teaching,
            )
        )  # fmt: skip
        self.alerts.watch_policy(round_, epoch, metrics)

    def _batch(self, round_: int) -> tuple[Rollout, Rollout] | None:
        """What to learn from, and the part of it that no update has seen.

        PPO needs enough episodes that the present policy has played.  What a teacher did stays right whoever the
        policy is, so that every round of teaching repeats all before it.
        """
        if not self.pending:
            return None
        if self.teaching:
            rollout, fresh = joined(self.pending), self.pending[-1]
            if round_ + 1 == self.config.ppo.clone_rounds:
                self.pending = []
            return rollout, fresh
        if sum(len(r.final_E) for r in self.pending) < self.config.ppo.episodes:
            return None
        rollout, self.pending = joined(self.pending), []
        return rollout, rollout

    # --- files -------------------------------------------------------------------------------------------------

    def _keep_best(self, mean_return: float) -> None:
        """Saves the policy that earned the highest mean return, as it was when it earned it."""
        best = self.progress["best"]
        if not self.teaching and np.isfinite(mean_return) and (best is None or mean_return > best):
            self.progress["best"] = mean_return
            self._save("best")

    def _save_due(self, round_: int) -> str | None:
        """Every so many updates, and at the end of the run."""
        if round_ + 1 == self.config.run.rounds:
            return self._save("last")
        updates = self.progress["updates"]
        return self._save(f"{updates:06d}") if updates % self.config.ppo.save_every == 0 else None

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
            "data": config.data.name, "reward": config.reward.mode, "rounds": config.run.rounds,
            "envs": config.run.envs, "clone_rounds": config.ppo.clone_rounds, "slots": list(self.parts.shape.slots),
        }  # fmt: skip
        trainer = self.trainer
        return PolicyFile(
            self.network.sizes, {k: v.clone() for k, v in self.network.state_dict().items()},
            optimiser_tensors(trainer.ppo.optimiser), trainer.scale.deviation, trainer.scale.count, dict(self.progress),
            origin,
        )  # fmt: skip


def build_learner(parts: Parts, emit: Callable[[Event], object], folder: Path | None) -> Idle:
    return Learner(parts, emit, folder) if parts.config.run.mode == "learn" else Idle(parts.policy)
