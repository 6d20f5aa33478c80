"""Why a decision was taken, and what came of it."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from esper_tui.leyline.choices import LIVE_HEADS, Head, Op
from esper_tui.leyline.events import to_line
from esper_tui.leyline.session import Breakpoint
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.copying import copy_json
from esper_tui.sanctum.explainlines import explain_lines, heading, outcome_lines
from esper_tui.sanctum.jsontext import raw_lines
from esper_tui.sanctum.modals.base import Modal
from esper_tui.sanctum.widgets.scroll import Pages

WHY_HELP = """What was asked or seen, in order; + fired. Below it every head of the decision; those that do not count
for the operation are dim. p is the probability after the mask, H the entropy as a share of its maximum."""
CAME_HELP = """How the environment's gain had moved one and five epochs later: its own loss against a control that
never grew. No one decision is the only cause. What was closed could not be chosen, for the reason that is given."""


class ExplainDialog(Modal[None]):
    """One decision event; [ and ] go through those of the round."""

    scope = "explain"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("explain")]
    SCOPED_CSS = False  # the breakpoints are classes of the screen
    DEFAULT_CSS = """
    ExplainDialog > Vertical.dialog { width: 118; height: 24; max-width: 100%; max-height: 100%; padding: 0 1; }
    ExplainDialog #why { width: 1fr; height: 1fr; margin-right: 2; }
    ExplainDialog #came { width: 1fr; height: 1fr; }
    ExplainDialog.-raw #came { display: none; }
    .-narrow ExplainDialog > Vertical.dialog, ExplainDialog.-narrow > Vertical.dialog { padding: 0; }
    ExplainDialog.-narrow #why { width: 42; margin-right: 1; }
    ExplainDialog.-short > Vertical.dialog { height: 21; }
    ExplainDialog.-wide > Vertical.dialog { width: 140; height: 40; }
    """

    def __init__(self, event: dict[str, Any], raw: bool = False):
        super().__init__()
        self.event, self.head, self.what_if, self.raw = event, Head.OP, False, raw

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"), Horizontal():
            yield Pages(id="why", help=WHY_HELP)
            yield Pages(id="came", help=CAME_HELP)

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """Those of the round that the decision belongs to."""
        number = self.event.get("round")
        return next((r.decisions for r in self.esper.record.rounds if r.number == number), [])

    def on_mount(self) -> None:
        self.query_one("#why", Pages).focus()
        self.frame()

    # --- drawing -----------------------------------------------------------------------------------------------

    def frame(self) -> None:
        current = next((r for r in self.esper.record.rounds if r.number == self.event.get("round")), None)
        if current is None:
            return
        why, came, box = self.query_one("#why", Pages), self.query_one("#came", Pages), self.query_one(".dialog")
        pinned = "= " if self.event["seq"] in self.esper.pinned_decisions else ""
        box.border_title = self.shown(f" {pinned}{heading(self.event)} ")
        self.set_class(self.raw, "-raw")
        if self.raw:
            why.show_text(raw_lines(to_line(self.event), why.size.width))
            return
        why.show_text(explain_lines(current, self.event, self.head, why.size.width))
        came.show_text(outcome_lines(current, self.event, self.what_if, came.size.width))

    def show_event(self, event: dict[str, Any]) -> None:
        self.event = event
        for pages in self.query(Pages):
            pages.offset_lines = 0
        self.frame()

    # --- going on ----------------------------------------------------------------------------------------------

    def action_decision_previous(self) -> None:
        self._go(-1)

    def action_decision_next(self) -> None:
        self._go(1)

    def _go(self, step: int) -> None:
        numbers = [d["seq"] for d in self.decisions]
        place = numbers.index(self.event["seq"]) + step if self.event["seq"] in numbers else -1
        if 0 <= place < len(numbers):
            self.show_event(self.decisions[place])

    def action_head_previous(self) -> None:
        self._choose_head(-1)

    def action_head_next(self) -> None:
        self._choose_head(1)

    def _choose_head(self, step: int) -> None:
        live = LIVE_HEADS[Op[self.event["decision"]["op"]]]
        here = live.index(self.head) if self.head in live else 0
        self.head = live[(here + step) % len(live)]
        self.frame()

    def action_counterfactual(self) -> None:
        self.what_if = not self.what_if
        self.frame()

    # --- keeping it --------------------------------------------------------------------------------------------

    def action_pin(self) -> None:
        self.esper.pinned_decisions ^= {self.event["seq"]}
        self.frame()

    def action_copy(self) -> None:
        copy_json(self.esper, f"decision-{self.event['seq']}", self.event)

    def action_raw(self) -> None:
        """The event exactly as it was recorded, and back."""
        self.raw = not self.raw
        self.frame()

    def action_break_like(self) -> None:
        """Rests when the same operation is decided again, in any environment."""
        op = self.event["decision"]["op"]
        self.esper.submit(Breakpoint("op", op), f"break on {op}")
