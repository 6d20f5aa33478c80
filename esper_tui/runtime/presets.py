"""Presets: finding them, and resolving defaults < extends chain < preset < command line.

``preset_text`` reads a file, ``preset_check`` says what is wrong with it.  Imports no torch.
"""

import re
import tomllib
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import tomli_w
from platformdirs import user_config_path

import esper_tui
from esper_tui.leyline.config import RunConfig, sections
from esper_tui.leyline.errors import CannotWrite, ConfigError, UsageError
from esper_tui.leyline.folder import MAX_PRESET_BYTES
from esper_tui.leyline.legality import SETTLING_EPOCHS
from esper_tui.runtime.preset_check import META_KEYS, Overlay, nearest
from esper_tui.runtime.preset_text import Layer, override_layer, parse_layer, read_text
from esper_tui.runtime.runs import write_atomically

MAX_CHAIN = 8
PRESET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
ORIGINS = {"shipped": "shipped preset", "yours": "your preset", "here": "preset here", "file": "file"}


@dataclass(frozen=True)
class PresetFile:
    """A preset that can be named.  ``shadows`` is the one its name would mean if this file were not there."""

    name: str
    path: Path
    origin: str
    shadows: "PresetFile | None" = None

    @property
    def shown(self) -> str:
        """How messages name the file: short where the name says it all."""
        return self.path.name if self.origin == "shipped" else str(self.path)


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
    found = {path.stem: PresetFile(path.stem, path, "shipped") for path in sorted(shipped_folder().glob("*.toml"))}
    for folder, origin in ((user_folder(), "yours"), (Path(), "here")):
        for path in sorted(folder.glob("*.toml")):
            shadowed = found.get(path.stem)
            if shadowed is not None and path.samefile(shadowed.path):
                continue
            if origin == "yours" or _is_meant(path, shadowed is not None):
                found[path.stem] = PresetFile(path.stem, path, origin, shadowed)
    return list(found.values())


def _is_meant(path: Path, known: bool) -> bool:
    """Whether a TOML file that was met by chance is a preset: at least half of it are our sections.

    One that is not TOML at all counts where a preset of its name is known, because then it is what would run.
    """
    try:
        keys = set(tomllib.loads(read_text(path)))
    except (ConfigError, ValueError, RecursionError):
        return known
    ours = keys & {*sections(), *META_KEYS}
    return bool(ours - {"description"}) and 2 * len(ours) >= len(keys)


def find_preset(name: str) -> PresetFile:
    """A preset by name or by path.

    Raises:
        UsageError: if there is none; names the nearest.
    """
    if name.endswith(".toml") or "/" in name:
        return _preset_at(Path(name), name)
    known = {preset.name: preset for preset in find_presets()}
    here = Path(f"{name}.toml")
    if name in known:
        return known[name]
    if name and _is_there(here):
        return PresetFile(name, here, "here")
    raise UsageError(f"there is no preset {name!r}{nearest(name, list(known))}; `esper presets list` shows all")


def _preset_at(path: Path, name: str) -> PresetFile:
    try:
        path = path.expanduser()
    except RuntimeError:  # ~somebody who does not exist
        raise UsageError(f"there is no preset file {name}; the folder after ~ is not known") from None
    if not _is_there(path):
        raise UsageError(f"there is no preset file {path}; `esper presets list` shows what there is")
    return PresetFile(path.stem, path, "file")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False


def resolve(name: str, overrides: list[str] | None = None) -> Resolved:
    """The checked configuration of a preset with ``section.key=value`` overrides from the command line.

    Raises:
        UsageError: if the preset does not exist.
        ConfigError: with every problem of the file and of the overrides at once.
    """
    preset = find_preset(name)
    return resolve_text(preset, read_text(preset.path), overrides)


def resolve_text(preset: PresetFile, text: str, overrides: list[str] | None = None) -> Resolved:
    """The same for a text that stands, or is to stand, in a preset's file.

    Raises:
        ConfigError: with every problem of the text and of the overrides at once.
    """
    chain = _chain(preset, text)
    layers = [layer for _, layer in chain]
    overlay = Overlay([*layers, *(override_layer(text) for text in overrides or [])], top=preset.shown)
    config = overlay.check()
    if config is None:
        raise ConfigError(preset.shown, overlay.problems)
    origins = {key: layer.origin for key, layer in overlay.sources.items()}
    notes = [_shadow_note(file) for file, _ in reversed(chain) if file.shadows] + _length_notes(config)
    return Resolved(preset.name, config, layers[-1].values.get("description", ""), origins, tuple(notes))


def _shadow_note(preset: PresetFile) -> str:
    assert preset.shadows is not None
    whose = {"shipped": "the shipped one", "yours": "yours"}[preset.shadows.origin]
    return f"preset {preset.name} comes from {preset.path.resolve()} and shadows {whose}"


