"""Turns a delivered network into ordinary PyTorch modules and writes them as a folder that stands alone.

Batch norms are folded into the convolution before them: with fixed statistics γ(Wx − μ)/σ + β is a convolution with
weight γW/σ and bias β − γμ/σ.  Seeds stay as they are: each normalises or gates by its input, so none is affine.
"""

import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from esper_tui.evidence import grown
from esper_tui.evidence.origin import ORIGIN, write_origin
from esper_tui.kasmina.host import Activation, Block, Head
from esper_tui.kasmina.network import Network
from esper_tui.leyline.errors import CannotWrite
from esper_tui.runtime.runs import write_atomically

BATCH_EPS = 1e-5
PROGRAM = "network.pt2"
README = """A network that Esper grew: {layers} layers, {seeds}, {size_text}.

    from grown import load          # grown.py needs torch and safetensors, nothing else
    network = load(".")             # images [B, 3, {size}, {size}], float, pixels from 0 to 1
    labels = network(images).argmax(1)

architecture.json    the layers, in order, one a line
weights.safetensors  their weights
network.pt2          the same for torch.export.load, without any Python source
{origin}"""
ORIGIN_LINE = """origin.json          its run and recipe; `esper retrain` trains the same layers from new weights
"""


def plain_network(network: Network, mean: list[float], std: list[float]) -> tuple[nn.Sequential, dict[str, Any]]:
    """The same function as ordinary modules, and its architecture.

    Args:
        mean, std: of the pixels in 0..255 that the network was trained on, per channel; the result takes 0..1.
    """
    entries, sources = zip(*_layers(network, mean, std), strict=True)
    document = {"layers": list(entries), "image_size": network.spec.image_size, "classes": network.spec.classes}
    dtype = next(network.parameters()).dtype
    plain = grown.build(document, dtype).eval()
    for module, source in zip(plain, sources, strict=True):
        if source is not None:
            vector_to_parameters(source.to(dtype), module.parameters())
    return plain, document


def _layers(network: Network, mean: list[float], std: list[float]) -> Iterator[tuple[dict[str, Any], Tensor | None]]:
    """Entries of the architecture, each with its weights as one vector."""
    yield {"kind": "pixels", "mean": [m / 255 for m in mean], "std": [s / 255 for s in std]}, None
    for index, segment in enumerate(network.segments):
        for module in segment.children():
            yield from _host_layers(module)
        if index < len(network.seeds):
            seed, planted = network.seeds[index], network.planted[index]
            entry = {"slot": planted.slot, "blueprint": planted.blueprint, "form": str(planted.form)}
            yield {"kind": "seed", **entry, "channels": seed.channels}, parameters_to_vector(seed.parameters()).detach()


def _host_layers(module: nn.Module) -> Iterator[tuple[dict[str, Any], Tensor | None]]:
    if isinstance(module, Block):
        weight, bias = folded(module)
        shape = {"c_in": weight.shape[1], "c_out": weight.shape[0], "kernel": weight.shape[2]}
        yield {"kind": "conv", **shape}, torch.cat([weight.flatten(), bias])
    elif isinstance(module, Activation):
        if module.pooled:
            yield {"kind": "pool"}, None
        yield {"kind": "relu"}, None
    elif isinstance(module, Head):
        c_out, c_in = module.linear.weight.shape
        yield {"kind": "mean"}, None
        yield (
            {"kind": "linear", "c_in": c_in, "c_out": c_out},
            parameters_to_vector(module.linear.parameters()).detach(),
        )
    else:
        raise TypeError(f"no plain form of {type(module).__name__}")


def folded(block: Block) -> tuple[Tensor, Tensor]:
    """Weight and bias of one convolution that does what a convolution and its batch norm do."""
    norm = block.norm
    scale = norm.weight / torch.sqrt(norm.running_var + BATCH_EPS)
    weight = block.conv.weight * scale[:, None, None, None]
    return weight.detach(), (norm.bias - norm.running_mean * scale).detach()


def write_export(
    network: Network, mean: list[float], std: list[float], folder: Path, origin: dict[str, Any] | None = None
) -> Path:
    """Writes architecture, weights, program and loader into a new folder, and where the network is from if that is
    known.

    Raises:
        CannotWrite: if the folder is not empty or cannot be written.
    """
    refuse_filled(folder)
    plain, document = plain_network(network.float(), mean, std)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(grown.__file__, folder / "grown.py")
    except OSError as error:
        raise CannotWrite(f"cannot write {folder}: {error.strerror}; choose another --to") from None
    write_atomically(folder / grown.ARCHITECTURE, readable(document).encode())
    write_atomically(folder / grown.WEIGHTS, save({k: v.contiguous() for k, v in plain.state_dict().items()}))
    if origin is not None:
        write_origin(folder / ORIGIN, origin | {"network": network.document()})
    text = _readme(document, size_text(network, plain), origin is not None)
    write_atomically(folder / "README.txt", text.encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about weights that share storage on a GPU; these are copies on the CPU
        torch.export.save(export_program(plain, network.spec.image_size), folder / PROGRAM)
    return folder


def refuse_filled(folder: Path) -> None:
    """Raises ``CannotWrite`` if a folder that is to be written holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CannotWrite(f"{folder} is not an empty folder; choose another --to")


def readable(document: dict[str, Any]) -> str:
    """The architecture as JSON with a layer per line."""
    layers = ",\n".join(f"  {json.dumps(entry)}" for entry in document["layers"])
    rest = "".join(f' "{key}": {json.dumps(value)},\n' for key, value in document.items() if key != "layers")
    return f'{{\n{rest} "layers": [\n{layers}\n ]\n}}\n'


def size_text(network: Network, plain: nn.Module) -> str:
    """How many parameters there are now, and how many there were in the run."""
    now, before = (sum(p.numel() for p in module.parameters()) for module in (plain, network))
    return f"{now:,} parameters ({before:,} in the run, where batch norms were not yet folded)"


def export_program(plain: nn.Sequential, size: int) -> torch.export.ExportedProgram:
    """The network for any batch size."""
    example = torch.zeros(2, 3, size, size, dtype=next(plain.parameters()).dtype)
    return torch.export.export(plain, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))


def _readme(document: dict[str, Any], size_text: str, has_origin: bool) -> str:
    kept = [e for e in document["layers"] if e["kind"] == "seed"]
    seeds = ", ".join(f"{e['slot']} {e['blueprint']}" for e in kept) or "no seed was kept"
    origin = ORIGIN_LINE if has_origin else ""
    return README.format(
        layers=len(document["layers"]), seeds=seeds, size_text=size_text, size=document["image_size"], origin=origin
    )
