"""How a person or a program talks to a running loop: commands go in, acknowledgements and events come out."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Command:
    """Base of all commands; the session gives each one an id when it is submitted."""


@dataclass(frozen=True)
class Pause(Command):
    """Rest at the next epoch boundary, or sooner between two batches, where decisions are not open."""

    at: Literal["epoch", "batch"] = "epoch"


@dataclass(frozen=True)
class Resume(Command):
    pass


@dataclass(frozen=True)
class Step(Command):
    """Run ``epochs`` more epochs, then rest again."""

    epochs: int = 1


@dataclass(frozen=True)
class Stop(Command):
    """End the run at the next boundary, with its receipt."""


@dataclass(frozen=True)
class Note(Command):
    """Keep a sentence with the run."""

    text: str


AckState = Literal["accepted", "applied", "rejected", "too late"]


@dataclass(frozen=True)
class Ack:
    """What became of a command; ``epoch`` is set when it was applied or came too late."""

    id: int
    state: AckState
    epoch: int | None = None
    reason: str = ""


SessionState = Literal["starting", "running", "pausing", "paused", "stopping", "ended"]


@dataclass(frozen=True)
class Progress:
    """Where the loop is.  Latest wins; never recorded.  Rates leave paused time out."""

    state: SessionState = "starting"
    phase: str = "starting"
    round: int = 0
    epoch: int = 0
    epochs: int = 0
    steps_done: int = 0
    steps: int = 0
    epoch_s: float | None = None
    images_per_s: float | None = None
    eta_s: float | None = None


class Session(Protocol):
    """Everything a front end needs; implemented in the same process, over a socket, or by a recording."""

    def submit(self, command: Command) -> int: ...

    def poll(self) -> tuple[list[Ack], list[dict[str, Any]]]:
        """Acknowledgements and event records since the last poll.  Never waits."""
        ...

    def progress(self) -> Progress: ...
