"""Deciding in Tamiyo's place: any decision, with its parameters, now or later."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from esper_tui.karn.record import Round
from esper_tui.karn.view import legality_now
from esper_tui.leyline.choices import Head
from esper_tui.leyline.legality import Legality
from esper_tui.leyline.session import Override
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.draft import Draft, Field, fitting, guarded, offer
from esper_tui.sanctum.draftlines import draft_lines, title_of
from esper_tui.sanctum.modals.base import Modal
from esper_tui.sanctum.widgets.panel import Panel
from esper_tui.sanctum.worth import now_of

HELP = """Every choice that counts for the operation. x marks what is not legal now, with the reason and the epoch at
which it opens; it can still be asked for, as soon as it is legal. The run decides at its boundary, and refuses if
another seed sits in the slot by then. A held override stays in force for so many boundaries; while it is not legal the
environment waits."""

WIDTH, FRAME, ROWS_FROM = 78, 4, 2
"""Cells of the dialog and of its frame; lines above the first row."""


class OverrideDialog(Modal[None]):
    """For the selected environment and slot, or for all environments that are marked.

    Args:
        asked: an override to begin with.
    """

    scope = "override"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("override")]
    DEFAULT_CSS = f"OverrideDialog > Panel {{ width: {WIDTH}; height: auto; }}"

    def __init__(self, asked: Override | None = None):
        super().__init__()
        self.asked = asked
        self.row = 0

    def compose(self) -> ComposeResult:
        yield Panel("override", classes="dialog", help=HELP)

    def on_mount(self) -> None:
        app, current = self.esper, self.current
        following = now_of(current) + 1
        if self.asked is not None:
            self.draft = Draft.of(self.asked, app.selected_slot, following)
        else:
            marked = app.view.marked_envs() if app.view is not None else []
            self.draft = Draft.start(marked or [app.selected_env], app.selected_slot, following)
        self._fit()
        self.frame()

    @property
    def current(self) -> Round:
        assert self.esper.record.round is not None  # the dialog is only opened in a round
        return self.esper.record.round

    @property
    def legal(self) -> dict[int, Legality | None]:
        return {env: legality_now(self.esper.record, env) for env in self.draft.envs}

    @property
    def closed(self) -> bool:
        """Whether it is legal in none of the environments now."""
        return len(self.draft.refusals(self.legal)) == len(self.draft.envs)

    @property
    def field(self) -> Field:
        fields = self.draft.fields(self.closed)
        return fields[min(self.row, len(fields) - 1)]

    # --- drawing -----------------------------------------------------------------------------------------------

    def frame(self) -> None:
        panel = self.query_one(Panel)
        self.row = min(self.row, len(self.draft.fields(self.closed)) - 1)
        width, room = min(WIDTH, self.size.width) - FRAME, max(1, self.size.height - 2)
        lines = draft_lines(self.esper.record, self.draft, self.field, self.legal, width)
        start = max(0, min(ROWS_FROM + self.row - room // 2, len(lines) - room))  # the row stays in sight
        if min(room, len(lines)) != len(panel.lines):
            panel.styles.height = min(room, len(lines)) + 2
        panel.show_lines(lines[start : start + room], title_of(self.current, self.draft))

    # --- choosing ----------------------------------------------------------------------------------------------

    def action_cursor_down(self) -> None:
        self._step_row(1)

    def action_cursor_up(self) -> None:
        self._step_row(-1)

    def _step_row(self, step: int) -> None:
        self.row = (self.row + step) % len(self.draft.fields(self.closed))
        self.frame()

    def action_choice_next(self) -> None:
        self._choose(self.field, 1)

    def action_choice_previous(self) -> None:
        self._choose(self.field, -1)

    def action_cycle_when(self) -> None:
        self._choose("when", 1)

    def action_more_epochs(self) -> None:
        self._count(1)

    def action_fewer_epochs(self) -> None:
        self._count(-1)

    def action_ten_more(self) -> None:
        self._count(10)

    def action_ten_fewer(self) -> None:
        self._count(-10)

    def _count(self, step: int) -> None:
        """Changes the number under the cursor, else that of the timing, else how long it is held."""
        numbers: list[Field] = ["waits", "epoch", "held"]
        shown = [f for f in self.draft.fields(self.closed) if f in numbers]
        self._choose(self.field if self.field in shown else shown[0], step)

    def _choose(self, field: Field, step: int) -> None:
        offered = offer(self.draft, field, self.esper.record, self._first) if isinstance(field, Head) else None
        self.draft = self.draft.moved(field, step, offered.choices if offered else (), self.closed)
        if field in (Head.OP, Head.SLOT):
            self._fit()
        self.frame()

    def _fit(self) -> None:
        self.draft = fitting(self.draft, self.esper.record, self._first)

    @property
    def _first(self) -> Legality | None:
        return self.legal[self.draft.envs[0]]

    # --- sending -----------------------------------------------------------------------------------------------

    def action_queue_override(self) -> None:
        """Sends it; what is final is asked about once more."""
        asked = [guarded(self.esper.record, one) for one in self.draft.overrides(self.closed)]
        self.esper.send_overrides(asked, lambda: self.dismiss(None))
