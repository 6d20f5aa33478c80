"""Foreign text on its way out: tags, notes, messages of a run that somebody else may have written."""

import html
import re

LONGEST = 2000
"""Characters of one text; more is cut."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
_EMPHASIS = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_LINK = re.compile(r"\](?=[(\[:])")
_LINE_START = re.compile(r"^(\s*)([#>+-]|\d+[.)])(?=\s|$)")


def clean(text: object) -> str:
    """On one line, without control characters, marks of direction and halves of characters."""
    plain = _CONTROL.sub(" ", str(text)).strip()
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def for_html(text: object) -> str:
    """For the inside of an element or of a quoted attribute."""
    return html.escape(clean(text), quote=True)


def for_markdown(text: object) -> str:
    """For a paragraph or a table cell: shown as it is, no link, no picture, no tag, no new cell."""
    plain = clean(text).replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for sign in ("`", "*", "|", "~"):
        plain = plain.replace(sign, f"\\{sign}")
    plain = _LINK.sub(r"\\]", _EMPHASIS.sub(r"\\_", plain))
    return _LINE_START.sub(r"\1\\\2", plain)


def anchor(text: str) -> str:
    """A name for a link inside the page."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"
