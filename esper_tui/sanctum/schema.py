"""The configuration as a form sees it: one spec per setting, derived from ``leyline.config``."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from esper_tui.leyline.config import sections

Kind = Literal["choice", "flag", "whole", "number", "text", "list", "table"]


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        kind: how it is written: one of ``choices``, true or false, a whole number, a number, text, a list of words; a
            table can only be written in the TOML.
        help: its sentence.
        limits: the range in a few characters, ``1 … 256`` or ``> 0``; empty where there is none.
    """

    section: str
    key: str
    kind: Kind
    help: str
    default: Any
    choices: tuple[Any, ...] = ()
    limits: str = ""

    @property
    def name(self) -> str:
        return f"{self.section}.{self.key}"

    def text(self, value: Any) -> str:
        """A value as it is typed."""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list | tuple):
            return f"{len(value)} in the text" if self.kind == "table" else ", ".join(str(part) for part in value)
        return str(value)

    def parse(self, text: str) -> Any:
        """The value of what was typed.

        Raises:
            ValueError: with a sentence, if it is not of this kind; ranges are left to the launcher's check.
        """
        text = text.strip()
        if self.kind in ("choice", "flag"):
            return self._chosen(text)
        if self.kind == "whole":
            return self._number(int, text.replace("_", "").replace(",", ""), "a whole number")
        if self.kind == "number":
            return self._number(float, text, "a number")
        return text.replace(",", " ").split() if self.kind == "list" else text

    def beside(self, value: Any, step: int) -> Any:
        """The value one step away: the next choice, the other of true and false, the next whole number."""
        if self.kind == "choice":
            here = self.choices.index(value) if value in self.choices else 0
            return self.choices[(here + step) % len(self.choices)]
        if self.kind == "flag":
            return not value
        return value + step if self.kind == "whole" and isinstance(value, int) else value

    def _chosen(self, text: str) -> Any:
        known = {self.text(choice): choice for choice in (self.choices or (True, False))}
        if text not in known:
            raise ValueError(f"{self.name} = {text}: choose from {', '.join(known)}")
        return known[text]

    def _number(self, kind: type, text: str, what: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"{self.name} = {text or 'nothing'}: must be {what}") from None


@cache
def settings() -> tuple[Setting, ...]:
    """Every setting in the order of the sections."""
    return tuple(
        _setting(section, key, field)
        for section, kind in sections().items()
        for key, field in kind.model_fields.items()
    )  # fmt: skip


def _setting(section: str, key: str, field: FieldInfo) -> Setting:
    kind, choices = _kind(field.annotation)
    help_ = " ".join((field.description or "").split())
    return Setting(section, key, kind, help_, field.default, choices, _limits(field))


def _kind(annotation: Any) -> tuple[Kind, tuple[Any, ...]]:
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation)
    if get_origin(annotation) is tuple:
        inner = get_args(annotation)[0]
        choices = get_args(inner) if get_origin(inner) is Literal else ()
        return ("list" if inner is str or choices else "table"), choices
    kinds: dict[Any, Kind] = {bool: "flag", int: "whole", float: "number"}
    return kinds.get(annotation, "text"), ()


def _limits(field: FieldInfo) -> str:
    """The range of a number; lengths of lists and texts are not shown."""
    bound = {n: v for m in field.metadata for n in ("ge", "gt", "le", "lt") if (v := getattr(m, n, None)) is not None}
    if "ge" in bound and "le" in bound:
        return f"{bound['ge']:g} … {_large(bound['le'])}"
    low = f"{bound['ge']:g} ≤" if "ge" in bound else f"> {bound['gt']:g}" if "gt" in bound else ""
    high = f"≤ {_large(bound['le'])}" if "le" in bound else f"< {bound['lt']:g}" if "lt" in bound else ""
    return ", ".join(filter(None, (low.replace("0 ≤", "≥ 0"), high)))


def _large(value: float) -> str:
    """A limit in few characters; nobody needs the digits of a large one."""
    return f"{value:,.0f}" if value == int(value) and value >= 1000 else f"{value:g}"
