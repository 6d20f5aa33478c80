"""Overrides of the round: waiting, applied, refused; taking them back."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from esper_tui.leyline.choices import Op
from esper_tui.leyline.session import Cancel
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.copying import copy_json
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.legallines import wrapped
from esper_tui.sanctum.modals.base import Modal
from esper_tui.sanctum.override_rows import (
    INVERSE,
    OVERRIDE_COLUMNS,
    asked_again,
    learning_lines,
    override_rows,
    state_of,
)
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.widgets.panel import Panel

HELP = """DRAFT: sent, the run takes it in at the next boundary. QUEUED: waits until it is due and legal. APPLIED and
HELD: it was, or still is, in force. REJECTED, EXPIRED and CANCELLED say why. One applies per environment and boundary,
the oldest first. The effect is how the gain of the environment had moved one and five epochs later, in nat."""


class Overrides(Grid):
    """The table; its keys are those of the dialog."""

    scope = "queue"


class QueueDialog(Modal[None]):
    scope = "queue"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("queue")]
    SCOPED_CSS = False  # the breakpoints are classes of the screen
    DEFAULT_CSS = """
    QueueDialog > Vertical.dialog { width: 116; height: 24; }
    QueueDialog.-short > Vertical.dialog { height: 18; }
    QueueDialog.-narrow > Vertical.dialog { padding: 0; }
    QueueDialog #told { height: 4; border-top: solid $line; }
    """

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = self.shown("overrides, the newest first")
            yield Overrides(OVERRIDE_COLUMNS, empty="none yet; o decides in Tamiyo's place", help=HELP)
            yield Panel(id="told")

    @property
    def grid(self) -> Grid:
        return self.query_one(Grid)

    @property
    def chosen(self) -> dict[str, Any] | None:
        """What became of the override under the cursor, as far as the run has told."""
        current, key = self.esper.record.round, self.grid.key
        return current.interventions.get(key) if current is not None and isinstance(key, int) else None

    def on_mount(self) -> None:
        self.grid.focus()
        self.frame()

    def frame(self) -> None:
        current = self.esper.record.round
        if current is not None:
            self.grid.show_rows(override_rows(current, self.esper.outbox))
        self.query_one("#told", Panel).show_lines([self._reason(), *learning_lines(self.esper.record)])

    def _reason(self) -> Line:
        """The whole reason of the override under the cursor."""
        chosen = self.chosen
        if chosen is None or not chosen.get("reason"):
            return line(("Enter edit   u undo   o new   y copy   Esc close", "dim"))
        return line(f"#{chosen['intervention']['id']} ", *wrapped(chosen["reason"], 200)[:1])

    def on_grid_moved(self, event: Grid.Moved) -> None:
        self.frame()

    # --- what can be done --------------------------------------------------------------------------------------

    def action_undo_selected(self) -> None:
        """Takes the override back; says why not where it is too late."""
        number, chosen = self.grid.key, self.chosen
        if not isinstance(number, int):
            self.esper.say("there is nothing to take back, or the run has not given it a number yet", "warn")
        elif chosen is None or state_of(chosen) in ("queued", "held"):
            self.esper.submit(Cancel(number), f"undo #{number}")
        else:
            self.esper.say(f"#{number} is {state_of(chosen)}: {self._instead(chosen)}", "warn")
        self.frame()

    def _instead(self, chosen: dict[str, Any]) -> str:
        if chosen["fate"] != "applied":
            return "nothing waits any more"
        return f"too late; {INVERSE[Op[chosen['intervention']['decision']['op']]]}"

    def action_new_override(self) -> None:
        self.esper.open_modal("override")

    def action_edit_override(self) -> None:
        """Takes a waiting one back, and opens the dialog with what was asked."""
        chosen = self.chosen
        if chosen is None:
            return
        asked = asked_again(chosen)
        if state_of(chosen) in ("queued", "held"):
            self.action_undo_selected()
        self.esper.open_modal("override", asked)

    def on_grid_opened(self, event: Grid.Opened) -> None:
        self.action_edit_override()

    def action_copy(self) -> None:
        if self.esper.record.round is not None:
            copy_json(self.esper, "overrides", list(self.esper.record.round.interventions.values()))
