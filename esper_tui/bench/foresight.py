"""``esper bench foresight``: how much of an episode's end the critic foresees, and how much anyone could.

The critic says U_t = V_t + Φ_t at every boundary; what comes is Φ_T.  Episodes are played with drawn decisions on
held-out instances.  A *replica* repeats the decisions of an episode from weights that were moved by 1e-5: by how much
the ends of the two differ, nobody can foresee.  ½·E[(Φ_T − Φ_T′)²] is the variance of that noise, and 1 minus its
share of the variance of Φ_T the ceiling of what any critic can explain.  Shapes: T steps, E episodes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from esper_tui.bench.null_seeds import perturb
from esper_tui.data.images import Splits
from esper_tui.data.load import load_splits
from esper_tui.evidence.evaluate import evaluation_config
from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import UsageError
from esper_tui.leyline.events import Event, RoundEnded
from esper_tui.leyline.protocols import Observation, PolicyStep
from esper_tui.runtime.build import Parts, build_parts, uniforms
from esper_tui.runtime.instances import HELD_OUT, Instances
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.seeding import generator
from esper_tui.runtime.unwatched import Unwatched
from esper_tui.simic.advantages import explained_variance
from esper_tui.tamiyo.learned import Learned
from esper_tui.tamiyo.scripted import Schedule
from esper_tui.tamiyo.side_by_side import SideBySide

Plan = list[tuple[int, Decision]]


class Noted:
    """A learned policy that writes down what it foresaw and what it decided."""

    name = "noted"

    def __init__(self, policy: Learned):
        self.policy = policy
        self.foreseen: list[Tensor] = []
        self.plans: list[Plan] = []

    def initial_state(self, envs: int) -> Any:
        self.plans = [[] for _ in range(envs)]
        return self.policy.initial_state(envs)

    def act(self, observation: Observation, state: Any) -> PolicyStep:
        step = self.policy.act(observation, state)
        assert step.sample is not None
        self.foreseen.append(step.sample["values"] * self.policy.value_scale)
        for plan, decision in zip(self.plans, step.decisions, strict=True):
            if decision.op is not Op.WAIT:
                plan.append((observation.epoch, decision))
        return step


class Moved(Unwatched):
    """A boundary that moves all weights a little before the first step."""

    def __init__(self, parts: Parts):
        super().__init__()
        self.parts = parts

    def phase(self, name: str, epoch: int) -> None:
        if (name, epoch) == ("training", 1):
            perturb(self.parts)


@dataclass
class Foresight:
    """What was foreseen ``[T, E]`` and how episodes and their replicas ended ``[E]``, group by group."""

    foreseen: list[Tensor] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    replicas: list[float] = field(default_factory=list)

    def explained(self) -> float | None:
        """Over the second half of the episodes, the mean of every step removed."""
        whole = torch.cat(self.foreseen, 1).double()
        late = whole[len(whole) // 2 :]
        return explained_variance(late, torch.tensor(self.ends, dtype=torch.float64), torch.ones_like(late).bool())

    def ceiling(self) -> float | None:
        ends, again = np.array(self.ends), np.array(self.replicas)
        spread = float(ends.var())
        return 1.0 - float(np.square(ends - again).mean()) / 2 / spread if spread > 0.0 else None


def bench_foresight(say: Callable[[str], None], policy: str, config: RunConfig, episodes: int) -> None:
    """Explained variance of U_t against Φ_T, and its ceiling.

    Raises:
        UsageError: if the policy is not a learned one, or the reward has no potential.
    """
    if config.reward.mode != "economy":
        raise UsageError(f"reward.mode = {config.reward.mode} has no potential to foresee; choose economy")
    splits, found = load_splits(config.data, generator), Foresight()
    for first in range(0, episodes, config.run.envs):
        _play_group(found, config, splits, policy, first, min(config.run.envs, episodes - first))
        say(f"{len(found.ends)} of {episodes} episodes, each with a replica")
    explained, ceiling = found.explained(), found.ceiling()
    say(
        f"explained variance of U_t, t ≥ T/2: {_text(explained)}; ceiling {_text(ceiling)}; "
        f"Φ_T {np.mean(found.ends):+.2f} ± {np.std(found.ends):.2f}, n = {len(found.ends)}"
    )


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _play_group(found: Foresight, config: RunConfig, splits: Splits, policy: str, first: int, envs: int) -> None:
    wanted = evaluation_config(config, policy, envs)
    instances = Instances(config, HELD_OUT + first, kept=True)
    instances.config = wanted
    parts = build_parts(wanted, splits, None, instances)
    if not isinstance(parts.policy, Learned):
        raise UsageError(f"{policy} is no learned policy; it foresees nothing")
    draw = partial(uniforms, wanted.run.seed)
    parts.policy.uniforms = lambda round_, epoch, env: draw(round_, epoch, first + env)
    noted = parts.policy = Noted(parts.policy)
    found.ends += final_potentials(parts, Unwatched())
    found.foreseen.append(torch.stack(noted.foreseen))
    again = build_parts(wanted, splits, parts.choice, instances)
    again.policy = SideBySide([(Schedule(plan), [env]) for env, plan in enumerate(noted.plans)])
    found.replicas += final_potentials(again, Moved(again))


def final_potentials(parts: Parts, boundary: Unwatched) -> list[float]:
    """Φ_T of every episode of a round."""
    events: list[Event] = []
    try:
        Loop(parts, events.append, lambda sync=False: None, boundary).play({})
    finally:
        parts.engine.close()
    rows = next(e.rows for e in events if isinstance(e, RoundEnded))
    return [row["terms"]["gain"] + row["terms"]["rent"] for row in rows]
