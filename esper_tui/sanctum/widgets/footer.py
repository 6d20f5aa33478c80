"""The last line: the keys that work here, from the action table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from esper_tui.leyline.session import Role
from esper_tui.sanctum.actions import ACTIONS, ASKING, Action, in_scope, keys_of
from esper_tui.sanctum.ink import Line, Piece, line, width_of
from esper_tui.sanctum.widgets.panel import Panel

VIEW_KEYS = 65
"""Where ``1-8 views`` stands among the hints."""
FIRST_VIEWS = "6-8", "runs, presets, system"
"""Views that can be opened before a run is."""

REPLAY_KEYS = (
    (11, ("env_previous", "env_next"), "epoch"),
    (12, ("next_decision", "next_alert"), "decision, alert"),
    (13, ("slower", "faster"), "speed"),
)
"""Pairs of actions that move a replay: where they stand among the hints, and what they move."""


def hints(scopes: Sequence[str], role: Role | None, readonly: bool) -> list[Action]:
    """The actions of these scopes that have a place in the footer and are on offer; the innermost scope first wins."""
    found: dict[str, Action] = {}
    taken: set[str] = set()
    for scope in scopes:
        for action in in_scope(scope):
            if (
                action.keys
                and action.id not in found
                and ("app" in scopes or action.id not in ASKING)
                and action.allowed(role, readonly)
                and action.first_key not in taken
            ):
                found[action.id] = action
                taken.add(action.first_key)
    return sorted((a for a in found.values() if a.hint), key=lambda a: a.hint)


def footer_line(actions: Sequence[Action], role: Role | None, remapped: dict[str, str], width: int,
                views: bool = True) -> Line:  # fmt: skip
    """Keys and what they do, in at most so many cells; the first, help and quit stay, the rest is cut from behind."""
    labelled = {a.label_in(role): a for a in reversed(actions)}  # two keys for the same thing: the first is enough
    entries = [(a.hint, _entry(keys_of(a, remapped)[0], label)) for label, a in labelled.items()]
    if views:
        entries.append((VIEW_KEYS, _entry(*(("1-8", "views") if role is not None else FIRST_VIEWS))))
    if views and role == "replay":
        entries += [(place, _entry(_pair(ids, remapped), what)) for place, ids, what in REPLAY_KEYS]
    entries.sort(key=lambda e: e[0])
    while len(entries) > 2 and sum(width_of(e) + 2 for _, e in entries) - 2 > width:
        middle = [e for e in entries if e[0] < ACTIONS["help"].hint]
        palette = [e for e in entries if e[0] == ACTIONS["palette"].hint]
        entries.remove((middle[1:] or palette or entries[:1])[-1])
    joined: list[Piece] = []
    for _, entry in entries:
        joined += [("  ", ""), *entry] if joined else list(entry)
    return tuple(joined)


def _pair(ids: Sequence[str], remapped: dict[str, str]) -> str:
    return " ".join(keys_of(ACTIONS[id_], remapped)[0] for id_ in ids)


def _entry(key: str, label: str) -> Line:
    return line((key, "key"), " ", (label, "dim"))


ASKED_KEYS = (("Enter", "do it"), ("Esc", "leave"), ("up down", "earlier ones"))
"""Keys of the prompt line, which are not in the table: they belong to its input."""


class Footer(Panel):
    DEFAULT_CSS = "Footer { height: 1; }"

    shown_for: tuple[object, ...] = ()

    def show_asked(self, completes: bool) -> None:
        """While the prompt line asks: its keys; nothing else is taken then."""
        self.shown_for = ()
        keys = [*ASKED_KEYS[:1], *([("Tab", "complete")] if completes else []), *ASKED_KEYS[1:]]
        self.show_lines([tuple(piece for key, what in keys for piece in (*_entry(key, what), ("  ", "")))])

    def show(self, scopes: Sequence[str], role: Role | None, readonly: bool, now: Mapping[str, str] = {}) -> None:
        """``now``: actions that are called something else at the moment, by id."""
        remapped, width = self.esper.settings.keys, self.size.width
        if self.shown_for == (scopes, role, readonly, now, width, remapped):
            return
        self.shown_for = (scopes, role, readonly, now, width, remapped)
        actions = [replace(a, label=now[a.id]) if a.id in now else a for a in hints(scopes, role, readonly)]
        self.show_lines([footer_line(actions, role, remapped, width, views="app" in scopes)])
