"""A preset's text as fields of a form, as verdicts and as differences.  Pure."""

from typing import Any

from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.launcher import Checked, Problem
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.schema import Setting, settings
from esper_tui.sanctum.toml_edit import document_of
from esper_tui.sanctum.widgets.form import Field

STATUS_LINES = 4


def fields_of(text: str, file: str, sound: Checked, checked: Checked) -> list[Field]:
    """Every setting: what the text says, else what counts in ``sound``, the last check that found no problem.

    ``file`` is the text before it was edited.
    """
    said, before = document_of(text) or {}, document_of(file) or {}
    differing = {key for key, _, _ in checked.differences}
    config = sound.config or RunConfig()
    found = []
    for setting in settings():
        value = _said(said, setting, getattr(getattr(config, setting.section), setting.key))
        edited = _said(said, setting, None) != _said(before, setting, None)
        origin = "edited" if edited else sound.origins.get(setting.name, "default").split()[-1]
        problems = tuple(p.text for p in checked.problems if p.key == setting.name)
        found.append(Field(setting, value, origin, setting.name in differing, problems))
    return found


def _said(document: dict[str, Any], setting: Setting, otherwise: Any) -> Any:
    section = document.get(setting.section)
    return _comparable(section.get(setting.key, otherwise) if isinstance(section, dict) else otherwise)


def _comparable(value: Any) -> Any:
    return tuple(_comparable(part) for part in value) if isinstance(value, list) else value


def status_lines(checked: Checked, changed: bool, name: str) -> list[Line]:
    """What is wrong, each with its line; or that nothing is, and what is odd."""
    if not checked.problems:
        count = len(checked.differences)
        differs = f"{count} setting{'s' * (count > 1)} off the shipped preset" if count else "as shipped"
        saved = "  ·  not saved; ctrl+o saves" if changed else ""
        notes = [line(("! ", "warn"), note) for note in checked.notes[: STATUS_LINES - 1]]
        return [line(("✓ valid", "good"), f"  {differs}{saved}"), *notes]
    lines = [problem_line(problem) for problem in checked.problems[:STATUS_LINES]]
    more = len(checked.problems) - STATUS_LINES
    return [*lines[:-1], line(f"and {more + 1} more problems of {name}")] if more > 0 else lines


def problem_line(problem: Problem) -> Line:
    where = f"line {problem.line}  " if problem.line else ""
    return line(("✗ ", "bad"), (where, "dim"), problem.text)


def difference_lines(checked: Checked, width: int) -> list[Line]:
    """Key, the shipped value and the value here."""
    if checked.config is None:
        return [line(("what differs can be said once nothing is wrong", "dim"))]
    specs = {setting.name: setting for setting in settings()}
    lines: list[Line] = []
    for key, before, after in checked.differences:
        old, new = specs[key].text(before) or "none", specs[key].text(after) or "none"
        one = line((key, "bold"), f"  {old} → ", (new, "human"))
        fits = len(key) + len(old) + len(new) + 5 <= width
        lines += [one] if fits else [line((key, "bold")), line(f"  {old}"), line("  → ", (new, "human"))]
    return lines or [line(("no difference", "dim"))]
