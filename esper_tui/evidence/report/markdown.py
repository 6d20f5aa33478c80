"""A report as Markdown: the same sentences and tables, pictures in characters."""

from collections.abc import Callable, Iterator

from esper_tui.evidence.report.blocks import Cell, Commands, Facts, Figure, Paragraph, Report, Section, Table, Tiles
from esper_tui.evidence.report.escape import clean, for_markdown
from esper_tui.evidence.report.lettering import lettered
from esper_tui.sanctum.ink import plain

WIDTH, HEIGHT, SMALL = 96, 14, 10


def to_markdown(report: Report) -> str:
    badges = " · ".join(f"**{for_markdown(text)}**" for text, _ in report.badges)
    head = [f"# {for_markdown(report.title)}", for_markdown(report.subtitle), badges]
    parts = [part for section in report.sections for part in _section(section)]
    return "\n\n".join(part for part in (*head, *parts) if part) + "\n"


def _section(section: Section) -> Iterator[str]:
    if section.title:
        yield f"{'#' * section.level} {for_markdown(section.title)}"
    for block in section.blocks:
        yield _WRITE[type(block)](block)


def _paragraph(block: Paragraph) -> str:
    text = for_markdown(block.text)
    return f"**{text}**" if block.tone == "lead" else text


def _facts(block: Facts) -> str:
    return "\n".join("* " + for_markdown(f"{name}: {value}") for name, value in block.pairs)


def _tiles(block: Tiles) -> str:
    return "\n".join(f"* **{for_markdown(number)}** {for_markdown(what)}" for number, what in block.pairs)


def _commands(block: Commands) -> str:
    width = max(len(command) for command, _ in block.lines)
    return _fenced([f"{clean(command):<{width}}  # {clean(what)}" for command, what in block.lines])


def _table(block: Table) -> str:
    note = f"{for_markdown(block.note)}\n\n" if block.note else ""
    rule = "|".join(" ---: " if right else " --- " for right in block.right)
    head = " | ".join(for_markdown(title) for title in block.titles)
    return note + "\n".join([f"| {head} |", f"|{rule}|", *(_row(row) for row in block.rows)])


def _row(row: tuple[Cell, ...]) -> str:
    return f"| {' | '.join(for_markdown(cell.text) for cell in row)} |"


def _figure(block: Figure) -> str:
    """The panels that are shown at once; the others are only in the HTML file."""
    parts = [for_markdown(block.note)] if block.note else []
    if block.legend:
        parts.append(", ".join(f"{letter} {for_markdown(name)}" for _, name, letter in block.legend))
    for panel in block.panels[: block.many]:
        height = HEIGHT if len(block.panels) == 1 else SMALL
        drawn = [plain(row).rstrip() for row in lettered(panel.plot, WIDTH, height, "block")]
        parts.append(_fenced([*([clean(panel.title)] if panel.title else []), *drawn]))
    return "\n\n".join(parts)


def _fenced(lines: list[str]) -> str:
    """A block in which nothing means anything, whatever the lines hold."""
    fence = "```"
    while any(fence in text for text in lines):
        fence += "`"
    return "\n".join([fence, *lines, fence])


_WRITE: dict[type, Callable[..., str]] = {
    Paragraph: _paragraph, Facts: _facts, Tiles: _tiles, Commands: _commands, Table: _table, Figure: _figure,
}  # fmt: skip
