"""Runs and presets as they are listed: the rows that the launch screen and the list of runs share."""

import time
from collections.abc import Sequence

from esper_tui.leyline.launcher import PresetCard, RunCard
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.text import DASH, fixed, percent, size
from esper_tui.sanctum.widgets.grid import Column, Row
from esper_tui.sanctum.widgets.header import run_name

LETTERS = "ABCDEF"
"""Runs that are compared, by the order in which they were marked."""
STATE_STYLES = {
    "running": "run",
    "done": "good",
    "stopped": "dim",
    "failed": "bad",
    "diverged": "bad",
    "crashed": "warn",
}

RECENT_COLUMNS = (
    Column("started", "started", 16, drop=3),
    Column("run", "run", 18, grow=14),
    Column("state", "state", 8),
    Column("epochs", "ep", 4, ">", drop=5),
    Column("best", "best%", 5, ">", drop=4),
    Column("gain", "gain", 6, ">", drop=6),
    Column("marks", "", 10, grow=30, drop=7),
)
RUN_COLUMNS = (
    Column("letter", "", 1),
    *RECENT_COLUMNS[:-1],
    Column("size", "size", 5, ">", drop=8),
    Column("marks", "marks", 11, grow=24, drop=7),
    Column("text", "how it ended", 12, grow=60, drop=9),
)


def day_time(t: float | None) -> str:
    """Seconds since the epoch as local date and time; they sort as they stand."""
    return DASH if t is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(t))


def run_row(card: RunCard, letter: Line = (), pinned: bool = False) -> Row:
    """A run as a row.  Its facts are what it is sorted and filtered by."""
    cells = {
        "letter": letter,
        "started": line((day_time(card.started), "dim")),
        "run": line(("* " if pinned else ""), run_name(card.path)),
        "state": line((card.state, STATE_STYLES.get(card.state, ""))),
        "epochs": line(str(card.epochs) if card.epochs else DASH),
        "best": line(percent(card.best)),
        "gain": line(fixed(card.gain, 2, sign=True)),
        "size": line((size(card.size), "dim")),
        "marks": marks(card),
        "text": line((card.text, "dim")),
    }
    facts = {
        "started": card.started, "run": card.id, "preset": card.preset, "state": card.state, "epochs": card.epochs,
        "best": None if card.best is None else 100 * card.best, "gain": card.gain, "size": card.size,
        "assisted": card.assisted, "tag": " ".join(card.tags), "text": card.text,
    }  # fmt: skip
    return Row(card.id, cells, facts)


def marks(card: RunCard) -> Line:
    """The badge of a run that a person had a hand in, and its tags."""
    badge = ((f"ASSISTED({card.assisted})", "badge"), (" ", "")) if card.assisted else ()
    return line(badge, (" ".join(f"#{tag}" for tag in card.tags), "human"))


FIRST = "quickstart"
"""The preset that the cursor stands on at first: it needs nothing and takes a minute."""
PRESET_COLUMNS = (Column("name", "preset", 11, grow=17), Column("origin", "", 7, drop=2))


def preset_row(card: PresetCard, changed: bool = False) -> Row:
    style = "bad" if card.problem else "warn" if card.needs else ""
    sign = "!" if card.problem else "*" if changed else ""
    cells = {"name": line((card.name, style), (sign, style)), "origin": line((card.origin, "dim"))}
    return Row(card.name, cells, {"name": card.name, "origin": card.origin, "text": card.description})


def preset_rows(cards: Sequence[PresetCard], changed: Sequence[str] = ()) -> list[Row]:
    return [preset_row(card, card.name in changed) for card in cards]
