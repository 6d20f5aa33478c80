"""A preset's text: read within limits, and where in it a key is written.  Imports no torch."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esper_tui.leyline.errors import ConfigError, UsageError
from esper_tui.leyline.folder import MAX_PRESET_BYTES

MAX_DEPTH = 8
MAX_INTEGER_BITS = 63
_KEY = r"(?:[\w-]+|\"[^\"]*\"|'[^']*')"
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_TABLE = re.compile(rf"\s*\[+\s*({_DOTTED})\s*\]+")
_ASSIGNMENT = re.compile(rf"\s*({_DOTTED})\s*=")
_GIANT = re.compile(r"(?<![\w.])(?:0[xob])?[0-9a-fA-F_]{16,}")
_PLACE = re.compile(r"(.*) \(at line (\d+), column \d+\)$")


@dataclass(frozen=True)
class Layer:
    """Settings from one place.

    Attributes:
        shown: how messages name the place, for example ``quickstart.toml`` or ``command line``.
        origin: how ``presets show`` names it.
        values: section → key → value, unchecked.
        text: the TOML, empty for the command line.
    """

    shown: str
    origin: str
    values: dict[str, Any]
    text: str = ""

    def where(self, section: str, key: str | None = None) -> str:
        """``quickstart.toml line 3: ``, the beginning of a sentence about a key."""
        line = self.line(section, key)
        return f"{self.shown} line {line}: " if line else f"{self.shown}: "

    def line(self, section: str, key: str | None = None) -> int | None:
        """Number of the line that writes a key, or failing that its section; None if neither is found."""
        table, wanted, opened = "", f"{section}.{key}", None
        for number, text in enumerate(self.text.split("\n"), 1):
            if match := _TABLE.match(text):
                table = name = _plain(match[1])
            elif match := _ASSIGNMENT.match(text):
                name = f"{table}.{_plain(match[1])}" if table else _plain(match[1])
            else:
                continue
            if key is not None and f"{name}.".startswith(f"{wanted}."):
                return number
            if opened is None and f"{name}.".startswith(f"{section}."):
                opened = number
        return opened


def _plain(dotted: str) -> str:
    return re.sub(r"[\"'\s]", "", dotted)


def read_text(path: Path) -> str:
    """The text of a preset file.

    Raises:
        ConfigError: if it is no file, cannot be read, is too large or not UTF-8.
    """
    try:
        if not path.is_file():
            raise ConfigError(str(path), [f"{path} is not a file" + (" but a folder" if path.is_dir() else "")])
        with path.open("rb") as file:
            data = file.read(MAX_PRESET_BYTES + 1)
        if len(data) > MAX_PRESET_BYTES:
            limit = MAX_PRESET_BYTES // 1024
            raise ConfigError(str(path), [f"{path} is larger than {limit} KiB; a preset is 5 to 40 lines"])
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(str(path), [f"{path} is not UTF-8 text; save it as UTF-8"]) from None
    except OSError as error:
        raise ConfigError(str(path), [f"cannot read {path}: {error.strerror}"]) from None


def parse_layer(text: str, shown: str, origin: str) -> Layer:
    """A layer from TOML.

    Raises:
        ConfigError: if it is not TOML, nested too deeply, or holds an integer that nothing could mean.
    """
    try:
        layer = Layer(shown, origin, tomllib.loads(f"{text}\n"), text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(shown, [_toml_problem(shown, str(error))]) from None
    except RecursionError:
        raise ConfigError(shown, [_depth_problem(shown)]) from None
    except ValueError:  # the limit that Python sets to the digits of an integer
        raise ConfigError(shown, [_giant_problem(shown, text)]) from None
    _check_limits(layer)
    return layer


def _toml_problem(shown: str, message: str) -> str:
    if match := _PLACE.match(message):
        return f"{shown} line {match[2]}: not valid TOML: {match[1]}"
    return f"{shown}: not valid TOML: {message}"


def _depth_problem(shown: str) -> str:
    return f"{shown} is nested too deeply; a preset has sections with plain values"


def _giant_problem(shown: str, text: str) -> str:
    line = next((i for i, part in enumerate(text.split("\n"), 1) if _GIANT.search(part)), None)
    return f"{shown}{f' line {line}' if line else ''}: an integer has more than {MAX_INTEGER_BITS + 1} bits"


def _check_limits(layer: Layer) -> None:
    """Refuses what would break whoever prints or walks the values."""
    waiting: list[tuple[Any, int]] = [(layer.values, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ConfigError(layer.shown, [_depth_problem(layer.shown)])
        if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
            raise ConfigError(layer.shown, [_giant_problem(layer.shown, layer.text)])
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += [(part, depth + 1) for part in inner]


COMMAND_LINE = "command line"


def override_layer(text: str) -> Layer:
    """A layer from ``section.key=value``; a value that is not TOML is taken as a string.

    Raises:
        UsageError: if it has another form.
    """
    path, equals, value = text.partition("=")
    section, dot, key = (part.strip() for part in path.partition("."))
    if not (equals and dot and section and key):
        raise UsageError(f"--set {text!r} is not section.key=value, for example --set run.epochs=40")
    layer = Layer(COMMAND_LINE, COMMAND_LINE, {section: {key: _toml_value(value)}})
    _check_limits(layer)
    return layer


def _toml_value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return parsed["value"] if len(parsed) == 1 else text
