"""The dialog of comparisons: what other processes play, followed while it is open."""

import threading

import pytest
from fake_launcher import FakeLauncher, shows, until
from hypothesis import given
from hypothesis import strategies as st
from rivals import TABLE, lay_out, say, several, told

from esper_tui.karn.comparisons import ComparisonCard, list_comparisons, read_card
from esper_tui.leyline.comparison import ComparisonProgress, comparisons_folder
from esper_tui.sanctum.comparison_lines import COLUMNS, comparison_row, shifted, table_lines, units
from esper_tui.sanctum.ink import plain, width_of
from esper_tui.sanctum.modals.comparisons import ComparisonsDialog
from esper_tui.sanctum.pictures import screen_text
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.widgets.rows import fit_columns
from esper_tui.sanctum.widgets.scroll import Pages

SIZES = [(80, 24), (120, 40), (200, 60)]


@pytest.fixture
def app(make_app):
    """On the list of runs, with a clock that a test moves."""
    made = make_app(launcher=FakeLauncher())
    made.now = [100.0]
    made.clock = lambda: made.now[0]
    return made


async def opened(app, pilot, text: str) -> str:
    await pilot.press("6", "C")
    return await shows(pilot, app, text)


# --- rows and lines ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("done", "of", "counts", "shown"),
    [(0, 8, False, "······ 0/8"), (4, 8, False, "■■■··· 4/8"), (8, 8, False, "■■■■■■ 8/8"),
     (9, 8, True, "■■■■■■ 9/8"), (0, 2, True, "■····· 0/2"), (2, None, True, "2 units")],
)  # fmt: skip
def test_units_are_a_bar_where_their_number_is_known(done, of, counts, shown):
    assert plain(units(ComparisonProgress(**told(done=done, of=of, counts=counts)))) == shown  # epoch 12 of 30


def cells(tmp_path, **values) -> dict[str, str]:
    row = comparison_row(read_card(lay_out(tmp_path / "c", **values)))
    return {key: plain(cell) for key, cell in row.cells.items()}


def test_the_row_of_one_that_is_played(tmp_path):
    found = cells(tmp_path)
    assert found == {"preset": "quickstart", "arms": "A0 A2 A7", "units": "■■···· 3/8", "unit": "0005-0009-grown",
                     "epoch": "12/30", "eta": "3:10", "seeds": "5", "state": "playing"}  # fmt: skip


def test_what_is_over_has_nothing_left(tmp_path):
    assert cells(tmp_path, state="done")["unit"] == ""
    assert cells(tmp_path, state="interrupted")["eta"] == ""
    stopped = cells(tmp_path, started=1.0)
    assert (stopped["state"], stopped["unit"], stopped["eta"]) == ("stopped", "0005-0009-grown", "")


def test_a_damaged_one_has_a_row(tmp_path):
    row = comparison_row(ComparisonCard(tmp_path, "c", (), "damaged"))
    assert (plain(row.cells["units"]), plain(row.cells["state"])) == ("–", "damaged")


def test_the_first_column_of_a_table_stays():
    row = "| A0  | host alone | 72.1 |"
    assert shifted(row, 0) == row
    assert shifted(row, 13) == "| A0  | 72.1 |"


@given(st.lists(st.text(st.characters(exclude_categories=["C"]), max_size=200), max_size=5), st.integers(0, 400))
def test_any_text_can_be_shown(table, shift):
    assert all(isinstance(one, tuple) for one in table_lines(table, 40, shift))


@pytest.mark.parametrize(("width", "missing"), [(74, {"arms"}), (112, set())])
def test_what_is_left_out_where_there_is_no_room(width, missing):
    assert {column.key for column in COLUMNS} - set(fit_columns(COLUMNS, width)) == missing


