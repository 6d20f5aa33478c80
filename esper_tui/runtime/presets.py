"""Reading configurations: defaults < extends chain < preset < command line, checked, with the origin of each value.

Imports no torch.
"""

import difflib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w
from platformdirs import user_config_path
from pydantic import ValidationError

import esper_tui
from esper_tui.leyline.config import RunConfig, sections
from esper_tui.leyline.errors import ConfigError, UsageError
from esper_tui.leyline.folder import MAX_PRESET_BYTES

META_KEYS = ("description", "extends")
MAX_CHAIN = 8


@dataclass(frozen=True)
class PresetFile:
    """A preset that can be named.  ``shadows`` is the shipped file of the same name, if there is one."""

    name: str
    path: Path
    origin: str
    shadows: Path | None = None


@dataclass(frozen=True)
class Resolved:
    """A checked configuration; ``origins`` maps ``section.key`` to where its value comes from."""

    name: str
    config: RunConfig
    description: str
    origins: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def shipped_folder() -> Path:
    """Shipped presets: inside the package when installed, beside it in a checkout."""
    package = Path(esper_tui.__file__).parent
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def user_folder() -> Path:
    return user_config_path("esper") / "presets"


def find_presets() -> list[PresetFile]:
    """Every preset by name; the working directory goes before the user's folder, that before the shipped ones."""
    shipped = {path.stem: path for path in sorted(shipped_folder().glob("*.toml"))}
    found = {name: PresetFile(name, path, "shipped") for name, path in shipped.items()}
    for folder, origin in ((user_folder(), "yours"), (Path.cwd(), "here")):
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else []:
            if folder.resolve() != shipped_folder().resolve() and _looks_like_preset(path):
                found[path.stem] = PresetFile(path.stem, path, origin, shipped.get(path.stem))
    return list(found.values())


def _looks_like_preset(path: Path) -> bool:
    """Whether a TOML file that was met by chance is meant for this program: only our sections, and at least one."""
    try:
        keys = set(_parse(path))
    except ConfigError:
        return False
    return bool(keys) and keys <= {*sections(), *META_KEYS}


def find_preset(name: str) -> PresetFile:
    """A preset by name or by path.

    Raises:
        UsageError: if there is none; names the nearest.
    """
    if name.endswith(".toml") or "/" in name:
        path = Path(name).expanduser()
        if not path.is_file():
            raise UsageError(f"there is no preset file {path}; `esper presets list` shows what there is")
        return PresetFile(path.stem, path, "file")
    known = {preset.name: preset for preset in find_presets()}
    if name not in known:
        raise UsageError(f"there is no preset {name!r}{nearest(name, list(known))}; `esper presets list` shows all")
    return known[name]


