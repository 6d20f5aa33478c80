"""The update solves problems whose answer is known, from sampled episodes alone."""

import pytest
import torch
from torch import Tensor, nn

from esper_tui.leyline.protocols import Evaluated
from esper_tui.simic.advantages import gae
from esper_tui.simic.buffer import Episodes, Step
from esper_tui.simic.ppo import Ppo, PpoSettings, ValueScale

EPISODES, CHOICES = 32, 4
WORTH = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0], [0.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5]])
"""What two choices of one decision earn together."""


class Table(nn.Module):
    """Two heads, the second conditioned on the first, and a value; a row of logits per step, nothing else.

    The second head is live where the first chose anything but 0.
    """

    def __init__(self, steps: int):
        super().__init__()
        self.first = nn.Parameter(torch.zeros(steps, CHOICES))
        self.second = nn.Parameter(torch.zeros(steps, CHOICES, CHOICES))
        self.value = nn.Parameter(torch.zeros(steps))

    def logs(self, first_TB: Tensor) -> tuple[Tensor, Tensor]:
        steps = torch.arange(len(first_TB))[:, None]
        first_TBC = self.first.log_softmax(-1)[:, None].expand(*first_TB.shape, -1)
        return first_TBC, self.second.log_softmax(-1)[steps, first_TB]

    def evaluate(self, inputs, actions_TBH: Tensor, epsilon: float) -> Evaluated:
        logs = self.logs(actions_TBH[..., 0])
        picked = [log.gather(-1, actions_TBH[..., h, None]).squeeze(-1) for h, log in enumerate(logs)]
        entropy = torch.stack([-(log.exp() * log).sum(-1) for log in logs], -1)
        log_TBH = torch.stack(picked, -1)
        return Evaluated(log_TBH, log_TBH, entropy, self.value[:, None].expand(actions_TBH.shape[:2]))


def episodes(table: Table, steps: int, pay, scale: float):
    """``pay``: decisions [T, B, 2] → rewards and potentials [T, B] and final potentials [B]."""
    first = torch.stack([row.log_softmax(-1).exp().multinomial(EPISODES, True) for row in table.first])
    second = table.logs(first)[1].exp().flatten(0, 1).multinomial(1).view(steps, EPISODES)
    live = torch.stack([torch.ones_like(first, dtype=torch.bool), first > 0], -1)
    actions = torch.where(live, torch.stack([first, second], -1), 0)
    seen = table.evaluate(None, actions, 0.0)
    rewards, potentials, final = pay(actions)
    yes, no, made = [True] * EPISODES, [False] * EPISODES, Episodes()
    for t in range(steps):
        sample = {
            "inputs": {}, "actions": actions[t], "live": live[t], "legal": torch.where(live[t], CHOICES, 1),
            "log_mu": seen.log_mu_TBH[t], "log_pi": seen.log_pi_TBH[t], "entropy": seen.entropy_TBH[t],
            "values": seen.values_TB[t],
        }  # fmt: skip
        made.act(Step(sample, potentials[t].tolist(), yes, no))
        made.reward(rewards[t].tolist(), yes)
    return made.rollout(final.tolist(), 0.0, scale)


def learn(steps: int, pay, updates: int, lam: float = 0.95) -> Table:
    torch.manual_seed(0)
    table, scale = Table(steps), ValueScale()
    ppo = Ppo(table, PpoSettings(lam=lam, stop_kl=0.1), lr=0.1)
    for _ in range(updates):
        with torch.no_grad():
            rollout = episodes(table, steps, pay, scale.deviation)
        ppo.update(rollout, scale.deviation, lambda passed: torch.randperm(EPISODES))
        with torch.no_grad():
            table.value.mul_(scale.update(rollout.ends_TE[rollout.used_TE]))
    return table


def at_once(actions: Tensor):
    """One decision, two heads."""
    worth = WORTH[actions[0, :, 0], actions[0, :, 1]]
    return worth[None], torch.zeros(1, EPISODES), worth


def test_a_bandit_with_two_heads_of_which_one_is_not_always_live():
    """The best pair pays 2; the first head alone would prefer 0, which pays 1 surely."""
    table = learn(1, at_once, 15)
    assert int(table.first[0].argmax()) == 1
    assert int(table.second[0, 1].argmax()) == 2


STEPS, HALF = 30, 15


def bait(actions: Tensor):
    """Φ rises to 5 after a first choice of 1 and ends at −0.5; after 2 it rises slowly to 1."""
    time, kind = torch.arange(1.0, STEPS + 1)[:, None], actions[0, :, 0]
    lasts_not = torch.where(time <= HALF, 5.0 * time / HALF, 5.0 - 5.5 * (time - HALF) / HALF)
    after = torch.where(kind == 1, lasts_not, torch.where(kind == 2, time / STEPS, 0.0))
    before = torch.cat([torch.zeros(1, EPISODES), after[:-1]])
    return after - before, before, after[-1]


def test_a_gain_that_does_not_last_is_not_learnt():
    """A critic of V that knows only the time would prefer 1: with λ = 0.95 the rise counts for more than the fall."""
    table = learn(STEPS, bait, 10)
    assert int(table.first[0].argmax()) == 2
    assert float(table.first[0].softmax(-1)[1].detach()) < 0.05


def test_with_the_right_end_in_mind_the_way_there_teaches_nothing():
    """U = Φ_T at every step: rewards ΔΦ, however Φ moves, leave no advantage."""
    actions = torch.tensor([0, 1, 2, 3])[None, :, None].expand(STEPS, 4, 2)
    time = torch.arange(STEPS, dtype=torch.float64)[:, None] + 1
    after = torch.sin(time * torch.tensor([1.0, 2.0, 3.0, 4.0]))
    before = torch.cat([torch.zeros(1, 4), after[:-1]])
    made, yes = Episodes(), [True] * 4
    for t in range(STEPS):
        grid = torch.zeros(4, 2, dtype=torch.float64)
        sample = {"inputs": {}, "actions": actions[t], "live": grid == 0, "legal": grid.long() + 2}
        sample |= dict.fromkeys(("log_mu", "log_pi", "entropy"), grid) | {"values": after[-1] / 2.0}
        made.act(Step(sample, before[t].tolist(), yes, [False] * 4))
        made.reward((after[t] - before[t]).tolist(), yes)
    rollout = made.rollout(after[-1].tolist(), 0.0, value_scale=2.0)
    assert gae(rollout.rewards_TE, rollout.values_TE, rollout.used_TE, 0.95).abs().max() < 1e-12
    assert rollout.ends_TE[:, 3].tolist() == pytest.approx([float(after[-1, 3])] * STEPS)
