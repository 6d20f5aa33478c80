"""Ten figures on busy backgrounds, drawn in the program: a task with headroom that needs no download.

The class is a shape.  Place, size, rotation, colour, polarity, background, a distractor stroke and noise vary, and
every image has its channel means removed and its contrast set, so colour and brightness statistics say nothing
about the class.  All figures are symmetric under a horizontal flip, which makes flips a valid augmentation.
"""

import math

import torch
from torch import Tensor

from esper_tui.data.images import Images

CLASSES = (
    "ring", "plus", "cross", "triangle up", "triangle down",
    "two horizontal bars", "two vertical bars", "T", "H", "U",
)  # fmt: skip

STROKE = 0.2
"""Half-width of a stroke, in units of the figure's half-size."""
RING_RADIUS = 0.8
ROTATION = 0.2
GRATING, NOISE = 0.25, 0.12
FAR = 9.0

_D = 0.75
_SEGMENTS: list[list[tuple[float, float, float, float]]] = [
    [],
    [(-1, 0, 1, 0), (0, -1, 0, 1)],
    [(-_D, -_D, _D, _D), (-_D, _D, _D, -_D)],
    [(0, -0.9, -0.9, 0.8), (0, -0.9, 0.9, 0.8), (-0.9, 0.8, 0.9, 0.8)],
    [(0, 0.9, -0.9, -0.8), (0, 0.9, 0.9, -0.8), (-0.9, -0.8, 0.9, -0.8)],
    [(-0.9, -0.5, 0.9, -0.5), (-0.9, 0.5, 0.9, 0.5)],
    [(-0.5, -0.9, -0.5, 0.9), (0.5, -0.9, 0.5, 0.9)],
    [(-0.9, -0.8, 0.9, -0.8), (0, -0.8, 0, 0.9)],
    [(-0.7, -0.9, -0.7, 0.9), (0.7, -0.9, 0.7, 0.9), (-0.7, 0, 0.7, 0)],
    [(-0.7, -0.9, -0.7, 0.8), (0.7, -0.9, 0.7, 0.8), (-0.7, 0.8, 0.7, 0.8)],
]
"""Strokes of each figure as (x0, y0, x1, y1), y downwards; the ring is drawn by its radius."""


def draw(count: int, size: int, generator: torch.Generator) -> Images:
    """``count`` images of ``size`` pixels, the classes in random order and equal numbers (±1)."""
    labels = torch.arange(count) % len(CLASSES)
    labels = labels[torch.randperm(count, generator=generator)]
    parts = [_draw(part, size, generator) for part in labels.split(2000)]
    return Images(torch.cat(parts), labels)


def _draw(labels: Tensor, size: int, generator: torch.Generator) -> Tensor:
    n = len(labels)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(n, *shape, generator=generator)

    y, x = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
    figure = _coverage(_figure_distance(labels, x, y, size, uniform))
    canvas = _background(x, y, size, uniform)
    distractor = _coverage(_stroke_distance(x, y, size, uniform))
    canvas = _paint(canvas, distractor, uniform(-1, 1, 3) * 0.5)
    canvas = _paint(canvas, figure, _chromatic(uniform))
    canvas = canvas + NOISE * torch.randn(canvas.shape, generator=generator)
    canvas = canvas - canvas.mean((2, 3), keepdim=True)
    canvas = canvas / canvas.std((1, 2, 3), keepdim=True)
    canvas = canvas * uniform(0.8, 1.2, 1, 1, 1) + 0.15 * torch.randn(n, 3, 1, 1, generator=generator)
    return (canvas * 40 + 128).clamp(0, 255).round().to(torch.uint8)


def _figure_distance(labels: Tensor, x: Tensor, y: Tensor, size: int, uniform) -> Tensor:
    """Signed distance to each image's figure in pixels ``[n, H, W]``, negative inside."""
    scale = uniform(3.5, 5.5) * size / 16
    margin = scale * 1.05
    centre_x = margin + uniform(0, 1) * (size - 2 * margin)
    centre_y = margin + uniform(0, 1) * (size - 2 * margin)
    angle = uniform(-ROTATION, ROTATION)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    dx, dy = x - centre_x[:, None, None], y - centre_y[:, None, None]
    u = (cos * dx + sin * dy) / scale[:, None, None]
    v = (cos * dy - sin * dx) / scale[:, None, None]
    strokes = torch.tensor([s + [(FAR, FAR, FAR, FAR)] * (3 - len(s)) for s in _SEGMENTS])[labels]
    distance = _segment_distance(u[:, None], v[:, None], strokes[..., None, None]).amin(1)
    ring = ((u.square() + v.square()).sqrt() - RING_RADIUS).abs()
    distance = torch.where((labels == 0)[:, None, None], ring, distance)
    return (distance - STROKE) * scale[:, None, None]


def _segment_distance(u: Tensor, v: Tensor, stroke: Tensor) -> Tensor:
    """Distance of points to line segments; ``stroke[..., i, 1, 1]`` are x0, y0, x1, y1 in dimension 2."""
    x0, y0, x1, y1 = stroke.unbind(2)
    dx, dy = x1 - x0, y1 - y0
    along = ((u - x0) * dx + (v - y0) * dy) / (dx.square() + dy.square()).clamp(min=1e-9)
    along = along.clamp(0, 1)
    return ((u - x0 - along * dx).square() + (v - y0 - along * dy).square()).sqrt()


def _stroke_distance(x: Tensor, y: Tensor, size: int, uniform) -> Tensor:
    """One short stroke anywhere: the distractor."""
    start = uniform(0, size, 2)
    angle, length = uniform(0, 2 * math.pi), uniform(0.2, 0.45) * size
    end = start + torch.stack([angle.cos(), angle.sin()], 1) * length[:, None]
    stroke = torch.cat([start, end], 1)[:, None, :, None, None]
    return _segment_distance(x[None, None], y[None, None], stroke)[:, 0] - 0.05 * size


def _coverage(distance: Tensor) -> Tensor:
    """Share of a pixel that lies inside, from the signed distance in pixels."""
    return (0.5 - distance).clamp(0, 1)[:, None]


def _background(x: Tensor, y: Tensor, size: int, uniform) -> Tensor:
    """A base colour and two coloured gratings of random direction, period and phase ``[n, 3, H, W]``."""
    canvas = uniform(-0.3, 0.3, 3)[:, :, None, None].expand(-1, -1, size, size)
    for _ in range(2):
        angle, period, phase = uniform(0, math.pi), uniform(0.25, 1.0) * size, uniform(0, 2 * math.pi)
        along = angle.cos()[:, None, None] * x + angle.sin()[:, None, None] * y
        wave = torch.sin(2 * math.pi * along / period[:, None, None] + phase[:, None, None])[:, None]
        canvas = canvas + wave * uniform(-GRATING, GRATING, 3)[:, :, None, None]
    return canvas


def _chromatic(uniform) -> Tensor:
    """The figure's colour against its ground: mostly chromatic direction, contrast 0.5 to 1, either polarity."""
    direction = uniform(-1, 1, 3)
    direction = direction - 0.8 * direction.mean(1, keepdim=True)
    direction = direction / direction.norm(dim=1, keepdim=True).clamp(min=1e-6)
    return direction * uniform(0.5, 1.0, 1)


def _paint(canvas: Tensor, coverage: Tensor, colour: Tensor) -> Tensor:
    return canvas + coverage * colour[:, :, None, None]
