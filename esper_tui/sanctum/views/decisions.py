"""View 4: what was decided, by whom and why."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from esper_tui.karn.record import Round, RunRecord
from esper_tui.leyline.choices import Head
from esper_tui.leyline.events import to_line
from esper_tui.leyline.session import Breakpoint
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.copying import copy_json
from esper_tui.sanctum.decision_rows import DecisionRows, decision_columns
from esper_tui.sanctum.explainlines import explain_lines, heading, outcome_lines
from esper_tui.sanctum.jsontext import raw_lines
from esper_tui.sanctum.views.base import View
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.widgets.scroll import Pages

GRID_HELP = """The newest first; WAIT is listed where a person decided it, or where telemetry.decisions is full. tamiyo:
what she had chosen where a person decided. p: probability of the operation, for a learned policy. +1 and +5: how the
environment's gain had moved one and five epochs later, in nat. because: the last rule that fired. Filters: words, and
by:human op=PRUNE env=3 slot=r0c1 epoch>20 +5<0."""


class DecisionsView(View):
    """The stream of decisions; the one under the cursor is explained below it where there is room."""

    scope = "decisions"
    help = "Every decision of the round. Enter or e explains one, P keeps it on top, b rests when its like comes again."
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("decisions")]
    SCOPED_CSS = False  # the breakpoints are classes of the screen, outside of the view
    DEFAULT_CSS = """
    DecisionsView #decisions { height: 1fr; }
    DecisionsView #detail { height: 18; }
    DecisionsView #detail Pages { width: 1fr; height: 1fr; }
    .-high DecisionsView #detail { height: 24; }
    .-short DecisionsView #detail { display: none; }
    """
    raw = False

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.shown_for: tuple[object, ...] = ()
        self.rows_for: tuple[object, ...] = ()
        self.made = DecisionRows()

    def compose(self) -> ComposeResult:
        yield Grid(empty="nothing was decided yet but to wait", id="decisions", classes="framed",
                   help=GRID_HELP, opens="explain")  # fmt: skip
        with Horizontal(id="detail"):
            yield Pages(id="why", classes="framed", help="Why the decision under the cursor was taken.")
            yield Pages(id="came", classes="framed", help="What came of it, and what was closed.")

    @property
    def grid(self) -> Grid:
        return self.query_one(Grid)

    @property
    def event(self) -> dict[str, Any] | None:
        """The decision under the cursor."""
        current = self.esper.record.round
        return next((d for d in current.decisions if d["seq"] == self.grid.key), None) if current else None

    # --- drawing -----------------------------------------------------------------------------------------------

    def show(self, record: RunRecord) -> None:
        current = record.round
        if current is None:
            return
        self._show_rows(record, current)
        stamp = (self.rows_for, self.grid.key, self.raw, self.query_one("#why").size, self.ink)
        if stamp != self.shown_for:
            self.shown_for = stamp
            self._show_detail(current)

    def _show_rows(self, record: RunRecord, current: Round) -> None:
        people = sum(d["by"] == "human" for d in current.decisions)
        filtered = f"filter {self.grid.filter_text}" if self.grid.filter_text else "/ filter"
        told = f"4 decisions  {len(current.decisions)} · by people {people} · newest first · {filtered}"
        self.grid.show_title(told if len(record.rounds) == 1 else f"{told} · round {current.number}")
        pinned = frozenset(self.esper.pinned_decisions)
        stamp = (id(record), current.number, len(current.decisions), len(current.epochs), pinned, self.grid.size)
        if stamp != self.rows_for:
            newest_before = self.grid.cursor == 0
            self.rows_for = stamp
            self.grid.show_rows(self.made.rows(current, pinned), decision_columns(current))
            if newest_before:
                self.grid.move(0)

    def _show_detail(self, current: Round) -> None:
        event, why, came = self.event, self.query_one("#why", Pages), self.query_one("#came", Pages)
        if event is None or not why.size:
            return
        if self.raw:
            why.show_text(raw_lines(to_line(event), why.size.width), f"#{event['seq']} as recorded")
        else:
            why.show_text(explain_lines(current, event, Head.OP, why.size.width), heading(event))
        came.show_text(outcome_lines(current, event, False, came.size.width), "outcome")

    # --- what can be done --------------------------------------------------------------------------------------

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """Everything else follows: the environment and the slot that were decided about."""
        if (decided := self.event) is not None:
            self.esper.select(decided["env"], decided["decision"].get("slot"))

    def on_grid_opened(self, event: Grid.Opened) -> None:
        self.action_explain()

    def action_explain(self, number: int | None = None) -> None:
        """The decision under the cursor, or the one of this number."""
        if number is None and self.event is None:
            self.esper.say("nothing was decided yet but to wait", "warn")
        else:
            self.esper.action_explain(number if number is not None else (self.event or {})["seq"])

    def action_break_here(self) -> None:
        """Rests when the operation under the cursor is decided again, in any environment."""
        if (decided := self.event) is None:
            self.esper.action_break_here()
            return
        op = decided["decision"]["op"]
        self.esper.submit(Breakpoint("op", op), f"break on {op}")

    def action_pin(self) -> None:
        if (decided := self.event) is not None:
            self.esper.pinned_decisions ^= {decided["seq"]}
            self.esper.draw()

    def action_copy(self) -> None:
        if (decided := self.event) is not None:
            copy_json(self.esper, f"decision-{decided['seq']}", decided)

    def action_raw(self) -> None:
        """The event exactly as it was recorded: beside the list where there is room, else in the dialog."""
        self.raw = not self.raw
        if not self.query_one("#detail").display and self.event is not None:
            self.raw = False
            self.esper.open_modal("explain", self.event, True)
        self.esper.draw()
