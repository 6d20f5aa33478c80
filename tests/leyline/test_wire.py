"""Messages: what is sent arrives, what is not a message is refused with a sentence."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.leyline import session as say
from esper_tui.leyline.choices import WAIT, Decision, Op
from esper_tui.leyline.wire import (
    MAX_MESSAGE,
    BadMessage,
    ack_document,
    command_document,
    decode,
    encode,
    load_ack,
    load_command,
    load_progress,
    progress_document,
)

PRUNE = Decision(op=Op.PRUNE, slot="r0c1", alpha_speed="FAST", alpha_curve="LINEAR")
COMMANDS = [
    say.Pause("batch"), say.Resume(), say.Step(3), say.Stop(), say.Note("a – b"), say.Cancel(4), say.Look(2),
    say.Abandon(), say.Breakpoint("stage", "HOLDING", 3), say.Breakpoint("nan", clear=True),
    say.Override(1, PRUNE, "when_legal", wait_epochs=3, expect=2, author="me@host"), say.Override(0, WAIT, hold=5),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: type(c).__name__)
def test_a_command_arrives_as_it_was_sent(command):
    message = decode(encode({"type": "command", "command": command_document(command)}))
    assert load_command(message["command"]) == command


def test_answers_arrive_as_they_were_sent():
    ack = say.Ack(3, "rejected", 7, "no", 2)
    assert load_ack(decode(encode(ack_document(ack)))) == ack
    resources = say.Resources(3.0, devices=("cuda:0 1%",))
    progress = say.Progress(state="paused", epoch=4, phase_s={"training": 1.5}, resources=resources)
    assert load_progress(decode(encode(progress_document(progress)))) == progress


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "must be an object"),
        ({"name": "Explode"}, "unknown command 'Explode'"),
        ({"name": "Step", "epochs": "3"}, "Step.epochs"),
        ({"name": "Step", "epochs": True}, "Step.epochs"),
        ({"name": "Step", "more": 1}, "no field 'more'"),
        ({"name": "Pause", "at": "noon"}, "Pause.at"),
        ({"name": "Override", "env": 0}, "must name its heads"),
        ({"name": "Override", "env": 0, "decision": {"op": "FLY"}}, "unknown or missing op"),
        ({"name": "Override", "env": 0, "decision": {"op": "WAIT", "slot": "r0c0"}}, "WAIT takes no slot"),
        ({"name": "Override", "env": 0, "decision": {"op": "WAIT", "wings": "2"}}, "wings"),
        ({"name": "Override", "decision": {"op": "WAIT"}}, "Override.env"),
        ({"name": "Note"}, "Note.text"),
    ],
)
def test_a_bad_command_is_one_sentence(document, sentence):
    with pytest.raises(BadMessage) as refused:
        load_command(document)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
near_commands = st.fixed_dictionaries(
    {"name": st.sampled_from(["Step", "Override", "Pause", "Note"])},
    optional={"epochs": json_values, "decision": json_values, "text": json_values, "env": json_values},
)


@given(json_values | near_commands)
def test_wild_commands_are_refused_or_understood(document):
    try:
        command = load_command(document)
    except BadMessage:
        return
    assert load_command(json.loads(json.dumps(command_document(command)))) == command


@given(st.binary(max_size=200))
def test_wild_bytes_are_refused_or_objects(line):
    with contextlib.suppress(BadMessage):
        assert isinstance(decode(line), dict)


@pytest.mark.parametrize("line", [b"[" * 60_000, b'{"type":1}', b"7", b'"' + b"x" * MAX_MESSAGE + b'"', b"9" * 10_000])
def test_hostile_lines(line):
    with pytest.raises(BadMessage):
        decode(line)
