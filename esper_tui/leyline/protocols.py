"""What the parts of the program ask of each other."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from esper_tui.leyline.choices import Decision
from esper_tui.leyline.legality import Legality
from esper_tui.leyline.state import EnvSignals, EnvState, Instance

if TYPE_CHECKING:
    import torch


class EpochBatches(Protocol):
    """The training batches of one epoch for every row; the same whichever rows are asked for together."""

    steps: int

    def batch(self, step: int, rows: list[int]) -> "tuple[torch.Tensor, torch.Tensor]":
        """Images [B, rows·3, H, W], row-major channel blocks, and labels [B, rows]."""
        ...


class BatchSource(Protocol):
    """Images on the device, cut into training and validation; the engine sees nothing else of the data."""

    def epoch(self, instances: list[Instance], epoch: int) -> EpochBatches: ...

    def validation(self) -> "list[tuple[torch.Tensor, torch.Tensor]]":
        """Batches of images [B, 3, H, W] and labels [B]; the same for every row."""
        ...

    def training_images(self) -> "list[torch.Tensor]":
        """All training images without augmentation, in batches [B, 3, H, W]."""
        ...


class Generators(Protocol):
    """Where the engine's random numbers come from."""

    def host(self, instance: Instance) -> "torch.Generator": ...

    def seed(self, instance: Instance, epoch: int, slot: str) -> "torch.Generator": ...


@dataclass(frozen=True)
class Observation:
    """What a policy may look at, one entry per environment."""

    round: int
    epoch: int
    states: list[EnvState]
    signals: list[EnvSignals]
    legality: list[Legality]


@dataclass(frozen=True)
class PolicyStep:
    """One decision per environment, why (the rule trace), and the policy's state afterwards.

    ``sample`` is what a learner needs to know of the choice, tensors ``[E, …]`` by name; None if nothing learns.
    """

    decisions: list[Decision]
    traces: list[list[dict[str, Any]]]
    state: Any = field(default=None)
    sample: "dict[str, Any] | None" = None


@dataclass(frozen=True)
class Evaluated:
    """What a policy says of recorded steps; T steps, B episodes, H heads.

    Attributes:
        log_mu_TBH: log-probability of the recorded choices under the behaviour policy (with its exploration).
        log_pi_TBH: the same under the policy itself.
        entropy_TBH: entropy of the policy, per head.
        values_TB: state values in units of the value scale.
    """

    log_mu_TBH: "torch.Tensor"
    log_pi_TBH: "torch.Tensor"
    entropy_TBH: "torch.Tensor"
    values_TB: "torch.Tensor"


class Policy(Protocol):
    """A controller.  ``act`` must not change the state it is given."""

    name: str

    def initial_state(self, envs: int) -> Any: ...

    def act(self, observation: Observation, state: Any) -> PolicyStep: ...
