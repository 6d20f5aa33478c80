"""Decisions in people's words: read whatever the case, and explained all at once where they cannot be."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.leyline.choices import LIVE_HEADS, WAIT, Decision, Op
from esper_tui.leyline.errors import ConfigError
from esper_tui.leyline.heads import described, example, offered, read_decision

HERE = offered(("r0c0", "r1c0"), ("CONV_LIGHT", "NORM"))


def test_case_does_not_matter():
    read = read_decision(["OP=prune", "slot=R0C0", "alpha_speed=fast", "Alpha_Curve=Linear"], HERE)
    assert read == Decision(op=Op.PRUNE, slot="r0c0", alpha_speed="FAST", alpha_curve="LINEAR")


@pytest.mark.parametrize("op", Op)
def test_the_example_of_an_operation_is_one(op):
    assert read_decision(example(op, HERE).split(), HERE).op is op


def test_everything_that_is_wrong_is_said_at_once():
    words = ["op=germinate", "slot=r9c9", "blueprnt=NORM", "alpha_curve=LINEAR", "tempo=QUICK", "now"]
    with pytest.raises(ConfigError) as refused:
        read_decision(words, HERE)
    assert refused.value.problems == [
        "'now' is not written as HEAD=VALUE",
        "blueprnt is no head; did you mean blueprint",
        "slot=r9c9 does not exist here; choose from r0c0, r1c0",
        "GERMINATE needs blueprint; choose from CONV_LIGHT, NORM",
        "GERMINATE needs style; choose from LINEAR_ADD, LINEAR_MULTIPLY, SIGMOID_ADD, GATED",
        "tempo=QUICK does not exist here; choose from FAST, STANDARD, SLOW",
        "GERMINATE needs alpha_target; choose from HALF, SEVENTY, FULL",
        "GERMINATE takes no alpha_curve",
    ]
    assert str(refused.value).startswith("8 problems in the decision:\n")
    assert str(refused.value).endswith(
        "\n  for example op=GERMINATE slot=r0c0 blueprint=CONV_LIGHT style=LINEAR_ADD tempo=FAST alpha_target=HALF"
    )


def test_an_example_repeats_what_was_right():
    with pytest.raises(ConfigError) as refused:
        read_decision(["op=ADVANCE", "slot=r1c0", "tempo=FAST"], HERE)
    assert str(refused.value) == "ADVANCE takes no tempo; for example op=ADVANCE slot=r1c0"


def test_heads_are_looked_at_without_an_operation_too():
    with pytest.raises(ConfigError) as refused:
        read_decision(["op=FLY", "slot=r9c9", "tempo=FAST"], HERE)
    assert [problem.partition(";")[0] for problem in refused.value.problems] == [
        "op=FLY does not exist",
        "slot=r9c9 does not exist here",
    ]


@pytest.mark.parametrize(("words", "said"), [([], "op is missing"), (["op=FLY"], "op=FLY does not exist")])
def test_without_an_operation_those_that_exist_are_named(words, said):
    with pytest.raises(ConfigError, match=f"{said}; choose from WAIT, GERMINATE"):
        read_decision(words, HERE)


@given(st.lists(st.text(max_size=20), max_size=6))
def test_wild_words_are_a_decision_or_one_error(words):
    with contextlib.suppress(ConfigError):
        assert isinstance(read_decision(words, HERE), Decision)


def test_waiting_needs_nothing_else():
    assert read_decision(["op=wait"], HERE) == WAIT


def test_every_head_of_every_operation_is_described():
    text = "\n".join(described(offered()))
    for op, heads in LIVE_HEADS.items():
        assert f"op={op.name}" in text
        assert all(str(head) in text for head in heads)
