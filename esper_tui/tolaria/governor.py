"""The governor: notices an environment that goes wrong, and puts it back to where it was sound.

``Watch`` looks at values that were measured anyway, one environment at a time; ``Keeper`` holds the rows of the last
sound state.  A bad environment never touches another.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from statistics import median

import torch

from esper_tui.kasmina.lifecycle import Change
from esper_tui.leyline.stages import DEVELOPING, Stage
from esper_tui.tolaria.bank import Row
from esper_tui.tolaria.chunk import Kind
from esper_tui.tolaria.engine import Engine

HISTORY = 10
"""Epochs of loss that divergence is judged against."""
DEVIATIONS, FACTOR, PATIENCE = 6.0, 1.5, 3
"""Diverged: above median + 6·MAD and above 1.5·median of the history, 3 epochs in a row."""
COLLAPSE_FRAC = 0.95
"""Collapsed: the loss is back to this share of ln(classes) after it had been well below."""
LEARNT_FRAC = 0.8
EXPLODED = 1e4
"""Mean gradient norm before clipping that no healthy network shows."""
KEEP_EVERY = 5


@dataclass
class Watch:
    """The vital signs of one environment over an episode.

    Args:
        chance: the loss of guessing, ln(classes), in nats.
    """

    chance: float
    losses: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))
    high: int = 0
    panics: int = 0

    def look(self, loss: float, gradient: float) -> str:
        """What is wrong after an epoch with this validation loss and gradient norm; empty if nothing is."""
        if not (math.isfinite(loss) and math.isfinite(gradient)):
            return "the loss or its gradient is not finite"
        if gradient > EXPLODED:
            return f"the gradient norm exploded to {gradient:.3g}"
        if self.losses and min(self.losses) < LEARNT_FRAC * self.chance and loss > COLLAPSE_FRAC * self.chance:
            return f"the loss collapsed to chance, {loss:.3f} nat after {min(self.losses):.3f}"
        self.high = self.high + 1 if self._is_high(loss) else 0
        if self.high >= PATIENCE:
            return f"the loss diverged to {loss:.3f} nat from a median of {median(self.losses):.3f}"
        if not self.high:
            self.losses.append(loss)
        return ""

    def _is_high(self, loss: float) -> bool:
        if len(self.losses) < HISTORY:
            return False
        middle = median(self.losses)
        spread = median(abs(x - middle) for x in self.losses)
        return loss > middle + DEVIATIONS * spread and loss > FACTOR * middle

    def panic(self) -> int:
        """Counts a panic; what was high before it says nothing about the restored state."""
        self.panics, self.high = self.panics + 1, 0
        return self.panics


@dataclass
class Kept:
    """One environment as it was: the host's row, its normalisation statistics, its fossils."""

    epoch: int
    host: Row
    statistics: torch.Tensor
    fossils: dict[int, tuple[Kind, Row]]


def keep_env(engine: Engine, env: int, epoch: int) -> Kept:
    """A copy of what must survive a panic."""
    chunk, row = engine.place(env)
    fossils = {
        index: chunk.seed_row((row, index))
        for index, slot in enumerate(engine.envs[env].slots)
        if slot.stage is Stage.FOSSILIZED
    }
    return Kept(epoch, chunk.bank.row(row), chunk.host.statistics()[row].clone(), fossils)


def roll_back(engine: Engine, env: int, kept: Kept) -> list[Change]:
    """Puts an environment back: weights, optimiser and fossils as they were, developing seeds pruned."""
    chunk, row = engine.place(env)
    changes: list[Change] = []
    for index, slot in enumerate(engine.envs[env].slots):
        if slot.stage in DEVELOPING:
            chunk.remove((row, index))
            changes.append(slot.remove("governor"))
    with torch.no_grad():
        chunk.bank.write(row, kept.host)
        statistics = chunk.host.statistics()
        statistics[row] = kept.statistics
        chunk.host.load_statistics(statistics)
        for index, (_, saved) in kept.fossils.items():
            chunk.write_seed((row, index), saved)
    chunk.load()
    return changes
