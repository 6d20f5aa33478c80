"""The learned Tamiyo as a policy: sees features, remembers the episode, samples or takes the best choice."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from esper_tui.leyline.choices import HEAD_CHOICES, LIVE_HEADS, Decision, Head, Op
from esper_tui.leyline.protocols import Observation, PolicyStep
from esper_tui.tamiyo.features import EnvView, Layout, explain, observe, views
from esper_tui.tamiyo.masks import build_masks
from esper_tui.tamiyo.network import HEADS, Choices, Inputs, Network, State, masks_of

Uniforms = Callable[[int, int, int], Sequence[float]]
"""(round, epoch, env) → a number in [0, 1) per head."""
ALMOST_ONE = 1.0 - 1e-9


class Learned:
    """A policy made of a network.

    Args:
        uniforms: where chance comes from; without it the most likely choice of every head is taken.

    Attributes:
        epsilon: exploration that is in force.
        value_scale: what the network's values are multiplied by to be in units of the reward.
    """

    name = "learned"

    def __init__(self, network: Network, layout: Layout, uniforms: Uniforms | None = None, value_scale: float = 1.0):
        self.network, self.layout, self.uniforms = network, layout, uniforms
        self.epsilon, self.value_scale = 0.0, value_scale

    def initial_state(self, envs: int) -> State:
        return self.network.initial_state(envs)

    @torch.no_grad()
    def act(self, observation: Observation, state: State) -> PolicyStep:
        seen, inputs = self.see(observation)
        said, values, state = self._decide(inputs, state, self._pick(observation))
        slots = [s.slot for s in observation.states[0].slots]
        decisions = [decision_of(row, slots) for row in said.actions.tolist()]
        sample = {
            "inputs": inputs, "actions": said.actions, "live": said.live, "legal": said.legal,
            "log_mu": said.log_mu, "log_pi": said.log_pi, "entropy": said.entropy, "values": values,
        }  # fmt: skip
        traces = [self._trace(env, view, decisions[env], said, float(values[env])) for env, view in enumerate(seen)]
        return PolicyStep(decisions, traces, state, sample)

    def see(self, observation: Observation) -> tuple[list[EnvView], Inputs]:
        """What the network is shown: features and masks."""
        seen = views(observation, self.layout)
        masks = build_masks(observation.legality)
        dtype = next(self.network.parameters()).dtype
        return seen, observe(seen, dtype) | {f"mask_{f.name}": getattr(masks, f.name) for f in fields(masks)}

    def _decide(self, inputs: Inputs, state: State, pick: Callable[[int, Tensor], Tensor]) -> tuple:
        codes, trunk = self.network.encode(inputs)
        core, after = self.network.core(trunk[None], state)
        said = self.network.decide(core[0], codes, masks_of(inputs), self.epsilon, pick)
        return said, self.network.values(core[0]), after

    def _pick(self, observation: Observation) -> Callable[[int, Tensor], Tensor]:
        if self.uniforms is None:
            return lambda head, log_mu: log_mu.argmax(-1)
        rows = [self.uniforms(observation.round, observation.epoch, env) for env in range(len(observation.states))]
        drawn = torch.tensor(rows, dtype=torch.float64)
        return lambda head, log_mu: sampled(log_mu, drawn[:, head])

    def _trace(self, env: int, view: EnvView, decision: Decision, said: Choices, value: float) -> list[dict[str, Any]]:
        """What the episode is to come to, then a row per live head with the probability of every open choice, then
        what was seen."""
        slots = [s.slot for s in view.state.slots]
        rows: list[dict[str, Any]] = [{"rule": "value", "value": value * self.value_scale, "fired": False}]
        for index, head in enumerate(HEADS):
            if head not in LIVE_HEADS[decision.op]:
                continue
            names = choice_names(head, slots)
            shares = said.log_pi_all[index][env].exp().tolist()
            rows.append({
                "rule": f"head {head}", "choice": names[int(said.actions[env, index])], "fired": True,
                "value": shares[int(said.actions[env, index])],
                "probabilities": {n: p for n, p in zip(names, shares, strict=True) if p > 0.0},
                "entropy": float(said.entropy[env, index]),
            })  # fmt: skip
        if decision.op is not Op.WAIT:
            rows.append({"rule": "saw", "fired": False, "env": explain(view), "slot": explain(view, decision.slot)})
        return rows


def sampled(log_mu: Tensor, drawn: Tensor) -> Tensor:
    """Index of the choice where the cumulated probability passes ``drawn``; never one of probability 0."""
    cumulated = log_mu.double().exp().cumsum(-1)
    return (cumulated <= drawn[:, None] * ALMOST_ONE * cumulated[:, -1:]).sum(-1)


def choice_names(head: Head, slots: Sequence[str]) -> Sequence[str]:
    return slots if head is Head.SLOT else HEAD_CHOICES[head]


def decision_of(row: Sequence[int], slots: Sequence[str]) -> Decision:
    """The decision of a row of indices, one per head."""
    op = Op(row[0])
    named = {str(h): choice_names(h, slots)[row[i]] for i, h in enumerate(HEADS) if i and h in LIVE_HEADS[op]}
    return Decision(op=op, **named)


def indices_of(decision: Decision, slots: Sequence[str]) -> list[int]:
    """The row of a decision; 0 for heads that are not live."""
    row = [int(decision.op)]
    for head in HEADS[1:]:
        choice = getattr(decision, head)
        row.append(0 if choice is None else choice_names(head, slots).index(choice))
    return row
