"""A learned policy beside a teacher who decides: what is acted on is the teacher's, and what is recorded too."""

from typing import Any

import torch

from esper_tui.leyline.choices import Decision
from esper_tui.leyline.protocols import Observation, Policy, PolicyStep
from esper_tui.tamiyo.learned import Learned, indices_of
from esper_tui.tamiyo.masks import LIVE


class Taught:
    """The teacher's decisions with the learner's sample of the same boundary, its actions replaced by them."""

    name = "taught"

    def __init__(self, learner: Learned, teacher: Policy):
        self.learner, self.teacher = learner, teacher

    def initial_state(self, envs: int) -> tuple[Any, Any]:
        return self.learner.initial_state(envs), self.teacher.initial_state(envs)

    def act(self, observation: Observation, state: tuple[Any, Any]) -> PolicyStep:
        own = self.learner.act(observation, state[0])
        shown = self.teacher.act(observation, state[1])
        slots = [s.slot for s in observation.states[0].slots]
        replaced = dict(enumerate(shown.decisions))
        assert own.sample is not None
        sample = replaced_actions(own.sample, replaced, slots)
        return PolicyStep(shown.decisions, shown.traces, (own.state, shown.state), sample)


def replaced_actions(sample: dict[str, Any], decisions: dict[int, Decision], slots: list[str]) -> dict[str, Any]:
    """A sample in which some environments' choices are those that somebody else made."""
    if not decisions:
        return sample
    actions = sample["actions"].clone()
    for env, decision in decisions.items():
        actions[env] = torch.tensor(indices_of(decision, slots))
    return sample | {"actions": actions, "live": LIVE[actions[:, 0]]}