# --- the dialog ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_comparisons_are_listed_with_their_table(size, app):
    several()
    async with app.run_test(size=size) as pilot:
        text = await opened(app, pilot, "host alone")
        for shown in ("■■···· 3/8", "0005-0009-grown", "12/30", "3:10", "interrupted", "stopped", "done", "2 units"):
            assert shown in text
        assert text.index("playing") < text.index("interrupted") < text.index("stopped") < text.index("4/4")
        assert ("A8.2" in text) == (size[0] == 200)
        assert max(width_of(((one, ""),)) for one in text.splitlines()) <= size[0]
        dialog = app.screen.query_one(".dialog").region
        assert (dialog.x, dialog.right <= size[0], dialog.bottom < size[1]) == (0, True, True)


async def test_what_went_on_is_seen_within_a_second(app):
    folder = lay_out(comparisons_folder() / "c", table="")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, "no table yet")
        say(folder, epoch=29, done=4)
        (folder / "table.md").write_text(TABLE)
        app.frame()
        await pilot.pause(0.05)
        assert "12/30" in screen_text(app), "not before a second is over"
        app.now[0] += 1.0
        text = await shows(pilot, app, "29/30")
        assert "host alone" in text
        assert "4/8" in text
        say(folder, state="done", unit="")
        app.now[0] += 1.0
        text = await shows(pilot, app, "done")
        assert "29/30" not in text


async def test_one_that_begins_and_one_that_goes_while_it_is_open(app, tmp_path):
    async with app.run_test(size=(200, 60)) as pilot:
        await opened(app, pilot, "`esper compare quickstart` in a shell begins one")
        folder = lay_out(tmp_path / "elsewhere" / "c")
        app.now[0] += 1.0
        assert "elsewhere" in await shows(pilot, app, "host alone")
        folder.rename(tmp_path / "away")
        app.now[0] += 1.0
        await shows(pilot, app, "none yet")


async def test_the_cursor_chooses_the_table(app):
    several()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, "host alone")
        await pilot.press("down")
        text = await shows(pilot, app, "no table yet")
        assert "interrupted; the same command goes on" in text
        await pilot.press("down")
        text = await shows(pilot, app, "host alone")
        assert "stopped; the same command goes on" in text


async def test_enter_gives_the_table_the_room_and_the_arrows_move_it(app):
    several()
    async with app.run_test(size=(80, 24)) as pilot:
        text = await opened(app, pilot, "host alone")
        assert "+4.10 [+2.90" not in text
        await pilot.press("enter")
        await until(pilot, app, lambda: isinstance(app.focused, Pages) and not app.screen.query_one(Grid).display)
        await pilot.press(*["right"] * 9)
        text = await shows(pilot, app, "+4.10 [+2.90")
        assert "| A7  |" in text
        await pilot.press("G")
        assert "accuracy averaged over FLOPs." in await shows(pilot, app, "Per network")
        await pilot.press("enter")
        await until(pilot, app, lambda: isinstance(app.focused, Grid))
        await pilot.press(*["h"] * 9)
        await shows(pilot, app, "host alone")
        await pilot.press("escape")
        assert app.screen is app.screen_stack[0]


async def test_it_is_reached_from_the_command_line_and_the_palette(app):
    several()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(":", *"comparisons", "enter")
        await shows(pilot, app, "0005-0009-grown")
        await pilot.press("escape", "ctrl+p", *"comparisons", "enter")
        await shows(pilot, app, "0005-0009-grown")


async def test_it_is_in_the_footer_of_the_runs(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6")
        assert "C comparisons" in await shows(pilot, app, "c compare")


async def test_closing_it_while_the_files_are_read_harms_nothing(app, monkeypatch):
    go_on, read = threading.Event(), []

    def slow():
        go_on.wait(20.0)
        return list_comparisons()

    monkeypatch.setattr("esper_tui.sanctum.modals.comparisons.list_comparisons", slow)
    take = ComparisonsDialog._take
    monkeypatch.setattr(ComparisonsDialog, "_take", lambda self, found: read.append(take(self, found)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6", "C")
        await pilot.press("escape")
        go_on.set()
        await until(pilot, app, lambda: bool(read))
    assert app.failure == ""
