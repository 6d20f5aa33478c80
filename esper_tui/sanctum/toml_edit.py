"""One setting changed in a preset's text, the rest of the text left as it is where that is possible.  Pure."""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

import tomli_w

_TABLE = re.compile(r"^\s*\[([\w.-]+)\]\s*(#.*)?$")


@dataclass(frozen=True)
class Edit:
    """A new text; ``rewritten`` says that all of it was written again, so that comments are gone."""

    text: str
    rewritten: bool = False


def document_of(text: str) -> dict[str, Any] | None:
    """What a text says; None if it is not TOML."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def with_value(text: str, section: str, key: str, value: Any) -> Edit | None:
    """The text with a setting; None if the text is not TOML or the section is no table.

    The one line is changed or added; where the setting is written in another way, the whole text is written anew.
    """
    wanted = _changed(text, section, key, value)
    if wanted is None:
        return None
    line = f"{key} = {_literal(value)}"
    for attempt in (_replace(text, section, key, line), _insert(text, section, line)):
        if document_of(attempt) == wanted:
            return Edit(attempt)
    return Edit(tomli_w.dumps(wanted), rewritten="#" in text)


def without(text: str, section: str, key: str) -> Edit | None:
    """The text without a setting, so that the value of what it extends, or the default, counts."""
    wanted = document_of(text)
    if wanted is None or not isinstance(wanted.get(section), dict) or key not in wanted[section]:
        return None
    del wanted[section][key]
    attempt = _replace(text, section, key, None)
    return Edit(attempt) if document_of(attempt) == wanted else Edit(tomli_w.dumps(wanted), rewritten="#" in text)


def line_of(text: str, section: str, key: str) -> int | None:
    """The line that writes a setting, counted from 1; None if none does."""
    found = _index(text.split("\n"), section, key)
    return None if found is None else found + 1


def _changed(text: str, section: str, key: str, value: Any) -> dict[str, Any] | None:
    document = document_of(text)
    if document is None or not isinstance(document.setdefault(section, {}), dict):
        return None
    document[section][key] = value
    return document


def _literal(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_literal(part) for part in value)}]"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").strip()


def _replace(text: str, section: str, key: str, line: str | None) -> str:
    """The text with the line of a key replaced, or taken out; a comment behind the value stays."""
    lines = text.split("\n")
    found = _index(lines, section, key)
    if found is None:
        return text
    lines[found : found + 1] = [] if line is None else [line + _comment(lines[found])]
    return "\n".join(lines)


def _comment(line: str) -> str:
    """The comment behind an assignment: it begins at the first sign before which the assignment is whole."""
    signs = (i for i, char in enumerate(line) if char == "#")
    return next((f"  {line[i:]}" for i in signs if document_of(line[:i]) is not None), "")


def _index(lines: list[str], section: str, key: str) -> int | None:
    table = ""
    for index, text in enumerate(lines):
        if match := _TABLE.match(text):
            table = match[1]
        elif table == section and re.match(rf"\s*{re.escape(key)}\s*=", text):
            return index
    return None


def _insert(text: str, section: str, line: str) -> str:
    """The text with a line at the end of a section, which is opened at the end of the text if it is not there."""
    lines = text.rstrip("\n").split("\n")
    start = next((i for i, t in enumerate(lines) if (m := _TABLE.match(t)) and m[1] == section), None)
    if start is None:
        return "\n".join([*lines, *([""] if lines != [""] else []), f"[{section}]", line, ""]).lstrip("\n")
    end = next((i for i in range(start + 1, len(lines)) if lines[i].lstrip().startswith("[")), len(lines))
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return "\n".join([*lines[:end], line, *lines[end:], ""])
