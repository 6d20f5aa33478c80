"""Overrides on their way: sent to the run, but not yet taken in at a boundary."""

from dataclasses import dataclass, replace

from esper_tui.leyline.session import Ack, Override


@dataclass(frozen=True)
class Sent:
    """An override that was sent; ``number`` is what it is queued under, once the run has said so."""

    command: Override
    number: int | None = None


class Outbox:
    """What was sent, by the number of its command.  A run tells of an override at its next boundary, not before."""

    def __init__(self) -> None:
        self.sent: dict[int, Sent] = {}
        self.arrived: set[int] = set()

    def send(self, command_id: int, command: Override) -> None:
        self.sent[command_id] = Sent(command)

    def answered(self, ack: Ack) -> None:
        """Takes in an answer; what was refused is not on its way any more."""
        sent = self.sent.get(ack.id)
        if sent is None:
            return
        if ack.state in ("rejected", "too late"):
            del self.sent[ack.id]
        elif ack.intervention is not None:
            self.sent[ack.id] = replace(sent, number=ack.intervention)

    def told(self, number: int) -> None:
        """The run has told of this intervention: from now on its record says what becomes of it."""
        self.arrived.add(number)

    @property
    def waiting(self) -> list[Sent]:
        """Oldest first."""
        return [s for s in self.sent.values() if s.number is None or s.number not in self.arrived]
