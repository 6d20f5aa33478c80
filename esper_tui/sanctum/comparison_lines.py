"""Comparisons as rows, and the table of one of them as lines.  Pure."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from esper_tui.karn.comparisons import ComparisonCard
from esper_tui.leyline.comparison import ComparisonProgress
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.text import DASH, duration
from esper_tui.sanctum.widgets.grid import Column, Row

BAR = 6
COLUMNS = (
    Column("preset", "preset", 10, grow=12),
    Column("arms", "arms", 14, grow=34, drop=6),
    Column("units", "units", 12),
    Column("unit", "now", 15, grow=9, drop=1),
    Column("epoch", "epoch", 7, ">", drop=2),
    Column("eta", "left", 7, ">", drop=3),
    Column("seeds", "seeds", 5, ">", drop=5),
    Column("state", "state", 11),
)
STYLES = {
    "playing": "run",
    "done": "good",
    "interrupted": "warn",
    "stopped": "warn",
    "unknown": "dim",
    "damaged": "bad",
}
SENTENCES = {
    "playing": "",
    "done": "more --seeds go on from here",
    "interrupted": "interrupted; the same command goes on",
    "stopped": "stopped; the same command goes on",
    "unknown": "it does not say how far it is; the same command goes on",
    "damaged": "its plan or its progress cannot be read",
}
NO_TABLE = "no table yet; the first one comes when a block of seeds is finished"


def comparison_row(card: ComparisonCard) -> Row:
    told = card.progress
    playing = told is not None and card.state != "done"
    cells = {
        "preset": line(card.preset), "arms": line((" ".join(card.arms), "dim")),
        "units": units(told) if told is not None else line(DASH),
        "unit": line(told.unit if told is not None and playing else ""),
        "epoch": line(f"{told.epoch}/{told.epochs}" if told is not None and playing and told.epochs else ""),
        "eta": line(duration(told.eta_s) if told is not None and card.state == "playing" else ""),
        "seeds": line(str(told.seeds) if told is not None else DASH),
        "state": line((card.state, STYLES[card.state])),
    }  # fmt: skip
    facts = {
        "preset": card.preset, "arms": " ".join(card.arms), "state": card.state,
        "seeds": told.seeds if told is not None else None, "eta": told.eta_s if told is not None else None,
    }  # fmt: skip
    return Row(card.folder, cells, facts)


def units(told: ComparisonProgress) -> Line:
    """``■■■··· 2/4``; only how many there are where nobody knows how many there will be."""
    if not told.of:
        return line(f"{told.done} units")
    full = min(BAR, int(BAR * told.done_in_part / told.of))
    return line(("■" * full, "good"), ("·" * (BAR - full), "dim"), f" {told.done}/{told.of}")


def about_lines(card: ComparisonCard | None) -> list[Line]:
    """Arms, finished seeds and what to do, in one line; the folder in the other."""
    if card is None:
        return []
    count = card.progress.seeds if card.progress is not None else 0
    seeds = f"{count} seed{'' if count == 1 else 's'} finished" if card.progress is not None else ""
    parts = (" ".join(card.arms), seeds, SENTENCES[card.state])
    return [line("  ".join(filter(None, parts))), line((from_home(card.folder), "dim"))]


def from_home(folder: Path) -> str:
    """The path as people write it, with ``~`` for their own folder."""
    home = Path.home()
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)


def table_lines(table: Sequence[str], width: int, shift: int) -> list[Line]:
    """The table as it is: rows that are too wide pass by behind their first column, sentences are wrapped."""
    if not table:
        return [line((part, "dim")) for part in wrap(NO_TABLE, max(20, width))]
    found: list[Line] = []
    for one in table:
        if one.startswith("|"):
            found.append(line(shifted(one, shift)))
        else:
            found += [line(part) for part in wrap(one, max(20, width))] or [()]
    return found


def shifted(row: str, by: int) -> str:
    """The row of a table without so many characters behind its first column."""
    end = row.find("|", 1) + 1
    return row[:end] + row[end + by :]


def widest(table: Sequence[str]) -> int:
    return max((len(one) for one in table if one.startswith("|")), default=0)
