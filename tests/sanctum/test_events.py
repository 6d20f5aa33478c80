"""View 5: a ring of the newest events, filter apart from search, follow, repetitions folded, detail, copy."""

import json

import pytest
from fake import FakeSession
from hypothesis import given
from hypothesis import strategies as st
from test_shell import frame

from esper_tui.karn.replay import Player
from esper_tui.leyline.errors import UsageError
from esper_tui.sanctum.filters import event_match
from esper_tui.sanctum.ink import plain, width_of
from esper_tui.sanctum.journal import Journal, newest
from esper_tui.sanctum.jsontext import json_lines, raw_lines
from esper_tui.sanctum.pictures import screen_text
from esper_tui.sanctum.widgets.log import Log, entry_line
from esper_tui.sanctum.widgets.scroll import Pages


def alert(epoch: int, env: int = 9, text: str = "grad ratio 14 > 10") -> dict:
    return {"type": "AlertRaised", "t": 0.0, "round": 0, "epoch": epoch, "env": env, "slot": "r0c1",
            "rule": "exploding", "text": text, "severity": "warn"}  # fmt: skip


def note(text: str) -> dict:
    return {"type": "SessionChanged", "t": 0.0, "round": None, "epoch": 1, "state": "note", "text": text}


# --- the journal ---------------------------------------------------------------------------------------------------


def test_repetitions_are_one_entry_with_the_newest_event():
    journal = Journal()
    assert journal.take([alert(1), alert(2), alert(3)], 3) == (1, 0)
    assert [(e.count, e.event["epoch"], e.number) for e in journal.shown] == [(3, 3, 2)]
    assert plain(entry_line(journal.shown[0], 70)).endswith("x3")


def test_other_environments_and_other_words_are_no_repetition():
    journal = Journal()
    journal.take([alert(1), alert(1, env=8), alert(2, env=8, text="other"), note("a"), note("a")], 5)
    assert [e.count for e in journal.shown] == [1, 1, 1, 2]


def test_the_ring_forgets_the_oldest_and_counts_what_fell_off():
    journal = Journal(limit=4)
    journal.take([note(str(n)) for n in range(4)], 4)
    assert journal.take([note("4"), note("5")], 6) == (2, 2)
    assert [e.number for e in journal.shown] == [2, 3, 4, 5]


def test_a_filter_joins_neighbours_that_it_brings_together():
    journal = Journal()
    journal.take([alert(1), note("between"), alert(2)], 3)
    journal.choose(event_match("type:alert"))
    assert [(e.count, e.number) for e in journal.shown] == [(2, 2)]
    journal.choose(None)
    assert [e.count for e in journal.shown] == [1, 1, 1]


@given(st.lists(st.integers(0, 2), max_size=40), st.integers(1, 12), st.integers(1, 7), st.booleans())
def test_taking_in_bit_by_bit_equals_choosing_from_all(words, limit, size, filtered):
    """The slow oracle: what is left of the ring, filtered and folded in one go."""
    match = event_match("-1") if filtered else None
    journal = Journal(limit)
    journal.choose(match)
    length = 0
    for start in range(0, len(words), size):
        part = [note(str(word)) for word in words[start : start + size]]
        added, gone = journal.take(part, start + len(part))
        length += added - gone
        assert length == len(journal.shown)
    assert [e.number for e in journal.shown] == sorted(e.number for e in journal.shown)
    kept = words[-limit:] if words else []
    shown = [word for word in kept if not filtered or word != 1]
    assert sum(e.count for e in journal.shown) >= len(shown)
    again = Journal(limit)
    again.take([note(str(word)) for word in kept], len(words))
    again.choose(match)
    assert [e.event["text"] for e in again.shown] == [e.event["text"] for e in journal.shown]


def test_the_newest_of_a_log():
    assert newest([{"n": n} for n in range(5)], 2) == [{"n": 3}, {"n": 4}]
    assert newest([], 3) == newest([{"n": 1}], 0) == []


# --- JSON as text --------------------------------------------------------------------------------------------------


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.integers(20, 60))
def test_json_is_readable_and_still_json(value, width):
    assert json.loads("".join(plain(content) for content in json_lines(value, width))) == value


def test_short_parts_stay_on_one_line_and_columns_are_filled():
    lines = [plain(content) for content in json_lines({"op": {"a": 1}, "column": list(range(30))}, 40)]
    assert lines[1] == '  "op": {"a": 1},'
    assert len(lines) < 10
    assert all(len(text) <= 40 for text in lines)


def test_a_raw_record_is_cut_anywhere():
    assert "".join(plain(content) for content in raw_lines("x" * 50 + " " + "y" * 9, 30)) == "x" * 50 + " " + "y" * 9


# --- the view ------------------------------------------------------------------------------------------------------


async def opened(app, pilot) -> Log:
    await pilot.press("5")
    await frame(app, pilot)
    return app.view.query_one(Log)


