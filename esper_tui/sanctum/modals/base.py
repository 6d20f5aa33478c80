"""What a modal is."""

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.binding import BindingType
from textual.screen import ModalScreen

from esper_tui.sanctum.actions import ACTIONS

if TYPE_CHECKING:
    from esper_tui.sanctum.app import EsperApp

T = TypeVar("T")


class Modal(ModalScreen[T]):
    """A dialog over the view; Esc closes it with None.  ``frame`` is called like a view's ``show``.

    Class bindings come from the action table: ``BINDINGS = [*bindings("name")]``; each scope has ``close``.
    """

    scope: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = """
    Modal { align: center middle; background: $background 60%; }
    Modal > .dialog {
        max-width: 100%; max-height: 100%; padding: 0 1;
        border: round $accent; border-title-color: $accent; border-title-style: bold; background: $surface;
    }
    """

    @property
    def esper(self) -> "EsperApp":
        return cast("EsperApp", self.app)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        known = ACTIONS.get(action)
        return known is None or self.esper.allows(known)

    def shown(self, title: str) -> str:
        """A title for the border of a container, in the glyphs that are chosen; panels do that themselves."""
        return self.esper.ink.glyphs.shown(title)

    def frame(self) -> None:
        """Called once a frame while the modal is on top."""

    def action_close(self) -> None:
        self.dismiss(None)
