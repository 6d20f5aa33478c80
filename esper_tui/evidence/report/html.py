"""A report as one HTML file: style and pictures inside, no script, nothing that is fetched."""

from collections.abc import Callable
from pathlib import Path

import esper_tui
from esper_tui.evidence.report.blocks import (
    Cell,
    Commands,
    Facts,
    Figure,
    Panel,
    Paragraph,
    Report,
    Section,
    Table,
    Tiles,
)
from esper_tui.evidence.report.escape import anchor, for_html
from esper_tui.evidence.report.svg import draw

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What a browser may do for this page: nothing but its own style, even if foreign text had slipped through."""
STYLE = Path(__file__).with_name("style.css")


def to_html(report: Report) -> str:
    badges = "".join(f'<span class="badge {for_html(tone)}">{for_html(text)}</span>' for text, tone in report.badges)
    names = _anchors(report.sections)
    body = "\n".join(_section(section, name) for section, name in zip(report.sections, names, strict=True))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{for_html(report.title)} · {for_html(report.subtitle)}</title>\n"
        f"<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>\n"
        f'<header>\n<h1>{for_html(report.title)}</h1>\n<p class="subtitle">{for_html(report.subtitle)}</p>\n'
        f"<div>{badges}</div>\n{_contents(report.sections, names)}</header>\n{body}\n"
        f"<footer>Written by esper {for_html(esper_tui.__version__)}; this file is all there is.</footer>\n"
        "</main>\n</body>\n</html>\n"
    )


def _anchors(sections: tuple[Section, ...]) -> list[str]:
    """A name for every section, no two alike."""
    found: list[str] = []
    for section in sections:
        name = anchor(section.title)
        found.append(name if name not in found else f"{name}-{len(found)}")
    return found


def _contents(sections: tuple[Section, ...], names: list[str]) -> str:
    links = [
        f'<a href="#{name}">{for_html(section.title)}</a>'
        for section, name in zip(sections, names, strict=True)
        if section.level == 2 and section.title
    ]
    return f"<nav>{''.join(links)}</nav>\n" if len(links) > 1 else ""


def _section(section: Section, name: str) -> str:
    level = section.level
    head = f'<h{level} id="{name}">{for_html(section.title)}</h{level}>' if section.title else ""
    return "\n".join([f"<section>{head}", *(_WRITE[type(block)](block) for block in section.blocks), "</section>"])


def _paragraph(block: Paragraph) -> str:
    return f'<p class="{for_html(block.tone)}">{for_html(block.text)}</p>'


def _facts(block: Facts) -> str:
    return f"<dl>{''.join(f'<dt>{for_html(k)}</dt><dd>{for_html(v)}</dd>' for k, v in block.pairs)}</dl>"


def _tiles(block: Tiles) -> str:
    tiles = "".join(f'<div class="tile"><b>{for_html(n)}</b><span>{for_html(w)}</span></div>' for n, w in block.pairs)
    return f'<div class="tiles">{tiles}</div>'


def _commands(block: Commands) -> str:
    width = max(len(command) for command, _ in block.lines)
    lines = (f'{for_html(command)}{" " * (width - len(command))}  <span class="dim"># {for_html(what)}</span>'
             for command, what in block.lines)  # fmt: skip
    return f"<pre>{chr(10).join(lines)}</pre>"


def _table(block: Table) -> str:
    note = f'<p class="note">{for_html(block.note)}</p>' if block.note else ""
    shown, rest = block.rows[: block.many], block.rows[block.many :]
    more = f"<details><summary>{len(rest)} more</summary>{_rows(block, rest)}</details>" if rest else ""
    return note + _rows(block, shown) + more


def _rows(block: Table, rows: tuple[tuple[Cell, ...], ...]) -> str:
    kinds = [' class="r"' if right else "" for right in block.right]
    titles = zip(block.titles, kinds, strict=True)
    head = "".join(f'<th scope="col"{kind}>{for_html(title)}</th>' for title, kind in titles)
    body = "".join(
        f"<tr>{''.join(_cell(cell, right) for cell, right in zip(row, block.right, strict=True))}</tr>\n"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _cell(cell: Cell, right: bool) -> str:
    kinds = " ".join(filter(None, ("r" if right else "", cell.tone)))
    return f'<td class="{for_html(kinds)}">{for_html(cell.text)}</td>' if kinds else f"<td>{for_html(cell.text)}</td>"


def _figure(block: Figure) -> str:
    wide = len(block.panels) == 1
    shown, rest = block.panels[: block.many], block.panels[block.many :]
    legend = "".join(
        f'<span><i class="swatch {for_html(role)}"></i>{for_html(_named(letter, name))}</span>'
        for role, name, letter in block.legend
    )
    head = (f'<div class="legend">{legend}</div>' if legend else "") + (
        f'<figcaption class="note">{for_html(block.note)}</figcaption>' if block.note else ""
    )
    more = f"<details><summary>{len(rest)} more</summary>{_panels(rest, wide)}</details>" if rest else ""
    return f"<figure>{head}{_panels(shown, wide)}{more}</figure>"


def _named(letter: str, name: str) -> str:
    """Colour tells lines apart here; what has more than a letter is known by it."""
    return f"{letter} {name}" if len(letter) > 1 else name


def _panels(panels: tuple[Panel, ...], wide: bool) -> str:
    drawn = (
        f'<div class="panel">{f"<h4>{for_html(p.title)}</h4>" if p.title else ""}'
        f"{draw(p.plot, wide, p.title or 'plot')}</div>"
        for p in panels
    )
    return "".join(drawn) if wide else f'<div class="panels">{"".join(drawn)}</div>'


_WRITE: dict[type, Callable[..., str]] = {
    Paragraph: _paragraph, Facts: _facts, Tiles: _tiles, Commands: _commands, Table: _table, Figure: _figure,
}  # fmt: skip
