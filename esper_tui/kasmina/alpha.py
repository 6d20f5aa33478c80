"""Alpha ramps: how strongly a seed is blended in, epoch by epoch."""

import math
from dataclasses import dataclass

from esper_tui.leyline.choices import CURVES, Curve


def curve_value(curve: Curve, t: float) -> float:
    """Height of a curve at t in [0, 1]; 0 at 0 and 1 at 1, monotone.

    linear t; cosine (1 − cos πt)/2; sigmoid (σ(k(t − ½)) − σ(−k/2)) / (σ(k/2) − σ(−k/2)).
    """
    if curve.kind == "linear":
        return t
    if curve.kind == "cosine":
        return (1.0 - math.cos(math.pi * t)) / 2.0
    k = curve.steepness
    low, high = _sigmoid(-k / 2), _sigmoid(k / 2)
    return (_sigmoid(k * (t - 0.5)) - low) / (high - low)


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


@dataclass
class Alpha:
    """Blend strength and its present ramp; ticks once per epoch and ends exactly at the target."""

    value: float = 0.0
    start: float = 0.0
    target: float = 0.0
    curve: Curve = CURVES["LINEAR"]
    ticks: int = 0
    done: int = 0

    @property
    def left(self) -> int:
        return self.ticks - self.done

    @property
    def resting(self) -> bool:
        return self.left == 0

    def retarget(self, target: float, curve: Curve, ticks: int) -> None:
        """Starts a ramp from the present value; 0 ticks jump.

        Raises:
            ValueError: while another ramp still moves.
        """
        if not self.resting:
            raise ValueError("the alpha ramp still moves")
        self.start, self.target, self.curve, self.ticks, self.done = self.value, target, curve, ticks, 0
        if ticks == 0:
            self.value = target

    def tick(self) -> None:
        if self.resting:
            return
        self.done += 1
        if self.resting:
            self.value = self.target
        else:
            height = curve_value(self.curve, self.done / self.ticks)
            self.value = self.start + (self.target - self.start) * height
