"""What a view is."""

from typing import Any, ClassVar

from textual.containers import Vertical
from textual.events import DescendantFocus, Resize
from textual.widget import Widget

from esper_tui.karn.record import RunRecord
from esper_tui.sanctum.widgets.panel import Gated, Panel

TINY = 64
"""Columns below which panels do not stand side by side."""


class View(Gated, Vertical):
    """One of the views 1-8 or the launch screen.  Made on first use, kept afterwards.

    ``show`` is called once a frame while the view is visible; it compares before it redraws anything.  Class
    bindings come from the action table: ``BINDINGS = [*bindings("name")]``.  Layouts that follow the breakpoints need
    ``SCOPED_CSS = False`` on the class: the classes -narrow, -wide, -short and so on are on the screen.

    Attributes:
        scope: names its actions in the table.
        help: what the view is for, shown by the help screen above the help of the focused panel.
        metrics: beginnings of the keys of metrics it shows, whose levels the help screen lists.
    """

    scope: ClassVar[str] = ""
    help: ClassVar[str] = ""
    metrics: ClassVar[tuple[str, ...]] = ()
    DEFAULT_CSS = """
    View { height: 1fr; width: 1fr; }
    View.-tiny.-folding Horizontal { layout: vertical; height: 2 !important; }
    View.-tiny.-folding Horizontal:focus-within { height: 1fr !important; }
    View.-tiny.-folding .framed { width: 1fr !important; height: 1 !important; }
    View.-tiny.-folding .framed:focus { height: 1fr !important; }
    """
    last_focus: Widget | None = None

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.heights: dict[Widget, Any] = {}  # what zoomed widgets had before

    def on_resize(self, event: Resize) -> None:
        """On a tiny screen a folding view opens only the panel that has the focus."""
        self.set_class(event.size.width < TINY, "-tiny")

    def show(self, record: RunRecord) -> None:
        """Draws what changed."""

    def on_view_enter(self) -> None:
        """Called when the view becomes visible; puts the focus where work begins."""
        if (first := self.first_focus()) is not None:
            first.focus()

    def first_focus(self) -> Widget | None:
        return next((w for w in self.query(Widget) if w.can_focus and w.display), None)

    def go_back(self) -> bool:
        """Esc inside the view: undoes the innermost thing; returns whether there was one."""
        return False

    def marked_envs(self) -> list[int]:
        """Environments that are marked here, for an override of all of them."""
        return []

    def panels(self) -> list[Panel]:
        """Panels that can be zoomed."""
        return [p for p in self.query(Panel) if p.can_focus and p.display]

    # --- panels ------------------------------------------------------------------------------------------------

    def focus_again(self) -> None:
        """After a prompt: back to where the focus was."""
        last = self.last_focus
        target = last if last is not None and last.is_attached and last.display else self.first_focus()
        if target is not None:
            target.focus()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        self.last_focus = event.widget

    def toggle_zoom(self, panel: Panel) -> None:
        """Gives one panel the whole view, or the room back."""
        if self.unzoom():
            return
        node: Widget = panel
        while node is not self and isinstance(node.parent, Widget):
            for sibling in node.parent.children:
                sibling.set_class(sibling is not node, "-away")
            node.add_class("-zoomed")
            self.heights[node] = node.styles.height
            node.styles.height = "1fr"
            node = node.parent
        panel.show_zoomed(True)

    def unzoom(self) -> bool:
        """Returns whether something was zoomed."""
        zoomed = bool(self.query(".-zoomed"))
        for widget in self.query(".-zoomed, .-away"):
            if isinstance(widget, Panel) and widget.has_class("-zoomed"):
                widget.show_zoomed(False)
            widget.remove_class("-zoomed", "-away")
        for node, height in self.heights.items():
            node.styles.height = height
        self.heights.clear()
        return zoomed

    def resize_row(self, panel: Panel, lines: int) -> None:
        """Gives the row that a panel stands in more or fewer lines."""
        row: Widget = panel
        while row.parent is not self and isinstance(row.parent, Widget):
            row = row.parent
        row.styles.height = min(max(3, row.outer_size.height + lines), max(3, self.size.height - 3))
