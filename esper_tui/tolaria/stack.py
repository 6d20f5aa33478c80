"""A module for many networks, and the bridge between its parameters and rows ``[R, P]``."""

from collections.abc import Callable, Sequence
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
        module = module.to_empty(device=place.device)
        self.module = module.to(memory_format=place.memory_format)
        self.params = list(self.module.parameters())
        self.buffers = list(self.module.buffers())
        for tensor in [*self.params, *self.buffers]:
            tensor.data.zero_()
        for p in self.params:
            p.requires_grad_(trainable)
        self.sizes = [p.numel() // self.size for p in self.params]
        self._views = [p.data.unflatten(0, (self.size, -1))[:rows] for p in self.params]
        index = [*range(rows), *[0] * (self.size - rows)]  # dead rows are fed with the first one
        self._padding = torch.tensor(index, device=place.device) if self.size > rows else None
        self._loaded: Tensor | None = None

    def load(self, weights: Tensor) -> None:
        """Copies rows ``[R, P]`` into the parameters."""
        if not self.params:
            return
        if self._loaded is not weights:  # a bank updates its rows in place: the same views serve every step
            parts = weights.split(self.sizes, dim=1)
            self._sources = [part.view(view.shape) for part, view in zip(parts, self._views, strict=True)]
            self._loaded = weights
        torch._foreach_copy_(self._views, self._sources)

    def as_rows(self, gradients: Sequence[Tensor]) -> Tensor:
        """Gradients of the parameters, in their order, as rows ``[R, P]``; P is 0 for a module without parameters."""
        return self._joined(self._as_row_views(gradients))

    def statistics(self) -> Tensor:
        """Running statistics as rows ``[R, Pb]``."""
        return self._joined(self._as_row_views(self.buffers))

    def load_statistics(self, values: Tensor) -> None:
        views = self._as_row_views(self.buffers)
        for view, part in zip(views, values.split([v.shape[1] for v in views], dim=1) if views else (), strict=True):
            view.copy_(part)

    def _as_row_views(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        whole = [t.reshape(self.size, -1) for t in tensors]
        return whole if self.size == self.rows else [t[: self.rows] for t in whole]

    def _joined(self, parts: list[Tensor]) -> Tensor:
        return torch.cat(parts, dim=1) if parts else self.place.vector([]).expand(self.rows, 0)

    def __call__(self, h: Tensor, alpha: Tensor | None = None, part: nn.Module | None = None) -> Tensor:
        """Runs the module, or a part of it, on ``[B, R·C, H, W]``; seeds with their alphas ``[R]`` if not all are 1."""
        module = self.module if part is None else part
        if self._padding is None:
            return module(h) if alpha is None else module(h, alpha)
        h = select_rows(h, self._padding, self.rows)
        if alpha is not None:
            alpha = alpha[self._padding]
        out = module(h) if alpha is None else module(h, alpha)
        return select_rows(out, self._padding[: self.rows], self.size)


def select_rows(h: Tensor, index: Tensor, rows: int) -> Tensor:
    """The given rows of ``[B, rows·C, H, W]``, in the memory format of h; so is the gradient.

    The format matters beyond speed: in another one other kernels run, with other bits.
    """
    if h.dim() == 4 and h.is_contiguous(memory_format=torch.channels_last):
        last = h.permute(0, 2, 3, 1).unflatten(-1, (rows, -1)).index_select(3, index).flatten(3)
        return last.permute(0, 3, 1, 2)
    return h.unflatten(1, (rows, -1)).index_select(1, index).flatten(1, 2)


def add_rows(h: Tensor, index: Tensor, residual: Tensor, rows: int) -> Tensor:
    """h with a residual ``[B, len(index)·C, H, W]`` added to the given rows; the other rows keep their bits."""
    last = h.is_contiguous(memory_format=torch.channels_last)
    dim = 3 if last else 1
    whole, part = (t.permute(0, 2, 3, 1) if last else t for t in (h, residual))
    summed = whole.unflatten(dim, (rows, -1)).index_add(dim, index, part.unflatten(dim, (len(index), -1)))
    return summed.flatten(dim, dim + 1).permute(0, 3, 1, 2) if last else summed.flatten(dim, dim + 1)


def decay_columns(stacked: Stacked) -> Tensor:
    """1 for columns of a row that take weight decay, else 0: ``[P]``."""
    flags = decay_mask(stacked.module)
    return torch.tensor([float(f) for f, n in zip(flags, stacked.sizes, strict=True) for _ in range(n)])


@lru_cache(maxsize=4096)
def count_params(build: Build) -> int:
    """Parameters of one network, from the module itself."""
    with torch.device("meta"):
        return sum(p.numel() for p in build(1).parameters())
