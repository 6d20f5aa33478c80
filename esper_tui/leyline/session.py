"""How a person or a program talks to a running loop: commands go in, acknowledgements and events come out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from esper_tui.leyline.choices import Decision


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
class Checkpoint(Command):
    """Write a checkpoint at the next boundary."""


@dataclass(frozen=True)
class Note(Command):
    """Keep a sentence with the run."""

    text: str


@dataclass(frozen=True)
class Override(Command):
    """Ask for a decision in Tamiyo's place; the fields are those of ``leyline.interventions.Intervention``.

    ``wait_epochs`` is how many boundaries a when_legal one waits before it expires; 0 means to the end.
    """

    env: int
    decision: Decision
    when: Literal["now", "when_legal"] = "now"
    at_epoch: int | None = None
    hold: int = 1
    wait_epochs: int = 0
    expect: int | None = None
    author: str = ""
    note: str = ""


@dataclass(frozen=True)
class Cancel(Command):
    """Take back an intervention that has not been applied, or end one that is held."""

    intervention: int


@dataclass(frozen=True)
class Breakpoint(Command):
    """Rest at the next boundary after something happened.

    ``what`` is stage (``value``: the stage entered), op (the operation decided), alert (a rule, or empty for any)
    or nan; ``env`` None means any environment.  ``clear`` takes the same breakpoint away.
    """

    what: Literal["stage", "op", "alert", "nan"]
    value: str = ""
    env: int | None = None
    clear: bool = False


@dataclass(frozen=True)
class Look(Command):
    """Measure something costly once, at the boundary while the run rests: every coalition of an environment's seeds."""

    env: int


@dataclass(frozen=True)
class Abandon(Command):
    """End the run at once; nothing more is measured or delivered."""


AckState = Literal["accepted", "applied", "rejected", "too late"]


@dataclass(frozen=True)
class Ack:
    """What became of a command; ``epoch`` is set when it was applied or came too late.

    ``intervention`` is the number of an override; it is known when the command is accepted, so that it can be cancelled
    before a boundary takes it in.
    """

    id: int
    state: AckState
    epoch: int | None = None
    reason: str = ""
    intervention: int | None = None


SessionState = Literal["starting", "running", "pausing", "paused", "stopping", "ended"]


@dataclass(frozen=True)
class Resources:
    """What the process uses: percent of one core, bytes, and one line of text per device."""

    cpu_pct: float = 0.0
    memory: int = 0
    memory_free: int = 0
    disk_free: int = 0
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Visitors:
    """Who is connected from outside, and what was refused since the start: messages, connections, slow clients."""

    clients: int = 0
    refused: int = 0
    dropped: int = 0


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
    elapsed_s: float = 0.0
    paused_s: float = 0.0
    phase_s: dict[str, float] = field(default_factory=dict)
    breakpoints: tuple[str, ...] = ()
    resources: Resources = Resources()
    visitors: Visitors = Visitors()


Role = Literal["control", "watch", "replay"]
"""Whether commands are taken: control takes them, the other two only look."""


class Session(Protocol):
    """Everything a front end needs; implemented in the same process, over a socket, or by a recording."""

    role: Role
    path: Path | None
    """The run folder, if there is one."""
    attached: bool
    """Whether the run lives in another process, so that leaving it ends nothing."""

    def submit(self, command: Command) -> int: ...

    def poll(self) -> tuple[list[Ack], list[dict[str, Any]]]:
        """Acknowledgements and event records since the last poll.  Never waits."""
        ...

    def progress(self) -> Progress: ...
