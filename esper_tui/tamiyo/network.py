"""The learned controller: a shared slot encoder, an LSTM that remembers the episode, eight heads and a value.

::

    slots ─ encoder ─┬─ mean, max ─┐
    environment ─────┼─────────────┴─ trunk ─ LSTM ─┬─ value
                     └── keys of the slot head      └─ op → slot → blueprint → style → tempo → target → speed → curve

Each head is conditioned on the choices before it; the slot head points at slot codes, so one policy serves any number
of slots.  Shapes: T steps, E episodes, S slots, H heads, L width of the core.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from esper_tui.leyline.choices import HEAD_CHOICES, Head, Op
from esper_tui.leyline.protocols import Evaluated
from esper_tui.tamiyo.features import BLUEPRINT_CODES, ENV_FEATURES, SLOT_FEATURES, Feature
from esper_tui.tamiyo.masks import LIVE, Masks
from esper_tui.tamiyo.normal import RunningNormal

HEADS = tuple(Head)
MASKED = -1e8
"""Added to the logit of an illegal choice; its probability is exactly 0 in float32 and float64."""
OP_EXPLORATION = 0.25
"""Exploration of the op head relative to the other heads."""
CAREFUL = (Op.FOSSILIZE, Op.PRUNE)
"""Operations that exploration never asks for."""
PRIOR: dict[Head, dict[str, float]] = {
    Head.OP: {"PRUNE": -4.0, "SET_ALPHA_TARGET": -4.0},
    Head.ALPHA_TARGET: {"FULL": 2.0},
}
"""First logits; all others are 0.  A seed that is pruned or turned down at random never shows what it is worth: with
all choices alike none of 128 episodes of 40 epochs comes to a commitment, with these three logits six in ten do, and
before the first commitment nothing is ever paid."""

State = tuple[Tensor, Tensor]
Pick = Callable[[int, Tensor], Tensor]
"""Number of the head and log μ ``[N, C]`` → index of the choice ``[N]``."""
Inputs = dict[str, Tensor]
"""Features and masks by name: ``env``, ``slots``, ``blueprint`` and ``mask_…``, the fields of ``Masks``."""


@dataclass(frozen=True)
class Sizes:
    """Widths of the network."""

    width: int = 128
    slot_width: int = 64
    blueprint_width: int = 8


@dataclass(frozen=True)
class Choices:
    """What the heads said at some steps, each ``[N, H]``; ``log_pi_all`` holds every choice of every head."""

    actions: Tensor
    live: Tensor
    legal: Tensor
    log_mu: Tensor
    log_pi: Tensor
    entropy: Tensor
    log_pi_all: list[Tensor]


def orthogonal(layer: nn.Linear, gain: float = 2**0.5) -> nn.Linear:
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


class Network(nn.Module):
    """See above.  All weights come from the global generator of torch, seeded by whoever builds it."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.sizes = sizes
        width, slot_width = sizes.width, sizes.slot_width
        self.env_normal = RunningNormal([f.normal for f in ENV_FEATURES])
        self.slot_normal = RunningNormal([f.normal for f in SLOT_FEATURES])
        self.blueprint = nn.Embedding(len(BLUEPRINT_CODES), sizes.blueprint_width)
        slot_inputs = _inputs(SLOT_FEATURES) + sizes.blueprint_width
        self.slot_encoder = nn.Sequential(
            orthogonal(nn.Linear(slot_inputs, slot_width)), nn.SiLU(),
            orthogonal(nn.Linear(slot_width, slot_width)), nn.SiLU(),
        )  # fmt: skip
        self.trunk = nn.Sequential(orthogonal(nn.Linear(_inputs(ENV_FEATURES) + 2 * slot_width, width)), nn.SiLU())
        self.lstm = nn.LSTM(width, width)
        self.value = nn.Sequential(orthogonal(nn.Linear(width, width)), nn.SiLU(), orthogonal(nn.Linear(width, 1), 1.0))
        self.query = orthogonal(nn.Linear(width, slot_width), 0.01)
        self.chosen_slot = orthogonal(nn.Linear(slot_width, width))
        self.heads = nn.ModuleDict({head: self._head(len(names), width) for head, names in HEAD_CHOICES.items()})
        self.embed = nn.ModuleDict({head: nn.Embedding(len(names), width) for head, names in HEAD_CHOICES.items()})
        with torch.no_grad():
            for head, logits in PRIOR.items():
                for name, logit in logits.items():
                    self.heads[head][2].bias[HEAD_CHOICES[head].index(name)] = logit  # type: ignore[index]

    @staticmethod
    def _head(choices: int, width: int) -> nn.Sequential:
        hidden = orthogonal(nn.Linear(width, width // 2))
        return nn.Sequential(hidden, nn.SiLU(), orthogonal(nn.Linear(width // 2, choices), 0.01))

    def document(self) -> dict[str, Any]:
        return asdict(self.sizes)

    # --- the core ----------------------------------------------------------------------------------------------

    def initial_state(self, envs: int) -> State:
        zeros = next(self.parameters()).new_zeros(1, envs, self.sizes.width)
        return zeros, zeros

    def encode(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Slot codes ``[…, S, K]`` and the trunk's view of the environment ``[…, L]``."""
        slots = torch.cat(
            [_flagged(inputs["slots"], self.slot_normal, SLOT_FEATURES), self.blueprint(inputs["blueprint"])], -1
        )
        codes = self.slot_encoder(slots)
        env = _flagged(inputs["env"], self.env_normal, ENV_FEATURES)
        return codes, self.trunk(torch.cat([env, codes.mean(-2), codes.amax(-2)], -1))

    def core(self, trunk_TEL: Tensor, state: State) -> tuple[Tensor, State]:
        """What the episode so far comes to, ``[T, E, L]``; the trunk goes around the LSTM as well as through it."""
        remembered_TEL, after = self.lstm(trunk_TEL, state)
        return trunk_TEL + remembered_TEL, after

    def values(self, core: Tensor) -> Tensor:
        """U: what the episode comes to ``[…]``, in units of the value scale; V(s) is U less the potential of s."""
        return self.value(core).squeeze(-1)

    @torch.no_grad()
    def rescale_values(self, factor: float) -> None:
        """Multiplies all values by a factor."""
        last: nn.Linear = self.value[2]  # type: ignore[assignment]
        last.weight.mul_(factor)
        last.bias.mul_(factor)

    # --- the heads ---------------------------------------------------------------------------------------------

    def decide(self, core: Tensor, codes: Tensor, masks: Masks, epsilon: float, pick: Pick) -> Choices:
        """Walks the heads in order for N rows ``core`` [N, L]; ``pick`` makes each choice.

        Heads that are not live for the operation choose 0, and nothing after them learns of it.
        """
        context, op = core, core.new_zeros(len(core), dtype=torch.long)
        slot = op
        columns: list[tuple[Tensor, ...]] = []
        everything: list[Tensor] = []
        for index, head in enumerate(HEADS):
            live = LIVE[op, index]
            mask = masks.given(head, op, slot)
            logits = self._pointer(context, codes) if head is Head.SLOT else self.heads[head](context)
            log_pi = (logits + torch.where(mask, 0.0, MASKED)).log_softmax(-1)
            log_mu = explored(log_pi, mask, head, op, epsilon)
            action = torch.where(live, pick(index, log_mu), 0)
            context = context + torch.where(live[:, None], self._after(head, action, codes), 0.0)
            op, slot = action if head is Head.OP else op, action if head is Head.SLOT else slot
            legal, entropy = torch.where(live, mask.sum(-1), 1), -(log_pi.exp() * log_pi).sum(-1)
            columns.append((action, live, legal, _at(log_mu, action), _at(log_pi, action), entropy))
            everything.append(log_pi)
        actions, lives, legals, log_mu, log_pi, entropies = (torch.stack(c, -1) for c in zip(*columns, strict=True))
        return Choices(actions, lives, legals, log_mu, log_pi, entropies, everything)

    def evaluate(self, inputs: Inputs, actions_TBH: Tensor, epsilon: float) -> Evaluated:
        """What the network says of recorded choices in whole episodes, from their start."""
        steps, episodes = actions_TBH.shape[:2]
        codes, trunk = self.encode(inputs)
        core, _ = self.core(trunk, self.initial_state(episodes))
        flat, actions = {k: v.flatten(0, 1) for k, v in inputs.items()}, actions_TBH.flatten(0, 1)
        said = self.decide(
            core.flatten(0, 1), codes.flatten(0, 1), masks_of(flat), epsilon, lambda head, _: actions[:, head]
        )
        back = (steps, episodes, -1)
        return Evaluated(said.log_mu.view(back), said.log_pi.view(back), said.entropy.view(back), self.values(core))

    def _pointer(self, context: Tensor, codes: Tensor) -> Tensor:
        """Logits over slots ``[N, S]``: the agreement of a query with every slot's code."""
        return (codes @ self.query(context)[..., None]).squeeze(-1)

    def _after(self, head: Head, action: Tensor, codes: Tensor) -> Tensor:
        """What later heads learn of a choice."""
        if head is Head.SLOT:
            return self.chosen_slot(codes[torch.arange(len(codes)), action])
        return self.embed[head](action)


def masks_of(inputs: Inputs) -> Masks:
    return Masks(**{f.name: inputs[f"mask_{f.name}"] for f in fields(Masks)})


def _inputs(table: tuple[Feature, ...]) -> int:
    return len(table) + sum(f.optional for f in table)


def _flagged(raw: Tensor, normal: RunningNormal, table: tuple[Feature, ...]) -> Tensor:
    """Normalised features, and for each that may be unmeasured whether it was."""
    optional = [i for i, f in enumerate(table) if f.optional]
    return torch.cat([normal(raw), raw[..., optional].isfinite().to(raw.dtype)], -1)


def _at(logs: Tensor, action: Tensor) -> Tensor:
    return logs.gather(-1, action[..., None]).squeeze(-1)


def explored(log_pi: Tensor, mask: Tensor, head: Head, op: Tensor, epsilon: float) -> Tensor:
    """log μ of the behaviour policy μ = (1−ε)·π + ε·uniform(legal); exactly log π where ε is 0.

    The op head explores less, and neither reaches nor follows FOSSILIZE and PRUNE.
    """
    if epsilon == 0.0:
        return log_pi
    share = torch.full(op.shape, epsilon, dtype=log_pi.dtype)
    if head is Head.OP:
        mask = mask & torch.tensor([o not in CAREFUL for o in Op])
        share = share * OP_EXPLORATION
    else:
        share = torch.where(torch.isin(op, torch.tensor(CAREFUL)), 0.0, share)
    uniform = torch.where(mask, -mask.sum(-1, keepdim=True).log().to(log_pi.dtype), -torch.inf)
    return torch.logaddexp(torch.log1p(-share)[..., None] + log_pi, share.log()[..., None] + uniform)