def nearest(word: str, known: list[str]) -> str:
    """``, did you mean 'x'`` if something is close."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f", did you mean {close[0]!r}" if close else ""


def resolve(name: str, overrides: list[str] | None = None) -> Resolved:
    """The checked configuration of a preset with ``section.key=value`` overrides from the command line.

    Raises:
        UsageError: if the preset does not exist.
        ConfigError: with every problem of the file and of the overrides at once.
    """
    preset = find_preset(name)
    chain = _chain(preset)
    problems: list[str] = []
    values: dict[str, dict[str, Any]] = {}
    origins: dict[str, str] = {}
    for layer in chain:
        problems += _overlay(values, origins, _parse(layer.path), f"{layer.origin} preset {layer.name}", layer.path)
    for text in overrides or []:
        problems += _overlay(values, origins, _parse_override(text), "command line", None)
    config, errors = _check(values, origins, [layer.path for layer in reversed(chain)])
    if problems + errors:
        raise ConfigError(str(preset.path), problems + errors)
    assert config is not None
    notes = (f"preset {preset.name} comes from {preset.path} and shadows the shipped one",) if preset.shadows else ()
    description = _parse(preset.path).get("description", "")
    return Resolved(preset.name, config, str(description), origins, notes)


def _chain(preset: PresetFile) -> list[PresetFile]:
    """The preset and what it extends, the base first."""
    chain = [preset]
    while base := _parse(chain[0].path).get("extends"):
        if not isinstance(base, str):
            raise ConfigError(str(chain[0].path), [f"{chain[0].path}: extends must be the name of one preset"])
        step = find_preset(base)
        if step.path in [c.path for c in chain] or len(chain) >= MAX_CHAIN:
            raise ConfigError(str(preset.path), [f"{preset.path}: extends runs in a circle at {base!r}"])
        chain.insert(0, step)
    return chain


def _parse(path: Path) -> dict[str, Any]:
    """The TOML of a file.

    Raises:
        ConfigError: if it cannot be read or is not TOML; with the line.
    """
    try:
        if path.stat().st_size > MAX_PRESET_BYTES:
            raise ConfigError(
                str(path), [f"{path} is larger than {MAX_PRESET_BYTES // 1024} KiB; a preset is 5 to 40 lines"]
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ConfigError(str(path), [f"{path} is not UTF-8 text; save it as UTF-8"]) from None
    except OSError as error:
        raise ConfigError(str(path), [f"cannot read {path}: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise ConfigError(str(path), [f"{path} is not valid TOML: {error}"]) from None
    except RecursionError:
        raise ConfigError(
            str(path), [f"{path} is nested too deeply; a preset has sections with plain values"]
        ) from None


def _parse_override(text: str) -> dict[str, Any]:
    """``section.key=value`` as a nested dictionary; a value that is not TOML is taken as a string."""
    path, equals, value = text.partition("=")
    section, dot, key = path.strip().partition(".")
    if not (equals and dot and key):
        raise UsageError(f"--set {text!r} is not section.key=value, for example --set run.epochs=40")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        parsed = value
    return {section: {key: parsed}}


def _overlay(values: dict, origins: dict[str, str], layer: dict[str, Any], origin: str, path: Path | None) -> list[str]:
    """Lays one layer over the values; returns what cannot be placed: unknown sections and keys."""
    known, problems = sections(), []
    for section, content in layer.items():
        if section in META_KEYS and path is not None:
            continue
        where = _where(path, section, None)
        if section not in known:
            problems.append(f"{where}unknown section [{section}]{nearest(section, list(known))}")
        elif not isinstance(content, dict):
            problems.append(f"{where}{section} must be a section, [{section}]")
        else:
            for key, value in content.items():
                if key not in known[section].model_fields:
                    close = nearest(key, list(known[section].model_fields))
                    problems.append(f"{_where(path, section, key)}unknown key {section}.{key}{close}")
                    continue
                values.setdefault(section, {})[key] = value
                origins[f"{section}.{key}"] = origin
    return problems


def _check(values: dict, origins: dict[str, str], paths: list[Path]) -> tuple[RunConfig | None, list[str]]:
    """The configuration, or a sentence per problem."""
    try:
        return RunConfig.model_validate(values), []
    except ValidationError as error:
        return None, [_sentence(details, origins, paths) for details in error.errors()]


def _sentence(details: Any, origins: dict[str, str], paths: list[Path]) -> str:
    """One problem of pydantic as a sentence: where, which key, what was given, what is allowed."""
    place = [str(part) for part in details["loc"]]
    message = details["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if len(place) < 2:
        prefix = f"{place[0]}." if place else ""
        return f"{prefix}{message}"
    dotted = ".".join(place)
    path = next((p for p in paths if _line(p, place[0], place[1])), None)
    if origins.get(".".join(place[:2])) == "command line":
        path = None
    given = details["input"]
    shown = repr(given) if len(repr(given)) <= 60 else f"{repr(given)[:57]}..."
    return f"{_where(path, place[0], place[1])}{dotted} = {shown}: {message}"


def _where(path: Path | None, section: str, key: str | None) -> str:
    if path is None:
        return ""
    line = _line(path, section, key)
    return f"{path.name} line {line}: " if line else f"{path.name}: "


def _line(path: Path, section: str, key: str | None) -> int | None:
    """Number of the line that names a section or a key in it; None if it is written another way."""
    current = ""
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := re.match(r"\s*\[+\s*([\w\-.]+)\s*\]+", text):
            current = match[1]
            if key is None and current == section:
                return number
        elif (current == section and _assigns(text, key)) if key else (not current and _assigns(text, section)):
            return number
    return None


def _assigns(text: str, name: str) -> bool:
    return re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*[=.]", text) is not None


def to_toml(config: RunConfig) -> str:
    """The whole configuration as TOML."""
    return tomli_w.dumps(config.model_dump(mode="json"))


def flat(config: RunConfig) -> dict[str, Any]:
    """``section.key`` → value, in the order of the sections."""
    dumped = config.model_dump(mode="json")
    return {f"{section}.{key}": value for section, content in dumped.items() for key, value in content.items()}


def differences(a: RunConfig, b: RunConfig) -> list[tuple[str, Any, Any]]:
    """Keys in which two configurations differ, with both values."""
    left, right = flat(a), flat(b)
    return [(key, left[key], right[key]) for key in left if left[key] != right[key]]
