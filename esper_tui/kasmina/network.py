"""A single grown network: what a run delivers.  Plain PyTorch, one network, fossilised seeds at full strength."""

from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import vector_to_parameters

from esper_tui.kasmina.blending import Seed
from esper_tui.kasmina.blueprints import REGISTRY
from esper_tui.kasmina.host import CnnSpec, build_segments
from esper_tui.kasmina.layers import initialise, set_statistics
from esper_tui.leyline.choices import Form


@dataclass(frozen=True)
class Planted:
    """A seed of a delivered network: its slot, what it is, how it is blended."""

    slot: str
    blueprint: str
    form: Form


class Network(nn.Module):
    """A host with its fossils: images ``[B, 3, H, W]`` to logits ``[B, classes]``."""

    def __init__(self, spec: CnnSpec, seeds: list[Planted]):
        super().__init__()
        self.spec = spec
        order = [s.slot for s in spec.surfaces()]
        self.planted = sorted(seeds, key=lambda s: order.index(s.slot))
        slots = tuple(s.slot for s in self.planted)
        self.segments = build_segments(spec, slots, rows=1)
        channels = [s.channels for s in spec.enabled(slots)]
        self.seeds = nn.ModuleList(
            [Seed(REGISTRY[p.blueprint], p.form, c, rows=1) for p, c in zip(self.planted, channels, strict=True)]
        )

    def forward(self, images: Tensor) -> Tensor:
        h = images
        for segment, seed in zip(self.segments, self.seeds, strict=False):
            h = segment(h)
            h = h + seed(h)
        return self.segments[-1](h)

    def load_rows(self, host: Tensor, seeds: list[Tensor]) -> None:
        """Sets all weights from the row of the host and of every seed, in slot order."""
        vector_to_parameters(host, self.segments.parameters())
        for module, row in zip(self.seeds, seeds, strict=True):
            vector_to_parameters(row, module.parameters())

    @torch.no_grad()
    def measure_statistics(self, batches: list[Tensor]) -> None:
        """Normalisation statistics as the mean over batches of images; then the network is ready for use."""
        for i, images in enumerate(batches):
            set_statistics(self, "update", momentum=1.0 / (i + 1))
            self(images)
        set_statistics(self, "running")

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters())

    def document(self) -> dict[str, Any]:
        """Everything but the tensors; ``from_document`` builds the same architecture again."""
        return {"spec": asdict(self.spec), "seeds": [asdict(s) for s in self.planted]}

    @classmethod
    def from_document(cls, document: dict[str, Any], weights: float = inf) -> "Network":
        """The architecture that ``document`` describes.

        Raises:
            ValueError: if its convolutions have more than so many ``weights``; nothing is allocated then.
        """
        seeds = [Planted(s["slot"], s["blueprint"], Form(s["form"])) for s in document["seeds"]]
        spec = CnnSpec(**document["spec"] | {"widths": tuple(document["spec"].get("widths", ()))})
        if spec.weights > weights:
            raise ValueError(f"a host of {spec.weights:,} weights does not fit {weights:,.0f} numbers")
        network = cls(spec, seeds)
        set_statistics(network, "running")
        return network


def fresh_weights(module: nn.Module, generator: torch.Generator) -> Tensor:
    """A new start for a module built for one row: its parameters as one vector ``[P]``, float32 on the CPU."""
    initialise(module, generator)
    return torch.cat([p.detach().flatten() for p in module.parameters()])
