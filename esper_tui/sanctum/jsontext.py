"""A recorded value as JSON that can be read: short parts on one line, long ones broken and indented."""

import json
import re
import textwrap
from typing import Any

from esper_tui.sanctum.ink import Line, line

INDENT = "  "
_KEY = re.compile(r'^(\s*)("(?:[^"\\]|\\.)*"):(.*)$')


def json_lines(value: Any, width: int) -> list[Line]:
    """The value in lines of at most ``width`` cells; keys stand out.  Joined without blanks they are JSON again."""
    return [_painted(part) for text in _broken(value, max(20, width), "", "") for part in _cut(text, width)]


def raw_lines(text: str, width: int) -> list[Line]:
    """A record exactly as it stands in the log, cut into lines anywhere."""
    return [line(part) for part in _cut(text, width)]


def _cut(text: str, width: int) -> list[str]:
    width = max(20, width)
    return [text[start : start + width] for start in range(0, len(text), width)]


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _broken(value: Any, width: int, indent: str, label: str) -> list[str]:
    """The lines of a value after its label; ``label`` is ``"key": `` inside an object."""
    whole = f"{indent}{label}{compact(value)}"
    if len(whole) <= width or not isinstance(value, dict | list) or not value:
        return [whole]
    if isinstance(value, list) and not any(isinstance(v, dict | list | str) for v in value):
        filled = textwrap.wrap(compact(value)[1:-1], max(20, width - len(indent) - 2))
        return [f"{indent}{label}[", *(f"{indent}{INDENT}{part}" for part in filled), f"{indent}]"]
    if isinstance(value, dict):
        (opening, closing), parts = "{}", [(f"{json.dumps(k)}: ", v) for k, v in value.items()]
    else:
        (opening, closing), parts = "[]", [("", v) for v in value]
    lines = [f"{indent}{label}{opening}"]
    for number, (name, part) in enumerate(parts, 1):
        lines += _broken(part, width - 1, indent + INDENT, name)
        lines[-1] += "," if number < len(parts) else ""
    return [*lines, f"{indent}{closing}"]


def _painted(text: str) -> Line:
    found = _KEY.match(text)
    return line(found[1], (found[2], "key"), ":", found[3]) if found else line(text)
