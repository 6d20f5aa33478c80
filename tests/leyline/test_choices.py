"""The decision as tables: what exists, which heads count, and the way through names and back."""

import pytest
from hypothesis import given

from esper_tui.leyline.choices import (
    ALPHA_SPEEDS,
    ALPHA_TARGETS,
    BLUEPRINTS,
    CURVES,
    HEAD_CHOICES,
    LIVE_HEADS,
    STYLES,
    TEMPOS,
    TOPOLOGY_BLUEPRINTS,
    WAIT,
    Decision,
    Form,
    Head,
    Op,
    slot_id,
)
from tests import states

GERMINATE = {"slot": "r0c0", "blueprint": "NORM", "style": "GATED", "tempo": "SLOW", "alpha_target": "HALF"}


def test_sizes_of_the_heads():
    sizes = {head.value: len(choices) for head, choices in HEAD_CHOICES.items()}
    assert sizes == {
        "op": 6, "blueprint": 13, "style": 4, "tempo": 3, "alpha_target": 3, "alpha_speed": 4, "alpha_curve": 5,
    }  # fmt: skip
    assert set(HEAD_CHOICES) == set(Head) - {Head.SLOT}


@pytest.mark.parametrize("head", HEAD_CHOICES)
def test_names_are_unique(head):
    assert len(set(HEAD_CHOICES[head])) == len(HEAD_CHOICES[head])


def test_values_behind_the_names():
    assert TEMPOS == {"FAST": 3, "STANDARD": 5, "SLOW": 8}
    assert ALPHA_TARGETS == {"HALF": 0.5, "SEVENTY": 0.7, "FULL": 1.0}
    assert ALPHA_SPEEDS == {"INSTANT": 0, "FAST": 3, "MEDIUM": 5, "SLOW": 8}
    assert [(c.kind, c.steepness) for c in CURVES.values()] == [
        ("linear", 0), ("cosine", 0), ("sigmoid", 6), ("sigmoid", 12), ("sigmoid", 24),
    ]  # fmt: skip
    assert {name: (s.form, s.curve) for name, s in STYLES.items()} == {
        "LINEAR_ADD": (Form.ADD, CURVES["LINEAR"]),
        "LINEAR_MULTIPLY": (Form.MULTIPLY, CURVES["LINEAR"]),
        "SIGMOID_ADD": (Form.ADD, CURVES["SIGMOID"]),
        "GATED": (Form.GATED, CURVES["LINEAR"]),
    }


def test_no_topology_offers_nothing_as_a_blueprint():
    for names in TOPOLOGY_BLUEPRINTS.values():
        assert set(names) <= set(BLUEPRINTS) - {"NOOP"}
        assert len(set(names)) == len(names)


def test_causal_mask():
    live = {op.name: " ".join(head.value for head in heads) for op, heads in LIVE_HEADS.items()}
    assert live == {
        "WAIT": "op",
        "GERMINATE": "op slot blueprint style tempo alpha_target",
        "SET_ALPHA_TARGET": "op slot style alpha_target alpha_speed alpha_curve",
        "PRUNE": "op slot alpha_speed alpha_curve",
        "FOSSILIZE": "op slot",
        "ADVANCE": "op slot",
    }


@given(states.decisions)
def test_names_and_back(decision):
    named = decision.named()
    assert set(named) == {head.value for head in LIVE_HEADS[decision.op]}
    assert Decision.from_named(named) == decision


def test_waiting_is_one_word():
    assert WAIT.named() == {"op": "WAIT"}
    assert slot_id(1, 2) == "r1c2"


@pytest.mark.parametrize("missing", GERMINATE)
def test_a_live_head_must_be_set(missing):
    heads = {head: choice for head, choice in GERMINATE.items() if head != missing}
    with pytest.raises(ValueError, match=f"GERMINATE needs {missing}"):
        Decision(op=Op.GERMINATE, **heads)


@pytest.mark.parametrize("op", [op for op in Op if op is not Op.GERMINATE])
def test_a_head_that_does_not_count_must_not_be_set(op):
    heads = {h.value: HEAD_CHOICES.get(h, ("r0c0",))[0] for h in LIVE_HEADS[op] if h is not Head.OP}
    with pytest.raises(ValueError, match=f"{op.name} takes no blueprint"):
        Decision(op=op, blueprint="NORM", **heads)


@pytest.mark.parametrize("head", [h for h in GERMINATE if h != "slot"])
def test_a_choice_must_exist(head):
    with pytest.raises(ValueError, match=f"{head} has no choice 'BEST'; choose from "):
        Decision(op=Op.GERMINATE, **GERMINATE | {head: "BEST"})


def test_an_unknown_operation_or_head():
    with pytest.raises(KeyError):
        Decision.from_named({"op": "LYSE"})
    with pytest.raises(TypeError):
        Decision.from_named({"op": "WAIT", "colour": "red"})
