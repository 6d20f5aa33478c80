"""A question before something final: Enter does it, Esc does not."""

import textwrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.modals.base import Modal
from esper_tui.sanctum.widgets.panel import Panel

WIDTH = 70


class ConfirmDialog(Modal[bool]):
    """Says what is lost; gives back True if it was confirmed."""

    scope = "confirm"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("confirm")]
    DEFAULT_CSS = f"ConfirmDialog > Panel {{ width: {WIDTH}; height: auto; }}"

    def __init__(self, title: str, sentences: list[str]):
        super().__init__()
        self.name_, self.sentences = title, sentences

    def compose(self) -> ComposeResult:
        yield Panel(self.name_, classes="dialog")

    def on_mount(self) -> None:
        panel = self.query_one(Panel)
        keys: Line = line(("Enter", "key"), " do it   ", ("Esc", "key"), " leave it")
        lines = [line(part) for sentence in self.sentences for part in textwrap.wrap(sentence, WIDTH - 4)] + [(), keys]
        panel.styles.height = len(lines) + 2
        panel.show_lines(lines)

    def action_confirm(self) -> None:
        self.dismiss(True)
