"""What has been measured of one environment so far, and the estimates made of it."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from esper_tui.leyline.state import Estimate, SeedSignals
from esper_tui.simic.attribution import WINDOW, Coalition, credits, mean_estimate, seed_gain, shapley


@dataclass
class Half:
    """Gain per image on one half of the validation images: a window of epochs, and one from before each seed."""

    mask: np.ndarray
    window: deque[np.ndarray] = field(default_factory=lambda: deque(maxlen=WINDOW))
    before: dict[int, np.ndarray] = field(default_factory=dict)

    def record(self, difference: np.ndarray) -> None:
        self.window.append(difference[self.mask])

    def mark(self, seed: int) -> None:
        self.before[seed] = np.stack(self.window)

    def gain(self, seed: int, epochs_at_full: int) -> Estimate | None:
        """Gain of a seed once the window lies behind its blending; None before."""
        if epochs_at_full < WINDOW or seed not in self.before:
            return None
        return seed_gain(np.stack(self.window), self.before[seed])


@dataclass
class Ledger:
    """The measurements of one environment.

    Attributes:
        gate, reward: the two halves of the validation images.
        losses: gate-half loss per epoch; ``control_losses`` likewise, empty without a control.
    """

    gate: Half
    reward: Half
    losses: list[float] = field(default_factory=list)
    reward_losses: list[float] = field(default_factory=list)
    control_losses: list[float] = field(default_factory=list)
    latest: Estimate | None = None
    subsets: dict[Coalition, np.ndarray] = field(default_factory=dict)
    players: tuple[str, ...] = ()
    measured_at: int = 0

    @classmethod
    def start(cls, gate_mask: np.ndarray) -> "Ledger":
        return cls(Half(gate_mask), Half(~gate_mask))

    def record(self, losses: np.ndarray, control: np.ndarray | None) -> None:
        """Per-image losses ``[n]`` of the environment and its control after an epoch."""
        self.losses.append(float(losses[self.gate.mask].mean()))
        self.reward_losses.append(float(losses[self.reward.mask].mean()))
        if control is None:
            return
        self.control_losses.append(float(control[self.gate.mask].mean()))
        difference = control - losses
        self.gate.record(difference)
        self.reward.record(difference)
        self.latest = mean_estimate(difference[self.gate.mask])

    def record_ablations(self, epoch: int, players: tuple[str, ...], subsets: dict[Coalition, np.ndarray]) -> None:
        """Per-image losses ``[n]`` of the network with only some of its grafted seeds on; finite ones count."""
        finite = {on: losses for on, losses in subsets.items() if np.isfinite(losses).all()}
        self.measured_at, self.players, self.subsets = epoch, players, finite

    def forget_departed(self, present: tuple[str, ...]) -> None:
        """Drops what was measured with a seed on that has left; the next one in its slot inherits nothing."""
        self.players = tuple(p for p in self.players if p in present)
        self.subsets = {on: losses for on, losses in self.subsets.items() if on <= set(self.players)}

    def mark_germination(self, seed: int) -> None:
        """Keeps the present window as what a new seed's gain is compared with."""
        if self.gate.window:
            self.gate.mark(seed)
            self.reward.mark(seed)

    def dependence(self, slot: str) -> Estimate | None:
        """Rise of the gate-half loss when the seed in a slot is switched off."""
        everyone = frozenset(self.players)
        whole, without = self.subsets.get(everyone), self.subsets.get(everyone - {slot})
        if slot not in everyone or whole is None or without is None:
            return None
        return mean_estimate((without - whole)[self.gate.mask])

    def credits(self) -> dict[str, float]:
        """The present gain shared out among the seeds that were ablated last."""
        halves = {on: losses[self.gate.mask] for on, losses in self.subsets.items()}
        values = shapley(halves, self.players)
        if self.latest is None or not values:
            return {}
        total = mean_estimate(halves[frozenset()] - halves[frozenset(self.players)])
        return credits(self.latest.value, values, total)

    def signals(self, slot: str, seed: int, epochs_at_full: int, credit: float | None) -> SeedSignals:
        return SeedSignals(self.gate.gain(seed, epochs_at_full), self.dependence(slot), credit)
