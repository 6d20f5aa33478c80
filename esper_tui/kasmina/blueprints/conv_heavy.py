from torch import Tensor, nn

from esper_tui.kasmina.layers import conv, group_norm, silu, zero


class ConvHeavy(nn.Module):
    """δ(h) = Z(SiLU(GN(W h))), W and Z 3x3 convolutions: two more layers of spatial context."""

    def __init__(self, channels: int, rows: int):
        super().__init__()
        self.mix = conv(channels, channels, 3, rows)
        self.norm = group_norm(channels, rows)
        self.out = zero(conv(channels, channels, 3, rows))

    def forward(self, h: Tensor) -> Tensor:
        return self.out(silu(self.norm(self.mix(h))))
