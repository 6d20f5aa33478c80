"""What a policy did and what came of it: whole episodes of equal length, ready for an update.

Shapes: T steps, E episodes, H heads.
"""

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor


def map_tensors(tree: Any, change: Any) -> Any:
    """The same dictionary of tensors with a function applied to each."""
    return {key: change(value) for key, value in tree.items()}


@dataclass(frozen=True)
class Rollout:
    """Episodes side by side.

    Attributes:
        inputs: what the policy saw and what was legal, tensors ``[T, E, …]`` by name.
        actions_TEH: index of the choice of every head; 0 where the head was not live.
        live_TEH: heads that count for the operation that was chosen.
        legal_TEH: number of choices each head had.
        log_mu_TEH, log_pi_TEH: log-probabilities when acting, with and without exploration.
        entropy_TEH: entropy of the policy when acting, per head.
        values_TE: state values V = U − Φ when acting, in units of the reward; the network says U.
        rewards_TE, potentials_TE: rewards, and the potential Φ of the state that was acted in.
        final_E: Φ_T of each episode.
        used_TE: false where a person decided, where the rest of an episode is tainted, and where nothing was measured.
        taught_TE: steps whose choice is to be imitated; used as well where a teacher decides everything.
        epsilon: exploration that was in force.
    """

    inputs: dict[str, Tensor]
    actions_TEH: Tensor
    live_TEH: Tensor
    legal_TEH: Tensor
    log_mu_TEH: Tensor
    log_pi_TEH: Tensor
    entropy_TEH: Tensor
    values_TE: Tensor
    rewards_TE: Tensor
    potentials_TE: Tensor
    final_E: Tensor
    used_TE: Tensor
    taught_TE: Tensor
    epsilon: float

    @property
    def ends_TE(self) -> Tensor:
        """What the episode comes to, seen from each step: the rewards that are left, and Φ.  U is to predict it.

        With r = ΔΦ − cost these are Φ_T less the costs that are left.  The rise and fall of Φ on the way, which is
        in the observation, cancels out of U and of every δ_t = U_{t+1} − U_t − cost; a critic of V would have to
        learn −Φ first, and until then the advantages of early choices would be paid for gains that do not last.
        """
        return self.rewards_TE.flip(0).cumsum(0).flip(0) + self.potentials_TE

    @property
    def learnable_TE(self) -> Tensor:
        """Steps that teach the policy by what they earned: its own, used, and more than one decision was legal."""
        return self.used_TE & ~self.taught_TE & (self.legal_TEH[..., 0] > 1)

    def episodes(self, index: Tensor) -> "Rollout":
        """Some of the episodes, whole."""
        return self._each(lambda tensor, axis: tensor.index_select(axis, index))

    def _each(self, change: Any) -> "Rollout":
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in own.items():
            if isinstance(value, Tensor):
                own[name] = change(value, 0 if name.endswith("_E") else 1)
        own["inputs"] = map_tensors(self.inputs, lambda tensor: change(tensor, 1))
        return Rollout(**own)


def joined(parts: list[Rollout]) -> Rollout:
    """Several rollouts of the same length side by side.

    Raises:
        ValueError: if their lengths or their exploration differ.
    """
    first = parts[0]
    if any(p.epsilon != first.epsilon or len(p.used_TE) != len(first.used_TE) for p in parts):
        raise ValueError("only rollouts of the same length and the same exploration can be joined")
    own: dict[str, Any] = {}
    for f in fields(Rollout):
        values = [getattr(p, f.name) for p in parts]
        if isinstance(values[0], Tensor):
            own[f.name] = torch.cat(values, 0 if f.name.endswith("_E") else 1)
    own["inputs"] = {key: torch.cat([p.inputs[key] for p in parts], 1) for key in first.inputs}
    return Rollout(**own, epsilon=first.epsilon)


@dataclass
class Step:
    """One boundary: ``sample`` holds the tensors ``[E, …]`` of ``tamiyo``'s choice by the names of a rollout."""

    sample: dict[str, Any]
    potentials: list[float]
    used: list[bool]
    taught: list[bool]
    rewards: list[float] | None = None


class Episodes:
    """Collects the steps of a round; a reward arrives one epoch after its decision."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def act(self, step: Step) -> None:
        self.steps.append(step)

    def reward(self, rewards: list[float], measured: list[bool]) -> None:
        """Rewards of the latest step; where nothing was measured the step is not used."""
        latest = self.steps[-1]
        latest.rewards = [r if ok else 0.0 for r, ok in zip(rewards, measured, strict=True)]
        latest.used = [used and ok for used, ok in zip(latest.used, measured, strict=True)]

    def rollout(self, final: list[float], epsilon: float, value_scale: float) -> Rollout:
        """All steps as one rollout; every step must have its reward.  The samples' values are U/value_scale."""
        samples = [step.sample for step in self.steps]

        def stack(key: str) -> Tensor:
            return torch.stack([sample[key] for sample in samples])

        dtype = samples[0]["values"].dtype
        potentials_TE = torch.tensor([step.potentials for step in self.steps], dtype=dtype)
        inputs = {key: torch.stack([s["inputs"][key] for s in samples]) for key in samples[0]["inputs"]}
        return Rollout(
            inputs=inputs,
            actions_TEH=stack("actions"), live_TEH=stack("live"), legal_TEH=stack("legal"),
            log_mu_TEH=stack("log_mu"), log_pi_TEH=stack("log_pi"), entropy_TEH=stack("entropy"),
            values_TE=stack("values") * value_scale - potentials_TE,
            rewards_TE=torch.tensor([step.rewards for step in self.steps], dtype=dtype),
            potentials_TE=potentials_TE,
            final_E=torch.tensor(final, dtype=dtype),
            used_TE=torch.tensor([step.used for step in self.steps]),
            taught_TE=torch.tensor([step.taught for step in self.steps]),
            epsilon=epsilon,
        )  # fmt: skip
