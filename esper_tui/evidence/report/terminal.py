"""A report in the terminal: the same sentences, tables and plots as lines, in colour where there is some."""

from collections.abc import Callable, Iterator
from textwrap import wrap

from esper_tui.evidence.report.blocks import Commands, Facts, Figure, Paragraph, Report, Table, Tiles
from esper_tui.evidence.report.escape import clean
from esper_tui.evidence.report.lettering import lettered
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.text import cell_len, fit

CELL = 40
"""Cells of a column, at most; the last one takes what is left."""
COLOURS = {
    "own": "bright_blue", "control": "bright_black", "dim": "bright_black", "good": "green", "bad": "red",
    "person": "magenta", "germinated": "yellow", "training": "yellow", "blending": "cyan", "holding": "blue",
    "fossilized": "green", "pruned": "red", "series-0": "bright_blue", "series-1": "yellow", "series-2": "green",
    "series-3": "magenta", "series-4": "cyan", "series-5": "red", "series-6": "bright_magenta", "series-7": "white",
}  # fmt: skip
"""Style → name of a colour that every terminal has."""


def to_lines(report: Report, width: int, kind: str) -> Iterator[Line]:
    """The report in so many columns; ``kind`` says what plots are drawn with (braille, block, ascii)."""
    yield line((clean(report.title), "bold"), f"  {clean(report.subtitle)}")
    badges = [(f"[{clean(text)}] ", tone) for text, tone in report.badges]
    yield line(*badges) if badges else line("")
    for section in report.sections:
        if section.title:
            yield from (line(""), line((clean(section.title), "bold")))
        for block in section.blocks:
            yield from _WRITE[type(block)](block, width, kind)


def _wrapped(text: str, width: int) -> Iterator[str]:
    yield from wrap(clean(text), width, break_long_words=False, break_on_hyphens=False) or [""]


def _paragraph(block: Paragraph, width: int, kind: str) -> Iterator[Line]:
    style = {"lead": "bold", "dim": "dim"}.get(block.tone, "")
    for text in _wrapped(block.text, min(width, 100)):
        yield line((text, style))


def _commands(block: Commands, width: int, kind: str) -> Iterator[Line]:
    for command, what in block.lines:
        yield line(clean(command), (f"  # {clean(what)}", "dim"))


def _pairs(block: Facts | Tiles, width: int, kind: str) -> Iterator[Line]:
    room = max(cell_len(clean(name)) for name, _ in block.pairs)
    for name, value in block.pairs:
        first, *rest = _wrapped(value, max(20, min(width, 120) - room - 2))
        yield line((fit(clean(name), room), "dim" if isinstance(block, Facts) else ""), f"  {first}")
        for text in rest:
            yield line(" " * (room + 2) + text)


def _table(block: Table, width: int, kind: str) -> Iterator[Line]:
    if block.note:
        yield line((clean(block.note), "dim"))
    texts = [[clean(cell.text) for cell in row] for row in block.rows]
    rooms = [min(CELL, max(map(cell_len, column))) for column in zip(block.titles, *texts, strict=True)]
    rooms[-1] = max(rooms[-1], width - sum(rooms[:-1]) - 2 * len(rooms))
    sides = [">" if right else "<" for right in block.right]
    yield line((_joined(block.titles, rooms, sides).rstrip(), "dim"))
    for row, cells in zip(texts, block.rows, strict=True):
        pieces = [
            piece
            for text, cell, room, side in zip(row, cells, rooms, sides, strict=True)
            for piece in ((fit(text, room, side), cell.tone), ("  ", ""))
        ]
        yield line(*pieces)


def _joined(texts: list[str], rooms: list[int], sides: list[str]) -> str:
    return "  ".join(fit(text, room, side) for text, room, side in zip(texts, rooms, sides, strict=True))


def _figure(block: Figure, width: int, kind: str) -> Iterator[Line]:
    if block.note:
        yield line((clean(block.note), "dim"))
    if block.legend:
        yield line(*[piece for role, name, letter in block.legend for piece in ((letter, role), f" {clean(name)}  ")])
    for panel in block.panels[: block.many]:
        if panel.title:
            yield line((clean(panel.title), "dim"))
        yield from lettered(panel.plot, min(width, 120), 16 if len(block.panels) == 1 else 10, kind)


_WRITE: dict[type, Callable[..., Iterator[Line]]] = {
    Paragraph: _paragraph, Facts: _pairs, Tiles: _pairs, Commands: _commands, Table: _table, Figure: _figure,
}  # fmt: skip
