"""Comparisons of growing with its rivals, which other processes play: how far each one is, and its table so far."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from esper_tui.karn.comparisons import ComparisonCard, list_comparisons, read_table
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.comparison_lines import COLUMNS, about_lines, comparison_row, table_lines, widest
from esper_tui.sanctum.modals.base import Modal
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.widgets.panel import Panel
from esper_tui.sanctum.widgets.scroll import Pages

EVERY_S = 1.0
"""How often the folders are read again."""
STEP = 12
"""Characters that a table moves aside."""
EMPTY = "none yet; `esper compare quickstart` in a shell begins one"
LIST_HELP = """Every comparison that was begun here with esper compare: what is played now, then the newest. A unit is
a group of arms on a block of five seeds; left is how long the rest takes, judged by the units that were played. What
was interrupted or stopped goes on when its command is repeated."""
TABLE_HELP = """The table of the seeds that are finished, as it stands in table.md of the folder; it is written anew
after every block of seeds. What is left of it to the right comes with l and the right arrow."""


class ComparisonsDialog(Modal[None]):
    """A list, and below it the table of the comparison under the cursor; Enter gives the table the room of both."""

    scope = "comparisons"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("comparisons")]
    SCOPED_CSS = False  # the breakpoints are classes of the screen
    DEFAULT_CSS = """
    ComparisonsDialog { align: center top; }
    ComparisonsDialog > Vertical.dialog { width: 100%; height: 1fr; margin: 0 0 1 0; }
    ComparisonsDialog #about { height: 3; border-top: solid $line; }
    ComparisonsDialog #table { border-top: solid $line; }
    ComparisonsDialog.-empty #about, ComparisonsDialog.-empty #table { display: none; }
    ComparisonsDialog.-reading Grid { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[ComparisonCard] | None = None
        self.reading, self.read_at = False, 0.0
        self.table: list[str] = []
        self.table_of: Path | None = None
        self.shift = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = self.shown("comparisons")
            yield Grid(COLUMNS, empty="reading …", help=LIST_HELP, opens="table")
            yield Panel(id="about")
            yield Pages("table", id="table", help=TABLE_HELP)

    @property
    def grid(self) -> Grid:
        return self.query_one(Grid)

    @property
    def chosen(self) -> ComparisonCard | None:
        return next((card for card in self.cards or [] if card.folder == self.grid.key), None)

    def on_mount(self) -> None:
        self.add_class("-empty")
        self.grid.focus()
        self._read()

    # --- reading -----------------------------------------------------------------------------------------------

    def frame(self) -> None:
        """Draws; reads again every second, and at once where the cursor is on another comparison."""
        self._draw()
        chosen = self.chosen
        moved = chosen is not None and chosen.folder != self.table_of
        if not self.reading and (moved or self.esper.clock() - self.read_at >= EVERY_S):
            self._read()

    def _read(self) -> None:
        self.reading = True
        folder = self.chosen.folder if self.chosen is not None else None

        def work() -> tuple[list[ComparisonCard], Path | None, list[str]]:
            cards = list_comparisons()
            shown = folder or (cards[0].folder if cards else None)
            return cards, shown, read_table(shown) if shown is not None else []

        self.esper.in_thread(work, self._take)

    def _take(self, found: tuple[list[ComparisonCard], Path | None, list[str]]) -> None:
        if not self.is_attached:  # closed meanwhile
            return
        cards, folder, table = found
        self.reading, self.read_at = False, self.esper.clock()
        if folder != self.table_of:
            self.shift = self.query_one(Pages).offset_lines = 0
        self.cards, self.table_of, self.table = cards, folder, table
        self.frame()

    # --- drawing -----------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        grid, about, pages = self.grid, self.query_one("#about", Panel), self.query_one(Pages)
        if self.cards is not None:
            grid.empty = EMPTY
        self.set_class(not self.cards, "-empty")
        grid.show_rows([comparison_row(card) for card in self.cards or []])
        grid.styles.height = min(len(grid.rows) + 1, max(3, self.size.height // 4)) if grid.rows else "1fr"
        card = self.chosen
        about.show_lines(about_lines(card))
        if card is not None and card.folder == self.table_of:
            wide = widest(self.table) > pages.size.width
            pages.show_text(
                table_lines(self.table, pages.size.width, self.shift), "table · l h move it" if wide else "table"
            )

    def on_grid_moved(self, event: Grid.Moved) -> None:
        event.stop()
        self.frame()

    # --- what can be done --------------------------------------------------------------------------------------

    def on_grid_opened(self, event: Grid.Opened) -> None:
        event.stop()
        self.action_read_table()

    def on_grid_across(self, event: Grid.Across) -> None:
        event.stop()
        self._slide(event.step)

    def action_read_table(self) -> None:
        """The table has the whole dialog, or gives the room back."""
        self.toggle_class("-reading")
        (self.query_one(Pages) if self.has_class("-reading") else self.grid).focus()
        self.call_after_refresh(self.frame)

    def action_table_left(self) -> None:
        self._slide(-1)

    def action_table_right(self) -> None:
        self._slide(1)

    def _slide(self, step: int) -> None:
        hidden = max(0, widest(self.table) - self.query_one(Pages).size.width)
        self.shift = min(hidden, max(0, self.shift + step * STEP))
        self._draw()
