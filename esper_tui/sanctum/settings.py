"""Settings of the interface, in the user's ``settings.toml``; nothing here changes a run."""

import contextlib
import os
import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import platformdirs
import tomli_w

from esper_tui.leyline.errors import CannotWrite, ConfigError, UsageError
from esper_tui.sanctum.actions import ACTIONS

THEMES = ("auto", "esper-dark", "esper-light", "cb-dark", "cb-light", "mono")
GLYPHS = ("auto", "unicode", "block", "ascii")
HANGUP = ("headless", "checkpoint-exit")
HZ = (0.5, 10.0)
FILE = "settings.toml"


@dataclass(frozen=True)
class Settings:
    """What a person may set.

    Attributes:
        theme: auto is esper-dark, or mono where NO_COLOR is set.
        glyphs: auto asks the locale and ESPER_GLYPHS.
        hz: frames per second.
        on_hangup: what becomes of a run when the terminal is closed.
        keys: action id → keys, comma separated.
    """

    theme: str = "auto"
    glyphs: str = "auto"
    hz: float = 4.0
    mouse: bool = True
    bell: bool = False
    on_hangup: str = "headless"
    keys: dict[str, str] = field(default_factory=dict)


NAMES = tuple(f.name for f in fields(Settings) if f.name != "keys")
CHOICES: dict[str, tuple[str, ...]] = {"theme": THEMES, "glyphs": GLYPHS, "on_hangup": HANGUP}


def settings_path() -> Path:
    return Path(platformdirs.user_config_dir("esper")) / FILE


def load_settings(path: Path | None = None) -> Settings:
    """The settings of the user; defaults where there is no file.

    Raises:
        ConfigError: all that is wrong with the file, one sentence each.
    """
    path = path or settings_path()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(str(path), [f"{path}: cannot be read ({error}); correct or delete it"]) from None
    problems = [f"{path}: {text}" for text in _problems(document)]
    if problems:
        raise ConfigError(str(path), problems)
    return Settings(**document)


def save_settings(settings: Settings, path: Path | None = None) -> Path:
    """Writes what differs from the defaults; the old file stays whole if the disk is full.

    Raises:
        CannotWrite: if the folder cannot be written.
    """
    path = path or settings_path()
    defaults = asdict(Settings())
    document = {key: value for key, value in asdict(settings).items() if value != defaults[key]}
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            tomli_w.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise CannotWrite(f"{path}: cannot be written ({error.strerror})") from None
    return path


def changed(settings: Settings, name: str, text: str) -> Settings:
    """The settings with one value, given as text, for ``:set``.

    Raises:
        UsageError: for a name or a value that does not exist.
    """
    if name not in NAMES:
        raise UsageError(f"there is no setting {name!r}; choose from {', '.join(NAMES)}")
    value = _parsed(name, text)
    for problem in _problems({name: value}):
        raise UsageError(problem)
    return replace(settings, **{name: value})


def _parsed(name: str, text: str) -> Any:
    kind = type(getattr(Settings(), name))
    if kind is bool:
        return {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}.get(text, text)
    if kind is float:
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _problems(document: dict[str, Any]) -> list[str]:
    problems = []
    for key, value in document.items():
        if key == "keys":
            problems += _key_problems(value)
        elif key not in NAMES:
            problems.append(f"{key} is no setting; choose from {', '.join((*NAMES, '[keys]'))}")
        elif text := _value_problem(key, value):
            problems.append(text)
    return problems


def _value_problem(key: str, value: Any) -> str:
    if key in CHOICES:
        return (
            "" if value in CHOICES[key] else f"{key} = {value!r} does not exist; choose from {', '.join(CHOICES[key])}"
        )
    if key == "hz":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if number and HZ[0] <= value <= HZ[1] else f"hz = {value!r} is not a number from {HZ[0]} to {HZ[1]:g}"
    return "" if isinstance(value, bool) else f"{key} = {value!r} is neither true nor false"


def _key_problems(keys: Any) -> list[str]:
    if not isinstance(keys, dict):
        return ["keys must be a table of action = keys"]
    problems = [
        f"keys.{name}: there is no such action; `:help` on the screen lists them"
        for name in keys
        if name not in ACTIONS
    ]
    problems += [f"keys.{name} = {value!r} is no text" for name, value in keys.items() if not isinstance(value, str)]
    return problems or _clashes(keys)


def _clashes(keys: dict[str, str]) -> list[str]:
    """Two actions of one scope on one key: Textual would silently keep one of them."""
    owners: dict[tuple[str, str], str] = {}
    problems = []
    for action in ACTIONS.values():
        for key in filter(None, (k.strip() for k in keys.get(action.id, action.keys).split(","))):
            for scope in action.scopes:
                other = owners.setdefault((scope, key), action.id)
                if other != action.id:
                    problems.append(f"keys.{action.id} = {key!r}: {other} is on that key already")
    return list(dict.fromkeys(problems))
