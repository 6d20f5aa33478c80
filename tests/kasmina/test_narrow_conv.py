"""The convolution of images takes its weight gradient row by row on a CPU."""

import pytest
import torch
import torch.nn.functional as F

from esper_tui.kasmina import layers
from esper_tui.kasmina.layers import NarrowConv, conv

C_IN, C_OUT = 3, 8


def case(rows: int, dtype: torch.dtype, layout: torch.memory_format, kernel: int):
    g = torch.Generator().manual_seed(3)
    h = torch.randn(16, 4 * C_IN, 6, 6, generator=g, dtype=dtype)[:, : rows * C_IN].contiguous(memory_format=layout)
    weight = torch.randn(4 * C_OUT, C_IN, kernel, kernel, generator=g, dtype=dtype)[: rows * C_OUT]
    upstream = torch.randn(16, 4 * C_OUT, 6, 6, generator=g, dtype=dtype)[:, : rows * C_OUT]
    return h, weight.contiguous(memory_format=layout), upstream.contiguous(memory_format=layout)


def gradients(h, weight, upstream):
    """Output, and gradients of images and weights, of the layer with these weights."""
    rows = h.shape[1] // C_IN
    layer = conv(C_IN, C_OUT, weight.shape[-1], rows).to(h.dtype)
    assert isinstance(layer, NarrowConv)
    layer.weight = torch.nn.Parameter(weight)
    h = h.clone().requires_grad_()
    out = layer(h)
    return out, *torch.autograd.grad(out, (h, layer.weight), upstream)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_gradients_are_those_of_the_grouped_convolution(layout, kernel, monkeypatch):
    monkeypatch.setattr(layers, "WIDE_MAP", 1)
    h, weight, upstream = case(4, torch.float64, layout, kernel)
    leaves = h.clone().requires_grad_(), weight.clone().requires_grad_()
    plain = F.conv2d(*leaves, padding=kernel // 2, groups=4)
    expected = plain, *torch.autograd.grad(plain, leaves, upstream)
    for a, b in zip(gradients(h, weight, upstream), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kernel", [1, 3])
def test_bits_do_not_depend_on_companions(kernel, monkeypatch):
    monkeypatch.setattr(layers, "WIDE_MAP", 1)
    whole = gradients(*case(4, torch.float32, torch.channels_last, kernel))
    for rows in (2, 3):
        part = gradients(*case(rows, torch.float32, torch.channels_last, kernel))
        assert torch.equal(part[0], whole[0][:, : rows * C_OUT])
        assert torch.equal(part[1], whole[1][:, : rows * C_IN])
        assert torch.equal(part[2], whole[2][: rows * C_OUT])


def test_a_poisoned_row_stays_alone(monkeypatch):
    monkeypatch.setattr(layers, "WIDE_MAP", 1)
    h, weight, upstream = case(2, torch.float32, torch.channels_last, 3)
    clean = gradients(h, weight, upstream)[2]
    h[:, C_IN:] = float("nan")
    sick = gradients(h, weight, upstream)[2]
    assert torch.equal(sick[:C_OUT], clean[:C_OUT])
    assert not torch.isfinite(sick[C_OUT:]).any()


def test_small_batches_take_the_ordinary_way():
    """16·6·6 elements of a channel are below the limit: the graph holds a plain convolution."""
    h, *_ = case(2, torch.float32, torch.channels_last, 3)
    layer = conv(C_IN, C_OUT, 3, 2)
    assert layer(h).grad_fn.name().startswith("Convolution")
    assert not isinstance(conv(8, 16, 3, 2), NarrowConv)
