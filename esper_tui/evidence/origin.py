"""Where an exported network is from: its run and recipe, as one JSON file that is checked before it is believed."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from esper_tui.kasmina.host import CnnSpec, spec_of
from esper_tui.kasmina.network import Network, Planted
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import Incompatible, UsageError
from esper_tui.runtime.runs import write_atomically

ORIGIN = "origin.json"
MAX_BYTES = 2**20
SHOWN = 200


@dataclass(frozen=True)
class Origin:
    """What ``esper retrain`` needs: the recipe, and the architecture that was found."""

    run: str
    env: int
    config: RunConfig
    network: Network

    @property
    def planted(self) -> list[Planted]:
        return self.network.planted


def write_origin(path: Path, document: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(document, indent=1).encode())


def read_origin(folder: Path) -> Origin:
    """Reads data only; nothing in the folder is executed.

    Raises:
        UsageError: if the folder has no such file.
        Incompatible: if the file is damaged, or its parts do not fit together.
    """
    path = folder / ORIGIN
    if not path.is_file():
        raise UsageError(f"{folder} has no {ORIGIN}; `esper export RUN --to DIR` writes a folder that has")
    document = _read(path)
    config: RunConfig = _part(path, lambda: RunConfig.model_validate(document["config"]))
    _check_fit(path, spec_of(config), document.get("network"))
    network = _part(path, lambda: Network.from_document(document["network"]))
    run, env = str(document.get("run", "?"))[:SHOWN], document.get("env")
    return Origin(run, env if isinstance(env, int) else -1, config, network)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise Incompatible(f"{path} is larger than {MAX_BYTES // 1024} KiB; esper did not write it")
        document = json.loads(data)
    except (OSError, ValueError, RecursionError) as error:
        raise Incompatible(f"{path} cannot be read ({_short(error)}); export the network again") from None
    if not isinstance(document, dict):
        raise Incompatible(f"{path} is not what `esper export` writes; export the network again")
    return document


def _part(path: Path, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (LookupError, TypeError, ValueError, RuntimeError, ValidationError) as error:
        raise Incompatible(f"{path} is damaged or of another version ({_short(error)}); export it again") from None


def _check_fit(path: Path, spec: CnnSpec, network: Any) -> None:
    """Before anything is built: the network must be the host of the recipe, with seeds in slots that it has."""
    seeds = network.get("seeds") if isinstance(network, dict) else None
    slots = [seed.get("slot") if isinstance(seed, dict) else None for seed in seeds] if isinstance(seeds, list) else []
    places = [surface.slot for surface in spec.surfaces()]
    sound = seeds is not None and all(slot in places for slot in slots) and len(set(slots)) == len(slots)
    if not sound or network.get("spec") != json.loads(json.dumps(asdict(spec))):
        raise Incompatible(f"{path}: the network is not one that its recipe can train; export it again")


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:SHOWN] if str(error) else type(error).__name__
