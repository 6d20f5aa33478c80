"""Help and palette come from one table, are searched while one types, and do what is chosen."""

import pytest
from test_shell import frame

from esper_tui.leyline import GLOSSARY
from esper_tui.leyline.metrics import ALERTS
from esper_tui.leyline.session import Note, Pause
from esper_tui.sanctum.actions import ACTIONS, Action
from esper_tui.sanctum.ink import width_of
from esper_tui.sanctum.modals.finder import Finder
from esper_tui.sanctum.offer import (
    Entry,
    Subject,
    action_entry,
    help_entries,
    matching,
    needs_words,
    palette_entries,
    reach_of,
    wrapped,
)
from esper_tui.sanctum.pictures import screen_text
from esper_tui.sanctum.widgets.log import Log


def names(entries) -> list[str]:
    return [entry.name for entry in entries]


def offered(words="", scopes=("grid", "fleet", "app"), role="control", readonly=False, remapped=None):
    return palette_entries(words, scopes, role, readonly, remapped or {})


# --- what is offered -----------------------------------------------------------------------------------------------


def test_where_no_name_is_like_it_sentences_are_searched():
    assert [entry.action.id for entry in offered("theme")] == ["set"]
    assert offered("xyzzy") == []


def test_the_palette_lists_every_action_once_and_what_works_here_first():
    entries = offered()
    listed = [entry.action.id for entry in entries]
    everything = {a.id for a in ACTIONS.values() if a.only in (None, "control")}
    assert set(listed) == everything
    assert len(listed) == len(everything)
    reaches = [bool(entry.reach) for entry in entries]
    assert reaches == sorted(reaches)


@pytest.mark.parametrize(
    ("role", "readonly"), [("control", True), ("watch", False), ("watch", True), (None, False), ("replay", False)]
)
def test_what_acts_is_not_offered_where_nothing_may_be_changed(role, readonly):
    acting = [e.action for e in offered(role=role, readonly=readonly) if e.action.acts]
    assert [a.id for a in acting] == (["pause", "resume"] if role == "replay" else [])


@pytest.mark.parametrize(
    ("words", "first"),
    [("pause", "pause"), ("paus", "pause"), ("ovr", "override"), ("pol", "view_policy"), ("scrsh", "save_screen"),
     ("next all", None)],
)  # fmt: skip
def test_a_few_letters_find_it(words, first):
    found = offered(words)
    assert (found[0].action.id if found else None) == first


def test_nothing_is_found_for_nonsense():
    assert offered("xqzzqx") == []


def test_remapped_keys_are_shown():
    entry = action_entry(ACTIONS["pause"], ["app"], "control", {"pause": "ctrl+y,f9"})
    assert entry.name == "ctrl+y f9"
    assert action_entry(ACTIONS["pause"], ["app"], "replay", {}).label == "play"
    assert action_entry(ACTIONS["goto"], ["app"], "replay", {}).name == ":goto"


@pytest.mark.parametrize(
    ("action", "scopes", "reach"),
    [("pause", ["fleet", "app"], ""), ("compare", ["fleet", "app"], "runs"), ("metric", ["policy"], ""),
     ("find_next", ["fleet", "app"], "log"), ("quit_detach", ["app"], "quit"), ("edit", ["app"], "launch")],
)  # fmt: skip
def test_where_an_action_works(action, scopes, reach):
    assert reach_of(ACTIONS[action], scopes) == reach


def test_commands_that_need_words_are_typed_on():
    needing = {a.id for a in ACTIONS.values() if needs_words(a)}
    assert {"set", "hold", "note", "env", "slot", "break", "sort", "goto", "speed"} <= needing
    assert not needing & {"look", "pause", "override", "glossary", "resume", "stop"}


def test_help_says_what_it_means_its_keys_thresholds_alerts_and_words():
    subject = Subject("fleet", "All environments.", "table", "One row each.", ("grad/", "val/acc"))
    entries = help_entries(subject, ["grid", "fleet", "app"], "control", False, {})
    headings = names(e for e in entries if e.kind == "heading")
    assert headings[:2] == ["view fleet", "panel table"]
    assert headings[2:5] == ["keys in lists", "keys in fleet", "keys everywhere"]
    assert headings[5:] == ["thresholds", "alerts", "glossary"]
    by_name = {entry.name: entry for entry in entries}
    assert by_name["grad/host"].label == "warn > 50, critical > 500"
    assert by_name["val/acc"].label == "frac, no levels"
    assert by_name["stalled"].sentence.endswith("raised after 1 epoch, over after 1 epoch without")
    assert set(ALERTS) | set(GLOSSARY) <= set(by_name)


