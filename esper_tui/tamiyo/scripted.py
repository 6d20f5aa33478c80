"""Policies without a view: wait, leave it to a person, random over what is legal, a fixed schedule."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from esper_tui.leyline.choices import ALPHA_SPEEDS, ALPHA_TARGETS, CURVES, STYLES, TEMPOS, WAIT, Decision, Op
from esper_tui.leyline.legality import Legality
from esper_tui.leyline.protocols import Observation, PolicyStep


class Wait:
    """Never does anything: the host alone."""

    name = "wait"

    def initial_state(self, envs: int) -> None:
        return None

    def act(self, observation: Observation, state: None) -> PolicyStep:
        count = len(observation.states)
        return PolicyStep([WAIT] * count, [[{"rule": "wait", "fired": True}] for _ in range(count)])


class Manual(Wait):
    """Leaves every decision to a person, and waits where nobody decides."""

    name = "manual"

    def act(self, observation: Observation, state: None) -> PolicyStep:
        count = len(observation.states)
        return PolicyStep([WAIT] * count, [[{"rule": "a person decides", "fired": False}] for _ in range(count)])


class Random:
    """A legal decision at random: plants and prunes at given rates, otherwise moves on whatever can move on.

    Args:
        generator: (round, epoch, env) → a source of random numbers.
        targets: first alpha targets to choose from.
    """

    name = "random"

    def __init__(
        self, germination_rate: float, prune_rate: float, generator: Callable[[int, int, int], random.Random],
        targets: Sequence[str] = tuple(ALPHA_TARGETS),
    ):  # fmt: skip
        self.rates = {Op.GERMINATE: germination_rate, Op.PRUNE: prune_rate, Op.SET_ALPHA_TARGET: prune_rate}
        self.generator, self.targets = generator, targets

    def initial_state(self, envs: int) -> None:
        return None

    def act(self, observation: Observation, state: None) -> PolicyStep:
        decisions = [self._decide(env, observation) for env in range(len(observation.states))]
        return PolicyStep(decisions, [[{"rule": "random", "fired": True}] for _ in decisions])

    def _decide(self, env: int, observation: Observation) -> Decision:
        legal = observation.legality[env]
        rng = self.generator(observation.round, observation.epoch, env)
        for op in (Op.PRUNE, Op.GERMINATE, Op.SET_ALPHA_TARGET, Op.FOSSILIZE, Op.ADVANCE):
            slots = legal.slots(op)
            if slots and rng.random() < self.rates.get(op, 1.0):
                return draw(op, rng.choice(slots), legal, rng, self.targets)
        return WAIT


def draw(
    op: Op, slot: str, legal: Legality, rng: random.Random, first_targets: Sequence[str] = tuple(ALPHA_TARGETS)
) -> Decision:
    """A decision with this operation and slot and every other live head drawn from what is legal."""
    pick = rng.choice
    if op is Op.GERMINATE:
        return Decision(
            op=op, slot=slot, blueprint=pick(legal.open_blueprints(slot)), style=pick(list(STYLES)),
            tempo=pick(list(TEMPOS)), alpha_target=pick(list(first_targets)),
        )  # fmt: skip
    if op is Op.SET_ALPHA_TARGET:
        styles = [name for name, reason in legal.styles[slot].items() if reason is None]
        targets = [name for name, reason in legal.targets[slot].items() if reason is None]
        return Decision(
            op=op, slot=slot, style=pick(styles), alpha_target=pick(targets),
            alpha_speed=pick(list(ALPHA_SPEEDS)), alpha_curve=pick(list(CURVES)),
        )  # fmt: skip
    if op is Op.PRUNE:
        return Decision(op=op, slot=slot, alpha_speed=pick(list(ALPHA_SPEEDS)), alpha_curve=pick(list(CURVES)))
    return Decision(op=op, slot=slot)


class Schedule:
    """A fixed list of decisions, the same for every environment; each waits until it is legal.

    Args:
        plan: (epoch at whose boundary it is due, decision), in order.
    """

    name = "schedule"

    def __init__(self, plan: Sequence[tuple[int, Decision]]):
        self.plan = list(plan)

    def initial_state(self, envs: int) -> list[int]:
        """How many decisions each environment has carried out."""
        return [0] * envs

    def act(self, observation: Observation, state: list[int]) -> PolicyStep:
        decisions: list[Decision] = []
        traces: list[list[dict[str, Any]]] = []
        done = list(state)
        for env, legal in enumerate(observation.legality):
            due = self.plan[done[env]] if done[env] < len(self.plan) else None
            ready = due is not None and due[0] <= observation.epoch and legal.refusal(due[1]) is None
            decisions.append(due[1] if due is not None and ready else WAIT)
            done[env] += ready
            traces.append([{"rule": "schedule", "next": done[env], "of": len(self.plan), "fired": ready}])
        return PolicyStep(decisions, traces, done)
