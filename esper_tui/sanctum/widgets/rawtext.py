"""The TOML of a preset as text, with the lines marked in which something is wrong."""

from collections.abc import Iterable

from rich.text import Text
from textual.widgets import TextArea


class RawText(TextArea):
    """An editor for a preset's text; what was typed can be undone with ctrl+z, changes of the form too."""

    DEFAULT_CSS = """
    RawText { height: 1fr; width: 1fr; background: $background; scrollbar-size: 0 0; }
    RawText .text-area--cursor-line { background: $cursor; }
    RawText .text-area--gutter { color: $dim; background: $background; }
    RawText .text-area--cursor-gutter { color: $foreground; background: $cursor; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None):
        super().__init__(id=id, classes=classes, show_line_numbers=True, soft_wrap=False)
        self.border_title, self.border_subtitle = "text", "Esc leaves the text"
        self.cursor_blink = False
        self.bad: frozenset[int] = frozenset()

    def show_text(self, text: str, fresh: bool) -> None:
        """Shows another text; ``fresh`` forgets what could be undone."""
        if text == self.text:
            return
        if fresh:
            self.load_text(text)
        else:
            self.replace(text, self.document.start, self.document.end)

    def mark_lines(self, lines: Iterable[int]) -> None:
        """Marks lines, counted from 1, as wrong."""
        if (bad := frozenset(lines)) != self.bad:
            self.bad = bad
            self.notify_style_update()  # what was drawn is drawn again
            self.refresh()

    def go_to(self, line: int | None) -> None:
        """Puts the cursor on a line, counted from 1."""
        if line is not None and self.selection.end[0] != line - 1 and line <= self.document.line_count:
            self.move_cursor((line - 1, 0), center=True)

    def get_line(self, line_index: int) -> Text:
        content = super().get_line(line_index)
        if line_index + 1 in self.bad:
            content.stylize("bold underline")
        return content
