"""Stacked layers.  Blueprints and hosts mix channels only through these, so rows never touch each other.

Shapes: a layer for ``rows`` networks maps ``[B, rows·C_in, H, W]`` to ``[B, rows·C_out, H, W]``.  Every parameter's
first dimension is a multiple of ``rows`` and belongs to the rows in order, so ``p.view(rows, -1)`` is one row per
network.
"""

from collections.abc import Callable
from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import grad

GROUP_EPS = 1e-3
Statistics = Literal["update", "batch", "running"]


def conv(c_in: int, c_out: int, kernel: int, rows: int, *, depthwise: bool = False) -> nn.Conv2d:
    """Convolution of every row by itself, 'same' padding, no bias (a normalisation follows, or a blend)."""
    groups = rows * (c_in if depthwise else 1)
    made = nn.Conv2d if depthwise or c_in % CHANNEL_BLOCK == 0 else NarrowConv
    return made(rows * c_in, rows * c_out, kernel, padding=kernel // 2, groups=groups, bias=False)


CHANNEL_BLOCK = 8
"""Channels that grouped CPU kernels take at a time; a group with a broken block falls back to matrix products."""
WIDE_MAP = 2**15
"""Elements of a channel over the batch from which copying a row's share costs less than falling back."""


class _NarrowConv(torch.autograd.Function):
    """Grouped convolution whose weight gradient is computed row by row, on copies of the rows."""

    @staticmethod
    def forward(ctx, h: Tensor, weight: Tensor, groups: int) -> Tensor:
        ctx.save_for_backward(h, weight)
        ctx.groups = groups
        return F.conv2d(h, weight, padding="same", groups=groups)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, Tensor, None]:
        h, weight = ctx.saved_tensors
        groups, pad = ctx.groups, weight.shape[-1] // 2
        layout = torch.channels_last if h.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
        rows = [[part.contiguous(memory_format=layout) for part in t.chunk(groups, 1)] for t in (h, gradient)]
        shape = (len(weight) // groups, *weight.shape[1:])
        own = torch.cat([grad.conv2d_weight(a, shape, g, padding=pad) for a, g in zip(*rows, strict=True)])
        if not ctx.needs_input_grad[0]:
            return None, own, None
        return grad.conv2d_input(h.shape, weight, gradient, padding=pad, groups=groups), own, None


class NarrowConv(nn.Conv2d):
    """Convolution of images: few input channels, and usually the largest map of the network.

    On a CPU the weight gradient of all rows together takes five times as long as row by row, copies included,
    unless batches are small.  Which way is taken does not depend on the number of rows, so neither do the bits.
    """

    def forward(self, h: Tensor) -> Tensor:
        if h.device.type != "cpu" or h.numel() // h.shape[1] < WIDE_MAP:
            return super().forward(h)
        return _NarrowConv.apply(h, self.weight, self.groups)


LANES = 64
"""Elements a CPU kernel takes at a time; whatever is left over goes through scalar code with other last bits."""


def _whole_lanes(function: Callable[[Tensor], Tensor], h: Tensor) -> Tensor:
    """function(h), elementwise, with every element in a full vector.

    Vector and scalar exponentials differ in their last bit, and which elements are left over depends on how many
    rows stand side by side.  Nearly every tensor is a multiple of the lanes already.
    """
    rest = h.numel() % LANES
    if rest == 0 or h.device.type != "cpu":
        return function(h)
    layout = (
        torch.channels_last
        if h.dim() == 4 and h.is_contiguous(memory_format=torch.channels_last)
        else torch.contiguous_format
    )
    flat = F.pad(h.reshape(-1), (0, LANES - rest))
    return function(flat)[: h.numel()].view(h.shape).contiguous(memory_format=layout)


def silu(h: Tensor) -> Tensor:
    return _whole_lanes(F.silu, h)


def sigmoid(h: Tensor) -> Tensor:
    return _whole_lanes(torch.sigmoid, h)


def tanh(h: Tensor) -> Tensor:
    return _whole_lanes(torch.tanh, h)


class Linear(nn.Module):
    """Linear layer of every row on pooled features: ``[B, rows·C_in, 1, 1]`` to ``[B, rows·C_out, 1, 1]``.

    One batched product; a grouped 1x1 convolution on a 1x1 map takes a slow path on a CPU, group by group.
    ``bias_init`` is where the bias starts; None means there is none.
    """

    def __init__(self, c_in: int, c_out: int, rows: int, bias_init: float | None = None):
        super().__init__()
        self.rows, self.bias_init = rows, bias_init
        self.weight = nn.Parameter(torch.empty(rows * c_out, c_in))
        self.bias = nn.Parameter(torch.empty(rows * c_out)) if bias_init is not None else None

    def forward(self, h: Tensor) -> Tensor:
        weight = self.weight.view(self.rows, -1, self.weight.shape[1]).transpose(1, 2)
        out = torch.bmm(h.reshape(len(h), self.rows, -1).transpose(0, 1), weight)
        if self.bias is not None:  # a product, so that its gradient is one too: a sum would mix rows in its lanes
            out = torch.baddbmm(out, h.new_ones(self.rows, len(h), 1), self.bias.view(self.rows, 1, -1))
        return out.transpose(0, 1).flatten(1)[:, :, None, None]


def group_norm(channels: int, rows: int) -> nn.GroupNorm:
    """Group norm with at least 8 channels per group where the seed has them, so every group has 2 elements.

    As many groups as divide the channels evenly.

    The large eps keeps a layer before it alive on the smallest maps: two elements normalise to ±1 whatever they
    are, and the gradient that is left is proportional to eps.
    """
    groups = next(count for count in range(max(1, channels // 8), 0, -1) if channels % count == 0)
    return nn.GroupNorm(rows * groups, rows * channels, eps=GROUP_EPS)


Layer = TypeVar("Layer", nn.Conv2d, Linear, nn.GroupNorm)


def zero(layer: Layer) -> Layer:
    """Marks a layer that starts at zero; such a layer also takes no weight decay."""
    layer.zero_init = True  # type: ignore[assignment]
    return layer


def pool(h: Tensor) -> Tensor:
    """Mean over the map: ``[B, C, H, W]`` to ``[B, C, 1, 1]``.

    Not the adaptive pool or ``mean``: their last bits depend on how many channels stand side by side.
    """
    return F.avg_pool2d(h, (h.shape[2], h.shape[3]))


def squeeze(h: Tensor) -> Tensor:
    """What a gate looks at: the mean of the positive part; before an activation the plain mean says nothing."""
    return pool(F.relu(h))


class _ScaleChannels(torch.autograd.Function):
    """h·scale per image and channel, with a gradient of the scale that is summed channel by channel.

    Autograd's own sum over the map runs over all rows' channels at once in vector lanes, and which channels share
    a lane depends on how many rows there are; so would the last bits.  The pooling kernel has no such freedom.
    """

    @staticmethod
    def forward(ctx, h: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(h, scale)
        return h * scale

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        h, scale = ctx.saved_tensors
        return gradient * scale, pool(gradient * h) * (h.shape[2] * h.shape[3])


def scale_channels(h: Tensor, scale: Tensor) -> Tensor:
    """h ``[B, C, H, W]`` times a learned factor ``[B, C, 1, 1]``."""
    return _ScaleChannels.apply(h, scale)


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
        return F.batch_norm(h, self.running_mean, self.running_var, self.weight, self.bias, training, self.momentum)


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

    The bound is sqrt(6 / fan_in), the gain of ReLU; layers marked by ``zero`` start at zero, norms at the identity.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | Linear):
            if getattr(layer, "zero_init", False):
                nn.init.zeros_(layer.weight)
            else:
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
            if isinstance(layer, Linear) and layer.bias is not None:
                nn.init.constant_(layer.bias, layer.bias_init or 0.0)
        elif isinstance(layer, nn.GroupNorm | BatchNorm):
            nn.init.constant_(layer.weight, 0.0 if getattr(layer, "zero_init", False) else 1.0)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    reset_statistics(module)


def decay_mask(module: nn.Module) -> list[bool]:
    """For every parameter tensor, in order, whether weight decay applies: only to ordinary weights."""
    decayed = {
        id(layer.weight)
        for layer in module.modules()
        if isinstance(layer, nn.Conv2d | Linear) and not getattr(layer, "zero_init", False)
    }
    return [id(p) in decayed for p in module.parameters()]
