"""Leaving a run: it never takes one key to lose it."""

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType

from esper_tui.leyline.session import Progress
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.modals.base import Modal
from esper_tui.sanctum.text import duration
from esper_tui.sanctum.widgets.panel import Panel

Choice = Literal["detach", "checkpoint", "abandon"]


def quit_lines(progress: Progress, attached: bool = False) -> list[Line]:
    """What each key does, with the time it takes as far as it is known."""
    within = f" (≤ {duration(progress.epoch_s)})" if progress.epoch_s else ""
    question = line(f"The run is {progress.state}. What should become of it?")
    if attached:
        return [
            question,
            (),
            line(("k", "key"), " ", ("Enter", "key"), " detach (the run goes on)"),
            line(("c", "key"), f"       end the run with a receipt{within}"),
            line(("a", "key"), "       abandon: end it now, nothing more is measured or kept"),
            line(("Esc", "key"), "     stay"),
        ]
    return [
        question,
        (),
        line(("k", "key"), "       keep training without this screen"),
        line(("c", "key"), " ", ("Enter", "key"), f" end at the next boundary, with its receipt{within}"),
        line(("a", "key"), "       abandon: end now, nothing more is measured or kept"),
        line(("Esc", "key"), "     stay"),
    ]


class QuitDialog(Modal[Choice]):
    """Gives back what was chosen, None to stay.  Enter does what ends nothing that others may still want."""

    scope = "quit"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("quit")]
    DEFAULT_CSS = "QuitDialog > Panel { width: 66; height: 8; }"

    def __init__(self, progress: Progress, attached: bool = False):
        super().__init__()
        self.progress, self.attached = progress, attached

    def compose(self) -> ComposeResult:
        yield Panel("leave the run", classes="dialog")

    def on_mount(self) -> None:
        self.query_one(Panel).show_lines(quit_lines(self.progress, self.attached))

    def action_quit_detach(self) -> None:
        self.dismiss("detach")

    def action_quit_default(self) -> None:
        self.dismiss("detach" if self.attached else "checkpoint")

    def action_quit_stop(self) -> None:
        self.dismiss("checkpoint")

    def action_quit_abandon(self) -> None:
        self.dismiss("abandon")
