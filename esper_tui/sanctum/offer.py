"""What help and palette offer: entries made of the action table, metrics, alerts and words.  Pure."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from textual.fuzzy import FuzzySearch

from esper_tui.leyline import GLOSSARY
from esper_tui.leyline.metrics import ALERTS, METRICS
from esper_tui.leyline.session import Role
from esper_tui.sanctum.actions import ACTIONS, VIEWS, Action, in_scope, keys_of
from esper_tui.sanctum.metric_groups import levels_text

NAME = 12
"""Cells for a key or a name."""
OPENERS = {"quit": "quit", "override": "override", "queue": "queue", "alerts": "alerts", "explain": "explain",
           "compare": "compare", "comparisons": "comparisons", "help": "help", "palette": "palette"}  # fmt: skip
"""Modal → the action that opens it."""


@dataclass(frozen=True)
class Entry:
    """One line to choose: a key or a name, what it is called, and a sentence about it.

    Attributes:
        kind: a heading cannot be chosen; only an action does something.
        reach: where the action works, if not here: the name of a view or a dialog.
    """

    kind: Literal["heading", "text", "action"]
    name: str
    label: str = ""
    sentence: str = ""
    action: Action | None = None
    reach: str = ""

    @property
    def searched(self) -> str:
        return f"{self.name} {self.label} {self.sentence}".lower()


# --- the action table ----------------------------------------------------------------------------------------------


def reach_of(action: Action, scopes: Sequence[str]) -> str:
    """Where an action works if not here: a view before a widget before a dialog; empty if it works here."""
    if any(scope in scopes for scope in action.scopes):
        return ""
    return min(action.scopes, key=lambda scope: (scope not in VIEWS and scope != "launch", scope in OPENERS))


def action_entry(action: Action, scopes: Sequence[str], role: Role | None, remapped: Mapping[str, str]) -> Entry:
    keys = keys_of(action, dict(remapped))
    both = " ".join(keys[:2])
    name = (both if len(both) <= NAME else keys[0]) or f":{action.command}"
    typed = f"  :{action.command} {action.usage}".rstrip() if action.command else ""
    return Entry("action", name, action.label_in(role), action.help + typed, action, reach_of(action, scopes))


def needs_words(action: Action) -> bool:
    """Whether it can only be typed, with words behind it."""
    return not action.keys and bool(re.sub(r"\[[^\]]*\]", "", action.usage).strip())


def palette_entries(words: str, scopes: Sequence[str], role: Role | None, readonly: bool,
                    remapped: Mapping[str, str]) -> list[Entry]:  # fmt: skip
    """Everything that is on offer, the best match first; without words what works here comes first."""
    actions = [action for action in ACTIONS.values() if action.allowed(role, readonly)]
    entries = [action_entry(action, scopes, role, remapped) for action in actions]
    if not words.strip():
        return sorted(entries, key=_prominence)
    search = FuzzySearch()
    scored = [(search.match(words.strip(), _spoken(entry))[0], entry) for entry in entries]
    found = [(score, entry) for score, entry in scored if score > 0]
    if not found:  # no name is like it; perhaps a sentence has the words
        found = [(1.0, entry) for entry in entries if all(word in entry.searched for word in words.lower().split())]
    return [entry for _, entry in sorted(found, key=lambda pair: (-pair[0], bool(pair[1].reach)))]


def _prominence(entry: Entry) -> tuple[bool, int]:
    """What works here first, in the order of the footer; what has no place there as in the table."""
    assert entry.action is not None
    return bool(entry.reach), entry.action.hint or 100


def _spoken(entry: Entry) -> str:
    """What a palette is searched for: label, id and command."""
    assert entry.action is not None
    names = dict.fromkeys((entry.label, entry.action.id.replace("_", " "), entry.action.command))
    return " ".join(filter(None, names))


# --- help ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """What help is asked about: the focused panel in its view.  ``metrics`` are beginnings of keys shown there."""

    view: str = ""
    view_help: str = ""
    panel: str = ""
    panel_help: str = ""
    metrics: tuple[str, ...] = ()


def help_entries(subject: Subject, scopes: Sequence[str], role: Role | None, readonly: bool,
                 remapped: Mapping[str, str]) -> list[Entry]:  # fmt: skip
    """What it means, its keys from the innermost out, thresholds, alert rules, words."""
    entries = [*_about(subject)]
    for scope in scopes:
        rows = [a for a in in_scope(scope) if a.allowed(role, readonly)]
        entries += _section(_scope_title(scope), (action_entry(a, scopes, role, remapped) for a in rows))
    entries += _section("thresholds", _metric_entries(subject.metrics))
    entries += _section("alerts", (alert_entry(rule) for rule in ALERTS))
    return entries + _section("glossary", (Entry("text", word, "", text) for word, text in GLOSSARY.items()))


def matching(entries: Sequence[Entry], words: str) -> list[Entry]:
    """Entries in which all words occur; a section is there whole if its heading has them, alone if that is named."""
    wanted, sections = words.lower().split(), _sections(entries)
    if (name := " ".join(wanted)) in sections:
        return sections[name]
    found: list[Entry] = []
    for title, (heading, *members) in sections.items():
        fitting = [e for e in members if all(word in f"{title} {e.searched}" for word in wanted)]
        found += [heading, *fitting] if fitting else []
    return found


def _sections(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Sections by heading, with the heading."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind == "heading":
            found[entry.name] = section = []
        section.append(entry)
    return found


def wrapped(entries: Sequence[Entry], width: int) -> list[Entry]:
    """Texts without a name over as many lines as they need; each keeps its whole sentence."""
    found: list[Entry] = []
    for entry in entries:
        plain = entry.kind == "text" and not entry.name
        parts = textwrap.wrap(entry.sentence, max(20, width - 1)) if plain else []
        found += [replace(entry, label=part) for part in parts] or [entry]
    return found


def _about(subject: Subject) -> list[Entry]:
    texts = ((f"view {subject.view}", subject.view_help), (f"panel {subject.panel}", subject.panel_help))
    return [e for title, text in texts if text for e in (Entry("heading", title), Entry("text", "", "", text))]


def _scope_title(scope: str) -> str:
    names = {"app": "keys everywhere", "grid": "keys in lists", "log": "keys in the log", "text": "keys in texts"}
    return names.get(scope, f"keys in {scope}")


def _section(title: str, entries: Iterable[Entry]) -> list[Entry]:
    listed = list(entries)
    return [Entry("heading", title), *listed] if listed else []


def _metric_entries(beginnings: tuple[str, ...]) -> list[Entry]:
    """Metrics of the view; those that have levels where it names none."""
    return [
        Entry("text", spec.key, levels_text(spec) or f"{spec.unit or 'number'}, no levels", spec.help)
        for spec in METRICS.values()
        if (spec.key.startswith(beginnings) if beginnings else levels_text(spec))
    ]


def alert_entry(rule: str) -> Entry:
    """A rule, how urgent it is, what it means and when it is raised."""
    spec = ALERTS[rule]
    when = f"raised after {_epochs(spec.enter)}, over after {_epochs(spec.leave)} without"
    return Entry("text", rule, spec.severity, f"{spec.help}; {when}")


def _epochs(count: int) -> str:
    return f"{count} epoch" + ("" if count == 1 else "s")
