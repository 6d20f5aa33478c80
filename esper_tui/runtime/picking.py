"""One network of a run, finished or not: the best one or that of an environment.

A round that ended left its networks as artefacts.  Where there are none, the engine is put back from the newest
checkpoint and delivers as it would at the end of the run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from esper_tui.kasmina.network import Network
from esper_tui.leyline.config import RunConfig, Tamiyo
from esper_tui.leyline.errors import Incompatible, UsageError
from esper_tui.leyline.folder import checkpoint_files
from esper_tui.leyline.stages import Stage
from esper_tui.runtime.artefacts import best_artefact, best_of, describe_network, env_file, load_network, round_of
from esper_tui.runtime.build import Parts, build_parts
from esper_tui.runtime.checkpoints import newest_checkpoint
from esper_tui.runtime.delivery import Delivered
from esper_tui.runtime.instances import Instances
from esper_tui.runtime.loop_state import ENGINE
from esper_tui.runtime.resume import checkpoint_settings
from esper_tui.tolaria.snapshot import restore_engine


@dataclass(frozen=True)
class Picked:
    """A network and where it is from.

    Attributes:
        mean, std: of the pixels in 0..255 that it was trained on, per channel.
        epoch: epochs it has been trained for, None where the file does not say.
        source: the file it was taken from, relative to the run folder.
        left_out: seeds that were still on trial, which a delivered network never holds.
    """

    network: Network
    mean: list[float]
    std: list[float]
    env: int
    round: int
    epoch: int | None
    source: str
    left_out: tuple[str, ...] = ()


def pick_network(folder: Path, env: int | None = None) -> Picked:
    """The network of an environment, or the best one.

    Raises:
        UsageError: if the run has no such environment, or lost it.
        Incompatible: if neither an artefact nor a checkpoint of it can be used.
    """
    best = best_artefact(folder)
    if env is None:
        return _from_artefact(folder, best) if best is not None else _from_checkpoint(folder, None)
    round_ = round_of(best) if best is not None else -1
    newer = [place for place, _ in checkpoint_files(folder) if place[0] > round_]
    own = env_file(folder, max(round_, 0), env)
    if own.is_file() and not newer:
        return _from_artefact(folder, own)
    if best is not None and not newer and describe_network(best)["env"] == env:
        return _from_artefact(folder, best)
    return _from_checkpoint(folder, env)


def _from_artefact(folder: Path, path: Path) -> Picked:
    document = describe_network(path)
    try:
        values = {key: document[key] for key in ("env", "round")}
        mean, std = document["pixel_mean"], document["pixel_std"]
    except KeyError as error:
        raise Incompatible(f"{path} does not say {error}; it is of another version") from None
    source = str(path.relative_to(folder))
    return Picked(load_network(path), mean, std, **values, epoch=document.get("epoch"), source=source)


def _from_checkpoint(folder: Path, env: int | None) -> Picked:
    path, tensors, document, _ = newest_checkpoint(folder)
    with _engine_of(path, tensors, document) as parts:
        if env is not None and not 0 <= env < len(parts.engine.envs):
            raise UsageError(f"{folder.name} has environments 0 to {len(parts.engine.envs) - 1}, not {env}")
        wanted = range(len(parts.engine.envs)) if env is None else [env]
        sound = [d for d in (Delivered(e, parts.engine.deliver(e), None) for e in wanted) if _is_finite(d.network)]
        if not sound:
            raise UsageError(f"{folder.name} lost {_who(env)}: not all weights are finite; choose another --env")
        chosen = best_of(parts, sound)
        mean, std = parts.source.mean.tolist(), parts.source.std.tolist()
        round_ = int(path.name.partition("-")[0].lstrip("r"))
        return Picked(
            chosen.network, mean, std, chosen.env, round_, int(document["epoch"]), str(path.relative_to(folder)),
            _on_trial(parts, chosen.env),
        )  # fmt: skip


def _who(env: int | None) -> str:
    return "every environment" if env is None else f"environment {env}"


def _is_finite(network: Network) -> bool:
    return all(bool(torch.isfinite(t).all()) for t in network.state_dict().values())


@contextmanager
def _engine_of(path: Path, tensors: dict[str, torch.Tensor], document: dict[str, Any]) -> Iterator[Parts]:
    """The engine of a checkpoint on the CPU, with the data it was trained on; nobody decides there."""
    config, choice = checkpoint_settings(path, document)
    parts = build_parts(_on_cpu(config), choice=replace(choice, device="cpu"), instances=Instances(config))
    try:
        engine = {name.removeprefix(ENGINE): t for name, t in tensors.items() if name.startswith(ENGINE)}
        restore_engine(parts.engine, engine, document["engine"])
        yield parts
    finally:
        parts.engine.close()


def _on_cpu(config: RunConfig) -> RunConfig:
    """The policy is left out: its file may be gone, and it is not needed."""
    cpu = config.engine.model_copy(update={"device": "cpu"})
    return config.model_copy(update={"engine": cpu, "tamiyo": Tamiyo(policy="wait")})


def _on_trial(parts: Parts, env: int) -> tuple[str, ...]:
    slots = [s for s in parts.engine.envs[env].slots if s.seed is not None and s.stage is not Stage.FOSSILIZED]
    return tuple(f"{s.name} {s.seed.blueprint} ({s.stage.name})" for s in slots if s.seed is not None)
