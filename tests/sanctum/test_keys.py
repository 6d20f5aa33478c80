"""Every key of the action table, pressed where it works: it does what its row says.

The cases are made from the table: a row without an entry in EFFECTS must at least change something that is seen.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fake_launcher import FakeLauncher
from scenes import EPOCHS, Scene, enter, live, recorded, runs
from textual.keys import _character_to_key

from esper_tui.leyline.session import Abandon, Breakpoint, Cancel, Look, Override, Pause, Step, Stop
from esper_tui.sanctum.actions import ACTIONS, VIEWS, Action, in_scope
from esper_tui.sanctum.app import EsperApp
from esper_tui.sanctum.offer import palette_entries

Seen = dict[str, Any]
Effect = Callable[[Seen, Seen], bool]
SCOPES = sorted({scope for action in ACTIONS.values() for scope in action.scopes})
SIZE = (100, 32)
"""Large enough for a chart in every view that has one."""


# --- what can be expected ------------------------------------------------------------------------------------------


def opens(screen: str) -> Effect:
    return lambda before, after: after["screen"] == screen


def shows(view: str) -> Effect:
    return lambda before, after: after["view"] == view and after["screen"] == "Screen"


def asks(sign: str) -> Effect:
    return lambda before, after: after["question"] == sign


def sends(*kinds: type) -> Effect:
    return lambda before, after: [type(c) for c in after["commands"][len(before["commands"]) :]] == list(kinds)


def changes(*names: str) -> Effect:
    return lambda before, after: all(after[name] != before[name] for name in names)


def moves(by: int) -> Effect:
    return lambda before, after: after["cursor"] == before["cursor"] + by


def leaves(kind: str) -> Effect:
    return lambda before, after: after["left"] == [kind]


def copies(before: Seen, after: Seen) -> bool:
    return after["clipboard"] not in ("", before["clipboard"]) or "copied" in after["text"]


EFFECTS: dict[str, Effect] = {
    **{f"view_{view}": shows(view) for view in VIEWS},
    "help": opens("HelpDialog"), "palette": opens("PaletteDialog"), "command": asks(":"), "quit": opens("QuitDialog"),
    "back": shows("system"), "next_panel": changes("focus"), "previous_panel": changes("focus"),
    "zoom": changes("zoomed"), "grow_panel": changes("heights"), "shrink_panel": changes("heights"),
    "save_screen": changes("files"), "readonly": changes("readonly"),
    "pause": sends(Pause), "step": sends(Step), "override": opens("OverrideDialog"), "undo": sends(Cancel),
    "step_decision": changes("seeking"), "queue": opens("QueueDialog"), "break_here": sends(Breakpoint),
    "look": sends(Look), "explain": opens("ExplainDialog"), "acknowledge": changes("acknowledged"),
    "alerts": opens("AlertsDialog"), "env_previous": changes("env"), "env_next": changes("env"),
    "slot_previous": changes("slot"), "slot_next": changes("slot"),
    "cursor_down": moves(1), "cursor_up": moves(-1), "top": lambda b, a: a["cursor"] == 0 < b["cursor"],
    "bottom": lambda b, a: a["cursor"] > b["cursor"], "half_down": lambda b, a: a["cursor"] > b["cursor"],
    "half_up": lambda b, a: a["cursor"] < b["cursor"], "filter": asks("/"), "search": asks("search"),
    "find_next": lambda b, a: a["cursor"] > b["cursor"], "find_previous": lambda b, a: a["cursor"] < b["cursor"],
    "mark": moves(1), "follow": changes("cursor", "text"), "copy": copies, "compare": opens("CompareDialog"),
    "comparisons": opens("ComparisonsDialog"), "read_table": changes("focus"), "table_left": changes("text"),
    "table_right": changes("text"), "tag": asks("tag"), "refresh": changes("calls"), "close": opens("Screen"),
    "quit_detach": leaves("detach"), "quit_stop": sends(Stop), "quit_abandon": sends(Abandon),
    "confirm": leaves("True"), "queue_override": sends(Override), "new_override": opens("OverrideDialog"),
    "undo_selected": sends(Cancel), "edit_override": opens("OverrideDialog"),
    "acknowledge_selected": changes("acknowledged"), "jump": shows("environment"), "break_like": sends(Breakpoint),
    "open@grid": shows("environment"), "cursor_left@grid": changes("slot"), "cursor_right@grid": changes("slot"),
    "cursor_down@override": changes("text"), "cursor_up@override": changes("text"),
    "pin@fleet": changes("pinned"), "edit@launch": shows("presets"), "start": changes("calls"),
    "pause@replay": lambda b, a: a["playing"][0] is not b["playing"][0],
    "next_decision@replay": lambda b, a: a["playing"][2] > b["playing"][2],
    "next_alert@replay": lambda b, a: "there is no later alert" in a["text"],
    "env_previous@replay": lambda b, a: f"ep {EPOCHS - 1}/30" in a["text"],
    "env_next@replay": lambda b, a: f"ep {EPOCHS + 1}/30" in a["text"],
    "slot_previous@replay": lambda b, a: f"ep {EPOCHS - 10}/30" in a["text"],
    "slot_next@replay": lambda b, a: f"ep {EPOCHS + 10}/30" in a["text"],
    "faster@replay": lambda b, a: a["playing"][1] == 2 * b["playing"][1],
    "slower@replay": lambda b, a: 2 * a["playing"][1] == b["playing"][1],
}  # fmt: skip
"""By action, or by action and scope."""

AT_REST = frozenset({"look"})
"""Need a run that rests at a boundary."""
BEFORE: dict[str, tuple[str, ...]] = {
    "back": ("8", "3"), "previous_panel": ("tab",), "cursor_up@override": ("j",),
    "view_fleet": ("8",), "shrink_panel": ("+",), "choice_previous@override": ("l",), "sort_previous": (">",),
    "table_left": ("l",),
}  # fmt: skip
"""Pressed before, so that there is something to do."""


TAKEN = {
    ("app", "tab"): "app.focus_next", ("app", "shift+tab"): "app.focus_previous", ("help", "enter"): "submit",
    ("palette", "enter"): "submit", ("alerts", "enter"): "open", ("queue", "enter"): "open",
}  # fmt: skip
"""What has the focus takes the key, and what comes of it is the same."""
CHARACTERS = {character: _character_to_key(character) for character in ":?+-=/.<>()[]{}"}
"""Characters by the names that Textual gives their keys."""


def keyed(scope: str, role: str) -> list[Action]:
    """Actions with a key that are on offer; in a replay those that mean something of their own there."""
    if role == "replay":
        return [a for a in in_scope("app") if a.keys and (a.only == "replay" or a.replay)]
    return [a for a in in_scope(scope) if a.keys and a.allowed(None if role == "none" else "control", readonly=False)]


def role_of(scope: str) -> str:
    """Runs are started and read where none is open yet."""
    return "none" if scope in ("launch", "presets", "form", "runs", "compare", "comparisons") else "control"


CASES = [(scope, role_of(scope)) for scope in SCOPES] + [("app", "replay")]


@pytest.fixture
def make_scene(make_app, quick_events, tmp_path):
    """An application on a live run or on a recording; leaving it is only noted."""
    (tmp_path / "run").mkdir()

    def make(role: str, **options: Any) -> Scene:
        made = {"replay": recorded, "control": live}.get(role)
        session = made(quick_events, tmp_path / "run") if made else None
        launcher = FakeLauncher(runs(quick_events, tmp_path))
        app = make_app(session, launcher=launcher, **options)
        scene = Scene(app, None, session, launcher)
        app.leave = lambda kind, *args, **more: scene.left.append(kind)
        return scene

    return make


def test_every_action_with_a_key_is_among_the_cases():
    pressed = {action.id for scope, role in CASES for action in keyed(scope, role)}
    assert pressed == {action.id for action in ACTIONS.values() if action.keys}


@pytest.mark.parametrize(("scope", "role"), CASES)
async def test_a_key_does_what_its_row_says(scope, role, make_scene):
    scene = make_scene(role)
    async with scene.app.run_test(size=SIZE) as pilot:
        scene.pilot = pilot
        for action in keyed(scope, role):
            await enter(scene, scope)
            for key in BEFORE.get(f"{action.id}@{scope}", BEFORE.get(action.id, ())):
                await scene.press(key)
            before = scene.seen()
            if action.id in AT_REST:
                scene.session.now = replace(scene.session.now, state="paused", phase="boundary")
            place = "replay" if role == "replay" else scope
            effect = EFFECTS.get(f"{action.id}@{place}", EFFECTS.get(action.id, _anything))
            after = await pressed(scene, action.first_key, lambda after: effect(before, after))  # noqa: B023  # awaited
            assert effect(before, after), f"{action.first_key} in {place}: {action.help}\n{after['text']}"


async def pressed(scene: Scene, key: str, done: Callable[[Seen], bool]) -> Seen:
    """What is seen after a key; work that a thread does is waited for."""
    await scene.press(key)
    for _ in range(200):
        if done(scene.seen()):
            break
        await asyncio.sleep(0.01)
        await scene.frame()
    return scene.seen()


def _anything(before: Seen, after: Seen) -> bool:
    return before != after


@pytest.mark.parametrize("scope", SCOPES)
async def test_every_key_of_a_row_belongs_to_its_action(scope, make_scene):
    role = role_of(scope)
    scene = make_scene(role)
    async with scene.app.run_test(size=SIZE) as pilot:
        scene.pilot = pilot
        await enter(scene, scope)
        for action in keyed(scope, role):
            for key in action.keys.split(","):
                found = bound_to(scene.app, CHARACTERS.get(key, key))
                assert found == TAKEN.get((scope, key), action.id), f"{key} in {scope}"


def bound_to(app: EsperApp, key: str) -> str | None:
    """The action that a key stands for now: the first that is on offer, from the focus outwards.

    Scrolling is passed on by screens, all of which fit.
    """
    for node, bound in app.screen._modal_binding_chain:
        for binding in bound.key_to_bindings.get(key, ()):
            if node.check_action(binding.action, ()) and not binding.action.startswith(("scroll_", "page_")):
                return binding.action
    return None


@pytest.mark.parametrize("scope", [s for s in SCOPES if any(a.acts and a.keys for a in in_scope(s))])
async def test_read_only_lets_nothing_act(scope, make_scene):
    scene = make_scene("control")
    async with scene.app.run_test(size=SIZE) as pilot:
        scene.pilot = pilot
        for action in in_scope(scope):
            if action.acts and action.keys:
                await enter(scene, scope)
                scene.app.readonly = True
                before = scene.seen()["commands"]
                await scene.press(action.first_key)
                assert scene.seen()["commands"] == before, action.id


@pytest.mark.parametrize("action", [a.id for a in ACTIONS.values() if a.keys and "app" in a.scopes])
def test_the_palette_lists_the_key_that_works(action):
    remapped = {action: "f9"}
    entry = next(e for e in palette_entries("", ["app"], "control", False, {}) if e.action.id == action) if (
        ACTIONS[action].only != "replay") else None  # fmt: skip
    changed = [e for e in palette_entries("", ["app"], "control", False, remapped) if e.action.id == action]
    assert entry is None or changed[0].name == "f9" != entry.name


async def test_remapping_moves_an_action_to_another_key(make_scene):
    scene = make_scene("control", keys={"step": "f9", "cursor_down": "f10,j", "close": "f12"})
    async with scene.app.run_test(size=SIZE) as pilot:
        scene.pilot = pilot
        await enter(scene, "grid")
        before = scene.seen()
        await scene.press("f9", "s")
        assert sends(Step)(before, scene.seen())
        await scene.press("f10")
        assert moves(1)(before, scene.seen())
        await scene.press("A")
        assert scene.seen()["screen"] == "AlertsDialog"
        await scene.press("f12")
        assert scene.seen()["screen"] == "Screen"
