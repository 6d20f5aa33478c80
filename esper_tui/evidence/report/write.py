"""From names on the command line to a report, and from a report to its two files."""

from collections.abc import Sequence
from pathlib import Path

from esper_tui.evidence.report.blocks import Report
from esper_tui.evidence.report.comparison_pages import comparison_report, is_comparison
from esper_tui.evidence.report.facts import RunFacts, read_facts
from esper_tui.evidence.report.measuring import Measured
from esper_tui.evidence.report.several_pages import runs_report
from esper_tui.leyline.errors import CannotWrite, EsperError, UsageError
from esper_tui.runtime.runs import find_run, write_atomically

SUFFIXES = (".html", ".md")
NAME = "report.html"


def make_report(names: Sequence[str], measure: bool | None = None) -> tuple[Report, Path]:
    """The report on runs, or on one comparison, and where it is written unless somebody says otherwise.

    ``measure``: whether the exported modules are measured; None does so for a single run that has its test result.

    Raises:
        UsageError: if there is no such run, or nothing in it yet.
        Incompatible: if a file is damaged or of a newer program.
    """
    folders = [Path(name).expanduser() for name in names]
    if any(is_comparison(folder) for folder in folders):
        if len(folders) > 1:
            raise UsageError("a comparison has a report of its own; name nothing beside it")
        if measure:
            raise UsageError("--measure is for runs; a comparison keeps no networks")
        return comparison_report(folders[0]), folders[0] / NAME
    runs = [read_facts(find_run(name)) for name in names]
    alone = len(runs) == 1
    found = [_exports(facts, measure, alone) for facts in runs]
    home = runs[0].folder / "reports" if alone else Path()
    return runs_report(runs, found), home / NAME


def _exports(facts: RunFacts, measure: bool | None, alone: bool) -> list[Measured] | str | None:
    """What the exported modules of a run score, why nobody can know, or None where it was not asked.

    Raises:
        EsperError: if somebody asked and it cannot be had.
    """
    ended = facts.record.state == "ended" and bool(facts.record.test)
    if measure is False or (measure is None and not (alone and ended)):
        return None
    from esper_tui.evidence.report.measuring import measure_exports

    try:
        return measure_exports(facts)
    except EsperError as error:
        if measure:
            raise
        return str(error)
    except (LookupError, TypeError, ValueError, AttributeError, OSError, RuntimeError) as error:
        if measure:
            raise
        return f"its files make no sense ({type(error).__name__}: {error})"


def write_report(report: Report, to: Path) -> tuple[Path, Path]:
    """Writes the HTML file and its Markdown twin beside it; ``to`` names either.

    Raises:
        UsageError: if the name ends in neither .html nor .md.
        CannotWrite: if a file cannot be written.
    """
    from esper_tui.evidence.report.html import to_html
    from esper_tui.evidence.report.markdown import to_markdown

    if to.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--to {to} ends in neither .html nor .md; both files are written, beside each other")
    page, twin = to.with_suffix(".html"), to.with_suffix(".md")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"cannot write {to}: {error.strerror}; choose another --to") from None
    write_atomically(page, to_html(report).encode())
    write_atomically(twin, to_markdown(report).encode())
    return page, twin
