"""A block of lines with a title: the base of everything that is drawn here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from esper_tui.sanctum.actions import ACTIONS, ASKING
from esper_tui.sanctum.ink import Ink, Line

if TYPE_CHECKING:
    from esper_tui.sanctum.app import EsperApp


class Gated(Widget):
    """Knows the application, and keeps the actions shut that may not be done now.

    Attributes:
        scope: names its actions in the action table; empty where it has none.
    """

    scope: ClassVar[str] = ""

    @property
    def esper(self) -> "EsperApp":
        return cast("EsperApp", self.app)

    @property
    def ink(self) -> Ink:
        return self.esper.ink

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        known = ACTIONS.get(action)
        asks = action in ASKING and isinstance(self.screen, ModalScreen)
        return known is None or (self.esper.allows(known) and not asks)


class Panel(Gated):
    """Lines drawn as they are; ``show_lines`` repaints only those that differ from before.

    Attributes:
        help: what the panel means, for the help screen.
        opens: what Enter does here, in a word for the footer; empty leaves it at "open".
    """

    DEFAULT_CSS = """
    Panel { height: auto; width: 1fr; }
    """
    opens = ""

    def __init__(self, title: str = "", *, id: str | None = None, classes: str | None = None, help: str = ""):
        super().__init__(id=id, classes=classes)
        self.lines: Sequence[Line] = ()
        self.help = help
        self.titles = title, ""
        self._strips: dict[int, Strip] = {}

    def show_lines(self, lines: Sequence[Line], title: str | None = None) -> None:
        """Draws the lines from the top; what does not fit is cut."""
        if title is not None:
            self.show_title(title)
        old, self.lines = self.lines, lines
        if old is lines:
            return
        height = max(len(old), len(lines))
        dirty = [
            y for y in range(height) if (old[y] if y < len(old) else None) != (lines[y] if y < len(lines) else None)
        ]
        self.repaint(dirty)

    def show_title(self, title: str, subtitle: str | None = None) -> None:
        """Titles in the border; Textual keeps no room around them where a border has no corners."""
        self.titles = title, self.titles[1] if subtitle is None else subtitle
        pad = "" if self.styles.border_left[0] else " "
        shown = [f"{pad}{self.ink.glyphs.shown(text)}{pad}" if text else "" for text in self.titles]
        if shown != [self.border_title or "", self.border_subtitle or ""]:
            self.border_title, self.border_subtitle = shown

    def show_zoomed(self, zoomed: bool) -> None:
        """Called when the panel got the room of the whole view, or gave it back."""

    def repaint(self, rows: Sequence[int]) -> None:
        """Marks lines of the content as dirty."""
        for y in rows:
            self._strips.pop(y, None)
        if rows:
            width = self.size.width
            self.refresh(*(Region(0, y, width, 1) for y in rows if y < self.size.height))

    def repaint_all(self) -> None:
        """After a change of theme, glyphs or size."""
        self.show_title(*self.titles)
        self._strips.clear()
        self.refresh()

    def line_at(self, y: int) -> tuple[Line, str]:
        """The line in a row of the content, and the style laid over it."""
        return (self.lines[y], "") if y < len(self.lines) else ((), "")

    def render_line(self, y: int) -> Strip:
        strip = self._strips.get(y)
        if strip is None:
            content, over = self.line_at(y)
            strip = self._strips[y] = self.ink.strip(content, self.size.width, self.rich_style, over)
        return strip

    def on_resize(self, event: events.Resize) -> None:
        self._strips.clear()
        self.show_title(*self.titles)
        self.esper.draw_soon()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()
