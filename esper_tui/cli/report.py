"""``esper report``: what a run or a comparison did, for people who were not there."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from esper_tui.cli.options import run_ids


def report(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Runs, or the folder of a comparison.", autocompletion=run_ids),
    ],
    to: Annotated[
        Path | None, typer.Option("--to", help="File for it, .html or .md; else reports/report.html of the run.")
    ] = None,
    terminal: Annotated[
        bool, typer.Option("--terminal", "-t", help="Show it here, plots included, and write nothing without --to.")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure the exported modules again on the test images.")
    ] = False,
) -> None:
    """Write one HTML file that needs nothing else, and the same as Markdown."""
    from esper_tui.evidence.report.write import make_report, write_report

    found, home = make_report(runs, measure)
    if terminal:
        from esper_tui.evidence.report.terminal import COLOURS, to_lines

        width = shutil.get_terminal_size().columns
        kind = "braille" if (sys.stdout.encoding or "").lower().startswith("utf") else "ascii"
        for pieces in to_lines(found, width, kind):
            painted = (typer.style(text, fg=_colour(COLOURS, style), bold="bold" in style) for text, style in pieces)
            typer.echo("".join(painted))
    if to is not None or not terminal:
        for path in write_report(found, to or home):
            typer.echo(path)


def _colour(colours: dict[str, str], style: str) -> str | None:
    return next((colours[name] for name in style.split() if name in colours), None)
