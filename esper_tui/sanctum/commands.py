"""The ``:`` line: what was typed, as an action of the table with its arguments, and what it may become.

Pure: carrying it out is the application's business.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from esper_tui.leyline.choices import HEAD_CHOICES, LIVE_HEADS, Decision, Head, Op
from esper_tui.leyline.errors import UsageError
from esper_tui.leyline.metrics import ALERTS, METRICS
from esper_tui.leyline.session import Breakpoint, Override
from esper_tui.leyline.stages import Stage
from esper_tui.sanctum.actions import ACTIONS, COMMANDS, Action
from esper_tui.sanctum.draft import DEFAULTS, WAITS
from esper_tui.sanctum.settings import CHOICES, NAMES

LARGEST = 10**9
_SLOT = re.compile(r"r\d+c\d+", re.IGNORECASE)
_NEEDED = {Op.GERMINATE: Head.BLUEPRINT, Op.SET_ALPHA_TARGET: Head.ALPHA_TARGET}
"""Heads that nobody chooses for a person."""


class CommandError(UsageError):
    """A line that cannot be understood."""


@dataclass(frozen=True)
class Typed:
    """An action with the arguments its method takes."""

    action: Action
    arguments: tuple[Any, ...] = ()


def parse(text: str) -> Typed:
    """What was typed, with or without the colon.

    Raises:
        CommandError: in one sentence, with the usage where there is one.
    """
    name, rest = (*text.strip().removeprefix(":").split(None, 1), "", "")[:2]
    words = Words(_command(name), rest)
    if name == "preset" and words.left[:1] == ["save"]:
        words = Words(COMMANDS["save"], words.rest.removeprefix("save"))
    read = READERS.get(words.action.id)
    arguments = tuple(read(words)) if read is not None else ()
    words.end()
    return Typed(words.action, arguments)


def _command(name: str) -> Action:
    """The action of a command's name or of an unambiguous beginning of it."""
    if name in COMMANDS:
        return COMMANDS[name]
    if not name:
        raise CommandError("no command was typed; ? lists all")
    close = [command for command in COMMANDS if command.startswith(name)]
    if len(close) == 1:
        return COMMANDS[close[0]]
    if close:
        raise CommandError(f"{name!r} may be {', '.join(close)}; write more of it")
    found = difflib.get_close_matches(name, list(COMMANDS), n=1, cutoff=0.5)
    raise CommandError(f"there is no command {name!r}{f', did you mean {found[0]}' if found else ''}; ? lists all")


class Words:
    """The words behind a command, taken one by one; what is wrong is said together with the usage."""

    def __init__(self, action: Action, rest: str):
        self.action, self.rest, self.left = action, rest.strip(), rest.split()

    def error(self, text: str) -> CommandError:
        return CommandError(f"{text}; :{self.action.command} {self.action.usage}".rstrip())

    def end(self) -> None:
        if self.left:
            raise self.error(f"{' '.join(self.left)!r} is too much")

    def take(self, what: str) -> str:
        if not self.left:
            raise self.error(f"{what} is missing")
        return self.left.pop(0)

    def number(self, what: str, least: int = 0) -> int:
        word = self.take(what)
        if not re.fullmatch(r"[0-9]{1,9}", word) or int(word) < least:
            raise self.error(f"{word!r} is no {what}" + (f" from {least} on" if least else ""))
        return int(word)

    def number_next(self) -> bool:
        return bool(self.left) and re.fullmatch(r"[0-9]{1,9}", self.left[0]) is not None

    def one_of(self, what: str, known: Sequence[str]) -> str:
        """A word from a table, by an unambiguous beginning, in any case."""
        word = self.take(what)
        plain = word.replace("-", "_").lower()
        close = [k for k in known if k.lower() == plain] or [k for k in known if k.lower().startswith(plain)]
        if len(close) != 1:
            raise self.error(f"{word!r} is no {what}; choose from {', '.join(close or known)}")
        return close[0]

    def all(self, what: str) -> str:
        """Everything that is left, as it was typed."""
        if not self.rest:
            raise self.error(f"{what} is missing")
        self.left = []
        return self.rest


# --- arguments of each action ----------------------------------------------------------------------------------


def _maybe(read: Callable[[Words], Any]) -> Callable[[Words], list[Any]]:
    """One argument that may be left out."""
    return lambda words: [read(words)] if words.left else []


def _one(read: Callable[[Words], Any]) -> Callable[[Words], list[Any]]:
    return lambda words: [read(words)]


def _number(what: str, least: int = 0) -> Callable[[Words], int]:
    return lambda words: words.number(what, least)


def _word(what: str) -> Callable[[Words], str]:
    return lambda words: words.take(what)


