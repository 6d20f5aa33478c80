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
        self.measured_at, self.players, self.subsets = epoch, players, subsets

    def mark_germination(self, seed: int) -> None:
        """Keeps the present window as what a new seed's gain is compared with."""
        if self.gate.window:
            self.gate.mark(seed)
            self.reward.mark(seed)

    def dependence(self, slot: str) -> Estimate | None:
        """Rise of the gate-half loss when the seed in a slot is switched off."""
        everyone = frozenset(self.players)
        if slot not in everyone or everyone - {slot} not in self.subsets:
            return None
        return mean_estimate((self.subsets[everyone - {slot}] - self.subsets[everyone])[self.gate.mask])

    def credits(self) -> dict[str, float]:
        """The present gain shared out among the seeds that were ablated last."""
        if self.latest is None or not self.players:
            return {}
        halves = {s: column[self.gate.mask] for s, column in self.subsets.items()}
        return credits(self.latest.value, shapley(halves, self.players))

    def signals(self, slot: str, seed: int, epochs_at_full: int, credit: float | None) -> SeedSignals:
        return SeedSignals(self.gate.gain(seed, epochs_at_full), self.dependence(slot), credit)
