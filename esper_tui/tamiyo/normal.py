"""Running statistics of features.  Frozen while acting and updating; changed only in between."""

import torch
from torch import Tensor, nn


class RunningNormal(nn.Module):
    """Shifts and scales columns by the mean and deviation of everything measured so far.

    Columns that are not ``normal`` stay as they are.  The statistics are part of the policy's state.
    """

    mean: Tensor
    square: Tensor
    count: Tensor

    def __init__(self, normal: list[bool], limit: float = 5.0):
        super().__init__()
        self.limit = limit
        self.normal: Tensor
        self.register_buffer("normal", torch.tensor(normal), persistent=False)
        self.register_buffer("mean", torch.zeros(len(normal), dtype=torch.float64))
        self.register_buffer("square", torch.zeros(len(normal), dtype=torch.float64))
        self.register_buffer("count", torch.zeros(len(normal), dtype=torch.float64))

    def forward(self, raw: Tensor) -> Tensor:
        """``[…, D]`` with NaN where unmeasured; there the result is 0."""
        known = self.normal & (self.count > 1)
        mean = torch.where(known, self.mean, 0.0).to(raw.dtype)
        scale = torch.where(known, (self.square / self.count.clamp_min(1)).sqrt().clamp_min(1e-3), 1.0).to(raw.dtype)
        shifted = ((raw - mean) / scale).clamp(-self.limit, self.limit)
        return torch.where(raw.isfinite(), shifted, 0.0)

    @torch.no_grad()
    def update(self, raw: Tensor) -> None:
        """Takes in rows ``[n, D]``; what is not finite is left out (Chan et al. 1979, merging two samples)."""
        known = raw.isfinite()
        count = known.sum(0).double()
        values = torch.where(known, raw, 0.0).double()
        mean = values.sum(0) / count.clamp_min(1)
        square = torch.where(known, (values - mean).square(), 0.0).sum(0)
        total = self.count + count
        delta = mean - self.mean
        self.square += square + delta.square() * self.count * count / total.clamp_min(1)
        self.mean += torch.where(count > 0, delta * count / total.clamp_min(1), 0.0)
        self.count += count
