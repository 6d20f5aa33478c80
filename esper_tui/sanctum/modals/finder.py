"""A list that is searched while one types: the base of help and palette."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Resize
from textual.widgets import Input

from esper_tui.sanctum.actions import VIEWS, Action
from esper_tui.sanctum.ink import Line, fitted, line
from esper_tui.sanctum.modals.base import Modal
from esper_tui.sanctum.offer import NAME, OPENERS, Entry, needs_words
from esper_tui.sanctum.text import fit
from esper_tui.sanctum.widgets.panel import Panel
from esper_tui.sanctum.widgets.scroll import Scroll

if TYPE_CHECKING:
    from esper_tui.sanctum.app import EsperApp

LABEL, MIDDLE = 17, 50
"""Cells of a label; below a middle width it has as many as it needs."""


class Entries(Scroll):
    """Entries with a cursor that steps over headings."""

    def __init__(self) -> None:
        super().__init__(id="entries")
        self.entries: Sequence[Entry] = ()

    @property
    def length(self) -> int:
        return len(self.entries)

    @property
    def entry(self) -> Entry | None:
        return self.entries[self.cursor] if self.cursor < len(self.entries) else None

    def show_entries(self, entries: Sequence[Entry]) -> None:
        self.entries, self.cursor, self.offset_lines = entries, 0, 0
        self.step(0)
        self.draw()

    def step(self, count: int) -> None:
        """Goes so many entries on, or back; headings are passed."""
        places = [i for i, entry in enumerate(self.entries) if entry.kind != "heading"]
        if not places:
            return
        here = next((n for n, place in enumerate(places) if place >= self.cursor), len(places) - 1)
        self.move(places[min(max(0, here + count), len(places) - 1)])
        if self.cursor == places[0]:
            self.offset_lines = 0  # the heading above the first entry
            self.draw()

    def line_of(self, index: int, width: int) -> Line:
        entry = self.entries[index]
        if entry.kind == "heading":
            return fitted(line((entry.name, "title")), width)
        if not entry.name:
            return fitted(line(" ", entry.label or entry.sentence), width)
        label = fit(entry.label, LABEL) if entry.label and width > MIDDLE else entry.label
        where = f" in {entry.reach}" if entry.reach else ""
        name = (fit(entry.name, NAME), "key" if entry.kind == "action" else "bold")
        sentence = (f"  {entry.sentence}", "dim" if label else "")
        return fitted(line(" ", name, f" {label}" if label else "", (where, "human"), sentence), width)

    def moved(self) -> None:
        if isinstance(self.screen, Finder):
            self.screen.tell()


class Finder(Modal[None]):
    """An input above a list; below it the whole sentence of the entry under the cursor."""

    title_: ClassVar[str] = ""
    DEFAULT_CSS = """
    Finder > Vertical.dialog { width: 92%; height: 92%; max-width: 110; }
    Finder #words, Finder #words:focus { border: none; height: 1; padding: 0; background: $surface; }
    Finder #more { height: 3; border-top: solid $line; }
    Finder.-narrow > Vertical.dialog { width: 100%; height: 1fr; margin-bottom: 1; }
    """

    def __init__(self, word: str = ""):
        super().__init__()
        self.word, self.scopes = word, self.esper.scopes()

    def found(self, words: str) -> list[Entry]:
        """The entries for what was typed."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self.shown(self.title_)
            yield Input(self.word, placeholder="type to search, Enter does it, Esc closes", id="words")
            yield Entries()
            yield Panel(id="more")

    @property
    def entries(self) -> Entries:
        return self.query_one(Entries)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.search()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_choose()

    def on_resize(self, event: Resize) -> None:
        self.call_after_refresh(self.search)

    def search(self) -> None:
        self.entries.show_entries(self.found(self.query_one(Input).value))
        self.tell()

    def tell(self) -> None:
        """The whole sentence of the entry under the cursor, as far as two lines go."""
        entry, more = self.entries.entry, self.query_one("#more", Panel)
        sentence = entry.sentence if entry is not None else "nothing is called that"
        more.show_lines([line(part) for part in textwrap.wrap(sentence, max(20, more.size.width))])

    # --- keys --------------------------------------------------------------------------------------------------

    def action_choice_down(self) -> None:
        self.entries.step(1)

    def action_choice_up(self) -> None:
        self.entries.step(-1)

    def action_choices_down(self) -> None:
        self.entries.step(self.entries.page - 1)

    def action_choices_up(self) -> None:
        self.entries.step(1 - self.entries.page)

    def action_choose(self) -> None:
        """Closes the list and does what is under the cursor."""
        entry = self.entries.entry
        if entry is not None and entry.action is not None:
            self.dismiss(None)
            self.esper.call_later(carry_out, self.esper, entry.action, entry.reach)


async def carry_out(app: "EsperApp", action: Action, reach: str) -> None:
    """Does an action where it is at home: goes to its view, opens its dialog, or asks for the words it needs."""
    if reach in VIEWS or reach == "launch":
        await app.show_view(reach)
    if reach in OPENERS:
        await app.perform(OPENERS[reach])
    elif needs_words(action):
        app.action_command(f"{action.command} ")
    else:
        app.call_after_refresh(app.perform, action.id)
