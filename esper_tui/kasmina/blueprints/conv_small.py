from torch import Tensor, nn

from esper_tui.kasmina.layers import conv, group_norm, silu, zero


class ConvSmall(nn.Module):
    """δ(h) = Z(SiLU(GN(h))), Z a 1x1 convolution: new mixtures of the channels."""

    def __init__(self, channels: int, rows: int):
        super().__init__()
        self.norm = group_norm(channels, rows)
        self.out = zero(conv(channels, channels, 1, rows))

    def forward(self, h: Tensor) -> Tensor:
        return self.out(silu(self.norm(h)))