def test_help_hides_what_may_not_be_done():
    entries = help_entries(Subject(), ["app"], "watch", False, {})
    assert not [e for e in entries if e.action is not None and e.action.acts]


def test_search_keeps_the_headings_of_what_it_finds():
    entries = help_entries(Subject(), ["app"], "control", False, {})
    assert names(matching(entries, "never-grown control")) == []
    assert names(matching(entries, "twin")) == ["glossary", "control"]
    assert names(matching(entries, "glossary"))[1:] == list(GLOSSARY)
    assert matching(entries, "  ") == entries


def test_long_texts_are_wrapped_and_each_part_keeps_its_sentence():
    sentence = "One row per environment, and a second sentence that does not fit."
    parts = wrapped([Entry("text", "", "", sentence), Entry("text", "name", "", sentence)], 30)
    assert " ".join(part.label for part in parts[:-1]) == sentence
    assert {part.sentence for part in parts} == {sentence}
    assert all(len(part.label) < 30 for part in parts)


# --- the dialogs ---------------------------------------------------------------------------------------------------


async def test_help_is_about_the_focused_panel_and_runs_what_is_chosen(session, make_app):
    session.release_epochs(5)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5", "?")
        text = await frame(app, pilot)
        assert "view events" in text
        assert "A filter is made of words" in text
        await pilot.press(*"rest boundary", "enter")
        await pilot.pause()
        assert session.commands == [Pause("epoch")]
        assert not isinstance(app.screen, Finder)
        assert isinstance(app.focused, Log)


async def test_help_on_a_word(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        app.action_glossary("fossil")
        await pilot.pause()
        assert "a seed that was committed for good" in await frame(app, pilot)
        await pilot.press("enter")
        assert isinstance(app.screen, Finder), "a word has nothing to do"
        await pilot.press("escape")
        app.action_glossary()
        await pilot.pause()
        assert "ablation" in await frame(app, pilot)


async def test_the_palette_goes_where_an_action_is_at_home(session, make_app):
    session.release_epochs(5)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("1", "ctrl+p", *"policy", "enter")
        await pilot.pause()
        assert app.view.scope == "policy"
        await pilot.press("1", "ctrl+p", *"raw record", "down", "up", "enter")
        await pilot.pause()
        assert app.view.scope in ACTIONS["raw"].scopes


async def test_the_palette_asks_for_the_words_that_a_command_needs(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+p", *"note", "enter")
        await pilot.pause()
        await pilot.press(*"hello", "enter")
        await pilot.pause()
        assert session.commands == [Note("hello")]


async def test_the_cursor_steps_over_headings_and_the_list_can_be_left(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("?")
        await pilot.pause()
        listed = app.screen.entries
        for key in ("down", "pagedown", "pagedown", "pageup", "up", "pageup", "pageup", "pageup"):
            await pilot.press(key)
            assert listed.entry.kind != "heading"
        assert listed.offset_lines == 0, "the heading above the first entry is in sight again"
        await pilot.press("escape")
        assert not isinstance(app.screen, Finder)


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (200, 60)])
@pytest.mark.parametrize("key", ["?", "ctrl+p", "A"])
async def test_dialogs_fit_every_screen(size, key, session, make_app):
    session.release_epochs(5)
    app = make_app(session)
    async with app.run_test(size=size) as pilot:
        await pilot.press(key)
        text = await frame(app, pilot)
        dialog = app.screen.query_one(".dialog").region
        assert 0 <= dialog.x <= dialog.right <= size[0]
        assert 0 <= dialog.y <= dialog.bottom <= size[1]
        assert max(width_of(((line, ""),)) for line in text.splitlines()) <= size[0]
        await pilot.resize_terminal(40, 12)
        await pilot.pause()
        assert app.screen.query_one(".dialog").region.bottom <= 12


async def test_a_remapped_key_is_in_help_and_works(session, make_app):
    app = make_app(session, keys={"pause": "ctrl+y"})
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("?", *"pause")
        assert "ctrl+y" in await frame(app, pilot)
        await pilot.press("escape", "p")
        assert session.commands == []
        await pilot.press("ctrl+y")
        assert session.commands == [Pause("epoch")]


def test_the_table_can_be_read_by_a_person():
    for action in ACTIONS.values():
        assert isinstance(action, Action)
        assert action.help.endswith("."), action.id
        assert action.label == action.label.strip() != "", action.id


async def test_screen_text_of_the_palette_tells_where_things_work(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1", "ctrl+p", *"keep training")
        await frame(app, pilot)
        assert "in quit" in screen_text(app)
