"""A grown network as ordinary PyTorch: nothing here needs anything but torch and safetensors.

This file is copied into every export, so that an export can be used where Esper is not installed::

    from grown import load
    network = load(".")                       # images [B, 3, H, W], float, pixels from 0 to 1
    labels = network(images).argmax(1)

``architecture.json`` lists the layers in order; a kept seed is a ``Residual``, h + blend(δ(h)).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

ARCHITECTURE, WEIGHTS = "architecture.json", "weights.safetensors"


class Pixels(nn.Module):
    """(x − mean) / deviation, per channel."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: list[float], std: list[float]):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float64).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float64).view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


def squeezed(h: Tensor) -> Tensor:
    """Mean over the map of the positive part, ``[B, C]``."""
    return F.relu(h).mean((2, 3))


def hidden_width(channels: int) -> int:
    return max(8, channels // 4)


def group_norm(channels: int) -> nn.GroupNorm:
    groups = next(count for count in range(max(1, channels // 8), 0, -1) if channels % count == 0)
    return nn.GroupNorm(groups, channels, eps=1e-3)


class Excitation(nn.Module):
    """δ(h) = h·(2σ(W₂ SiLU(W₁ squeezed h)) − 1)."""

    def __init__(self, channels: int):
        super().__init__()
        self.narrow = nn.Linear(channels, hidden_width(channels), bias=False)
        self.excite = nn.Linear(hidden_width(channels), channels, bias=False)

    def forward(self, h: Tensor) -> Tensor:
        scale = 2 * torch.sigmoid(self.excite(F.silu(self.narrow(squeezed(h))))) - 1
        return h * scale[:, :, None, None]


def conv(c_in: int, c_out: int, kernel: int, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, groups=groups, bias=False)


def norm(channels: int) -> nn.Module:
    made = group_norm(channels)
    made.register_parameter("bias", None)
    return made


def bottleneck(c: int) -> nn.Module:
    n = hidden_width(c)
    return nn.Sequential(conv(c, n, 1), conv(n, n, 3), group_norm(n), nn.SiLU(), conv(n, c, 1))


RESIDUALS = {
    "NORM": norm,
    "ATTENTION": Excitation,
    "CONV_SMALL": lambda c: nn.Sequential(group_norm(c), nn.SiLU(), conv(c, c, 1)),
    "CONV_LIGHT": lambda c: nn.Sequential(group_norm(c), nn.SiLU(), conv(c, c, 3)),
    "BOTTLENECK": bottleneck,
    "DEPTHWISE": lambda c: nn.Sequential(conv(c, c, 3, groups=c), group_norm(c), nn.SiLU(), conv(c, c, 1)),
    "CONV_HEAVY": lambda c: nn.Sequential(conv(c, c, 3), group_norm(c), nn.SiLU(), conv(c, c, 3)),
}
"""δ by blueprint."""


class Gate(nn.Module):
    """g(h) in (0, 1), one value per image."""

    def __init__(self, channels: int):
        super().__init__()
        self.narrow = nn.Linear(channels, hidden_width(channels))
        self.open = nn.Linear(hidden_width(channels), 1)

    def forward(self, h: Tensor) -> Tensor:
        return torch.sigmoid(self.open(F.silu(self.narrow(squeezed(h)))))[:, :, None, None]


class Residual(nn.Module):
    """A kept seed: h + δ(h) (ADD), h·(1 + tanh δ(h)) (MULTIPLY) or h + g(h)·δ(h) (GATED)."""

    def __init__(self, blueprint: str, form: str, channels: int):
        super().__init__()
        self.form = form
        self.residual = RESIDUALS[blueprint](channels)
        self.gate = Gate(channels) if form == "GATED" else None

    def forward(self, h: Tensor) -> Tensor:
        delta = self.residual(h)
        if self.form == "MULTIPLY":
            return h * (1 + torch.tanh(delta))
        return h + (delta if self.gate is None else self.gate(h) * delta)


LAYERS: dict[str, Callable[..., nn.Module]] = {
    "pixels": lambda mean, std: Pixels(mean, std),
    "conv": lambda c_in, c_out, kernel: nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2),
    "pool": lambda: nn.MaxPool2d(2),
    "relu": lambda: nn.ReLU(),
    "seed": lambda slot, blueprint, form, channels: Residual(blueprint, form, channels),
    "mean": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "linear": lambda c_in, c_out: nn.Linear(c_in, c_out),
}
"""Layer by kind, built from the other keys of its entry in ``architecture.json``."""


def build(document: dict[str, Any], dtype: torch.dtype = torch.float32) -> nn.Sequential:
    """The network of an architecture, with weights that are still to be loaded.

    Raises:
        ValueError: for a layer that does not exist or lacks a value.
    """
    layers = []
    for number, entry in enumerate(document["layers"]):
        values = {k: v for k, v in entry.items() if k != "kind"}
        try:
            layers.append(LAYERS[entry["kind"]](**values))
        except (KeyError, TypeError) as error:
            raise ValueError(f"layer {number} of {ARCHITECTURE} cannot be built: {error}") from None
    return nn.Sequential(*layers).to(dtype)


def load(folder: str | Path) -> nn.Sequential:
    """The network of an export folder, ready for use.  Reads data only; nothing in the folder is executed.

    Raises:
        ValueError: if architecture and weights do not fit.
    """
    folder = Path(folder)
    network = build(json.loads((folder / ARCHITECTURE).read_text(encoding="utf-8")))
    try:
        network.load_state_dict(load_file(folder / WEIGHTS))
    except RuntimeError as error:
        raise ValueError(f"{folder / WEIGHTS} does not fit {ARCHITECTURE}: {error}") from None
    return network.eval()
