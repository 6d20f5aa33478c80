"""The queue of interventions of a run: what people asked for, and what applies at this boundary.  Imports no torch.

At most one intervention per environment applies at a boundary, the oldest that is due and legal; the others wait
behind it.  Every intervention ends in exactly one fate.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from esper_tui.leyline.choices import WAIT, Decision
from esper_tui.leyline.events import InterventionChanged
from esper_tui.leyline.interventions import Fate, Intervention
from esper_tui.leyline.legality import Code, Legality
from esper_tui.leyline.session import AckState, Override
from esper_tui.leyline.state import EnvState

Tell = Callable[[InterventionChanged], object]


@dataclass
class Entry:
    """An intervention that is not over: ``left`` boundaries are still to come, None until it is cancelled.

    ``applied`` is the boundary at which it came into force.
    """

    request: Intervention
    left: int | None
    applied: int | None = None


@dataclass(frozen=True)
class Chosen:
    """What a person's intervention makes of an environment's decision at this boundary."""

    intervention: int
    decision: Decision


def problem_with(command: Override, envs: int, slots: Collection[str]) -> str:
    """Why a request makes no sense for a run of ``envs`` environments with these slots; empty if it does."""
    if not 0 <= command.env < envs:
        return f"there is no environment {command.env}, only 0 to {envs - 1}"
    if command.decision.slot is not None and command.decision.slot not in slots:
        return f"the host has no slot {command.decision.slot}, only {', '.join(slots)}"
    if command.hold < 0 or command.wait_epochs < 0:
        return "hold and wait_epochs are numbers of boundaries, 0 or more"
    return ""


class Overrides:
    """Interventions by number, oldest first.

    What becomes of them is told by ``publish`` at the boundary, so that an epoch's events come in one order, whether
    the request came between two batches or while the run rested.
    """

    def __init__(self, tell: Tell):
        self.tell, self.last, self.given, self.round = tell, 0, 0, 0
        self.entries: dict[int, Entry] = {}
        self.over: dict[int, tuple[Fate, int]] = {}
        self.untold: list[InterventionChanged] = []

    def start_round(self, round_: int) -> None:
        self.round = round_

    def end_round(self, epoch: int) -> None:
        """Whatever was asked for the round is over."""
        for entry in list(self.entries.values()):
            if entry.applied is None:
                self._end(entry, epoch, Fate.EXPIRED, "the round ended")
            else:
                entry.left = 0
                self._end(entry, epoch, Fate.APPLIED, "the round ended")
        self.publish()

    def publish(self) -> None:
        """Tells what has changed since the last time."""
        untold, self.untold = self.untold, []
        for event in untold:
            self.tell(replace(event, round=self.round))

    def reserve(self) -> int:
        """The number of a request that is on its way, so that it can be taken back before a boundary takes it in."""
        self.given = max(self.given, self.last) + 1
        return self.given

    def queue(self, epoch: int, command: Override, number: int | None = None) -> int:
        """Takes a request, under the number that was reserved for it if one was.

        ``epoch`` is the first boundary at which it may apply.  Returns its number.
        """
        number = self.reserve() if number is None else number
        self.last = max(self.last, number)
        first = max(epoch, command.at_epoch or 0)
        expires = first + command.wait_epochs if command.wait_epochs else None
        request = Intervention(
            number, command.env, command.decision, command.when, command.at_epoch, command.hold, expires,
            command.expect, command.author, command.note,
        )  # fmt: skip
        self.entries[number] = Entry(request, command.hold or None)
        self._say(self.entries[number], epoch, Fate.QUEUED)
        return number

    def cancel(self, epoch: int, number: int) -> tuple[AckState, int | None, str]:
        """Takes a request back, or ends one that is held; the answer's state, epoch and reason."""
        entry = self.entries.get(number)
        if entry is not None:
            self._end(entry, epoch, Fate.CANCELLED, "")
            return "applied", epoch, f"was in force since epoch {entry.applied}" if entry.applied is not None else ""
        if number in self.over:
            fate, ended = self.over[number]
            return "too late", ended, f"intervention {number} was {fate} at epoch {ended}"
        return "rejected", None, f"there is no intervention {number}"

    def choose(
        self, epoch: int, views: list[EnvState], legal: list[Legality], healthy: list[bool]
    ) -> dict[int, Chosen]:
        """The decisions of people at this boundary, by environment."""
        chosen: dict[int, Chosen] = {}
        for entry in list(self.entries.values()):
            env = entry.request.env
            if (entry.request.at_epoch or 0) > epoch:
                continue
            if not healthy[env]:
                self._end(entry, epoch, Fate.REJECTED, "the environment left the finite numbers")
            elif env in chosen:
                self._wait(entry, epoch, "another intervention for this environment went first")
            elif (decision := self._try(entry, epoch, views[env], legal[env])) is not None:
                chosen[env] = Chosen(entry.request.id, decision)
        self.publish()
        return chosen

    def _try(self, entry: Entry, epoch: int, view: EnvState, legal: Legality) -> Decision | None:
        request = entry.request
        reason = request.refusal(view, legal)
        if reason is None:
            return self._apply(entry, epoch, request.decision)
        if reason.code is Code.STALE or (request.when == "now" and entry.applied is None):
            self._end(entry, epoch, Fate.REJECTED, f"{reason.code}: {reason.text}")
            return None
        if entry.applied is not None:
            return self._apply(entry, epoch, WAIT)
        self._wait(entry, epoch, f"{reason.code}: {reason.text}")
        return None

    def _wait(self, entry: Entry, epoch: int, reason: str) -> None:
        expires = entry.request.expires
        if entry.applied is None and expires is not None and epoch >= expires:
            self._end(entry, epoch, Fate.EXPIRED, reason)

    def _apply(self, entry: Entry, epoch: int, decision: Decision) -> Decision:
        first = entry.applied is None
        if entry.applied is None:
            entry.applied = epoch
        if entry.left is not None:
            entry.left -= 1
        if entry.left == 0:
            self._end(entry, epoch, Fate.APPLIED, "")
        elif first:
            self._say(entry, epoch, Fate.APPLIED)
        return decision

    def _end(self, entry: Entry, epoch: int, fate: Fate, reason: str) -> None:
        del self.entries[entry.request.id]
        self.over[entry.request.id] = (fate, epoch)
        self._say(entry, epoch, fate, reason)

    def _say(self, entry: Entry, epoch: int, fate: Fate, reason: str = "") -> None:
        request = entry.request
        left = None if request.hold == 1 else entry.left
        self.untold.append(
            InterventionChanged(
                epoch=epoch, env=request.env, fate=str(fate), intervention=request.named(), reason=reason, left=left
            )
        )
