"""A new seed never moves the network's output, and every part of it is alive.

For every blueprint, style, width and surface, and on the smallest map a host has (1x1).
"""

import pytest
import torch
import torch.nn.functional as F

from esper_tui.kasmina.blending import Seed
from esper_tui.kasmina.blueprints import REGISTRY
from esper_tui.kasmina.host import CnnSpec, build_segments
from esper_tui.kasmina.layers import initialise, set_statistics
from esper_tui.leyline.choices import STYLES
from esper_tui.leyline.config import Growth

FORMS = sorted({style.form for style in STYLES.values()})
WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128)
CONFIDENT = 10.0
"""The batch is active: a host that is confidently wrong sends gradients of order one."""
WARMUP, LR, MOMENTUM = Growth().warmup_steps, 0.05, 0.9

# (surface, kernel, image size): before and after a pool, followed by a block or by the head; blind and seeing hosts.
SURFACES = {
    "before the pool": ("r0c0", 3, 8),
    "after the pool": ("r1c0", 3, 8),
    "blind, before the pool": ("r0c0", 1, 8),
    "before the last pool": ("r0c1", 3, 8),
    "the smallest map": ("r1c1", 3, 4),
}


def network(surface: str, width: int):
    """A host whose slot has ``width`` channels, cut at the slot; initialised."""
    slot, kernel, size = SURFACES[surface]
    if slot.endswith("c1"):
        spec = CnnSpec(blocks=2, channels=width // 2, kernel=kernel, pools=2, image_size=size)
    else:
        spec = CnnSpec(blocks=2, channels=width, kernel=kernel, pools=2, image_size=size)
    segments = build_segments(spec, (slot,), rows=1)
    initialise(segments, torch.Generator().manual_seed(1))
    set_statistics(segments, "batch")
    with torch.no_grad():
        segments[-1][-1].linear.weight.mul_(CONFIDENT)
    return spec, segments


PLACES = [
    (width, surface)
    for surface, (slot, _, _) in SURFACES.items()
    for width in WIDTHS
    if width > 1 or slot.endswith("c0")
]
"""A second block has at least two channels; one channel on a 1x1 map is a single number."""


@pytest.mark.parametrize(("width", "surface"), PLACES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("blueprint", REGISTRY)
def test_birth_preserves_the_function_and_everything_learns(blueprint, form, width, surface):
    spec, (before, after) = network(surface, width)
    seed = Seed(REGISTRY[blueprint], form, width, rows=1)
    initialise(seed, torch.Generator().manual_seed(2))
    g = torch.Generator().manual_seed(3)
    full = torch.ones(1)
    with torch.no_grad():
        h = before(torch.randn(64, 3, spec.image_size, spec.image_size, generator=g))
        if spec.image_size == 4:
            assert h.shape[2:] == (1, 1)
        assert torch.equal(after(h), after(h + seed(h, full)))
    labels = torch.randint(0, 10, (64,), generator=g)
    params = list(seed.parameters())
    momenta = [torch.zeros_like(p) for p in params]

    def loss_of():
        return F.cross_entropy(after(h + seed(h, full)), labels)

    for step in range(3):
        gradients = torch.autograd.grad(loss_of(), params)
        rate = LR * min(1.0, (step + 1) / WARMUP)
        with torch.no_grad():
            for p, m, g_ in zip(params, momenta, gradients, strict=True):
                m.mul_(MOMENTUM).add_(g_)
                p.sub_(rate * m)
    norms = {
        name: g.norm().item()
        for (name, _), g in zip(seed.named_parameters(), torch.autograd.grad(loss_of(), params), strict=True)
    }
    largest = max(norms.values())
    assert largest > 0
    dead = {name: norm for name, norm in norms.items() if norm <= 1e-6 * largest}
    assert not dead, f"dead after three steps: {dead}, largest {largest:.2g}"
