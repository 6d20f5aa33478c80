"""The ``:`` line: every example of the manual, what each word becomes, completion, history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.leyline.choices import WAIT, Decision, Op
from esper_tui.leyline.session import Breakpoint, Override
from esper_tui.sanctum.actions import ACTIONS, COMMANDS
from esper_tui.sanctum.commands import READERS, CommandError, completions, parse
from esper_tui.sanctum.draft import WAITS
from esper_tui.sanctum.history import LIMIT, history_path, load_history, save_history

PRUNE = Decision(op=Op.PRUNE, slot="r0c1", alpha_speed="MEDIUM", alpha_curve="LINEAR")
WORDS = {"slot": ["r0c0", "r0c1"], "preset": ["quickstart", "mine"], "run": ["2026-a", "2026-b"], "column": ["acc"]}


def typed(text: str) -> tuple:
    found = parse(text)
    return (found.action.id, *found.arguments)


def germinate(slot: str, blueprint: str, style="LINEAR_ADD", tempo="STANDARD", target="FULL") -> Decision:
    return Decision(op=Op.GERMINATE, slot=slot, blueprint=blueprint, style=style, tempo=tempo, alpha_target=target)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (":env 9", ("env", 9)),
        (":slot 9 r0c1", ("slot", 9, "r0c1")),
        (":filter st!=ok", ("filter", "st!=ok")),
        (":sort return desc", ("sort", "return", "desc")),
        (":break env 3 stage==HOLDING", ("break", Breakpoint("stage", "HOLDING", 3))),
        (":break nan", ("break", Breakpoint("nan"))),
        (":override 9 r0c1 prune when-legal 3", ("override", Override(9, PRUNE, "when_legal", wait_epochs=3))),
        (":hold 2 5", ("hold", 2, 5)),
        (":undo 13", ("undo", 13)),
        (":pause batch", ("pause", "batch")),
        (":step 5", ("step", 5)),
        (":detach", ("detach",)),
        (":preset save x", ("save_as", "x")),
        (":set hz 2", ("set", "hz", "2")),
        (":set theme cb-dark", ("set", "theme", "cb-dark")),
        (":w", ("save_screen",)),
        (":q", ("quit",)),
        (":q!", ("quit_now",)),
        (":fleet", ("view_fleet",)),
        (":sys", ("view_system",)),
        (":goto 31", ("goto", 31)),
        (":audit", ("audit",)),
    ],
)
def test_the_examples_of_the_manual(text, meant):
    assert typed(text) == meant
    assert typed(text.removeprefix(":")) == meant, "the colon is the prompt's"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("undo", ("undo",)),
        ("pause", ("pause",)),
        ("step", ("step",)),
        ("look", ("look",)),
        ("metric val/loss", ("metric", "val/loss")),
        ("note  hello   there ", ("note", "hello   there")),
        ("filter env:3 /a b/", ("filter", "env:3 /a b/")),
        ("speed x4", ("speed", 4.0)),
        ("speed 0.5", ("speed", 0.5)),
        ("compare a b c", ("compare", "a", "b", "c")),
        ("compare", ("compare",)),
        ("glossary shadow pass", ("glossary", "shadow pass")),
        ("preset mine", ("edit", "mine")),
        ("start", ("start",)),
        ("dec", ("view_decisions",)),
        ("  ack", ("acknowledge",)),
        ("slot 1 R0C1", ("slot", 1, "r0c1")),
    ],
)
def test_other_commands(text, meant):
    assert typed(text) == meant


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("3 wait", Override(3, WAIT)),
        ("3 wait hold 5", Override(3, WAIT, hold=5)),
        ("3 wait hold 0", Override(3, WAIT, hold=0)),
        ("3 r0c1 prune", Override(3, PRUNE)),
        ("3 r0c1 prune now", Override(3, PRUNE)),
        ("3 R0C1 PRUNE when-legal", Override(3, PRUNE, "when_legal", wait_epochs=WAITS)),
        ("3 r0c1 prune when-legal hold 2", Override(3, PRUNE, "when_legal", hold=2, wait_epochs=WAITS)),
        ("3 r0c1 prune at 20", Override(3, PRUNE, at_epoch=20)),
        ("3 r0c1 fossilize", Override(3, Decision(op=Op.FOSSILIZE, slot="r0c1"))),
        ("3 r0c1 adv", Override(3, Decision(op=Op.ADVANCE, slot="r0c1"))),
        ("0 r0c0 germinate conv_light", Override(0, germinate("r0c0", "CONV_LIGHT"))),
        (
            "0 r0c0 germ conv-heavy slow gated half",
            Override(0, germinate("r0c0", "CONV_HEAVY", "GATED", "SLOW", "HALF")),
        ),
        ("0 r0c0 germ blueprint=NORM tempo=fast", Override(0, germinate("r0c0", "NORM", tempo="FAST"))),
    ],
)
def test_overrides_in_full(text, asked):
    assert typed(f"override {text}") == ("override", asked)


def test_another_alpha_target():
    asked = typed("override 1 r0c0 set_alpha half instant alpha_curve=cosine")[1]
    assert asked.decision == Decision(
        op=Op.SET_ALPHA_TARGET, slot="r0c0", style="LINEAR_ADD", alpha_target="HALF", alpha_speed="INSTANT",
        alpha_curve="COSINE",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("stage==BLENDING", Breakpoint("stage", "BLENDING")),
        ("stage==hold", Breakpoint("stage", "HOLDING")),
        ("op==PRUNE", Breakpoint("op", "PRUNE")),
        ("env 2 op==germ", Breakpoint("op", "GERMINATE", 2)),
        ("alert", Breakpoint("alert")),
        ("alert==stalled", Breakpoint("alert", "stalled")),
        ("clear env 2 nan", Breakpoint("nan", env=2, clear=True)),
    ],
)
def test_breakpoints(text, asked):
    assert typed(f"break {text}") == ("break", asked)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no command was typed; ? lists all"),
        (":", "no command was typed; ? lists all"),
        ("flet", "there is no command 'flet', did you mean fleet; ? lists all"),
        ("e", "'e' may be "),
        ("env", "environment is missing; :env N"),
        ("env x", "'x' is no environment; :env N"),
        ("env 3 4", "'4' is too much; :env N"),
        ("step 0", "'0' is no number of epochs from 1 on; :step [EPOCHS]"),
        ("step 99999999999", "'99999999999' is no number of epochs from 1 on"),
        ("slot 3 left", "'left' is no slot such as r0c1; :slot N SLOT"),
        ("pause now", "'now' is no place to pause at; choose from batch, epoch"),
        ("fleet now", "'now' is too much; :fleet"),
        ("set hzz 3", "'hzz' is no setting; choose from theme, glyphs, hz"),
        ("set hz", "value is missing; :set KEY VALUE"),
        ("sort acc up", "'up' is no order; choose from asc, desc"),
        ("speed fast", "'fast' is no factor such as 0.5 or 4"),
        ("speed nan", "'nan' is no factor"),
        ("break x", "'x' is no condition; choose from stage, op, alert, nan"),
        ("break stage==HOLDINGS", "'HOLDINGS' is no stage"),
        ("break env", "environment is missing"),
        ("break stage", "stage is missing"),
        ("override 3 r0c1", "operation is missing"),
        ("override 3 prune", "PRUNE needs a slot"),
        ("override 3 r0c1 wait", "WAIT takes no slot"),
        ("override 3 r0c1 germinate", "GERMINATE needs one of NOOP, CONV_LIGHT"),
        ("override 3 r0c1 set_alpha", "SET_ALPHA_TARGET needs one of HALF, SEVENTY, FULL"),
        ("override 3 r0c1 prune conv_light", "'conv_light' is no choice of PRUNE"),
        ("override 3 r0c1 prune tempo=fast", "'tempo' is no head of PRUNE"),
        ("override 3 r0c1 prune at", "epoch is missing"),
        ("override 3 r0c1 pruned", "'pruned' is no operation"),
        ("note", "text is missing; :note TEXT"),
    ],
)
def test_what_cannot_be_understood_is_one_sentence(text, sentence):
    with pytest.raises(CommandError) as caught:
        parse(text)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_every_command_of_the_table_can_be_typed():
    """With its least arguments; one that takes none says so when it is given some."""
    least = {
        "set": "hz 2", "override": "0 wait", "hold": "0 1", "break": "nan", "note": "x", "goto": "1", "speed": "2",
        "env": "0", "slot": "0 r0c0", "filter": "x", "sort": "x", "tag": "x", "save": "x",
    }  # fmt: skip
    for command, action in COMMANDS.items():
        assert parse(f"{command} {least.get(command, '')}").action is action
        if action.id not in READERS:
            with pytest.raises(CommandError, match="is too much"):
                parse(f"{command} x")


def test_what_takes_arguments_says_which_and_the_other_way_round():
    assert {i for i, action in ACTIONS.items() if action.command and action.usage} == set(READERS)


pieces = st.sampled_from(
    [*COMMANDS, "3", "r0c1", "prune", "germinate", "conv_light", "when-legal", "at", "hold", "=", "==", "stage==",
     "nan", "clear", "env", "-1", "1e999", "²", "\x1f"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=40), st.lists(pieces, max_size=6).map(" ".join)))
def test_nothing_else_is_ever_raised(text):
    try:
        found = parse(text)
    except CommandError:
        found = None
    assert found is None or found.action.id in ACTIONS
    assert all(isinstance(line, str) for line in completions(text, WORDS))


# --- completion ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("fl", ["fleet"]),
        (":fl", [":fleet"]),
        ("set ", ["set theme", "set glyphs", "set hz", "set mouse", "set bell", "set on_hangup"]),
        ("set theme cb", ["set theme cb-dark", "set theme cb-light"]),
        ("set mouse ", ["set mouse on", "set mouse off"]),
        ("set hz 2 ", []),
        ("slot 3 ", ["slot 3 r0c0", "slot 3 r0c1"]),
        ("slot ", []),
        ("override 3 r0c1 ", [f"override 3 r0c1 {op.lower()}" for op in Op.__members__]),
        ("override 3 r0c", ["override 3 r0c0", "override 3 r0c1"]),
        ("override 3 r0c1 germinate CONV", [
            f"override 3 r0c1 germinate {b}" for b in ("CONV_LIGHT", "CONV_SMALL", "CONV_HEAVY")]),
        ("override 3 r0c1 prune wh", ["override 3 r0c1 prune when-legal"]),
        ("break env 3 stage==H", ["break env 3 stage==HOLDING"]),
        ("break env 3 stage==HOLDING ", []),
        ("break c", ["break clear"]),
        ("break alert==st", ["break alert==stalled"]),
        ("preset q", ["preset quickstart"]),
        ("preset s", ["preset save"]),
        ("start m", ["start mine"]),
        ("compare 2026-a 2026", ["compare 2026-a 2026-a", "compare 2026-a 2026-b"]),
        ("sort a", ["sort acc"]),
        ("sort acc d", ["sort acc desc"]),
        ("metric val/l", ["metric val/loss"]),
        ("pause b", ["pause batch"]),
        ("nosuch ", []),
        ("fleet ", []),
    ],
)  # fmt: skip
def test_completions(text, lines):
    assert completions(text, WORDS) == lines


def test_without_words_everything_is_offered():
    assert completions("") == list(COMMANDS)


# --- history -------------------------------------------------------------------------------------------------------


def test_history_is_kept_and_bounded():
    assert load_history() == []
    save_history([f"env {n}" for n in range(LIMIT + 50)])
    assert load_history() == [f"env {n}" for n in range(50, LIMIT + 50)]
    assert [p.name for p in history_path().parent.iterdir()] == ["history"]


def test_a_line_stays_a_line(tmp_path):
    save_history(["note a\nb", " ", "fleet"], tmp_path / "history")
    assert load_history(tmp_path / "history") == ["note a b", "fleet"]


def test_a_history_that_cannot_be_read_or_written_is_nobodys_trouble(tmp_path):
    (tmp_path / "file").write_text("")
    save_history(["fleet"], tmp_path / "file" / "history")
    assert load_history(tmp_path / "file" / "history") == []
    (tmp_path / "bytes").write_bytes(b"fleet\n\xff\xfe\n")
    assert load_history(tmp_path / "bytes")[0] == "fleet"


async def test_what_was_typed_is_there_again_in_the_next_session(make_app, session):
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*":events", "enter")
        await pilot.pause()
    assert load_history() == ["events"]
    assert make_app(session).asked[":"] == ["events"]