def _length_notes(config: RunConfig) -> list[str]:
    """Whether an episode ends before any seed could be planted and judged; most likely not what was meant."""

    def last_germination(epochs: int) -> int:
        return config.model_copy(update={"run": config.run.model_copy(update={"epochs": epochs})}).last_germination

    epochs, settings = config.run.epochs, config.tamiyo
    planted = max(SETTLING_EPOCHS, settings.germinate_by) if settings.policy == "heuristic" else SETTLING_EPOCHS
    if settings.policy in ("wait", "manual") or last_germination(epochs) >= planted:
        return []
    least = next(e for e in count(epochs) if last_germination(e) >= planted)
    return [f"run.epochs = {epochs} is too short for a seed to be planted and judged; growth needs at least {least}"]


def _chain(preset: PresetFile, text: str) -> list[tuple[PresetFile, Layer]]:
    """The preset and what it extends, the base first, each with its text parsed."""
    chain: list[tuple[PresetFile, Layer]] = []
    step: PresetFile | None = preset
    while step is not None:
        layer = parse_layer(
            text if step is preset else read_text(step.path), step.shown, f"{ORIGINS[step.origin]} {step.name}"
        )
        chain.insert(0, (step, layer))
        step = _base(step, layer)
        if step is not None and any(_is_same(step.path, file.path) for file, _ in chain):
            raise ConfigError(layer.shown, [f"{layer.where('extends')}extends runs in a circle at {step.name!r}"])
        if len(chain) == MAX_CHAIN:
            raise ConfigError(layer.shown, [f"{layer.where('extends')}extends goes over more than {MAX_CHAIN} presets"])
    return chain


def _base(preset: PresetFile, layer: Layer) -> PresetFile | None:
    """What a preset extends: a name, or a file relative to its own; its own name means the one it shadows."""
    name = layer.values.get("extends")
    if name is None:
        return None
    if not isinstance(name, str):
        raise ConfigError(layer.shown, [f"{layer.where('extends')}extends must be the name of one preset"])
    is_file = name.endswith(".toml") or "/" in name
    try:
        base = find_preset(str(preset.path.parent / Path(name).expanduser()) if is_file else name)
    except (UsageError, RuntimeError) as error:
        raise ConfigError(layer.shown, [f"{layer.where('extends')}extends = {name!r}: {error}"]) from None
    return base.shadows if base.shadows and _is_same(base.path, preset.path) else base


def _is_same(a: Path, b: Path) -> bool:
    """Whether two paths mean one file; one that is not there yet is nobody else's."""
    return a.exists() and b.exists() and a.samefile(b)


def new_preset(name: str) -> PresetFile:
    """The preset of a name as it would be kept: the one there is, else a new one in the user's folder."""
    known = {preset.name: preset for preset in find_presets()}
    return known.get(name) or PresetFile(name, user_folder() / f"{name}.toml", "yours")


def save_preset(name: str, text: str, shadow: bool = False) -> Path:
    """Keeps a preset in the user's folder; an earlier one of the name there is replaced.

    Args:
        shadow: whether it may go before a shipped preset of the same name.

    Raises:
        UsageError: for a name that cannot be a file's, or under which it would not be found.
        ConfigError: if the text is too long or not TOML; values that are out of range may be kept.
        CannotWrite: if the file cannot be written.
    """
    _check_name(name, shadow)
    path = user_folder() / f"{name}.toml"
    data = text.encode()
    if len(data) > MAX_PRESET_BYTES:
        raise ConfigError(
            str(path), [f"the text is larger than {MAX_PRESET_BYTES // 1024} KiB; a preset is 5 to 40 lines"]
        )
    parse_layer(text, path.name, "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"cannot create {path.parent}: {error.strerror}") from None
    write_atomically(path, data)
    return path


def _check_name(name: str, shadow: bool) -> None:
    if not PRESET_NAME.fullmatch(name) or name.endswith(".toml"):
        raise UsageError(f"{name!r} cannot be a preset's name; use up to 64 letters, digits, - and _, without .toml")
    there = {preset.name: preset for preset in find_presets()}.get(name)
    if there is not None and there.origin == "here":
        raise UsageError(f"{there.path.resolve()} goes before your own presets of that name; choose another name")
    if there is not None and there.origin == "shipped" and not shadow:
        raise UsageError(f"{name} is a shipped preset, and one of yours would go before it; choose another name")


def shipped_config(name: str) -> RunConfig:
    """The shipped preset of a name, or the defaults where there is none: what a preset is compared with."""
    preset = PresetFile(name, shipped_folder() / f"{name}.toml", "shipped")
    return resolve_text(preset, read_text(preset.path)).config if preset.path.is_file() else RunConfig()


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
