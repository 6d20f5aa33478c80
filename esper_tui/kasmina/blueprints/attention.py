from torch import Tensor, nn

from esper_tui.kasmina.layers import Linear, scale_channels, sigmoid, silu, squeeze, zero


class Attention(nn.Module):
    """δ(h) = h·(2σ(W₂ SiLU(W₁ squeeze h)) − 1), W₂ = 0 at birth: squeeze and excitation (Hu et al. 2018)."""

    def __init__(self, channels: int, rows: int):
        super().__init__()
        hidden = max(8, channels // 4)
        self.narrow = Linear(channels, hidden, rows)
        self.excite = zero(Linear(hidden, channels, rows))

    def forward(self, h: Tensor) -> Tensor:
        return scale_channels(h, 2 * sigmoid(self.excite(silu(self.narrow(squeeze(h))))) - 1)