async def test_lines_of_measured_epochs_are_left_out_until_the_filter_is_cleared(session, make_app):
    session.release_epochs(18)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        log = await opened(app, pilot)
        text = screen_text(app)
        assert "level:info+" in text
        assert "HOLDING → FOSSILIZED" in text
        assert "measured" not in text
        await pilot.press("escape")
        assert log.filter_text == ""
        assert "measured" in await frame(app, pilot)


async def test_the_log_follows_until_one_scrolls_up(session, make_app):
    session.release_epochs(8)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        log = await opened(app, pilot)
        await pilot.press("k", "k")
        before = log.entry
        shown = log.length
        session.release_epochs(3)
        text = await frame(app, pilot)
        assert log.entry is before
        assert f"{log.length - shown} new, G to follow" in text
        await pilot.press("G")
        assert log.cursor == log.length - 1
        assert "· follow" in await frame(app, pilot)
        await pilot.press("f")
        assert not log.following


async def test_the_place_is_kept_while_the_oldest_fall_off(make_app):
    session = FakeSession([])
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        log = await opened(app, pilot)
        log.journal = Journal(limit=30)
        log.set_filter("")
        for number in range(30):
            session.emit("SessionChanged", state="note", text=f"note {number}")
        await frame(app, pilot)
        await pilot.press("k")
        before = log.entry
        for number in range(30, 40):
            session.emit("SessionChanged", state="note", text=f"note {number}")
        await frame(app, pilot)
        assert log.entry is before
        assert log.journal.shown[0].event["text"] == "note 10"


async def test_filter_and_search_are_two_things(session, make_app):
    session.release_epochs(18)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        log = await opened(app, pilot)
        await pilot.press("/", *["backspace"] * 11, *"env:2", "enter")
        assert {e.event["env"] for e in log.journal.shown} == {2}
        before = log.length
        await pilot.press("ctrl+f", *"type:advance", "enter")
        assert log.length == before
        await pilot.press("N")
        assert log.entry.event["decision"]["op"] == "ADVANCE"
        last = log.cursor
        await pilot.press("N")
        assert log.cursor < last
        await pilot.press("n")
        assert log.cursor == last
        await pilot.press("escape")
        assert (log.filter_text, log.search_text) == ("", "type:advance")
        await pilot.press("escape")
        assert log.search_text == ""


async def test_a_filter_that_makes_no_sense_is_explained_and_changes_nothing(session, make_app):
    session.release_epochs(8)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        log = await opened(app, pilot)
        await pilot.press("/", *["backspace"] * 11, *"lvel:warn", "enter")
        assert "there is no key lvel" in screen_text(app)
        with pytest.raises(UsageError):
            log.set_filter("lvel:warn")
        await pilot.press("escape")
        assert log.filter_text == ""


async def test_enter_shows_the_event_and_i_the_record(session, make_app):
    session.release_epochs(18)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        log = await opened(app, pilot)
        detail = app.view.query_one(Pages)
        assert not detail.display
        await pilot.press("k", "enter")
        await pilot.pause()
        assert json.loads("".join(plain(content) for content in detail.text)) == log.entry.event
        assert '"type": "DecisionTaken"' in screen_text(app)
        await pilot.press("i")
        await pilot.pause()
        assert "".join(plain(content) for content in detail.text).startswith('{"seq":')
        await pilot.press("k")
        assert f'{{"seq":{log.entry.event["seq"]},' in plain(detail.text[0])
        await pilot.press("escape")
        assert not detail.display


async def test_copying_goes_to_the_terminal_and_into_the_run_folder(quick_events, make_app, tmp_path):
    session = FakeSession(quick_events, path=tmp_path)
    session.release_epochs(8)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        log = await opened(app, pilot)
        await pilot.press("y")
        assert json.loads(app.clipboard) == log.entry.event
        kept = tmp_path / "exports" / f"event-{log.entry.event['seq']}.json"
        assert json.loads(kept.read_text()) == log.entry.event
        assert f"kept as exports/{kept.name}" in screen_text(app)


async def test_a_folder_that_cannot_be_written_costs_only_the_file(quick_events, make_app, tmp_path):
    (tmp_path / "exports").write_text("a file in the way")
    session = FakeSession(quick_events, path=tmp_path)
    session.release_epochs(8)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await pilot.press("y")
        assert app.clipboard
        assert "no file, file exists" in screen_text(app)


async def test_a_replay_that_goes_back_shows_only_what_had_happened(quick_events, make_app):
    app = make_app(Player(quick_events))
    async with app.run_test(size=(80, 24)) as pilot:
        log = await opened(app, pilot)
        assert log.journal.seen == len(quick_events)
        app.action_goto(7)
        await frame(app, pilot)
        assert {e.event["epoch"] for e in log.journal.shown if e.event["epoch"]} <= set(range(8))
        await pilot.press("n")
        await frame(app, pilot)
        assert log.entry.event["epoch"] == 8, "n goes to the next decision while nothing is searched"


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_an_entry_fills_its_line(width, quick_events):
    journal = Journal()
    journal.take(quick_events, len(quick_events))
    assert {width_of(entry_line(entry, width)) for entry in journal.shown} == {width}
