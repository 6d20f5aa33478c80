"""A module for many networks, and the bridge between its parameters and rows ``[R, P]``."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from esper_tui.kasmina.layers import decay_mask


@dataclass(frozen=True)
class Placement:
    """Where and how networks are computed.

    Attributes:
        min_rows: groups smaller than this are padded with dead rows, so that a row's numbers do not depend on how
            many companions it has: a lone group takes other kernels on a CPU.
    """

    device: torch.device
    dtype: torch.dtype = torch.float32
    memory_format: torch.memory_format = torch.channels_last
    min_rows: int = 2

    def vector(self, values: list[float]) -> Tensor:
        return torch.tensor(values, device=self.device, dtype=self.dtype)


Build = Callable[[int], nn.Module]


class Stacked:
    """``build(rows)`` on a device, with its parameters readable and writable as rows."""

    def __init__(self, build: Build, rows: int, place: Placement, *, trainable: bool):
        self.rows, self.size, self.place = rows, max(rows, place.min_rows), place
        with torch.device("meta"):
            module = build(self.size).to(place.dtype)
        self.module = module.to_empty(device=place.device)
        self.params = list(self.module.parameters())
        for tensor in [*self.params, *self.module.buffers()]:
            tensor.data.zero_()
        for p in self.params:
            p.requires_grad_(trainable)
        self.sizes = [p.numel() // self.size for p in self.params]
        self._views = [p.data.view(self.size, -1)[:rows] for p in self.params]

    def load(self, weights: Tensor) -> None:
        """Copies rows ``[R, P]`` into the parameters."""
        for view, part in zip(self._views, weights.split(self.sizes, dim=1) if self.sizes else (), strict=True):
            view.copy_(part)

    def as_rows(self, gradients: list[Tensor]) -> Tensor:
        """Gradients of the parameters, in their order, as rows ``[R, P]``; P is 0 for a module without parameters."""
        parts = [g.reshape(self.size, -1)[: self.rows] for g in gradients]
        return torch.cat(parts, dim=1) if parts else self.place.vector([]).expand(self.rows, 0)

    def buffers_as_rows(self) -> Tensor:
        """Buffers as rows ``[R, Pb]``; zero columns if the module has none."""
        parts = [b.reshape(self.size, -1)[: self.rows] for b in self.module.buffers()]
        return torch.cat(parts, dim=1) if parts else self.place.vector([]).expand(self.rows, 0)

    def load_buffers(self, values: Tensor) -> None:
        buffers = list(self.module.buffers())
        sizes = [b.numel() // self.size for b in buffers]
        for buffer, part in zip(buffers, values.split(sizes, dim=1) if sizes else (), strict=True):
            buffer.view(self.size, -1)[: self.rows].copy_(part)

    def __call__(self, h: Tensor, *vectors: Tensor) -> Tensor:
        """Runs the module on ``[B, R·C, H, W]`` and per-row vectors ``[R]``."""
        missing = self.size - self.rows
        if not missing:
            return self.module(h, *vectors)
        channels = h.shape[1] // self.rows
        h = torch.cat([h] + [h[:, :channels]] * missing, dim=1)
        out = self.module(h, *(torch.cat([v, v.new_zeros(missing)]) for v in vectors))
        return out[:, : out.shape[1] // self.size * self.rows]


def select_rows(h: Tensor, index: Tensor, rows: int) -> Tensor:
    """The given rows of ``[B, rows·C, H, W]``, in the memory format of h."""
    if h.dim() == 4 and h.is_contiguous(memory_format=torch.channels_last):
        last = h.permute(0, 2, 3, 1).unflatten(-1, (rows, -1)).index_select(3, index).flatten(3)
        return last.permute(0, 3, 1, 2)
    return h.unflatten(1, (rows, -1)).index_select(1, index).flatten(1, 2)


def add_rows(h: Tensor, index: Tensor, residual: Tensor, rows: int) -> Tensor:
    """h with a residual ``[B, len(index)·C, H, W]`` added to the given rows; the other rows keep their bits."""
    if h.is_contiguous(memory_format=torch.channels_last):
        last = h.permute(0, 2, 3, 1).unflatten(-1, (rows, -1))
        part = residual.permute(0, 2, 3, 1).unflatten(-1, (len(index), -1))
        return last.index_add(3, index, part).flatten(3).permute(0, 3, 1, 2)
    part = residual.unflatten(1, (len(index), -1))
    return h.unflatten(1, (rows, -1)).index_add(1, index, part).flatten(1, 2)


def decay_columns(stacked: Stacked) -> Tensor:
    """1 for columns of a row that take weight decay, else 0: ``[P]``."""
    flags = decay_mask(stacked.module)
    return torch.tensor([float(f) for f, n in zip(flags, stacked.sizes, strict=True) for _ in range(n)])


@lru_cache(maxsize=4096)
def count_params(build: Build) -> int:
    """Parameters of one network, from the module itself."""
    with torch.device("meta"):
        return sum(p.numel() for p in build(1).parameters())
