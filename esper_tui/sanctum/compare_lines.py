"""The table and the settings of a comparison, as lines.  Pure."""

import statistics
from collections.abc import Sequence
from typing import Any

from esper_tui.sanctum.cards import LETTERS, STATE_STYLES
from esper_tui.sanctum.curves import Curves, shown_unit
from esper_tui.sanctum.ink import Line, fitted, line
from esper_tui.sanctum.text import DASH, duration, fixed, percent
from esper_tui.sanctum.widgets.grid import Column, fit_columns
from esper_tui.sanctum.widgets.header import run_name

COLUMNS = (
    Column("letter", "", 1),
    Column("run", "run", 18, grow=20),
    Column("envs", "envs", 4, ">", drop=5),
    Column("last", "last mean", 9, ">"),
    Column("spread", "± SD", 7, ">"),
    Column("best", "best", 8, ">", drop=3),
    Column("test", "test gain [95 %]", 21, ">", drop=2),
    Column("time", "time", 8, ">", drop=4),
    Column("state", "state", 8, drop=6),
    Column("badge", "", 11, drop=1),
)
Cells = dict[str, Line]


def summary_lines(runs: Sequence[Curves], metric: str, width: int) -> list[Line]:
    """A line per run: where a metric ended, its spread over environments; and the spread over the runs."""
    widths = fit_columns(COLUMNS, width)
    head = {column.key: line((column.title, "head")) for column in COLUMNS}
    rows = [head, *(run_cells(run, place, metric) for place, run in enumerate(runs)), over_runs(runs, metric)]
    return [_row(cells, widths) for cells in rows]


def _row(cells: Cells, widths: dict[str, int]) -> Line:
    return joined([fitted(cells.get(c.key, ()), widths[c.key], c.align) for c in COLUMNS if c.key in widths])


def joined(cells: Sequence[Line]) -> Line:
    """Cells side by side with a blank between."""
    return line(*(piece for i, cell in enumerate(cells) for piece in ((" ", cell) if i else (cell,))))


def run_cells(run: Curves, place: int, metric: str) -> Cells:
    card, values, style = run.card, run.last(metric), f"series-{place}"
    test = run.test and tuple(percent(run.test[k], 1, sign=True) for k in ("mean", "low", "high"))
    return {
        "letter": line((LETTERS[place], f"bold {style}")),
        "run": line((run_name(card.path), style)),
        "envs": line(str(len(values)) if values and metric in run.columns else DASH),
        "last": line(_shown(metric, statistics.fmean(values) if values else None)),
        "spread": line(_spread(metric, values)),
        "best": line(_shown(metric, run.best(metric))),
        "test": line(f"{test[0]} [{test[1]}, {test[2]}]" if test else DASH),
        "time": line(duration(run.x["wall"][-1]) if run.x["wall"] else DASH),
        "state": line((card.state, STATE_STYLES.get(card.state, ""))),
        "badge": line((f"ASSISTED({card.assisted})", "badge")) if card.assisted else (),
    }


def over_runs(runs: Sequence[Curves], metric: str) -> Cells:
    """The mean of the runs' means and their spread: over seeds, where the runs differ in nothing else."""
    means = [statistics.fmean(values) for run in runs if (values := run.last(metric))]
    return {
        "run": line(("over the runs", "dim")),
        "last": line(_shown(metric, statistics.fmean(means) if means else None)),
        "spread": line(_spread(metric, means)),
    }


def _shown(metric: str, value: float | None) -> str:
    scale, unit = shown_unit(metric)
    return fixed(None if value is None else scale * value, 1 if unit == "%" else 4)


def _spread(metric: str, values: Sequence[float]) -> str:
    return f"±{_shown(metric, statistics.stdev(values))}" if len(values) > 1 else DASH


def config_lines(differences: Sequence[tuple[str, Sequence[Any]]], width: int) -> list[Line]:
    """A line per setting that is not the same everywhere: its key and the value in each run."""
    if not differences:
        return [line(("all runs have the same settings", "dim"))]
    keys = max(len(key) for key, _ in differences)
    runs = len(differences[0][1])
    room = max(6, (width - keys - 1) // runs - 1)
    heads = [fitted(line((LETTERS[i], f"bold series-{i}")), room) for i in range(runs)]
    lines = [line(" " * (keys + 1), joined(heads))]
    for key, values in differences:
        cells = [fitted(line((told(value), f"series-{i}")), room) for i, value in enumerate(values)]
        lines.append(line((f"{key:<{keys}} ", "dim"), joined(cells)))
    return lines


def told(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return DASH if value is None else str(value).lower() if isinstance(value, bool) else str(value)
