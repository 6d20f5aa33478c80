"""The networks of a round, as files that can be loaded and used: the best one, and at the end of a run all of them."""

import re
from pathlib import Path
from typing import Any

from esper_tui.kasmina.network import Network
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.folder import ARTEFACTS
from esper_tui.runtime.build import Parts
from esper_tui.runtime.delivery import Delivered, score
from esper_tui.runtime.statefile import load_state, save_state

KIND = "network"


def save_networks(
    folder: Path, parts: Parts, delivered: list[Delivered], round_: int = 0, epoch: int = 0, every: bool = True
) -> Path | None:
    """Writes the delivered network with the lowest loss on the reward half, and each of them if ``every`` is wanted.

    Returns the best one's file, None if there is no network.
    """
    if not delivered:
        return None
    if every:
        forget_networks(folder)
    for one in delivered if every else []:
        save_network(env_file(folder, round_, one.env), parts, one, {"round": round_, "epoch": epoch})
    path = folder / ARTEFACTS / f"round-{round_:03d}-best.safetensors"
    save_network(path, parts, best_of(parts, delivered), {"round": round_, "epoch": epoch})
    return path


def save_network(path: Path, parts: Parts, delivered: Delivered, place: dict[str, Any]) -> None:
    network = delivered.network.float()
    mean, std = parts.source.mean.tolist(), parts.source.std.tolist()
    document = network.document() | {"env": delivered.env, **place, "pixel_mean": mean, "pixel_std": std}
    save_state(path, KIND, dict(network.state_dict()), document)


def best_of(parts: Parts, delivered: list[Delivered]) -> Delivered:
    """The one with the lowest loss on the reward half."""
    return min(delivered, key=lambda d: _reward_loss(parts, d))


def _reward_loss(parts: Parts, delivered: Delivered) -> float:
    judged = ~parts.gate_mask(parts.engine.envs[delivered.env].instance)
    return float(score(delivered.network, parts.source.validation()).losses[judged].mean())


def forget_networks(folder: Path) -> None:
    """Removes what an earlier end of the run left: an environment may have been lost since."""
    for path in (folder / ARTEFACTS).glob("round-*-env-*.safetensors"):
        path.unlink(missing_ok=True)


def env_file(folder: Path, round_: int, env: int) -> Path:
    return folder / ARTEFACTS / f"round-{round_:03d}-env-{env:03d}.safetensors"


def best_artefact(folder: Path) -> Path | None:
    """The best network of the last round that ended; None if none has."""
    return max((folder / ARTEFACTS).glob("round-*-best.safetensors"), default=None)


def round_of(path: Path) -> int:
    """The round that a file of a network belongs to."""
    found = re.match(r"round-(\d+)-", path.name)
    assert found is not None
    return int(found[1])


def describe_network(path: Path) -> dict[str, Any]:
    """What the file of a network says: its shape, environment, round, epoch, ``pixel_mean`` and ``pixel_std``."""
    return load_state(path, KIND)[1]


def load_network(path: Path) -> Network:
    """A delivered network, ready for images ``[B, 3, H, W]`` normalised by the file's pixel mean and deviation.

    Raises:
        Incompatible: if the file is damaged or of another kind.
    """
    tensors, document = load_state(path, KIND)
    try:
        network = Network.from_document(document, sum(tensor.numel() for tensor in tensors.values()))
        network.load_state_dict(tensors)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise Incompatible(f"{path} describes a network that this program cannot build ({reason})") from None
    return network
