"""The action table: one key per action and place, every row has a method where it is at home, and is on offer there."""

import importlib
from collections import Counter

import pytest

from esper_tui.sanctum.actions import ACTIONS, COMMANDS, MODALS, VIEWS, bindings, in_scope, keys_of
from esper_tui.sanctum.app import EsperApp
from esper_tui.sanctum.widgets.footer import footer_line, hints
from esper_tui.sanctum.widgets.form import Form
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.widgets.log import Log

SCOPES = sorted({scope for action in ACTIONS.values() for scope in action.scopes})
WIDGETS = {"app": [EsperApp], "grid": [Grid], "log": [Log], "form": [Form]}


def homes(scope):
    """The classes that carry out the actions of a scope."""
    for package, names, suffix in (("views", (*VIEWS, "launch"), "View"), ("modals", MODALS, "Dialog")):
        if scope in names:
            module = importlib.import_module(f"esper_tui.sanctum.{package}.{scope}")
            return [getattr(module, scope.capitalize() + suffix)]
    return WIDGETS.get(scope, [])


@pytest.mark.parametrize("scope", SCOPES)
def test_every_action_has_a_method_and_its_keys_where_it_is_at_home(scope):
    for home in homes(scope):
        bound = {binding.id for binding in home.BINDINGS}
        for action in in_scope(scope):
            assert hasattr(home, f"action_{action.id}"), f"{home.__name__} lacks action_{action.id}"
            assert not action.keys or action.id in bound, f"{home.__name__} does not bind {action.id}"


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_means_one_thing_in_one_place(scope):
    counts = Counter(binding.key for binding in bindings(scope))
    assert [key for key, count in counts.items() if count > 1] == []


def test_every_action_says_what_it_does():
    for action in ACTIONS.values():
        assert action.help.endswith("."), action.id
        assert action.keys or action.command, f"{action.id} can be neither pressed nor typed"
    commands = [a.command for a in ACTIONS.values() if a.command]
    assert len(COMMANDS) == len(commands)


@pytest.mark.parametrize(
    ("action", "role", "readonly", "allowed"),
    [
        ("pause", "control", False, True),
        ("pause", "control", True, False),
        ("pause", "watch", False, False),
        ("pause", "replay", False, True),
        ("step", "replay", False, False),
        ("goto", "replay", False, True),
        ("goto", "control", False, False),
        ("readonly", "watch", False, False),
        ("help", None, False, True),
        ("pause", None, False, False),
    ],
)
def test_what_is_on_offer(action, role, readonly, allowed):
    assert ACTIONS[action].allowed(role, readonly) is allowed


@pytest.mark.parametrize("scope", SCOPES)
def test_nothing_that_acts_is_hinted_at_where_one_only_looks(scope):
    assert [a.id for a in hints([scope, "app"], "control", readonly=True) if a.acts] == []
    assert [a.id for a in hints([scope, "app"], "replay", readonly=False) if a.acts and not a.replay] == []


def test_remapped_keys_are_shown():
    assert keys_of(ACTIONS["smooth"], {}) == [","]
    assert keys_of(ACTIONS["pause"], {"pause": "space,f6"}) == ["Space", "f6"]
    content = footer_line([ACTIONS["pause"], ACTIONS["quit"]], "control", {"pause": "f6"}, 80)
    assert content[0][0] == "f6"


async def test_a_remapped_key_works(session, make_app):
    app = make_app(session, keys={"pause": "f6"})
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("p")
        assert session.commands == []
        await pilot.press("f6")
        assert len(session.commands) == 1


async def test_commands_are_typed_and_what_is_wrong_with_them_is_said(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("colon", *"pau", "tab", "enter")
        await pilot.pause()
        assert len(session.commands) == 1
        await pilot.press("colon", *"fly", "enter")
        assert app.prompt.question is not None
        await pilot.press("escape", "colon", "up", "enter")
        await pilot.pause()
        assert len(session.commands) == 2
