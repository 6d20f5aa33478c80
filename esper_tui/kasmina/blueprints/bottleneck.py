from torch import Tensor, nn

from esper_tui.kasmina.layers import conv, group_norm, silu, zero


class Bottleneck(nn.Module):
    """δ(h) = Z(SiLU(GN(W h))), W: C → max(8, C/4), then 3x3; Z back to C by 1x1."""

    def __init__(self, channels: int, rows: int):
        super().__init__()
        narrow = max(8, channels // 4)
        self.down = conv(channels, narrow, 1, rows)
        self.mix = conv(narrow, narrow, 3, rows)
        self.norm = group_norm(narrow, rows)
        self.up = zero(conv(narrow, channels, 1, rows))

    def forward(self, h: Tensor) -> Tensor:
        return self.up(silu(self.norm(self.mix(self.down(h)))))
