"""A table with a cursor that repaints only the rows that changed; columns are fitted to the width by their rank."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.ink import Line, fitted, line
from esper_tui.sanctum.widgets.panel import Panel
from esper_tui.sanctum.widgets.rows import AnyRow, Column, LazyRow, Row, fit_columns, sort_key

Match = Callable[[AnyRow], bool]


class Grid(Panel, can_focus=True):
    """Rows with keys.  The cursor stays on its key when rows change places.

    ``show_rows`` takes the rows in their natural order; sorting by a column and the filter are applied here.
    ``legend`` stands in the border below, where there is one.
    """

    scope = "grid"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("grid")]
    DEFAULT_CSS = "Grid { height: 1fr; }"

    @dataclass
    class Moved(Message):
        """The cursor is on another row."""

        grid: "Grid"
        key: Hashable

        @property
        def control(self) -> "Grid":
            return self.grid

    @dataclass
    class Opened(Moved):
        """Enter or a double click on a row."""

    @dataclass
    class Across(Message):
        """Left (-1) or right (+1) in the row of the cursor."""

        grid: "Grid"
        step: int

        @property
        def control(self) -> "Grid":
            return self.grid

    def __init__(self, columns: Sequence[Column] = (), title: str = "", *, empty: str = "", id: str | None = None,
                 classes: str | None = None, help: str = "", opens: str = ""):  # fmt: skip
        super().__init__(title, id=id, classes=classes, help=help)
        self.columns, self.empty, self.opens = tuple(columns), empty, opens
        self.rows: list[AnyRow] = []
        self.shown: list[AnyRow] = []
        self.marked: set[Hashable] = set()
        self.key: Hashable = None
        self.cursor = self.offset_rows = 0
        self.sort: str | None = None
        self.reversed = False
        self.match: Match | None = None
        self.filter_text = self.legend = ""

    @property
    def widths(self) -> dict[str, int]:
        return fit_columns(self.columns, self.size.width - 2)

    # --- what is shown -----------------------------------------------------------------------------------------

    def show_rows(self, rows: Sequence[AnyRow], columns: Sequence[Column] | None = None) -> None:
        if columns is not None and tuple(columns) != self.columns:
            self.columns = tuple(columns)
        self.rows = list(rows)
        self._arrange()

    def select(self, key: Hashable) -> None:
        """Puts the cursor on a row; nothing happens if there is none of that key."""
        if key != self.key and any(row.key == key for row in self.shown):
            self.key = key
            self._arrange()

    def set_filter(self, text: str, match: Match | None) -> None:
        self.filter_text, self.match = text, match
        self._arrange()

    def _arrange(self) -> None:
        """Filters, sorts, keeps the cursor on its key and in sight, repaints what differs."""
        rows = [row for row in self.rows if self.match is None or self.match(row)]
        if self.sort is not None:
            rows.sort(key=lambda row: sort_key(row.facts.get(self.sort or "")))
        if self.reversed:
            rows.reverse()
        self.shown = rows
        keys = [row.key for row in rows]
        self.cursor = keys.index(self.key) if self.key in keys else min(self.cursor, max(0, len(rows) - 1))
        self.key = keys[self.cursor] if keys else self.key
        self._scroll()
        self.show_lines(self._lines())

    def _lines(self) -> list[Line]:
        widths = self.widths
        window = self.shown[self.offset_rows : self.offset_rows + self._page]
        if not window:
            return [self._head(widths), line(("  " + self.empty, "dim"))]
        return [self._head(widths), *(self._line(row, widths) for row in window)]

    def _head(self, widths: dict[str, int]) -> Line:
        titles = []
        for column in self.columns:
            if column.key in widths:
                arrow = ("↑" if self.reversed else "↓") if column.key == self.sort else ""
                titles.append(fitted(line((column.title + arrow, "head")), widths[column.key], column.align))
        return line(("  ", ""), *_joined(titles))

    def _line(self, row: AnyRow, widths: dict[str, int]) -> Line:
        under = row.key == self.key
        mark = ("+" if row.key in self.marked else " ") + (">" if under else " ")
        cells = [fitted(row.cells.get(c.key, ()), widths[c.key], c.align) for c in self.columns if c.key in widths]
        return (*line((mark, "mark"), *_joined(cells)), ("", "cursor" if under else row.over))

    def line_at(self, y: int) -> tuple[Line, str]:
        content, _ = super().line_at(y)
        return content, content[-1][1] if content and not content[-1][0] else ""

    # --- where the cursor is -----------------------------------------------------------------------------------

    @property
    def _page(self) -> int:
        return max(1, self.size.height - 1)

    def _scroll(self) -> None:
        last = max(0, len(self.shown) - self._page)
        low, high = self.cursor - self._page + 1, self.cursor
        self.offset_rows = min(last, max(low, min(self.offset_rows, high)))
        hidden = len(self.shown) - self._page
        here = f"{self.cursor + 1} of {len(self.shown)}" if hidden > 0 and self.shown else ""
        self.show_title(self.titles[0], "  ".join(filter(None, (self.legend, here))))

    def move(self, to: int) -> None:
        """Puts the cursor on a place of the shown rows, cut to what there is."""
        to = min(max(0, to), len(self.shown) - 1)
        if to < 0 or self.shown[to].key == self.key:
            return
        self.key = self.shown[to].key
        self._arrange()
        self.post_message(self.Moved(self, self.key))

    def action_cursor_down(self) -> None:
        self.move(self.cursor + 1)

    def action_cursor_up(self) -> None:
        self.move(self.cursor - 1)

    def action_cursor_left(self) -> None:
        self.post_message(self.Across(self, -1))

    def action_cursor_right(self) -> None:
        self.post_message(self.Across(self, 1))

    def action_top(self) -> None:
        self.move(0)

    def action_bottom(self) -> None:
        self.move(len(self.shown) - 1)

    def action_half_down(self) -> None:
        self.move(self.cursor + max(1, self._page // 2))

    def action_half_up(self) -> None:
        self.move(self.cursor - max(1, self._page // 2))

    def action_open(self) -> None:
        if self.shown:
            self.post_message(self.Opened(self, self.key))

    def action_mark(self) -> None:
        if self.shown:
            self.marked ^= {self.key}
            self._arrange()
            self.action_cursor_down()

    # --- order and filter --------------------------------------------------------------------------------------

    def action_sort_next(self) -> None:
        self._sort_by(1)

    def action_sort_previous(self) -> None:
        self._sort_by(-1)

    def action_reverse(self) -> None:
        self.reversed = not self.reversed
        self._arrange()

    def action_sort(self, column: str = "", order: str = "") -> None:
        """Sorts by a column's key; without one, back to the natural order."""
        known = {c.key for c in self.columns}
        self.sort, self.reversed = column if column in known else None, order == "desc"
        self._arrange()

    def _sort_by(self, step: int) -> None:
        known = self.rows[0].facts if self.rows else {}
        order: list[str | None] = [None, *(c.key for c in self.columns if c.key in known)]
        here = order.index(self.sort) if self.sort in order else 0
        self.sort = order[(here + step) % len(order)]
        self._arrange()

    def action_filter(self, text: str | None = None) -> None:
        self.esper.ask_filter(self, text)

    # --- mouse -------------------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or offset.y == 0:
            return
        row = self.offset_rows + offset.y - 1
        if row < len(self.shown):
            self.move(row)
            if event.chain == 2:
                self.action_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(self.cursor + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(self.cursor - 3)

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()


def _joined(cells: Sequence[Line]) -> Line:
    """Cells side by side with one blank between."""
    pieces: list[Any] = []
    for index, cell in enumerate(cells):
        pieces += ([(" ", "")] if index else []) + list(cell)
    return tuple(pieces)


__all__ = ["Column", "Grid", "LazyRow", "Match", "Row", "fit_columns"]
