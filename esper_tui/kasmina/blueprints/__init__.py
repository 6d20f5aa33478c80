"""Blueprints: what a seed may be.  One file each; adding one is that file and one line here.

A blueprint is a plain ``nn.Module`` built with ``(channels, rows)`` that maps activations h to a residual δ(h) of
the same shape.  Its last layer starts at zero, so planting never moves the network's output; nothing but the blend
comes after it, so the seed is alive from the first step.
"""

from torch import nn

from esper_tui.kasmina.blueprints.attention import Attention
from esper_tui.kasmina.blueprints.bottleneck import Bottleneck
from esper_tui.kasmina.blueprints.conv_heavy import ConvHeavy
from esper_tui.kasmina.blueprints.conv_light import ConvLight
from esper_tui.kasmina.blueprints.conv_small import ConvSmall
from esper_tui.kasmina.blueprints.depthwise import Depthwise
from esper_tui.kasmina.blueprints.norm import Norm

REGISTRY: dict[str, type[nn.Module]] = {
    "NORM": Norm,
    "ATTENTION": Attention,
    "CONV_SMALL": ConvSmall,
    "CONV_LIGHT": ConvLight,
    "BOTTLENECK": Bottleneck,
    "DEPTHWISE": Depthwise,
    "CONV_HEAVY": ConvHeavy,
}
