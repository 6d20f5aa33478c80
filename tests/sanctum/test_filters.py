"""The filter grammar of events: what each word lets through, and one sentence about each that makes no sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.sanctum.filters import FilterError, event_match
from esper_tui.sanctum.lines import event_line

DECISION = {"op": "PRUNE", "slot": "r0c1", "alpha_speed": "FAST", "alpha_curve": "LINEAR"}
EVENTS = {
    "prune": {"type": "DecisionTaken", "round": 0, "epoch": 30, "env": 3, "decision": DECISION, "by": "human",
              "intervention": 7, "intended": {"op": "WAIT"}},
    "germinate": {"type": "DecisionTaken", "round": 0, "epoch": 12, "env": 0, "by": "tamiyo", "refused": None,
                  "decision": {"op": "GERMINATE", "slot": "r1c0", "blueprint": "CONV_LIGHT", "style": "LINEAR_ADD",
                               "tempo": "FAST", "alpha_target": "FULL"}},
    "pruned": {"type": "StageChanged", "round": 0, "epoch": 31, "env": 3, "slot": "r0c1", "source": "HOLDING",
               "target": "PRUNED", "cause": "decision", "blueprint": "CONV_HEAVY", "gate": None},
    "asked": {"type": "InterventionChanged", "round": 0, "epoch": 29, "env": 3, "fate": "rejected", "reason": "STALE",
              "intervention": {"id": 7, "decision": DECISION, "author": "ann@box"}},
    "alert": {"type": "AlertRaised", "round": 0, "epoch": 40, "env": 9, "slot": "r0c1", "rule": "exploding",
              "text": "gradient ratio 14.2 > 10", "severity": "warn"},
    "nan": {"type": "AlertRaised", "round": 1, "epoch": 3, "env": 1, "rule": "nan", "text": "the loss is not finite",
            "severity": "error"},
    "note": {"type": "SessionChanged", "round": None, "epoch": 12, "state": "note", "text": "look at this: 50 %"},
    "epoch": {"type": "EpochMeasured", "round": 0, "epoch": 31, "columns": {"val/acc": [0.5]}, "stages": [[1]]},
    "ended": {"type": "RunEnded", "round": None, "epoch": None, "status": "failed", "text": "disk full",
              "seconds": 3.0},
}  # fmt: skip


def found(text: str) -> set[str]:
    match = event_match(text)
    assert match is not None
    return {name for name, event in EVENTS.items() if match(event, event_line(event))}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("env:3", {"prune", "pruned", "asked"}),
        ("env:3,9", {"prune", "pruned", "asked", "alert"}),
        ("env:0-1", {"germinate", "nan"}),
        ("env:*", {"prune", "germinate", "pruned", "asked", "alert", "nan"}),
        ("slot:r0c1", {"prune", "pruned", "asked", "alert"}),
        ("slot:r1c*", {"germinate"}),
        ("slot:R1C0", {"germinate"}),
        ("slot:*", {"prune", "germinate", "pruned", "asked", "alert"}),
        ("type:prune", {"prune", "pruned", "asked"}),
        ("type:pruned", {"pruned"}),
        ("type:decision", {"prune", "germinate"}),
        ("type:stage", {"pruned"}),
        ("type:StageChanged", {"pruned"}),
        ("type:override", {"asked"}),
        ("type:rejected", {"asked"}),
        ("type:alert", {"alert", "nan"}),
        ("type:expl", {"alert"}),
        ("type:epoch,session", {"epoch", "note"}),
        ("type:*", set(EVENTS)),
        ("level:warn+", {"asked", "alert", "nan", "ended"}),
        ("level:warn", {"asked", "alert"}),
        ("level:error", {"nan", "ended"}),
        ("level:debug", {"epoch"}),
        ("by:human", {"prune", "asked"}),
        ("by:tamiyo", {"germinate"}),
        ("by:ann", {"asked"}),
        ("ep:30-31", {"prune", "pruned", "epoch"}),
        ("ep:31", {"pruned", "epoch"}),
        ("ep:31-", {"pruned", "epoch", "alert"}),
        ("ep:-12", {"germinate", "nan", "note"}),
        ("round:1", {"nan"}),
        ('text~"ratio 14"', {"alert"}),
        ("text~RATIO", {"alert"}),
        ("finite", {"nan"}),
        ('"this: 50 %"', {"note"}),
        ("/ratio .* > \\d+/", {"alert"}),
        ("/r0c1 prune/", {"prune"}),
        ("-env:3 -level:debug", {"germinate", "alert", "nan", "note", "ended"}),
        ('-"ratio" type:alert', {"nan"}),
        ("  env:3   type:stage ", {"pruned"}),
        ('env:9 slot:r0c1 type:alert level:warn+ ep:30-40 text~"grad"', {"alert"}),
        ('env:3 slot:r0c1 type:prune level:warn+ by:human ep:30-40 text~"grad"', set()),
        ("ENV:3 TYPE:PRUNED", {"pruned"}),
        ("12:41", set()),
    ],
)
def test_what_a_filter_lets_through(text, names):
    assert found(text) == names


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_without_words_there_is_no_filter(text):
    assert event_match(text) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("envi:3", "there is no key envi:, did you mean env; write 'envi:3' in quotes to search for it"),
        ("env:", "env: needs a value, for example env:3"),
        ("env:x", "env:x is no number and no range, for example env:3"),
        ("env:,", "env:, names nothing, for example env:3"),
        ("ep:9-3", "ep:9-3 ends before it begins"),
        ("ep:-", "ep:- is no number and no range, for example ep:30-40"),
        ("ep:1-2-3", "ep:1-2-3 is no number and no range, for example ep:30-40"),
        ("type:prunne", "type:prunne does not exist, did you mean prune"),
        ("level:wran", "level:wran does not exist, did you mean warn; choose from debug, info, warn, error"),
        ("slot:left", "slot:left is no slot; slots are called r0c0, r0c1 and so on"),
        ("/[/", "/[/ is not a regular expression: unterminated character set at position 0"),
        ("/ratio", "/ratio lacks the closing /"),
        ('"ratio', '"ratio lacks the closing "'),
        ('text~"ratio', 'text~"ratio lacks the closing "'),
        ('text~""', 'text~"" searches for nothing'),
        ("env:3 level:loud", "level:loud does not exist; choose from debug, info, warn, error"),
    ],
)
def test_a_word_that_makes_no_sense_is_one_sentence(text, sentence):
    with pytest.raises(FilterError) as caught:
        event_match(text)
    assert str(caught.value) == sentence


words = st.sampled_from(
    ["env:", "slot:", "type:", "level:", "by:", "ep:", "round:", "text~", '"', "/", "-", "+", ",", "*", "(", "[", "\\",
     " ", "3", "99999999999999999999", "r0c1", "prune", "{999999999999}", "é", "²", "\x1f", "~", ":"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=40), st.lists(words, max_size=8).map("".join)))
def test_nothing_else_is_ever_raised(text):
    try:
        match = event_match(text)
    except FilterError:
        return
    for event in EVENTS.values():
        assert match is None or match(event, event_line(event)) in (True, False)
