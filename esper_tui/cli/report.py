"""``esper report``: what a run or a comparison did, for people who were not there."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from esper_tui.cli.options import run_ids

if TYPE_CHECKING:
    from esper_tui.evidence.report.blocks import Report


def report(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Runs, or the folder of a comparison.", autocompletion=run_ids),
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", help="File for it, .html or .md; else reports/report.html of the run, report.html here of several."
        ),
    ] = None,
    terminal: Annotated[
        bool, typer.Option("--terminal", "-t", help="Show it here, plots included, and write nothing without --to.")
    ] = False,
    measure: Annotated[
        bool | None,
        typer.Option(
            "--measure/--no-measure",
            help="Measure the exported modules on the test images; done for one run that has its test result, "
            "unless told otherwise.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write one HTML file that needs nothing else, and the same as Markdown."""
    from esper_tui.evidence.report.write import make_report, write_report

    found, home = make_report(runs, measure)
    if terminal:
        _show(found)
    if to is not None or not terminal:
        for path in write_report(found, to or home):
            typer.echo(path)


def _show(found: "Report") -> None:
    """The report as lines, with the signs and in the width of this terminal."""
    from esper_tui.evidence.report.terminal import COLOURS, to_lines
    from esper_tui.sanctum.glyphs import choose_glyphs

    glyphs = choose_glyphs()
    for pieces in to_lines(found, shutil.get_terminal_size().columns, glyphs.plot):
        styles = ((glyphs.shown(text), style.split()) for text, style in pieces)
        painted = (
            typer.style(text, fg=next((COLOURS[n] for n in names if n in COLOURS), None), bold="bold" in names)
            for text, names in styles
        )
        typer.echo("".join(painted))
