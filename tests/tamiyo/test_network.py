"""Acting and evaluating agree, masks and causal masks hold, one network serves any number of slots."""

import math
import random
from dataclasses import fields

import pytest
import torch

from esper_tui.leyline.choices import LIVE_HEADS, Head, Op
from esper_tui.tamiyo.learned import Learned, decision_of, indices_of, sampled
from esper_tui.tamiyo.masks import Masks
from esper_tui.tamiyo.network import CAREFUL, HEADS, PRIOR, Network, Sizes, explored
from tests import sights

SIZES = Sizes(width=16, slot_width=8, blueprint_width=4)


def uniforms(round_: int, epoch: int, env: int) -> list[float]:
    rng = random.Random(f"{round_} {epoch} {env}")
    return [rng.random() for _ in HEADS]


def network(dtype=torch.float32, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    made = Network(SIZES).to(dtype)
    for parameter in made.parameters():  # far from uniform, so that an error would show
        parameter.data += 0.3 * torch.randn_like(parameter)
    made.heads[Head.OP][2].bias.data.zero_()
    return made


def policy(slots: int, net: Network, greedy: bool = False, epsilon: float = 0.05) -> Learned:
    made = Learned(net, sights.layout(slots), None if greedy else uniforms)
    made.epsilon = epsilon
    return made


def episode(made: Learned, slots: int, envs: int = 4, steps: int = 6):
    """Samples of an episode, stacked: inputs and the rest by name."""
    state, samples, decisions = made.initial_state(envs), [], []
    for epoch in range(5, 5 + steps):
        look = sights.observation(slots, envs, epoch)
        step = made.act(look, state)
        for env, decision in enumerate(step.decisions):
            assert look.legality[env].refusal(decision) is None
        state = step.state
        samples.append(step.sample)
        decisions += step.decisions
    stacked = {k: torch.stack([s[k] for s in samples]) for k in samples[0] if k != "inputs"}
    inputs = {k: torch.stack([s["inputs"][k] for s in samples]) for k in samples[0]["inputs"]}
    return inputs, stacked, decisions


@pytest.mark.parametrize("slots", [1, 3, 5, 12])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_replaying_an_episode_equals_acting_step_by_step(slots, dtype, tolerance):
    net = network(dtype)
    inputs, seen, _ = episode(policy(slots, net), slots)
    said = net.evaluate(inputs, seen["actions"], 0.05)
    live = seen["live"]
    for name, values in (("log_mu", said.log_mu_TBH), ("log_pi", said.log_pi_TBH)):
        assert (values - seen[name])[live].abs().max() < tolerance * max(1.0, float(seen[name][live].abs().max()))
    assert (said.values_TB - seen["values"]).abs().max() < tolerance * 10


def test_every_operation_occurs_and_only_its_heads_are_live():
    _, seen, decisions = episode(policy(5, network()), 5, envs=40)
    assert {d.op for d in decisions} == set(Op)
    for row, live, decision in zip(
        seen["actions"].flatten(0, 1).tolist(), seen["live"].flatten(0, 1).tolist(), decisions, strict=True
    ):
        assert tuple(h for h, on in zip(HEADS, live, strict=True) if on) == LIVE_HEADS[decision.op]
        assert indices_of(decision, sights.slot_names(5)) == row
        assert decision_of(row, sights.slot_names(5)) == decision


def test_one_network_acts_on_three_and_on_twelve_slots():
    net = network()
    for slots in (3, 12):
        episode(policy(slots, net, greedy=True), slots)


def test_greedy_takes_the_most_likely_choice_and_needs_no_chance():
    net = network()
    look = sights.observation(3, 8, 9)
    once = policy(3, net, greedy=True).act(look, net.initial_state(8))
    again = policy(3, net, greedy=True).act(look, net.initial_state(8))
    assert once.decisions == again.decisions


def test_acting_leaves_the_state_it_was_given():
    net = network()
    state = net.initial_state(2)
    before = tuple(t.clone() for t in state)
    policy(3, net).act(sights.observation(3, 2, 9), state)
    assert all(torch.equal(a, b) for a, b in zip(state, before, strict=True))


def closed_everywhere(seen, inputs) -> Masks:
    return Masks(**{f.name: inputs[f"mask_{f.name}"].flatten(0, 1) for f in fields(Masks)})


def test_a_masked_choice_has_probability_zero_and_no_gradient():
    net = network()
    inputs, seen, _ = episode(policy(3, net, epsilon=0.0), 3, envs=20)
    masks = closed_everywhere(seen, inputs)
    codes, trunk = net.encode(inputs)
    core, _ = net.core(trunk, net.initial_state(20))
    actions = seen["actions"].flatten(0, 1)
    logits: list[torch.Tensor] = []

    def keep(module, args, out):
        out.retain_grad()
        logits.append(out)

    for head in net.heads.values():
        head.register_forward_hook(keep)
    said = net.decide(core.flatten(0, 1), codes.flatten(0, 1), masks, 0.0, lambda head, _: actions[:, head])
    torch.where(said.live, said.log_pi - 0.1 * said.entropy, 0.0).sum().backward()
    without_slot = [h for h in HEADS if h is not Head.SLOT]
    for head, out in zip(without_slot, logits, strict=True):
        index = HEADS.index(head)
        closed = ~masks.given(head, actions[:, 0], actions[:, 1])
        assert float(said.log_pi_all[index].detach().exp()[closed].abs().sum()) == 0.0
        assert float(out.grad[closed].abs().sum()) == 0.0
        assert not closed.all(-1).any()


def test_heads_that_did_not_act_change_neither_loss_nor_entropy():
    """Weights of heads that are dead everywhere get no gradient and do not move the result."""
    net = network()
    inputs, seen, _ = episode(policy(3, net), 3)
    waits = torch.zeros_like(seen["actions"])

    def loss():
        said = net.evaluate(inputs, waits, 0.05)
        live = torch.zeros_like(seen["live"])
        live[..., 0] = True
        return torch.where(live, said.log_mu_TBH + said.entropy_TBH, 0.0).sum()

    first = loss()
    first.backward()
    for head, module in net.heads.items():
        grads = [p.grad for p in module.parameters()]
        dead = all(g is None or not g.any() for g in grads)
        assert dead == (head != Head.OP)
        if head != Head.OP:
            for parameter in module.parameters():
                parameter.data += 1.0
    assert torch.equal(loss(), first)


def test_exploration_is_a_mixture_by_hand():
    # π = (½, ½, 0), legal (1, 1, 0), ε = 0.2: μ = 0.8·π + 0.2·(½, ½, 0)
    log_pi = torch.tensor([[0.75, 0.25, 0.0]]).log().clamp_min(-1e8)
    mask = torch.tensor([[True, True, False]])
    plant, prune = torch.tensor([int(Op.GERMINATE)]), torch.tensor([int(Op.PRUNE)])
    mixed = explored(log_pi, mask, Head.TEMPO, plant, 0.2).exp()[0].tolist()
    assert mixed == pytest.approx([0.8 * 0.75 + 0.1, 0.8 * 0.25 + 0.1, 0.0])
    assert torch.equal(explored(log_pi, mask, Head.TEMPO, prune, 0.2).exp(), log_pi.exp())
    assert explored(log_pi, mask, Head.TEMPO, plant, 0.0) is log_pi


def test_exploration_never_asks_to_commit_or_to_prune():
    log_pi = torch.full((1, len(Op)), -math.log(len(Op)))
    everything = torch.ones(1, len(Op), dtype=torch.bool)
    mixed = explored(log_pi, everything, Head.OP, torch.zeros(1, dtype=torch.long), 0.4).exp()[0]
    assert mixed.sum().item() == pytest.approx(1.0)
    for op in CAREFUL:
        assert float(mixed[op]) == pytest.approx(0.9 / len(Op))  # the op head explores a quarter as much


def test_sampling_follows_the_probabilities_and_never_takes_what_has_none():
    log_mu = torch.tensor([[-1e8, math.log(0.25), -1e8, math.log(0.75), -1e8]]).expand(5, -1)
    drawn = torch.tensor([0.0, 0.2499, 0.2501, 0.9, 1.0 - 1e-16], dtype=torch.float64)
    assert sampled(log_mu, drawn).tolist() == [1, 1, 3, 3, 3]


def test_rescaling_multiplies_every_value():
    net = network()
    core = torch.randn(5, SIZES.width)
    before = net.values(core)
    net.rescale_values(0.25)
    assert torch.allclose(net.values(core), 0.25 * before, atol=1e-6)


def test_a_new_network_lets_seeds_live_and_moves_them_on():
    """The first probabilities are those of the prior: the heads' own weights hardly count yet."""
    torch.manual_seed(0)
    net = Network(Sizes())
    look = sights.observation(3, 30, 9)
    step = Learned(net, sights.layout(3), uniforms).act(look, net.initial_state(30))
    masks, first = step.sample["inputs"]["mask_op"], torch.zeros(len(Op))
    for name, logit in PRIOR[Head.OP].items():
        first[Op[name]] = logit
    expected = (first + torch.where(masks, 0.0, -1e8)).log_softmax(-1)
    chosen = expected.gather(1, step.sample["actions"][:, :1])[:, 0]
    assert torch.allclose(step.sample["log_pi"][:, 0], chosen, atol=0.3)


def test_the_default_network_is_small():
    assert sum(p.numel() for p in Network(Sizes()).parameters()) < 400_000
