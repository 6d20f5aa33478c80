"""The best network of a round, as a file that can be loaded and used."""

from pathlib import Path

from esper_tui.kasmina.network import Network
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.folder import ARTEFACTS
from esper_tui.runtime.build import Parts
from esper_tui.runtime.delivery import Delivered, score
from esper_tui.runtime.statefile import load_state, save_state

KIND = "network"


def save_best(folder: Path, parts: Parts, delivered: list[Delivered], round_: int = 0) -> Path | None:
    """Writes the delivered network with the lowest loss on the reward half; None if there is none."""
    if not delivered:
        return None
    best = min(delivered, key=lambda d: _reward_loss(parts, d))
    path = folder / ARTEFACTS / f"round-{round_:03d}-best.safetensors"
    network = best.network.float()
    mean, std = parts.source.mean.tolist(), parts.source.std.tolist()
    document = network.document() | {"env": best.env, "round": round_, "pixel_mean": mean, "pixel_std": std}
    save_state(path, KIND, dict(network.state_dict()), document)
    return path


def _reward_loss(parts: Parts, delivered: Delivered) -> float:
    judged = ~parts.gate_mask(parts.engine.envs[delivered.env].instance)
    return float(score(delivered.network, parts.source.validation()).losses[judged].mean())


def best_artefact(folder: Path) -> Path | None:
    """The best network of the last round that ended; None if none has."""
    return max((folder / ARTEFACTS).glob("round-*-best.safetensors"), default=None)


def pixel_statistics(path: Path) -> tuple[list[float], list[float]]:
    """Mean and deviation per channel, of pixels from 0 to 255, that a network was trained with."""
    _, document = load_state(path, KIND)
    return document["pixel_mean"], document["pixel_std"]


def load_network(path: Path) -> Network:
    """A delivered network, ready for images ``[B, 3, H, W]`` normalised by the file's pixel mean and deviation.

    Raises:
        Incompatible: if the file is damaged or of another kind.
    """
    tensors, document = load_state(path, KIND)
    try:
        network = Network.from_document(document)
        network.load_state_dict(tensors)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise Incompatible(f"{path} describes a network that this program cannot build ({reason})") from None
    return network
