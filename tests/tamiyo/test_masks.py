"""The masks of the learned policy say what legality says, choice by choice."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.leyline.choices import ALPHA_TARGETS, BLUEPRINTS, HEAD_CHOICES, LIVE_HEADS, STYLES, Head, Op
from esper_tui.leyline.legality import legality
from esper_tui.leyline.stages import Stage
from esper_tui.tamiyo.masks import LIVE, build_masks
from tests import states
from tests.states import SLOTS, env, passed, rules, seeded

batches = st.tuples(st.lists(states.env_states(), min_size=1, max_size=3), states.rule_sets())


def masked(batch):
    views, given_rules = batch
    legal = [legality(view, given_rules) for view in views]
    return legal, build_masks(legal)


@given(batches)
def test_masks_are_the_missing_reasons(batch):
    legal, masks = masked(batch)
    for e, one in enumerate(legal):
        assert masks.op[e].tolist() == [op in one.open_ops() for op in Op]
        assert not masks.slot[e, Op.WAIT].any()
        for op in (op for op in Op if op is not Op.WAIT):
            assert masks.slot[e, op].tolist() == [one.ops[op][slot] is None for slot in SLOTS]
        for s, slot in enumerate(SLOTS):
            assert masks.blueprint[e, s].tolist() == [one.blueprints[slot][b] is None for b in BLUEPRINTS]
            assert masks.style[e, s].tolist() == [one.styles[slot][name] is None for name in STYLES]
            assert masks.alpha_target[e, s].tolist() == [one.targets[slot][name] is None for name in ALPHA_TARGETS]
    assert not masks.blueprint[..., BLUEPRINTS.index("NOOP")].any()


def choices_of(decision):
    """Every head's choice as an index; 0 where the head does not count."""
    named = decision.named()
    tables = {head: HEAD_CHOICES.get(head, SLOTS) for head in Head}
    return {head: tables[head].index(named[head]) if head in named else 0 for head in Head}


@given(batches, states.decisions)
def test_a_decision_is_legal_if_every_live_head_is_open(batch, decision):
    legal, masks = masked(batch)
    chosen = choices_of(decision)
    op = torch.full((len(legal),), chosen[Head.OP])
    slot = torch.full((len(legal),), chosen[Head.SLOT])
    for e, one in enumerate(legal):
        heads = {head: bool(masks.given(head, op, slot)[e, chosen[head]]) for head in LIVE_HEADS[decision.op]}
        assert (one.refusal(decision) is None) == all(heads.values()), heads


@given(batches)
def test_no_row_that_can_be_reached_is_empty(batch):
    legal, masks = masked(batch)
    for e, one in enumerate(legal):
        for op in one.open_ops():
            for name in one.slots(op) or SLOTS:
                ops = torch.full((len(legal),), int(op))
                slots = torch.full((len(legal),), SLOTS.index(name))
                for head in Head:
                    row = masks.given(head, ops, slots)[e]
                    assert row.any(), (op, head)
                    assert head in LIVE_HEADS[op] or head is Head.OP or row.all()


def test_shapes():
    legal = [legality(env(), rules()) for _ in range(2)]
    masks = build_masks(legal)
    shapes = [tuple(t.shape) for t in (masks.op, masks.slot, masks.blueprint, masks.style, masks.alpha_target)]
    assert shapes == [(2, 6), (2, 6, 3), (2, 3, 13), (2, 3, 4), (2, 3, 3)]
    chosen = torch.tensor([Op.WAIT, Op.GERMINATE]), torch.tensor([0, 2])
    sizes = {head: masks.given(head, *chosen).shape[1] for head in Head}
    assert sizes == {head: len(HEAD_CHOICES.get(head, SLOTS)) for head in Head}
    assert {t.dtype for t in vars(masks).values()} == {torch.bool}


@pytest.mark.parametrize("count", [1, 12])
def test_any_number_of_slots(count):
    names = tuple(f"r0c{i}" for i in range(count))
    masks = build_masks([legality(env(names=names), rules(names))])
    assert masks.slot[0, Op.GERMINATE].tolist() == [True] * count


def test_by_hand():
    """Epoch 10: a seed at rest in HOLDING with G5 passed, an empty slot, one in its embargo."""
    holding = seeded("r0c0", Stage.HOLDING, style="GATED", verdict=passed("G5"))
    clearing = states.SlotState("r0c2", Stage.EMBARGOED, clock=3)
    masks = build_masks([legality(env(holding, clearing), rules(allowed=("NORM",)))])
    assert [op.name for op in Op if masks.op[0, op]] == ["WAIT", "GERMINATE", "SET_ALPHA_TARGET", "PRUNE", "FOSSILIZE"]
    assert masks.slot[0].tolist() == [
        [False, False, False],  # WAIT has no slot
        [False, True, False],
        [True, False, False],
        [True, False, False],
        [True, False, False],
        [False, False, False],
    ]
    assert masks.blueprint[0, 1].nonzero().flatten().tolist() == [BLUEPRINTS.index("NORM")]
    assert masks.style[0].tolist() == [[False, False, False, True], [True] * 4, [True] * 4]
    assert masks.alpha_target[0].tolist() == [[True, True, False], [True] * 3, [True] * 3]


def test_the_causal_mask_as_a_tensor():
    assert LIVE.sum(1).tolist() == [1, 6, 6, 4, 2, 2]
    assert LIVE[:, 0].all()
    assert LIVE[Op.PRUNE].tolist() == [True, True, False, False, False, False, True, True]
