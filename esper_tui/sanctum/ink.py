"""What lines are painted with: styles by name, and the characters the terminal can show.

A *line* is a sequence of pieces, each a text and the name of a style (``theme``); two names with a blank between
them are laid over each other.  Lines are plain values, so that a widget can compare them before it repaints.
"""

from collections.abc import Iterable
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from esper_tui.sanctum.glyphs import Glyphs
from esper_tui.sanctum.text import cell_len, fit
from esper_tui.sanctum.theme import Styles

Piece = tuple[str, str]
Line = tuple[Piece, ...]


def line(*parts: str | Piece | Iterable[Piece]) -> Line:
    """A line of plain texts, pieces and other lines, in order."""
    pieces: list[Piece] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append((part, ""))
        elif isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], str):
            pieces.append(part)
        else:
            pieces.extend(part)
    return tuple(piece for piece in pieces if piece[0])


def word(text: str, style: str = "") -> Line:
    """A line of one piece; quicker than ``line`` where there are thousands."""
    return ((text, style),) if text else ()


def plain(content: Line) -> str:
    return "".join(text for text, _ in content)


def width_of(content: Line) -> int:
    return sum(cell_len(text) for text, _ in content)


def fitted(content: Line, width: int, align: str = "<") -> Line:
    """The line in exactly so many cells: padded, or cut with an ellipsis."""
    pad = width - width_of(content)
    if pad >= 0:
        blank: Line = ((" " * pad, ""),) if pad else ()
        return blank + content if align == ">" else content + blank
    kept: list[Piece] = []
    for text, style in content:
        length = cell_len(text)
        if length >= width:
            return (*kept, (fit(text + " ", width), style)) if width > 0 else tuple(kept)
        kept.append((text, style))
        width -= length
    return tuple(kept)


def spread(left: Line, right: Line, width: int) -> Line:
    """Two lines at the two ends of so many cells; the right one goes first if there is no room for both."""
    room = width - width_of(right)
    if width_of(left) + 1 > room:
        return fitted(left, width)
    return fitted(left, room) + right


class Ink:
    """Paints lines in one theme and one set of glyphs."""

    def __init__(self, styles: Styles, glyphs: Glyphs):
        self.styles, self.glyphs = styles, glyphs
        self._style = lru_cache(maxsize=512)(self._look_up)

    def style(self, names: str) -> Style:
        return self._style(names)

    def _look_up(self, names: str) -> Style:
        return Style.combine(self.styles[name] for name in names.split(" "))

    def strip(self, content: Line, width: int, base: Style, over: str = "") -> Strip:
        """The line as exactly ``width`` cells on the style of a widget; ``over`` names a style laid over all."""
        base = base + self.style(over) if over else base
        shown = self.glyphs.shown
        segments = [Segment(shown(text), base + self.style(names)) for text, names in content]
        return Strip(segments).adjust_cell_length(width, base)
