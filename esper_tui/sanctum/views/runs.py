"""View 6: what ran before; replay, watch, compare."""

from dataclasses import asdict
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from esper_tui.karn.record import RunRecord
from esper_tui.leyline.errors import EsperError
from esper_tui.leyline.launcher import RunCard
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.cards import LETTERS, RUN_COLUMNS, day_time, run_row
from esper_tui.sanctum.copying import copy_json
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.text import DASH, fixed, percent, size
from esper_tui.sanctum.views.base import View
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.widgets.panel import Panel
from esper_tui.sanctum.widgets.prompt import Question

READ_EVERY_S = 10.0
"""How often the list is read again while some run is alive."""
LIST_HELP = (
    "Every run, the newest first.  / filters by words or by columns, for example state=done best>70 tag:keep; > sorts. "
    "best% is the validation accuracy of the best network, gain what growth bought on the test images, in points. "
    "ASSISTED runs are those in which a person decided."
)


def card_lines(card: RunCard) -> list[Line]:
    """One run in full."""
    gain = f"growth bought {fixed(card.gain, 2, sign=True)} points of test accuracy" if card.gain is not None else DASH
    facts = [
        ("preset", card.preset), ("started", day_time(card.started)), ("state", f"{card.state}  {card.text}"),
        ("epochs", str(card.epochs)), ("best", f"{percent(card.best)} % of the validation images"), ("test", gain),
        ("person", f"decided {card.assisted} times" if card.assisted else "decided nothing"),
        ("tags", ", ".join(card.tags) or "none"), ("size", size(card.size)), ("folder", str(card.path)),
    ]  # fmt: skip
    return [line((f"{label:<9}", "dim"), text) for label, text in facts]


class RunsView(View):
    scope = "runs"
    help = (
        "What ran before.  Enter replays a run, or watches it if another process still writes it.  Space marks runs, "
        "c compares the two to six that are marked.  C lists the comparisons that esper compare plays."
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("runs")]
    SCOPED_CSS = False
    DEFAULT_CSS = """
    RunsView #runs { height: 1fr; }
    RunsView #card { height: 12; display: none; padding: 0 1; }
    .-tall RunsView #card, .-high RunsView #card { display: block; }
    """

    def __init__(self, *, id: str | None = None):
        super().__init__(id=id)
        self.pinned: set[str] = set()
        self.order: list[str] = []
        self.read_at = 0.0

    def compose(self) -> ComposeResult:
        yield Grid(RUN_COLUMNS, "6 runs", id="runs", classes="framed", help=LIST_HELP, opens="show")
        yield Panel("run", id="card", classes="framed")

    def on_view_enter(self) -> None:
        self.action_refresh()
        super().on_view_enter()

    def action_refresh(self) -> None:
        self.read_at = self.esper.clock()
        self.esper.read_runs()

    @property
    def grid(self) -> Grid:
        return self.query_one(Grid)

    @property
    def cards(self) -> list[RunCard]:
        """All runs, the pinned ones first."""
        return sorted(self.esper.cards or [], key=lambda card: card.id not in self.pinned)

    @property
    def chosen(self) -> RunCard | None:
        return next((card for card in self.cards if card.id == self.grid.key), None)

    @property
    def marked(self) -> list[str]:
        """Marked runs in the order in which they were marked: it gives each one its letter and its colour."""
        known = {card.id for card in self.cards} & {str(key) for key in self.grid.marked}
        self.order = [*(key for key in self.order if key in known), *sorted(known - set(self.order), reverse=True)]
        return self.order

    # --- what is shown -----------------------------------------------------------------------------------------

    def show(self, record: RunRecord) -> None:
        cards, marked = self.cards, self.marked
        self.grid.empty = "no runs yet" if self.esper.cards is not None else "reading the runs …"
        self.grid.show_rows([run_row(card, self._letter(card.id, marked), card.id in self.pinned) for card in cards])
        self._show_title(marked)
        if (chosen := self.chosen) is not None:
            self.query_one("#card", Panel).show_lines(card_lines(chosen), chosen.id)
        if any(card.state == "running" for card in cards) and self.esper.clock() - self.read_at > READ_EVERY_S:
            self.action_refresh()

    @staticmethod
    def _letter(run: str, marked: list[str]) -> Line:
        place = marked.index(run) if run in marked else len(LETTERS)
        return line((LETTERS[place], f"bold series-{place}")) if place < len(LETTERS) else ()

    def _show_title(self, marked: list[str]) -> None:
        filtered = f" · /{self.grid.filter_text}" if self.grid.filter_text else ""
        pending = f" · … {self.esper.waiting_for}" if self.esper.pending else ""
        count = f" · {len(marked)} marked, c compares" if marked else ""
        self.grid.show_title(f"6 runs{count}{filtered}{pending}")

    def on_grid_moved(self, event: Grid.Moved) -> None:
        self.esper.draw()

    # --- what can be done --------------------------------------------------------------------------------------

    def on_grid_opened(self, event: Grid.Opened) -> None:
        if (card := self.chosen) is not None:
            self.esper.open_run(str(card.path))

    def action_compare(self, *names: str) -> None:
        """Compares the named runs, else the marked ones."""
        self.esper.compare_runs(names or self.marked)

    def action_comparisons(self) -> None:
        self.esper.action_comparisons()

    def action_pin(self) -> None:
        if self.chosen is not None:
            self.pinned ^= {self.chosen.id}
            self.esper.draw()

    def action_copy(self) -> None:
        if (card := self.chosen) is not None:
            copy_json(self.esper, card.id, asdict(card) | {"path": str(card.path)})

    def action_tag(self, tag: str = "") -> None:
        """Adds a tag to the run, or takes it away if it is there; asks for it if none is given."""
        card = self.chosen
        if card is None:
            return
        if tag:
            self._tag(card, tag)
        else:
            self.esper.ask(Question("tag", lambda typed: self._tag(card, typed), complete=lambda typed: self._tags()))

    def _tags(self) -> list[str]:
        return sorted({tag for card in self.cards for tag in card.tags})

    def _tag(self, card: RunCard, tag: str) -> str | None:
        """Returns why not, if so."""
        if self.esper.launcher is None or not tag.strip():
            return None
        try:
            tags = self.esper.launcher.tag(str(card.path), tag.strip())
        except EsperError as error:
            return str(error)
        self.esper.say(f"{card.id}: {', '.join(tags) or 'no tags'}")
        self.esper.read_runs()
        return None
