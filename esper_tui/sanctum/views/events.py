"""View 5: everything that happened."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from esper_tui.karn.record import RunRecord
from esper_tui.leyline.events import to_line
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.copying import copy_json
from esper_tui.sanctum.journal import newest
from esper_tui.sanctum.jsontext import json_lines, raw_lines
from esper_tui.sanctum.lines import place, stamp
from esper_tui.sanctum.source import Source
from esper_tui.sanctum.views.base import View
from esper_tui.sanctum.widgets.log import Log
from esper_tui.sanctum.widgets.scroll import Pages

FIRST_FILTER = "level:info+"
"""Leaves out the line of every measured epoch."""


class EventsView(View):
    """The log, and beside or below it the event under the cursor when Enter or i was pressed."""

    scope = "events"
    help = (
        "Every event of the run, the newest last; the disk keeps all of them, the screen the newest 10,000. "
        "W is a warning, E an error, * a person's doing; x3 means three times in a row."
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("events")]
    SCOPED_CSS = False  # the breakpoints are classes of the screen, outside of the view
    DEFAULT_CSS = """
    EventsView #detail { display: none; height: 50%; }
    EventsView.-detailed #detail { display: block; }
    .-wide EventsView { layout: horizontal; }
    .-wide EventsView #detail { width: 40%; height: 1fr; }
    """
    raw = False

    def compose(self) -> ComposeResult:
        filters = (
            "A filter is made of words that all must match: env:3 slot:r0c1 type:prune level:warn+ by:human ep:30-40, "
            'a text or /an expression/; text~"with blanks". A - before a word turns it around.'
        )
        yield Log("events", id="log", classes="framed", help=filters)
        yield Pages("event", id="detail", classes="framed", help="The event under the cursor, as it was recorded.")

    def on_mount(self) -> None:
        self.source: Source | None = None
        self.listed.set_filter(FIRST_FILTER)

    @property
    def listed(self) -> Log:
        return self.query_one(Log)

    def show(self, record: RunRecord) -> None:
        source, log = self.esper.source, self.listed
        if source is None:
            return
        if source is not self.source or source.seen < log.journal.seen:
            log.start_again()
            self.source = source
        new = newest(source.log, source.seen - log.journal.seen)
        if new:
            log.take(new, source.seen)
            self._show_detail()

    # --- the detail --------------------------------------------------------------------------------------------

    @property
    def detailed(self) -> bool:
        return self.has_class("-detailed")

    def _show_detail(self) -> None:
        entry, detail = self.listed.entry, self.query_one(Pages)
        if entry is None or not self.detailed:
            return
        width = detail.size.width or self.size.width
        lines = raw_lines(to_line(entry.event), width) if self.raw else json_lines(entry.event, width)
        detail.show_text(lines, f"{stamp(entry.event)} {place(entry.event, entry.told.slot)}".rstrip(), from_top=True)

    def _open(self, raw: bool) -> None:
        self.raw = raw
        self.add_class("-detailed")
        self.call_after_refresh(self._show_detail)

    def on_log_opened(self, event: Log.Opened) -> None:
        self._open(raw=False)

    def on_log_moved(self, event: Log.Moved) -> None:
        self._show_detail()

    def action_raw(self) -> None:
        self._open(raw=not (self.detailed and self.raw))

    def action_copy(self) -> None:
        if (entry := self.listed.entry) is not None:
            copy_json(self.esper, f"event-{entry.event.get('seq', entry.number)}", entry.event)

    def go_back(self) -> bool:
        """Closes the detail, then clears the filter, then the search."""
        if self.detailed:
            self.remove_class("-detailed")
            self.listed.focus()
            return True
        return self.listed.clear_words()
