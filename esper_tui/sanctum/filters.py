"""What ``/`` understands over events: ``env:3 slot:r0c1 type:prune level:warn+ by:human ep:30-40 text~"grad" /g.*t/``.

All words must match; a ``-`` before a word turns it around; commas mean any of them.  A word without a key is a
text that the line contains.  Pure.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from esper_tui.leyline.choices import Op
from esper_tui.leyline.errors import UsageError
from esper_tui.leyline.events import EVENT_TYPES
from esper_tui.leyline.interventions import Fate
from esper_tui.leyline.metrics import ALERTS
from esper_tui.leyline.stages import Stage
from esper_tui.sanctum.lines import LEVELS, EventLine, place

Row = dict[str, Any]
Match = Callable[[Row, EventLine], bool]

KINDS = ("run", "round", "epoch", "decision", "stage", "override", "policy", "alert", "session", "test", "look")
LARGEST = 10**9
_WORD = re.compile(r'(?P<no>-?)(?P<body>text~"[^"]*"|text~[^\s"]\S*|"[^"]*"|/(?:[^/\\]|\\.)*/|\S+)(?:\s+|$)')
_KEY = re.compile(r"([A-Za-z]+):(.*)", re.DOTALL)
_RANGE = re.compile(r"([0-9]{0,10})-([0-9]{0,10})|([0-9]{1,10})")
_SLOT = re.compile(r"r[0-9*?]+c[0-9*?]+|\*")


class FilterError(UsageError):
    """A filter that cannot be understood."""


def event_match(text: str) -> Match | None:
    """A test of an event and the line it is told by; None for a text without words.

    Raises:
        FilterError: one sentence about the first word that makes no sense.
    """
    tests = [_turned(_test(body), no) for no, body in _words(text)]
    return (lambda event, told: all(test(event, told) for test in tests)) if tests else None


def _words(text: str) -> Iterable[tuple[bool, str]]:
    """The words of a filter: whether each is turned around, and what it says."""
    at = len(text) - len(text.lstrip())
    while at < len(text):
        found = _WORD.match(text, at)
        if found is None:
            raise FilterError(f"{text[at:]!r}: what does this mean?")
        yield bool(found["no"]) and found["body"] != "", found["body"]
        at = found.end()


def _turned(test: Match, no: bool) -> Match:
    return (lambda event, told: not test(event, told)) if no else test


def _test(body: str) -> Match:
    """The test of one word."""
    if body.startswith("/"):
        return _expression(body)
    if body.startswith("text~"):
        return _contains(_unquoted(body.removeprefix("text~"), body))
    if body.startswith('"'):
        return _contains(_unquoted(body, body))
    found = _KEY.fullmatch(body)
    if found is None:
        return _contains(body)
    key, value = found[1].lower(), found[2]
    if key not in KEYS:
        raise FilterError(f"there is no key {key}:{_nearest(key, KEYS)}; write {body!r} in quotes to search for it")
    if not value:
        raise FilterError(f"{key}: needs a value, for example {EXAMPLES[key]}")
    tests = [KEYS[key](part) for part in value.split(",") if part]
    if not tests:
        raise FilterError(f"{key}:{value} names nothing, for example {EXAMPLES[key]}")
    return lambda event, told: any(test(event, told) for test in tests)


def _unquoted(text: str, body: str) -> str:
    if not text.startswith('"'):
        return text
    if len(text) < 2 or not text.endswith('"'):
        raise FilterError(f'{body} lacks the closing "')
    if not text[1:-1]:
        raise FilterError(f"{body} searches for nothing")
    return text[1:-1]


def searched(event: Row, told: EventLine) -> str:
    """What texts are looked for in, in lower case: place and sentence."""
    return f"{place(event, told.slot)} {told.text}".lower()


def _contains(text: str) -> Match:
    wanted = text.lower()
    return lambda event, told: wanted in searched(event, told)


def _expression(body: str) -> Match:
    if len(body) < 2 or not body.endswith("/"):
        raise FilterError(f"{body} lacks the closing /")
    try:
        pattern = re.compile(body[1:-1], re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise FilterError(f"{body} is not a regular expression: {error}") from None
    return lambda event, told: pattern.search(searched(event, told)) is not None


# --- keys ------------------------------------------------------------------------------------------------------


def _number(key: str, field: str, value: str) -> Match:
    """``3``, ``30-40``, ``30-``, ``-40`` or ``*``, which is any."""
    if value == "*":
        return lambda event, told: event.get(field) is not None
    found = _RANGE.fullmatch(value)
    if found is None or value == "-":
        raise FilterError(f"{key}:{value} is no number and no range, for example {EXAMPLES[key]}")
    low = int(found[3] or found[1] or 0)
    high = int(found[3] or found[2] or LARGEST)
    if low > high:
        raise FilterError(f"{key}:{value} ends before it begins")
    return lambda event, told: isinstance(event.get(field), int) and low <= event[field] <= high


def _slot(value: str) -> Match:
    wanted = value.lower()
    if not _SLOT.fullmatch(wanted):
        raise FilterError(f"slot:{value} is no slot; slots are called r0c0, r0c1 and so on")
    return lambda event, told: bool(told.slot) and fnmatchcase(told.slot, wanted)


def _type(value: str) -> Match:
    """Kinds of events, operations, stages, rules of alerts and fates by the beginning of their names."""
    wanted = value.lower()
    if wanted == "*":
        return lambda event, told: True
    known = {*KINDS, *_lower(EVENT_TYPES), *_lower(Op.__members__), *_lower(Stage.__members__), *_lower(ALERTS)}
    known |= {str(fate) for fate in Fate}
    if not any(name.startswith(wanted) for name in known):
        raise FilterError(f"type:{value} does not exist{_nearest(wanted, known)}")
    return lambda event, told: any(name.startswith(wanted) for name in names(event, told))


def names(event: Row, told: EventLine) -> set[str]:
    """Everything an event may be called after ``type:``, in lower case."""
    decision = event.get("decision") or _request(event).get("decision", {})
    found = [told.kind, event["type"], decision.get("op"), event.get("rule"), event.get("fate")]
    if event["type"] == "StageChanged":
        found.append(event.get("target"))
    return set(_lower(name for name in found if isinstance(name, str)))


def _level(value: str) -> Match:
    name = value.lower().removesuffix("+")
    if name not in LEVELS:
        raise FilterError(f"level:{value} does not exist{_nearest(name, LEVELS)}; choose from {', '.join(LEVELS)}")
    least = LEVELS.index(name)
    allowed = LEVELS[least:] if value.endswith("+") else LEVELS[least : least + 1]
    return lambda event, told: told.level in allowed


def _by(value: str) -> Match:
    """human, tamiyo or loop; anything else is looked for in the name of whoever asked."""
    wanted = value.lower()
    if wanted in ("human", "tamiyo", "loop"):
        return lambda event, told: told.by == wanted
    return lambda event, told: wanted in str(_request(event).get("author", "")).lower()


def _request(event: Row) -> Row:
    """The whole request of an override's event; a decision holds only its number."""
    found = event.get("intervention")
    return found if isinstance(found, dict) else {}


KEYS: dict[str, Callable[[str], Match]] = {
    "env": partial(_number, "env", "env"),
    "slot": _slot,
    "type": _type,
    "level": _level,
    "by": _by,
    "ep": partial(_number, "ep", "epoch"),
    "round": partial(_number, "round", "round"),
}
EXAMPLES = {
    "env": "env:3", "slot": "slot:r0c1", "type": "type:prune", "level": "level:warn+", "by": "by:human",
    "ep": "ep:30-40", "round": "round:2",
}  # fmt: skip


def _lower(known: Iterable[str]) -> list[str]:
    return [name.lower() for name in known]


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f", did you mean {close[0]}" if close else ""
