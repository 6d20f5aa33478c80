"""From layers of settings to a checked configuration, or to one sentence per problem.  Imports no torch."""

import difflib
import re
from typing import Any, get_args

from pydantic import ValidationError

from esper_tui.leyline.config import RunConfig, sections
from esper_tui.runtime.preset_text import Layer

META_KEYS = ("description", "extends")
LONGEST_SHOWN = 60
FORMS = {"engine.device": "must be auto, cpu, cuda or cuda:<number>"}
"""What a text must look like where its type is a pattern."""
KINDS = {
    "int_type": "must be a whole number", "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number", "float_type": "must be a number", "float_parsing": "must be a number",
    "finite_number": "must be a finite number", "string_type": "must be text in quotes",
    "tuple_type": 'must be a list, for example ["a", "b"]', "dict_type": "must be a table, for example {a = 1}",
    "model_type": "must be a table, for example {a = 1}", "extra_forbidden": "is an unknown key",
    "missing": "is missing",
}  # fmt: skip
"""Kinds of pydantic's errors in this program's words; a range is added where the setting has one."""
BOUNDS = {
    "gt": "more than", "ge": "at least", "min_length": "at least",
    "lt": "less than", "le": "at most", "max_length": "at most",
}  # fmt: skip
RANGE_ERRORS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "too_short", "too_long")
_NAMED = re.compile(r"; (?=[a-z_]+\.[a-z_]+: )")


def nearest(word: str, known: list[str]) -> str:
    """``, did you mean 'x'`` if something is close."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f", did you mean {close[0]!r}" if close else ""


class Overlay:
    """Settings of several layers over each other, the later ones on top; collects what is wrong with them."""

    def __init__(self, layers: list[Layer], top: str):
        """``top`` names the preset, for problems that belong to no line."""
        self.values: dict[str, dict[str, Any]] = {}
        self.sources: dict[str, Layer] = {}
        self.problems: list[str] = []
        self.top = top
        for layer in layers:
            self._lay(layer)

    def _lay(self, layer: Layer) -> None:
        known = sections()
        for section, content in layer.values.items():
            if section in META_KEYS and layer.text:
                if not isinstance(content, str):
                    self.problems.append(f"{layer.where(section)}{section} must be text in quotes")
            elif section not in known:
                self.problems.append(f"{layer.where(section)}{_unknown_section(section, content)}")
            elif not isinstance(content, dict):
                self.problems.append(f"{layer.where(section)}{section} must be a section, [{section}]")
            else:
                for key, value in content.items():
                    self._set(layer, section, key, value)

    def _set(self, layer: Layer, section: str, key: str, value: Any) -> None:
        where = layer.where(section, key)
        fields = sections()[section].model_fields
        if key not in fields:
            self.problems.append(f"{where}{_unknown_key(section, key)}")
        elif isinstance(value, bool) and bool not in {fields[key].annotation, *get_args(fields[key].annotation)}:
            self.problems.append(f"{where}{section}.{key} = {str(value).lower()}: must not be true or false")
        else:
            self.values.setdefault(section, {})[key] = value
            self.sources[f"{section}.{key}"] = layer

    def check(self) -> RunConfig | None:
        """The configuration; None if there are problems, which are then all in ``problems``."""
        try:
            config = RunConfig.model_validate(self.values)
        except ValidationError as error:
            self.problems += [sentence for details in error.errors() for sentence in self._sentences(details)]
            return None
        return None if self.problems else config

    def _sentences(self, details: Any) -> list[str]:
        """One error of pydantic: where, which key, what was given, what is allowed."""
        place = [str(part) for part in details["loc"]]
        if len(place) < 2:  # a condition between settings names them itself
            text = details["msg"].removeprefix("Value error, ")
            return [self._located(part if not place else f"{place[0]}.{part}") for part in _NAMED.split(text)]
        return [f"{self._where(*place[:2])}{'.'.join(place)} = {shown(details['input'])}: {_demand(details)}"]

    def _located(self, text: str) -> str:
        name, _, _ = text.partition(":")
        section, _, key = name.partition(".")
        return f"{self._where(section, key)}{text}"

    def _where(self, section: str, key: str) -> str:
        layer = self.sources.get(f"{section}.{key}")
        return layer.where(section, key) if layer else f"{self.top}: "


def _unknown_section(section: str, content: Any) -> str:
    homes = _homes(section)
    if homes and not isinstance(content, dict):
        return f"{section} stands outside of its section, did you mean {homes[0]!r}"
    return f"unknown section [{section}]{nearest(section, list(sections()))}"


def _unknown_key(section: str, key: str) -> str:
    close = nearest(key, list(sections()[section].model_fields))
    homes = _homes(key)
    if homes and not close:
        close = f", did you mean {homes[0]!r}"
    return f"unknown key {section}.{key}{close}"


def _homes(key: str) -> list[str]:
    """The settings of that name in any section."""
    return [f"{name}.{key}" for name, section in sections().items() if key in section.model_fields]


def shown(value: Any) -> str:
    """A value as a message shows it, cut where it is long."""
    text = repr(value) if isinstance(value, str | list | dict) else str(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def _demand(details: Any) -> str:
    """What a setting must be."""
    kind, place = details["type"], details["loc"]
    limits = _limits(*place) if len(place) == 2 else ""
    if kind in KINDS:
        return f"{KINDS[kind]} {limits}".rstrip() if kind.startswith(("int", "float")) else KINDS[kind]
    if kind in RANGE_ERRORS and limits:
        return f"must have {limits} entries" if kind.startswith("too") else f"must be {limits}"
    if kind == "string_pattern_mismatch":
        return FORMS.get(f"{place[0]}.{place[1]}", f"must match {details['ctx']['pattern']}")
    if kind == "literal_error":
        expected = details["ctx"]["expected"]
        choices = re.findall(r"'([^']+)'", expected)
        return f"must be {expected}{nearest(str(details['input']), choices)}"
    message = details["msg"].removeprefix("Value error, ")
    return message if message[:2].isupper() else message[:1].lower() + message[1:]


def _limits(section: str, key: str) -> str:
    """``from 1 to 256``: the range of a number, or of the length of a list; empty where there is none."""
    metadata = sections()[section].model_fields[key].metadata
    bound = {name: value for m in metadata for name in BOUNDS if (value := getattr(m, name, None)) is not None}
    if {"ge", "le"} <= bound.keys():
        return f"from {bound['ge']} to {bound['le']}"
    return " and ".join(f"{BOUNDS[name]} {value}" for name, value in bound.items())
