"""Every seed is stacked correctly: rows never mix, and a row's numbers do not depend on its companions."""

import pytest
import torch

from esper_tui.kasmina.blending import Seed
from esper_tui.kasmina.blueprints import REGISTRY
from esper_tui.kasmina.network import fresh_weights
from esper_tui.leyline.choices import TOPOLOGY_BLUEPRINTS, Form
from esper_tui.tolaria.stack import Stacked
from tests.worlds import placement

ROWS = 5


def run(place, build, weights, h, alpha):
    """Output and all gradients of a stacked seed, as rows."""
    stacked = Stacked(build, len(weights), place, trainable=True)
    stacked.load(weights)
    h = h.clone(memory_format=torch.preserve_format).requires_grad_()
    out = stacked(h, alpha)
    rows = len(weights)
    # a downstream loss that is different for every element
    weight = torch.linspace(-1, 1, out.numel() // rows, dtype=out.dtype).view(out.shape[0], -1, *out.shape[2:])
    (out.unflatten(1, (rows, -1)) * weight[:, None]).sum().backward()
    gradients = stacked.as_rows([p.grad for p in stacked.params])
    shape = (rows, -1)
    return out.detach().unflatten(1, shape), h.grad.unflatten(1, shape), gradients


def laid_out(h, layout):
    """In a memory format, strides included; on a 1x1 map ``contiguous`` leaves them as they are."""
    return torch.empty(h.shape, dtype=h.dtype, memory_format=layout).copy_(h)


def world(blueprint, form, dtype, layout, size):
    place = placement(dtype, layout)
    channels = 16

    def build(rows):
        return Seed(REGISTRY[blueprint], form, channels, rows)

    g = torch.Generator().manual_seed(0)
    weights = torch.stack([fresh_weights(build(1), g) for _ in range(ROWS)]).to(dtype)
    weights = weights + 0.1 * torch.randn(weights.shape, generator=g).to(dtype)
    h = torch.randn(16, ROWS * channels, size, size, generator=g).to(dtype)
    return place, build, weights, h, torch.tensor([0.2, 1.0, 0.5, 0.0, 0.7], dtype=dtype), channels


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("blueprint", REGISTRY)
def test_k_rows_equal_k_seeds_alone_in_float64(blueprint, form):
    place, build, weights, h, alpha, c = world(blueprint, form, torch.float64, "contiguous", 4)
    together = run(place, build, weights, h, alpha)
    for i in range(ROWS):
        alone = run(place, build, weights[i : i + 1], h[:, i * c : (i + 1) * c], alpha[i : i + 1])
        for a, b in zip(together[:2], alone[:2], strict=True):
            torch.testing.assert_close(a[:, i], b[:, 0], rtol=1e-12, atol=1e-13)
        torch.testing.assert_close(together[2][i], alone[2][0], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("size", [1, 4, 8])
@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("blueprint", REGISTRY)
def test_bits_do_not_depend_on_companions_in_float32(blueprint, form, size):
    """The layout the engine uses on a CPU; a lone row is padded."""
    place, build, weights, h, alpha, c = world(blueprint, form, torch.float32, "channels_last", size)
    layout = place.memory_format
    together = run(place, build, weights, laid_out(h, layout), alpha)
    for first, count in ((0, 1), (4, 1), (1, 2), (3, 2), (1, 3), (0, 4)):
        own = laid_out(h[:, first * c : (first + count) * c], layout)
        rows = slice(first, first + count)
        part = run(place, build, weights[rows], own, alpha[rows])
        assert torch.equal(part[0], together[0][:, rows]), f"output of {count} rows"
        assert torch.equal(part[1], together[1][:, rows]), f"gradient of the input, {count} rows"
        assert torch.equal(part[2], together[2][rows]), f"gradient of the weights, {count} rows"


def test_every_blueprint_of_the_topology_is_registered():
    assert set(REGISTRY) == set(TOPOLOGY_BLUEPRINTS["cnn"])


def test_parameter_counts_come_from_the_module():
    """Counted by hand for C = 8: NORM γ 8; CONV_LIGHT γ 8, β 8, 3x3 576; a gate 8·8 + 8 + 8 + 1 = 81 on top."""
    from esper_tui.kasmina.host import CnnSpec
    from esper_tui.tolaria.chunk import seed_build
    from esper_tui.tolaria.stack import count_params

    def count(blueprint, form):
        return count_params(seed_build(CnnSpec(), ("r0c0",), 0, (blueprint, form)))

    assert count("NORM", Form.ADD) == 8
    assert count("CONV_LIGHT", Form.ADD) == 592
    assert count("CONV_LIGHT", Form.GATED) == 592 + 81
    assert count("CONV_SMALL", Form.MULTIPLY) == 80
    assert count("ATTENTION", Form.ADD) == 128
    assert count("DEPTHWISE", Form.ADD) == 72 + 16 + 64
    assert count("BOTTLENECK", Form.ADD) == 64 + 576 + 16 + 64
    assert count("CONV_HEAVY", Form.ADD) == 576 + 16 + 576