def _text(what: str) -> Callable[[Words], str]:
    return lambda words: words.all(what)


def _setting(words: Words) -> list[str]:
    return [words.one_of("setting", NAMES), words.take("value")]


def _slot_of(words: Words) -> list[Any]:
    return [words.number("environment"), _slot(words)]


def _slot(words: Words) -> str:
    slot = words.take("slot")
    if not _SLOT.fullmatch(slot):
        raise words.error(f"{slot!r} is no slot such as r0c1")
    return slot.lower()


def _sorting(words: Words) -> list[str]:
    column = words.take("column")
    return [column, words.one_of("order", ("asc", "desc"))] if words.left else [column]


def _holding(words: Words) -> list[int]:
    return [words.number("environment"), words.number("number of epochs")]


def _speed(words: Words) -> float:
    word = words.take("factor")
    try:
        factor = float(word.lower().removeprefix("x"))
    except ValueError:
        factor = 0.0
    if not 0.0 < factor < LARGEST:
        raise words.error(f"{word!r} is no factor such as 0.5 or 4")
    return factor


def _breakpoint(words: Words) -> Breakpoint:
    """``[clear] [env N] (stage==STAGE | op==OP | alert[==RULE] | nan)``."""
    clear = words.left[:1] == ["clear"] and bool(words.left.pop(0))
    env = None
    if words.left[:1] == ["env"]:
        words.left.pop(0)
        env = words.number("environment")
    what, _, value = words.take("condition").partition("==")
    if what == "nan" and not value:
        return Breakpoint("nan", env=env, clear=clear)
    tables: dict[str, Sequence[str]] = {"stage": list(Stage.__members__), "op": list(Op.__members__),
                                        "alert": list(ALERTS)}  # fmt: skip
    if what not in tables:
        raise words.error(f"{what!r} is no condition; choose from stage, op, alert, nan")
    if what == "alert" and not value:
        return Breakpoint("alert", env=env, clear=clear)
    chosen = Words(words.action, value).one_of(what, tables[what])
    return Breakpoint(what, chosen, env, clear)  # type: ignore[arg-type]  # a key of the table


def _override(words: Words) -> Override:
    """``ENV [SLOT] OP [HEAD=CHOICE …] [when-legal [EPOCHS]] [at EPOCH] [hold EPOCHS]``; a choice may stand alone."""
    env = words.number("environment")
    slot = words.take("slot").lower() if words.left and _SLOT.fullmatch(words.left[0]) else None
    op = Op[words.one_of("operation", list(Op.__members__))]
    heads: dict[str, str] = {"op": op.name} | ({"slot": slot} if slot else {})
    timing: dict[str, Any] = {}
    while words.left:
        word = words.take("choice")
        if word.lower() in _TIMES:
            timing |= _TIMES[word.lower()](words)
        else:
            head, choice = _choice(words, op, word)
            heads[head] = choice
    return Override(env, _decision(words, op, heads), **timing)


_TIMES: dict[str, Callable[[Words], dict[str, Any]]] = {
    "now": lambda words: {"when": "now"},
    "when-legal": lambda words: {
        "when": "when_legal", "wait_epochs": words.number("number of epochs") if words.number_next() else WAITS
    },
    "at": lambda words: {"at_epoch": words.number("epoch", 1)},
    "hold": lambda words: {"hold": words.number("number of epochs")},
}  # fmt: skip


def _choice(words: Words, op: Op, word: str) -> tuple[str, str]:
    """A head and its choice, written ``head=choice`` or as the choice alone."""
    live = [head for head in LIVE_HEADS[op] if head not in (Head.OP, Head.SLOT)]
    name, equals, value = word.lower().partition("=")
    if equals:
        head = Words(words.action, name).one_of("head of " + op.name, [h.value for h in live])
        return head, Words(words.action, value).one_of(head, HEAD_CHOICES[Head(head)])
    fitting = [(h.value, c) for h in live for c in HEAD_CHOICES[h] if c.lower() == name.replace("-", "_")]
    if len(fitting) != 1:
        raise words.error(f"{word!r} is no choice of {op.name}")
    return fitting[0]


def _decision(words: Words, op: Op, heads: dict[str, str]) -> Decision:
    """The decision, with what is usual where nothing was said."""
    if Head.SLOT in LIVE_HEADS[op] and "slot" not in heads:
        raise words.error(f"{op.name} needs a slot")
    if op is Op.WAIT and "slot" in heads:
        raise words.error("WAIT takes no slot")
    needed = _NEEDED.get(op)
    if needed is not None and needed not in heads:
        raise words.error(f"{op.name} needs one of {', '.join(HEAD_CHOICES[needed])}")
    usual = {head.value: DEFAULTS[head] for head in LIVE_HEADS[op] if head is not Head.SLOT}
    return Decision.from_named(usual | heads)


