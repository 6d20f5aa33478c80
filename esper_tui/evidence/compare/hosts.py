"""Hosts of other widths with a wanted number of parameters."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from math import ceil, floor

import numpy as np

from esper_tui.kasmina.host import CnnSpec, build_segments
from esper_tui.tolaria.stack import count_params

WIDEST = 512.0
STEPS = 600
"""First widths that are tried, evenly spaced by ratio: neighbours differ by one percent."""
GROWTH = 2.0
"""By how much a block of a host is wider than the one before."""


def host_parameters(spec: CnnSpec) -> int:
    return count_params(partial(build_segments, spec, ()))


def with_parameters(spec: CnnSpec, params: int, growth: float = GROWTH, kernel: int | None = None) -> CnnSpec:
    """A host like ``spec`` whose parameters come as near to ``params`` as whole channels allow.

    Args:
        growth: ratio of the widths of neighbouring blocks, before rounding.
        kernel: of the convolutions, if another than that of ``spec``.
    """
    base = replace(spec, kernel=kernel or spec.kernel)
    sized = (replace(base, widths=widths) for widths in _widths(spec.blocks, growth))
    best = min(sized, key=lambda host: abs(_count(host) - params))
    assert host_parameters(best) == _count(best)
    return best


def _widths(blocks: int, growth: float) -> Iterator[tuple[int, ...]]:
    """Every rounding of widths in the wanted ratio."""
    for first in np.geomspace(1.0, WIDEST, STEPS):
        ideal = [first * growth**i for i in range(blocks)]
        yield from product(*((max(1, floor(w)), max(1, ceil(w))) for w in ideal))


def _count(spec: CnnSpec) -> int:
    """Parameters by formula: a convolution and a scale and shift per block, then a linear layer."""
    widths = [spec.width(i) for i in range(spec.blocks)]
    pairs: Sequence[tuple[int, int]] = list(zip([spec.image_channels, *widths[:-1]], widths, strict=True))
    blocks = sum(a * b * spec.kernel**2 + 2 * b for a, b in pairs)
    return blocks + (widths[-1] + 1) * spec.classes
