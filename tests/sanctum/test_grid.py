"""The table: columns by width, a cursor that stays on its row, order, filter, and repainting only what changed."""

from hypothesis import given
from hypothesis import strategies as st
from textual.app import App

from esper_tui.sanctum.glyphs import UNICODE
from esper_tui.sanctum.ink import Ink, line
from esper_tui.sanctum.pictures import screen_text
from esper_tui.sanctum.rowfilter import row_match
from esper_tui.sanctum.settings import Settings
from esper_tui.sanctum.theme import styles_of
from esper_tui.sanctum.widgets.grid import Column, Grid, Row, fit_columns

COLUMNS = [Column("env", "env", 3, ">"), Column("acc", "acc", 5, ">", grow=4), Column("note", "note", 6, drop=1)]


class Table(App):
    """A grid alone; it stands in for the application that widgets ask."""

    settings = Settings()
    ink = Ink(styles_of("esper-dark"), UNICODE)

    def __init__(self, rows):
        super().__init__()
        self.rows, self.moved = rows, []

    def compose(self):
        yield Grid(COLUMNS, empty="nothing here")

    def draw_soon(self):
        pass

    def allows(self, action):
        return True

    def on_mount(self):
        self.grid = self.query_one(Grid)
        self.grid.show_rows(self.rows)
        self.grid.focus()

    def on_grid_moved(self, event):
        self.moved.append(event.key)


def row(env, acc, note="", over=""):
    cells = {"env": line(str(env)), "acc": line(f"{acc:.1f}"), "note": line(note)}
    return Row(env, cells, {"env": env, "acc": acc, "note": note}, over)


ROWS = [row(0, 61.0, "ok"), row(1, 72.0, "best"), row(2, 55.0, "STALL")]


def test_columns_go_by_rank_and_the_rest_is_shared_out():
    assert fit_columns(COLUMNS, 16) == {"env": 3, "acc": 5, "note": 6}
    assert fit_columns(COLUMNS, 18) == {"env": 3, "acc": 7, "note": 6}
    assert fit_columns(COLUMNS, 15) == {"env": 3, "acc": 9}
    assert fit_columns(COLUMNS, 5) == {"env": 3, "acc": 5}


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 9), st.integers(0, 5)), min_size=1), st.integers(0, 200))
def test_columns_never_need_more_than_there_is_if_all_can_go(shapes, width):
    columns = [Column(str(i), "", w, grow=g, drop=d) for i, (w, g, d) in enumerate(shapes)]
    widths = fit_columns(columns, width)
    needed = sum(widths.values()) + len(widths) - 1
    droppable = [c for c in columns if c.key in widths and c.drop]
    assert needed <= width or not droppable or len(widths) == 1
    assert all(c.width <= widths[c.key] <= c.width + c.grow for c in columns if c.key in widths)


async def test_keys_move_the_cursor_and_it_stays_on_its_row():
    app = Table(ROWS)
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.press("j", "down", "k", "G", "g", "j")
        assert app.grid.key == 1
        assert app.moved == [1, 2, 1, 2, 0, 1]
        app.grid.show_rows([ROWS[2], ROWS[0], ROWS[1]])
        assert (app.grid.key, app.grid.cursor) == (1, 2)
        app.grid.show_rows(ROWS[:1])
        assert app.grid.key == 0


async def test_a_window_of_rows_follows_the_cursor():
    app = Table([row(env, 50.0) for env in range(64)])
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.press("G")
        text = screen_text(app)
        assert " > 63 " in text
        assert "    0 " not in text
        assert app.grid.border_subtitle.strip() == "64 of 64"
        await pilot.press("ctrl+u")
        assert app.grid.key == 63 - app.grid._page // 2


async def test_sorting_by_a_column_and_turning_it_around():
    app = Table(ROWS)
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.press(">", ">")
        assert [r.key for r in app.grid.shown] == [2, 0, 1]
        await pilot.press("r")
        assert [r.key for r in app.grid.shown] == [1, 0, 2]
        app.grid.action_sort("note", "asc")
        assert [r.key for r in app.grid.shown] == [2, 1, 0]
        app.grid.action_sort()
        assert [r.key for r in app.grid.shown] == [0, 1, 2]


def test_a_filter_knows_words_and_comparisons():
    def keys(text):
        match = row_match(text)
        return [r.key for r in ROWS if match is None or match(r)]

    assert keys("") == [0, 1, 2]
    assert keys("best") == [1]
    assert keys("note!=ok") == [1, 2]
    assert keys("acc>60 note=ok") == [0]
    assert keys("acc<=61") == [0, 2]
    assert keys("note:STA") == [2]
    assert keys("acc>") == [0, 1, 2], "a term that is not finished hides nothing"
    assert keys("acc>x") == [0, 1, 2]


@given(st.text(max_size=40))
def test_no_filter_text_is_an_error(text):
    match = row_match(text)
    assert match is None or all(match(r) in (True, False) for r in ROWS)


async def test_only_rows_that_changed_are_painted_again(monkeypatch):
    app = Table(ROWS)
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.pause()
        painted = []
        monkeypatch.setattr(app.grid, "repaint", lambda rows: painted.append(list(rows)))
        app.grid.show_rows([ROWS[0], row(1, 72.5, "best"), ROWS[2]])
        assert painted == [[2]], "line 0 is the head"
        app.grid.show_rows([ROWS[0], row(1, 72.5, "best"), ROWS[2]])
        assert painted[1:] == [[]]


async def test_an_empty_table_says_why():
    app = Table([])
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.press("j", "G", "enter", "space", "r")
        assert "nothing here" in screen_text(app)
