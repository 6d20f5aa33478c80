from torch import Tensor, nn

from esper_tui.kasmina.layers import conv, group_norm, silu, zero


class ConvLight(nn.Module):
    """δ(h) = Z(SiLU(GN(h))), Z a 3x3 convolution: one more layer of spatial context."""

    def __init__(self, channels: int, rows: int):
        super().__init__()
        self.norm = group_norm(channels, rows)
        self.out = zero(conv(channels, channels, 3, rows))

    def forward(self, h: Tensor) -> Tensor:
        return self.out(silu(self.norm(h)))
