"""The characters a terminal can show, as three sets: braille dots, blocks, plain ASCII.

Text is written with its best characters everywhere; what a set does not have is exchanged one for one when a line is
painted, so that nothing shifts.
"""

import locale
import os
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Glyphs:
    """A set.  ``exchange`` is for ``str.translate``; ``ascii_only`` makes question marks of all other characters.

    Attributes:
        spark: levels of a sparkline, lowest first.
        plot: how a chart draws: braille (2x4 dots per cell), block (1x8) or ascii (1x1).
    """

    name: str
    spark: str
    plot: str
    exchange: Mapping[int, int] = field(default_factory=dict)
    ascii_only: bool = False

    def shown(self, text: str) -> str:
        """The text as this set can show it; as many cells as before."""
        if text.isascii() or not (self.exchange or self.ascii_only):
            return text
        text = text.translate(self.exchange)
        return "".join(c if c < "\x7f" else "?" for c in text) if self.ascii_only else text


_PLAIN = {
    ord(fine): ord(coarse)
    for coarse, fines in {
        ".": "·░▁", "-": "–—−─━", "~": "…≈±", "|": "│┃‖", "+": "┌┐└┘├┤┬┴┼╭╮╰╯✓", ">": "▶→≥»›", "<": "◀←≤«‹",
        "#": "■□█▇▓▒", "o": "●○", "^": "▲△↑", "v": "▼▽↓", "x": "×✗", "!": "≠", "d": "Δ", "s": "σ", "_": "▂",
        "=": "▃▄▅▆",
    }.items()
    for fine in fines
}  # fmt: skip
UNICODE = Glyphs("unicode", "⣀⣄⣤⣦⣶⣷⣿", "braille")
BLOCK = Glyphs("block", "▁▂▃▄▅▆▇█", "block")
ASCII = Glyphs("ascii", "_.-=+*#", "ascii", _PLAIN, ascii_only=True)
SETS = {g.name: g for g in (UNICODE, BLOCK, ASCII)}


def choose_glyphs(wanted: str = "auto", environ: Mapping[str, str] | None = None) -> Glyphs:
    """The set of a name; ``auto`` asks ESPER_GLYPHS, then whether the locale and the terminal can show UTF-8."""
    environ = os.environ if environ is None else environ
    name = wanted if wanted in SETS else environ.get("ESPER_GLYPHS", "")
    if name in SETS:
        return SETS[name]
    if not _utf8(environ):
        return ASCII
    return BLOCK if environ.get("TERM") == "linux" else UNICODE


def _utf8(environ: Mapping[str, str]) -> bool:
    named = next((environ[k] for k in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(k)), "")
    if named in ("C", "POSIX"):
        return False
    return "utf" in (named or locale.getpreferredencoding(False)).lower()
