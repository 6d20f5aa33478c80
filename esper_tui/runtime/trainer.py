"""A policy, its optimiser, its value scale: one update after another, and how exploration and learning rate fall."""

from collections.abc import Callable
from dataclasses import replace

import torch

from esper_tui.leyline.config import Ppo as PpoConfig
from esper_tui.runtime.seeding import generator
from esper_tui.simic.buffer import Rollout
from esper_tui.simic.diagnostics import rollout_metrics
from esper_tui.simic.ppo import Ppo, PpoSettings, ValueScale
from esper_tui.tamiyo.learned import Learned
from esper_tui.tamiyo.network import HEADS

SETTINGS = ("epochs", "minibatches", "clip", "lam", "stop_kl", "entropy", "value", "grad_clip", "advantage_floor")


class Trainer:
    """Everything that a policy depends on changes in ``update`` and nowhere else."""

    def __init__(self, learned: Learned, config: PpoConfig, seed: int):
        self.learned, self.network, self.config, self.seed = learned, learned.network, config, seed
        settings = PpoSettings(**{key: getattr(config, key) for key in SETTINGS})
        self.ppo, self.scale = Ppo(self.network, settings, config.lr), ValueScale()
        self.explore(0.0)

    def explore(self, progress: float) -> None:
        """Sets the exploration for what comes; ``progress`` is the share of the run that is over."""
        self.learned.epsilon = self.config.epsilon * max(0.0, 1.0 - progress / self.config.epsilon_frac)

    def settings(self, progress: float, taught: int = 0) -> PpoSettings:
        """The weight of the entropy falls to 0 with the learning rate: it keeps heads open while they have seen
        little, and at the end it would only keep the policy from doing what it has found best.

        ``taught``: so many episodes are to be imitated, in as many parts as they would make in updates of their own.
        Their values were foreseen by earlier networks; with λ = 1 the value targets are what really came.
        """
        if taught:
            parts = self.config.minibatches * max(1, taught // self.config.episodes)
            return replace(self.ppo.settings, imitate=1.0, entropy=0.0, minibatches=parts, lam=1.0)
        return replace(self.ppo.settings, entropy=self.config.entropy * (1.0 - progress))

    def update(
        self, rollout: Rollout, number: int, progress: float, taught: bool = False, fresh: Rollout | None = None
    ) -> dict[str, float]:
        """Learns from whole episodes for the ``number``-th time; returns metrics by key.

        Args:
            taught: what was done in them is imitated.
            fresh: the part that no update has seen, where that is not all of it; statistics and what is told of the
                episodes take in only this.
        """
        episodes = len(rollout.final_E)
        lr, settings = self.config.lr * (1.0 - progress), self.settings(progress, episodes * taught)
        fresh = fresh or rollout
        metrics = rollout_metrics(fresh, [str(head) for head in HEADS])
        metrics |= {"ppo/epsilon": rollout.epsilon, "ppo/lr": lr}
        self.ppo.set_learning_rate(lr)
        metrics |= self.ppo.update(rollout, self.scale.deviation, self._shuffle(number, episodes), settings)
        self._renormalise(fresh)
        return metrics

    def _shuffle(self, number: int, episodes: int) -> Callable[[int], torch.Tensor]:
        key = ("minibatches", self.seed, number)
        return lambda passed: torch.randperm(episodes, generator=generator(*key, passed))

    def _renormalise(self, rollout: Rollout) -> None:
        """Statistics of features and of value targets take in the rollout; the values stand for what they stood for."""
        sound = rollout.used_TE | rollout.taught_TE
        self.network.env_normal.update(rollout.inputs["env"][sound])
        self.network.slot_normal.update(rollout.inputs["slots"][sound].flatten(0, 1))
        self.network.rescale_values(self.scale.update(rollout.ends_TE[rollout.used_TE]))
        self.learned.value_scale = self.scale.deviation