READERS: dict[str, Callable[[Words], Sequence[Any]]] = {
    "help": _maybe(_text("word")),
    "glossary": _maybe(_text("word")),
    "set": _setting,
    "save_screen": _maybe(_word("name")),
    "pause": _maybe(lambda words: words.one_of("place to pause at", ("batch", "epoch"))),
    "step": _maybe(_number("number of epochs", 1)),
    "override": _one(_override),
    "hold": _holding,
    "undo": _maybe(_number("number", 1)),
    "break": _one(_breakpoint),
    "note": _one(_text("text")),
    "look": _maybe(_number("environment")),
    "explain": _maybe(_number("number")),
    "goto": _one(_number("epoch")),
    "speed": _one(_speed),
    "env": _one(_number("environment")),
    "slot": _slot_of,
    "filter": _one(_text("filter")),
    "sort": _sorting,
    "metric": _maybe(lambda words: words.one_of("metric", list(METRICS))),
    "compare": lambda words: [words.take("run") for _ in range(len(words.left))],
    "tag": _one(_word("tag")),
    "edit": _maybe(_word("preset")),
    "start": _maybe(_word("preset")),
    "save_as": _one(_word("name")),
}
"""How the arguments of an action are read; the others take none."""
assert set(READERS) <= set(ACTIONS), "arguments of an action that does not exist"


# --- completion ------------------------------------------------------------------------------------------------


def completions(text: str, words: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """What the line may become, the last word completed.

    Args:
        words: what only the application knows: ``preset``, ``run``, ``slot``, ``column``, ``tag``.
    """
    colon = ":" if text.startswith(":") else ""
    *before, last = text.removeprefix(":").split(" ")
    before = [word for word in before if word]
    offered = _offered(before, words or {}) if before else list(COMMANDS)
    start = " ".join([*before, ""]) if before else ""
    return [f"{colon}{start}{word}" for word in offered if word.lower().startswith(last.lower())]


def _offered(before: list[str], words: Mapping[str, Sequence[str]]) -> list[str]:
    """Words that may follow those that are there."""
    try:
        action = _command(before[0])
    except CommandError:
        return []
    return list(_FOLLOWING.get(action.id, lambda before, words: ())(before[1:], words))


def _after_set(before: list[str], words: Mapping[str, Sequence[str]]) -> Sequence[str]:
    if not before:
        return NAMES
    return CHOICES.get(before[0], ("on", "off") if before[0] in ("mouse", "bell") else ()) if len(before) == 1 else ()


def _after_break(before: list[str], words: Mapping[str, Sequence[str]]) -> Sequence[str]:
    if before and "==" in before[-1]:
        return ()
    conditions = [f"stage=={s}" for s in Stage.__members__] + [f"op=={op}" for op in Op.__members__]
    return [*(w for w in ("clear", "env") if w not in before), *conditions, *(f"alert=={a}" for a in ALERTS), "nan"]


def _after_override(before: list[str], words: Mapping[str, Sequence[str]]) -> Sequence[str]:
    ops = [word.upper().replace("-", "_") for word in before[1:] if word.upper().replace("-", "_") in Op.__members__]
    if not before:
        return ()
    if ops:
        live = [h for h in LIVE_HEADS[Op[ops[0]]] if h not in (Head.OP, Head.SLOT)]
        return [*(choice for head in live for choice in HEAD_CHOICES[head]), "when-legal", "at", "hold"]
    slots = words.get("slot", ()) if len(before) == 1 else ()
    return [*slots, *(op.lower() for op in Op.__members__)]


def _first(kind: str) -> Callable[[list[str], Mapping[str, Sequence[str]]], Sequence[str]]:
    return lambda before, words: words.get(kind, ()) if not before else ()


_FOLLOWING: dict[str, Callable[[list[str], Mapping[str, Sequence[str]]], Sequence[str]]] = {
    "set": _after_set,
    "break": _after_break,
    "override": _after_override,
    "slot": lambda before, words: words.get("slot", ()) if len(before) == 1 else (),
    "pause": lambda before, words: ("batch",) if not before else (),
    "sort": lambda before, words: (
        words.get("column", ()) if not before else ("asc", "desc") if len(before) == 1 else ()
    ),
    "metric": lambda before, words: list(METRICS) if not before else (),
    "compare": lambda before, words: words.get("run", ()),
    "tag": _first("tag"),
    "edit": lambda before, words: [*words.get("preset", ()), "save"] if not before else (),
    "start": _first("preset"),
    "save_as": _first("preset"),
}
