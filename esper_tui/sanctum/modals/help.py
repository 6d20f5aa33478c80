"""Help: what the focused panel means, its keys, thresholds, alerts, words.  Enter on a key does what it does."""

from typing import ClassVar

from textual.binding import BindingType

from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.modals.finder import Finder
from esper_tui.sanctum.offer import Entry, Subject, help_entries, matching, wrapped
from esper_tui.sanctum.widgets.panel import Panel


class HelpDialog(Finder):
    """Made while the panel that it is about still has the focus."""

    scope = "help"
    title_ = "help"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("help")]

    def __init__(self, word: str = ""):
        super().__init__(word)
        app = self.esper
        view, panel = app.view, app.focused
        told = (str(panel.border_title or ""), panel.help) if isinstance(panel, Panel) else ("", "")
        seen = (view.scope, view.help, *told, view.metrics) if view is not None else ("", "", *told)
        self.all = help_entries(Subject(*seen), self.scopes, app.role, app.looking, app.settings.keys)

    def found(self, words: str) -> list[Entry]:
        return wrapped(matching(self.all, words), self.entries.size.width)
