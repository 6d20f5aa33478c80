"""The palette: everything that can be done, found by a few letters."""

from typing import ClassVar

from textual.binding import BindingType

from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.modals.finder import Finder
from esper_tui.sanctum.offer import Entry, palette_entries


class PaletteDialog(Finder):
    """All actions that are on offer in this session, those that work here first."""

    scope = "palette"
    title_ = "everything that can be done"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("palette")]

    def found(self, words: str) -> list[Entry]:
        app = self.esper
        return palette_entries(words, self.scopes, app.role, app.looking, app.settings.keys)
