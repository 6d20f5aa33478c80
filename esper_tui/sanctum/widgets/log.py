"""The event log: only the lines in sight are drawn; it follows the newest one until one scrolls up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.markup import escape
from textual import events
from textual.binding import BindingType
from textual.message import Message

from esper_tui.leyline.errors import UsageError
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.filters import Match, event_match
from esper_tui.sanctum.ink import Line, Piece, fitted, line, spread
from esper_tui.sanctum.journal import Entry, Journal
from esper_tui.sanctum.lines import place
from esper_tui.sanctum.text import clock_time
from esper_tui.sanctum.widgets.prompt import Question
from esper_tui.sanctum.widgets.scroll import Scroll

SIGNS: dict[str, Piece] = {"warn": ("W", "warn"), "error": ("E", "error"), "debug": (" ", "dim"), "info": (" ", "")}
"""How urgent an event is, in one letter."""
STYLES = {"warn": "warn", "error": "bad", "debug": "dim"}
TIME_WIDTH, PLACE_WIDTH, NARROW = 9, 11, 60


def entry_line(entry: Entry, width: int, hit: bool = False) -> Line:
    """An entry in so many cells: epoch, time where there is room, urgency, place, sentence, how often."""
    event, told = entry.event, entry.told
    epoch = event.get("epoch")
    when = f"{'' if epoch is None else f'ep{epoch}':<6}"
    time = f"{clock_time(event.get('t')):<{TIME_WIDTH}}" if width >= NARROW else ""
    sign = ("*", "human") if told.by == "human" else SIGNS[told.level]
    where = f" {place(event, told.slot):<{PLACE_WIDTH}} "
    style = "human" if told.by == "human" else STYLES.get(told.level, "")
    content = line((when + time, "dim"), sign, where, (told.text, f"{style} mark".strip() if hit else style))
    if entry.count > 1:
        return spread(content, line((f" x{entry.count}", "bold")), width)
    return fitted(content, width)


class Log(Scroll, can_focus=True):
    """The entries of a journal.  ``take`` hands it new events; filter and search are asked for in the prompt line.

    Attributes:
        following: the newest entry stays in sight.
        behind: entries that came since one scrolled up.
        found: the test of what is searched; None without a search.
    """

    scope = "log"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("log")]
    opens = "in full"

    @dataclass
    class Opened(Message):
        """Enter on an entry, or a double click."""

        log: "Log"
        entry: Entry

    @dataclass
    class Moved(Opened):
        """The cursor is on another entry."""

    def __init__(self, title: str = "", *, id: str | None = None, classes: str | None = None, help: str = ""):
        super().__init__(title, id=id, classes=classes, help=help)
        self.heading, self.journal = title, Journal()
        self.following, self.behind = True, 0
        self.filter_text = self.search_text = ""
        self.found: Match | None = None

    @property
    def length(self) -> int:
        return len(self.journal.shown)

    @property
    def entry(self) -> Entry | None:
        """The entry under the cursor."""
        shown = self.journal.shown
        return shown[self.cursor] if self.cursor < len(shown) else None

    def line_of(self, index: int, width: int) -> Line:
        entry = self.journal.shown[index]
        return entry_line(entry, width, self._hit(entry))

    def _hit(self, entry: Entry) -> bool:
        return self.found is not None and self.found(entry.event, entry.told)

    # --- what comes in -----------------------------------------------------------------------------------------

    def take(self, new: Sequence[dict[str, Any]], seen: int) -> None:
        """Takes in new events, the last of which is number ``seen - 1``."""
        added, gone = self.journal.take(new, seen)
        self.cursor, self.offset_lines = max(0, self.cursor - gone), max(0, self.offset_lines - gone)
        if self.following:
            self.cursor = max(0, self.length - 1)
        else:
            self.behind += added
        self.draw()

    def start_again(self) -> None:
        """Forgets all events, of another run or of a later time."""
        self.journal.clear()
        self.cursor = self.offset_lines = self.behind = 0
        self.following = True

    def draw(self) -> None:
        super().draw()
        state = "follow" if self.following else f"{self.behind} new, G to follow" if self.behind else "G to follow"
        parts = (self.heading, self.filter_text, f"{self.cursor + 1 if self.length else 0} of {self.length}", state,
                 f"search {self.search_text}" if self.search_text else "")  # fmt: skip
        self.show_title(escape(" · ".join(filter(None, parts))))

    def move(self, to: int) -> None:
        self._follow(to >= self.length - 1)
        super().move(to)
        self.draw()

    def moved(self) -> None:
        if self.entry is not None:
            self.post_message(self.Moved(self, self.entry))

    def _follow(self, on: bool) -> None:
        self.following, self.behind = on, 0 if on or self.following else self.behind

    def action_follow(self) -> None:
        if self.following:
            self._follow(False)
            self.draw()
        else:
            self.move(self.length - 1)

    def action_open(self) -> None:
        if self.entry is not None:
            self.post_message(self.Opened(self, self.entry))

    def on_click(self, event: events.Click) -> None:
        super().on_click(event)
        if event.chain == 2:
            self.action_open()

    # --- filter and search -------------------------------------------------------------------------------------

    def set_filter(self, text: str) -> None:
        """Shows only what matches; the cursor stays on its event, or goes to the next one that is shown.

        Raises:
            UsageError: for a filter that cannot be understood.
        """
        match = event_match(text)
        number = self.entry.number if self.entry is not None else 0
        self.filter_text = text
        self.journal.choose(match)
        later = (i for i, entry in enumerate(self.journal.shown) if entry.number >= number)
        last = max(0, self.length - 1)
        self.cursor = last if self.following else next(later, last)
        self.draw()

    def set_search(self, text: str) -> None:
        """Marks what is found; n and N go there.

        Raises:
            UsageError: for a search that cannot be understood.
        """
        self.found = event_match(text)
        self.search_text = text
        self.draw()

    def clear_words(self) -> bool:
        """Takes the filter away, or the search if there is no filter; returns whether there was one."""
        if self.filter_text:
            self.set_filter("")
        elif self.search_text:
            self.set_search("")
        else:
            return False
        return True

    def action_filter(self, text: str | None = None) -> None:
        self._ask("/", self.set_filter, self.filter_text, text)

    def action_search(self, text: str | None = None) -> None:
        self._ask("search", self.set_search, self.search_text, text)

    def _ask(self, sign: str, change: Callable[[str], None], before: str, text: str | None) -> None:
        """Takes a text over while it is typed, or at once where one is given; Esc clears it."""

        def submit(typed: str) -> str | None:
            try:
                change(typed)
            except UsageError as error:
                return str(error)
            return None

        def follow(typed: str) -> None:
            submit(typed)

        if text is None:
            self.esper.ask(Question(sign, submit, follow, cancel=lambda: change(""), text=before))
        elif problem := submit(text):
            self.esper.say(problem, "bad")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In a replay n and N go on to decisions and alerts until something is searched."""
        if action in ("find_next", "find_previous") and self.found is None and self.esper.role == "replay":
            return False
        return super().check_action(action, parameters)

    def action_find_next(self) -> None:
        self._find(range(self.cursor + 1, self.length))

    def action_find_previous(self) -> None:
        self._find(range(self.cursor - 1, -1, -1))

    def _find(self, places: range) -> None:
        if self.found is None:
            self.esper.say("nothing is searched yet; ctrl+f asks for a word")
            return
        hit = next((i for i in places if self._hit(self.journal.shown[i])), None)
        if hit is None:
            self.esper.say(f"no more lines with {self.search_text}", "warn")
        else:
            self.move(hit)
