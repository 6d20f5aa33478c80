"""What is known about slots, seeds and environments at a boundary: plain values, no tensors."""

from dataclasses import dataclass, field
from typing import NamedTuple

from esper_tui.leyline.choices import STYLES, Form
from esper_tui.leyline.stages import GRAFTED, Stage


class Instance(NamedTuple):
    """Fixes initialisation, data order, augmentation and validation halves of one environment and its control."""

    seed: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of an instance


@dataclass(frozen=True)
class Verdict:
    """What a gate said: the measured value, the threshold it was held against, and the sentence to show."""

    gate: str
    passed: bool
    measured: float | None
    threshold: float | None
    text: str


@dataclass(frozen=True)
class Estimate:
    """A measured value with its standard error."""

    value: float
    se: float

    def above(self, threshold: float, errors: float = 2.0) -> bool:
        """Whether the value exceeds the threshold by ``errors`` standard errors."""
        return self.value - errors * self.se > threshold

    def below(self, threshold: float, errors: float = 2.0) -> bool:
        return self.value + errors * self.se < threshold


@dataclass(frozen=True)
class SlotState:
    """One slot at one boundary.  Ages count finished epochs; ``clock`` is the epochs until the slot is free."""

    slot: str
    stage: Stage = Stage.DORMANT
    seed: int | None = None
    blueprint: str | None = None
    style: str | None = None
    params: int = 0
    age: int = 0
    epochs_in_stage: int = 0
    alpha: float = 0.0
    alpha_target: float = 0.0
    ramp_left: int = 0
    clock: int = 0
    verdict: Verdict | None = None

    @property
    def form(self) -> Form | None:
        return STYLES[self.style].form if self.style else None

    @property
    def grafted(self) -> bool:
        return self.stage in GRAFTED

    @property
    def leaving(self) -> bool:
        """Whether the seed is on a ramp that ends with its removal."""
        return self.stage is Stage.BLENDING and self.alpha_target == 0.0


@dataclass(frozen=True)
class EnvState:
    """One environment at one boundary; ``epoch`` epochs of ``epochs`` are measured."""

    epoch: int
    epochs: int
    slots: tuple[SlotState, ...]

    @property
    def seed_params(self) -> int:
        """Parameters of all living seeds and gates, germinated to fossilised."""
        return sum(s.params for s in self.slots)

    def slot(self, name: str) -> SlotState:
        return next(s for s in self.slots if s.slot == name)


@dataclass(frozen=True)
class SeedSignals:
    """What was measured about one living seed; None where it was not.

    ``dependence_age`` is how many epochs ago the dependence was measured; ``grad`` the mean gradient norm.
    """

    gain: Estimate | None = None
    dependence: Estimate | None = None
    credit: float | None = None
    dependence_age: int | None = None
    grad: float | None = None


@dataclass(frozen=True)
class EnvSignals:
    """What Tamiyo may look at: gate half only."""

    val_losses: tuple[float, ...]
    control_losses: tuple[float, ...]
    gain: Estimate | None
    seeds: dict[str, SeedSignals] = field(default_factory=dict)
    healthy: bool = True
    host_grad: float | None = None
