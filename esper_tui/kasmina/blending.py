"""How a seed enters the host: the residual it adds to the activations h, for α in [0, 1].

==========  ========================  =====================================================================
ADD         α·δ(h)
MULTIPLY    h·α·tanh δ(h)             the output is h·(1 + α·tanh δ(h))
GATED       α·g(h)·δ(h)               g = σ(squeezed h → max(8, C/4) → SiLU → 1), its last bias starting at +2
==========  ========================  =====================================================================

All three add something to h, so the host upstream of a seed keeps its full gradient at every α.
"""

from torch import Tensor, nn

from esper_tui.kasmina.layers import Linear, per_channel, scale_channels, sigmoid, silu, squeeze, tanh
from esper_tui.leyline.choices import Form


class Gate(nn.Module):
    """g(h) in (0, 1), one value per image and row: ``[B, rows·C, H, W]`` to ``[B, rows·C, 1, 1]``."""

    def __init__(self, channels: int, rows: int):
        super().__init__()
        hidden = max(8, channels // 4)
        self.channels = channels
        self.narrow = Linear(channels, hidden, rows, bias_init=0.0)
        self.open = Linear(hidden, 1, rows, bias_init=2.0)

    def forward(self, h: Tensor) -> Tensor:
        gate = sigmoid(self.open(silu(self.narrow(squeeze(h)))))
        return gate.repeat_interleave(self.channels, dim=1)


class Seed(nn.Module):
    """A blueprint's residual δ together with its blend form, for ``rows`` networks."""

    def __init__(self, blueprint: type[nn.Module], form: Form, channels: int, rows: int):
        super().__init__()
        self.channels, self.form = channels, form
        self.residual = blueprint(channels, rows)
        self.gate = Gate(channels, rows) if form is Form.GATED else None

    def forward(self, h: Tensor, alpha: Tensor | None = None) -> Tensor:
        """The blended residual, what has to be added to h ``[B, rows·C, H, W]``; alpha ``[rows]``, None means 1."""
        delta = self.residual(h)
        if self.form is Form.MULTIPLY:
            delta = h * tanh(delta)
        elif self.gate is not None:
            delta = scale_channels(delta, self.gate(h))
        return delta if alpha is None else delta * per_channel(alpha, self.channels)
