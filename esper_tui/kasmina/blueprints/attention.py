import torch
import torch.nn.functional as F
from torch import Tensor, nn

from esper_tui.kasmina.layers import linear, pool, zero


class Attention(nn.Module):
    """δ(h) = h·(2σ(W₂ SiLU(W₁ pool h)) − 1), W₂ = 0 at birth: squeeze and excitation (Hu et al. 2018)."""

    def __init__(self, channels: int, rows: int):
        super().__init__()
        hidden = max(8, channels // 4)
        self.squeeze = linear(channels, hidden, rows)
        self.excite = zero(linear(hidden, channels, rows))

    def forward(self, h: Tensor) -> Tensor:
        return h * (2 * torch.sigmoid(self.excite(F.silu(self.squeeze(pool(h))))) - 1)
