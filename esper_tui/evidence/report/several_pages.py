"""Several runs in one report: an overview in which they lie over each other, then each by itself."""

from esper_tui.evidence.report.blocks import Block, Cell, Figure, Panel, Paragraph, Report, Section, Table, plain_row
from esper_tui.evidence.report.facts import RunFacts
from esper_tui.evidence.report.head_pages import bottom_line, reading_section
from esper_tui.evidence.report.measuring import Measured
from esper_tui.evidence.report.numbers import DASH, count, duration, finite, mean, number, percent, told
from esper_tui.evidence.report.plots import Curves, Line, Range, Ranges
from esper_tui.evidence.report.run_pages import guarded, run_report, run_sections
from esper_tui.runtime.receipt import assisted_steps, badge


def runs_report(runs: list[RunFacts], measured: list[list[Measured] | str | None]) -> Report:
    """One run has a report of its own; several have an overview."""
    if len(runs) == 1:
        return run_report(runs[0], measured[0])
    sections: list[Section] = [guarded("Overview", _overview, runs), guarded("What differs", _settings, runs)]
    for facts, own in zip(runs, measured, strict=True):
        sections.append(guarded(facts.name, _title, facts))
        sections += run_sections(facts, 3, own)
    return Report(f"{len(runs)} runs", ", ".join(r.name for r in runs), (*sections, reading_section(runs[0])))


def _title(facts: RunFacts) -> Section:
    return Section(facts.name, (Paragraph(bottom_line(facts), "lead"),))


def _overview(runs: list[RunFacts]) -> Section:
    head = (
        "run",
        "preset",
        ">seed",
        ">envs",
        ">test gain, points [95 %]",
        ">grown %",
        ">parameters",
        "time",
        "status",
        "",
    )
    table = Table(head, tuple(_row(facts) for facts in runs))
    blocks: list[Block] = [table]
    if rows := [row for row in map(_gain_range, runs) if row is not None]:
        blocks.append(Figure((Panel("", Ranges(tuple(rows), "points of test accuracy bought by growth", True)),)))
    lines = tuple(_line(facts, i) for i, facts in enumerate(runs))
    legend = tuple((line.role, line.name, line.letter) for line in lines)
    note = "Validation accuracy in percent, mean over environments, gate half; the last round."
    blocks.append(Figure((Panel("", Curves(tuple(line for line in lines if line.points))),), legend, note))
    return Section("Overview", tuple(blocks))


def _row(facts: RunFacts) -> tuple[Cell, ...]:
    record, rows = facts.record, facts.round.rows if facts.round else []
    summary, assisted = record.test_summary, badge(assisted_steps(record))
    low, middle, high = (percent(summary.get(key), 2, sign=True) for key in ("low", "mean", "high"))
    grown = percent(mean([row.get("acc") for row in record.test]))
    return (
        *plain_row(facts.name, str(facts.document.get("preset", "?")), str(facts.setting("run", "seed"))),
        *plain_row(str(facts.setting("run", "envs")), f"{middle} [{low}, {high}]" if summary else DASH),
        *plain_row(grown, count(mean([r.get("params") for r in rows]))),
        *plain_row(duration(record.seconds), record.status or "not finished"), Cell(assisted, "person"),
    )  # fmt: skip


def _gain_range(facts: RunFacts) -> Range | None:
    found = [number(facts.record.test_summary.get(key)) for key in ("low", "mean", "high")]
    if len(finite(found)) < 3:
        return None
    low, middle, high = (100 * value for value in finite(found))
    return Range(facts.name, low, high, ((middle, "own"),), f"{middle:+.2f}")


def _line(facts: RunFacts, index: int) -> Line:
    epochs = facts.round.epochs if facts.round else []
    known = ((float(e.number), mean(e.columns.get("val/acc") or [])) for e in epochs)
    points = tuple((n, 100 * value) for n, value in known if value is not None)
    return Line(facts.name, chr(ord("A") + index % 26), points, f"series-{index % 8}")


def _settings(runs: list[RunFacts]) -> Section:
    """Settings that are not the same in all runs."""
    keys = dict.fromkeys(
        (section, key)
        for facts in runs
        for section, content in facts.record.config.items()
        if isinstance(content, dict)
        for key in content
    )
    rows = []
    for section, key in keys:
        values = [facts.setting(section, key) for facts in runs]
        if len({repr(v) for v in values if v is not None}) > 1:
            rows.append(plain_row(f"{section}.{key}", *(DASH if v is None else told(v) for v in values)))
    if not rows:
        return Section("What differs", (Paragraph("All runs have the same settings."),))
    return Section("What differs", (Table(("setting", *(facts.name for facts in runs)), tuple(rows)),))
