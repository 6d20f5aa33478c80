"""Several controllers side by side, each with environments of its own."""

from collections.abc import Sequence
from typing import Any

from esper_tui.leyline.choices import WAIT, Decision
from esper_tui.leyline.protocols import Observation, Policy, PolicyStep


class SideBySide:
    """One policy made of several: each sees its own environments, numbered from 0, and nothing of the others.

    Args:
        parts: policies with the numbers of their environments; together they are all environments, each once.
    """

    name = "side by side"

    def __init__(self, parts: Sequence[tuple[Policy, Sequence[int]]]):
        self.parts = [(policy, list(envs)) for policy, envs in parts]

    def initial_state(self, envs: int) -> list[Any]:
        assert sorted(env for _, own in self.parts for env in own) == list(range(envs))
        return [policy.initial_state(len(own)) for policy, own in self.parts]

    def act(self, observation: Observation, state: list[Any]) -> PolicyStep:
        count = len(observation.states)
        decisions: list[Decision] = [WAIT] * count
        traces: list[list[dict[str, Any]]] = [[]] * count
        after = []
        for (policy, own), before in zip(self.parts, state, strict=True):
            step = policy.act(part_of(observation, own), before)
            after.append(step.state)
            for env, decision, trace in zip(own, step.decisions, step.traces, strict=True):
                decisions[env], traces[env] = decision, trace
        return PolicyStep(decisions, traces, after)


def part_of(observation: Observation, envs: Sequence[int]) -> Observation:
    """What is seen of some environments, in their order."""
    seen = observation
    states, signals = [seen.states[env] for env in envs], [seen.signals[env] for env in envs]
    return Observation(seen.round, seen.epoch, states, signals, [seen.legality[env] for env in envs])
