"""The engine's choice for a configuration: probed once per machine, torch version and shape, then cached."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from platformdirs import user_cache_path

from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import CannotWrite
from esper_tui.runtime.runs import write_atomically
from esper_tui.tolaria.chunk import Shape
from esper_tui.tolaria.probe import EngineChoice, check_isolation, cpu_count, load_per_core, probe

BUSY = 0.5
"""Load per core from which on a machine is not quiet."""


@dataclass(frozen=True)
class Known:
    """What a probe found; ``seconds`` per training step, ``quiet`` if little else was computed meanwhile."""

    choice: EngineChoice
    seconds: float
    quiet: bool


def cache_file() -> Path:
    return user_cache_path("esper") / "probe.json"


def choose_engine(shape: Shape, config: RunConfig) -> EngineChoice:
    """Chunk size, threads and isolation for a configuration, from the cache or from a probe of a few seconds.

    A probe beside other load finds that threads do not help: what it found is replaced as soon as the machine is quiet.
    """
    entry = _entry(shape, config)
    cached = _known(entry)
    quiet = is_quiet()
    if cached is not None and (cached.quiet or not quiet):
        return cached.choice
    chunk, threads, seconds = probe(shape, config.rows, config.optim.batch, config.engine.chunk, config.engine.threads)
    place = shape.place
    choice = EngineChoice(
        str(place.device), chunk, threads,
        "channels_last" if place.memory_format == torch.channels_last else "contiguous",
        config.engine.dtype, check_isolation(shape, config.optim.batch),
    )  # fmt: skip
    _write(entry, Known(choice, seconds, quiet))
    return choice


def is_quiet() -> bool:
    """Whether little else was computed here during the last minute."""
    return load_per_core() < BUSY


def cached_step_seconds(shape: Shape, config: RunConfig) -> float | None:
    """Seconds per training step that the probe measured for this configuration."""
    cached = _known(_entry(shape, config))
    return cached.seconds if cached is not None else None


def _known(entry: dict[str, Any]) -> Known | None:
    """What is known of an entry; None if it is not there or not as this program writes it."""
    try:
        cached = _read()[_key(entry)]
        known = Known(EngineChoice(**cached["choice"]), float(cached["seconds"]), bool(cached["quiet"]))
        sound = cached["entry"] == entry and known.choice.chunk >= 1 and known.choice.threads >= 1
    except (LookupError, TypeError, ValueError):
        return None
    return known if sound else None


def _entry(shape: Shape, config: RunConfig) -> dict[str, Any]:
    """What the choice depends on."""
    place = shape.place
    machine = torch.cuda.get_device_name(place.device) if place.device.type == "cuda" else platform.processor()
    return {
        "machine": machine or platform.machine(), "cores": cpu_count(), "torch": torch.__version__,
        "device": str(place.device), "format": str(place.memory_format), "dtype": str(place.dtype),
        "spec": repr(shape.spec), "slots": list(shape.slots), "rows": config.rows, "batch": config.optim.batch,
        "chunk": config.engine.chunk, "threads": config.engine.threads, "optim": config.optim.name,
        "deterministic": config.engine.deterministic,
    }  # fmt: skip


def _key(entry: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(entry, sort_keys=True).encode(), digest_size=8).hexdigest()


def _read() -> dict[str, Any]:
    try:
        found = json.loads(cache_file().read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(entry: dict[str, Any], found: Known) -> None:
    """Keeps a choice; a cache that cannot be written costs a probe next time and nothing else."""
    known = _read() | {_key(entry): asdict(found) | {"entry": entry}}
    try:
        cache_file().parent.mkdir(parents=True, exist_ok=True)
        write_atomically(cache_file(), json.dumps(known, indent=1).encode())
    except (OSError, CannotWrite):
        return
