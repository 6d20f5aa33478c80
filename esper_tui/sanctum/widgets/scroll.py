"""Many lines of which only those in sight are made: the base of the log, of texts and of lists to choose from."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType

from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.ink import Line
from esper_tui.sanctum.widgets.panel import Panel


class Scroll(Panel):
    """A window over ``length`` lines with a cursor in it.

    Attributes:
        cursor: the line that the keys act on.
        offset_lines: the first line in sight.
    """

    DEFAULT_CSS = "Scroll { height: 1fr; }"
    cursor = offset_lines = 0

    # --- what a child says -------------------------------------------------------------------------------------

    @property
    def length(self) -> int:
        """How many lines there are."""
        return 0

    def line_of(self, index: int, width: int) -> Line:
        raise NotImplementedError

    def moved(self) -> None:
        """Called after the cursor moved."""

    # --- moving ------------------------------------------------------------------------------------------------

    @property
    def page(self) -> int:
        return max(1, self.size.height)

    def move(self, to: int) -> None:
        """Puts the cursor on a line, cut to those there are."""
        to = min(max(0, to), max(0, self.length - 1))
        if to != self.cursor:
            self.cursor = to
            self.draw()
            self.moved()

    def draw(self) -> None:
        """Keeps the cursor in sight and repaints the lines that changed."""
        last = max(0, self.length - self.page)
        self.offset_lines = min(last, max(self.cursor - self.page + 1, min(self.offset_lines, self.cursor)))
        end = min(self.length, self.offset_lines + self.page)
        width = self.size.width
        self.show_lines([self._drawn(i, width) for i in range(self.offset_lines, end)])

    def _drawn(self, index: int, width: int) -> Line:
        content = self.line_of(index, width)
        return (*content, ("", "cursor")) if index == self.cursor else content

    def line_at(self, y: int) -> tuple[Line, str]:
        content, _ = super().line_at(y)
        return content, content[-1][1] if content and not content[-1][0] else ""

    def action_cursor_down(self) -> None:
        self.move(self.cursor + 1)

    def action_cursor_up(self) -> None:
        self.move(self.cursor - 1)

    def action_half_down(self) -> None:
        self.move(self.cursor + max(1, self.page // 2))

    def action_half_up(self) -> None:
        self.move(self.cursor - max(1, self.page // 2))

    def action_top(self) -> None:
        self.move(0)

    def action_bottom(self) -> None:
        self.move(self.length - 1)

    # --- mouse and size ----------------------------------------------------------------------------------------

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(self.cursor + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(self.cursor - 3)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and self.offset_lines + offset.y < self.length:
            self.move(self.offset_lines + offset.y)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.draw()


class Pages(Scroll, can_focus=True):
    """A text to read, longer than its window perhaps; there is no cursor."""

    scope = "text"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("text")]

    def __init__(self, title: str = "", *, id: str | None = None, classes: str | None = None, help: str = ""):
        super().__init__(title, id=id, classes=classes, help=help)
        self.text: Sequence[Line] = ()

    def show_text(self, text: Sequence[Line], title: str | None = None, from_top: bool = False) -> None:
        """Shows other lines at the same place, or from the top."""
        self.text = text
        self.show_title(self.titles[0] if title is None else title)
        self.offset_lines = 0 if from_top else self.offset_lines
        self.draw()

    @property
    def length(self) -> int:
        return len(self.text)

    def line_of(self, index: int, width: int) -> Line:
        return self.text[index]

    def draw(self) -> None:
        last = max(0, self.length - self.page)
        self.cursor = self.offset_lines = min(last, self.offset_lines)
        self.show_lines(self.text[self.offset_lines : self.offset_lines + self.page])
        seen = min(self.length, self.offset_lines + self.page)
        self.show_title(self.titles[0], f"{seen} of {self.length}" if last else "")

    def move(self, to: int) -> None:
        self.offset_lines = max(0, to)
        self.draw()
