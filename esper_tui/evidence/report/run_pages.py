"""The sections of a report on one run, in the order in which a sceptical reader asks."""

from collections.abc import Callable
from typing import Any

from esper_tui.evidence.report.blocks import Paragraph, Report, Section
from esper_tui.evidence.report.facts import RunFacts
from esper_tui.evidence.report.growth_pages import curves_section, gain_section, lives_section
from esper_tui.evidence.report.head_pages import head_section, ran_section, reading_section
from esper_tui.evidence.report.measuring import Measured, measured_section
from esper_tui.evidence.report.people_pages import alerts_section, people_section
from esper_tui.evidence.report.policy_pages import policy_section
from esper_tui.runtime.receipt import assisted_steps, badge
from esper_tui.runtime.runs import tags_of

PAGES: dict[str, Callable[[RunFacts], Section]] = {
    "What growth bought": gain_section,
    "What ran": ran_section,
    "Curves": curves_section,
    "The life of every seed": lives_section,
    "Decisions": policy_section,
    "People": people_section,
    "Alerts": alerts_section,
}


def run_report(facts: RunFacts, measured: list[Measured] | str | None = None) -> Report:
    """A whole report on one run; ``measured`` is what the exported modules scored, if they were asked."""
    head, foot = guarded("", head_section, facts), guarded("How to read this", reading_section, facts)
    sections = (head, *run_sections(facts, 2, measured), foot)
    preset = facts.document.get("preset") or facts.name
    return Report(f"{preset}", f"run {facts.name}", sections, badges(facts))


def run_sections(facts: RunFacts, level: int, measured: list[Measured] | str | None = None) -> tuple[Section, ...]:
    """Everything but head and foot."""
    found = [guarded(title, page, facts) for title, page in PAGES.items()]
    if measured is not None:
        found.insert(1, measured_section(measured))
    return tuple(Section(section.title, section.blocks, level) for section in found)


def guarded(title: str, page: Callable[..., Section], *about: Any) -> Section:
    """A section; a part of the log that makes no sense costs its section and not the report."""
    try:
        return page(*about)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        text = f"This part of the log makes no sense and is left out ({type(error).__name__}: {error})."
        return Section(title, (Paragraph(text),))


def badges(facts: RunFacts) -> tuple[tuple[str, str], ...]:
    """How the run ended, whether people decided in it, its tags."""
    record = facts.record
    status = str(record.status or "not finished")
    tone = {"done": "good", "stopped": "", "not finished": ""}.get(status, "bad")
    assisted = badge(assisted_steps(record))
    tags = [(tag, "tag") for tag in tags_of(facts.document)]
    return ((status, tone), *([(assisted, "person")] if assisted else []), *tags)
