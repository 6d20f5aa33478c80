from torch import Tensor, nn

from esper_tui.kasmina.layers import conv, group_norm, silu, zero


class Depthwise(nn.Module):
    """δ(h) = Z(SiLU(GN(W h))), W a 3x3 convolution of every channel by itself, Z 1x1."""

    def __init__(self, channels: int, rows: int):
        super().__init__()
        self.mix = conv(channels, channels, 3, rows, depthwise=True)
        self.norm = group_norm(channels, rows)
        self.out = zero(conv(channels, channels, 1, rows))

    def forward(self, h: Tensor) -> Tensor:
        return self.out(silu(self.norm(self.mix(h))))
