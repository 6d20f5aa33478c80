"""Stacked layers.  Blueprints and hosts mix channels only through these, so rows never touch each other.

Shapes: a layer for ``rows`` networks maps ``[B, rows·C_in, H, W]`` to ``[B, rows·C_out, H, W]``.  Every parameter's
first dimension is a multiple of ``rows`` and belongs to the rows in order, so ``p.view(rows, -1)`` is one row per
network.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GROUP_EPS = 1e-3
Statistics = Literal["update", "batch", "running"]


def conv(c_in: int, c_out: int, kernel: int, rows: int, *, depthwise: bool = False) -> nn.Conv2d:
    """Convolution of every row by itself, 'same' padding, no bias (a normalisation follows, or a blend)."""
    groups = rows * (c_in if depthwise else 1)
    return nn.Conv2d(rows * c_in, rows * c_out, kernel, padding=kernel // 2, groups=groups, bias=False)


def linear(c_in: int, c_out: int, rows: int, *, bias: bool = False) -> nn.Conv2d:
    """Linear layer on pooled features ``[B, rows·C, 1, 1]``, as a 1x1 convolution."""
    return nn.Conv2d(rows * c_in, rows * c_out, 1, groups=rows, bias=bias)


def group_norm(channels: int, rows: int) -> nn.GroupNorm:
    """Group norm with at least 8 channels per group where the seed has them, so every group has 2 elements.

    The large eps keeps a layer before it alive on the smallest maps: two elements normalise to ±1 whatever they
    are, and the gradient that is left is proportional to eps.
    """
    return nn.GroupNorm(rows * max(1, channels // 8), rows * channels, eps=GROUP_EPS)


def zero(layer: nn.Conv2d) -> nn.Conv2d:
    """Marks a layer that starts at zero; such a layer also takes no weight decay."""
    layer.zero_init = True  # type: ignore[assignment]
    return layer


def pool(h: Tensor) -> Tensor:
    """Mean over the map: ``[B, C, H, W]`` to ``[B, C, 1, 1]``."""
    return F.adaptive_avg_pool2d(h, 1)


class Scale(nn.Module):
    """One learned factor per row, starting at zero."""

    def __init__(self, channels: int, rows: int):
        super().__init__()
        self.channels = channels
        self.factor = nn.Parameter(torch.zeros(rows))

    def forward(self, h: Tensor) -> Tensor:
        return h * per_channel(self.factor, self.channels)


class BatchNorm(nn.Module):
    """Batch norm whose source of statistics is explicit.

    ``update``: batch statistics, moving the running ones by ``momentum``; ``batch``: batch statistics, running ones
    untouched; ``running``: running statistics.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, rows: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(rows * channels))
        self.bias = nn.Parameter(torch.zeros(rows * channels))
        self.register_buffer("running_mean", torch.zeros(rows * channels))
        self.register_buffer("running_var", torch.ones(rows * channels))
        self.statistics: Statistics = "update"
        self.momentum = 0.1

    def forward(self, h: Tensor) -> Tensor:
        if self.statistics == "batch":
            return F.batch_norm(h, None, None, self.weight, self.bias, training=True)
        training = self.statistics == "update"
        return F.batch_norm(
            h, self.running_mean, self.running_var, self.weight, self.bias, training, self.momentum
        )


def set_statistics(module: nn.Module, statistics: Statistics, momentum: float = 0.1) -> None:
    """Sets the source of statistics of every batch norm inside a module."""
    for layer in module.modules():
        if isinstance(layer, BatchNorm):
            layer.statistics, layer.momentum = statistics, momentum


def reset_statistics(module: nn.Module) -> None:
    """Running statistics of every batch norm as at birth: mean 0, variance 1."""
    for layer in module.modules():
        if isinstance(layer, BatchNorm):
            nn.init.zeros_(layer.running_mean)
            nn.init.ones_(layer.running_var)


def per_channel(values: Tensor, channels: int) -> Tensor:
    """One value per row ``[rows]`` as a factor ``[1, rows·C, 1, 1]``; works in every memory format."""
    return values.repeat_interleave(channels).view(1, -1, 1, 1)


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draws a module's start from a generator: Kaiming uniform (He et al. 2015) for weights, zero for biases.

    The bound is sqrt(6 / fan_in), the gain of ReLU; layers marked by ``zero`` and ``Scale`` start at zero, norms at
    the identity.  A layer may carry ``bias_init`` to start its bias elsewhere.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            if getattr(layer, "zero_init", False):
                nn.init.zeros_(layer.weight)
            else:
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, getattr(layer, "bias_init", 0.0))
        elif isinstance(layer, nn.GroupNorm | BatchNorm):
            nn.init.ones_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, Scale):
            nn.init.zeros_(layer.factor)
    reset_statistics(module)


def decay_mask(module: nn.Module) -> list[bool]:
    """For every parameter tensor, in order, whether weight decay applies: only to ordinary convolution weights."""
    decayed = {
        id(layer.weight)
        for layer in module.modules()
        if isinstance(layer, nn.Conv2d) and not getattr(layer, "zero_init", False)
    }
    return [id(p) in decayed for p in module.parameters()]
