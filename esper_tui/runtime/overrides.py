"""The queue of interventions of a run: what people asked for, and what applies at this boundary.  Imports no torch.

At most one intervention per environment applies at a boundary, the oldest that is due and legal; the others wait
behind it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from esper_tui.leyline.choices import WAIT, Decision
from esper_tui.leyline.events import InterventionChanged
from esper_tui.leyline.interventions import Fate, Intervention
from esper_tui.leyline.legality import Legality
from esper_tui.leyline.session import Override
from esper_tui.leyline.state import EnvState

Tell = Callable[[InterventionChanged], object]


@dataclass
class Entry:
    """An intervention that is not over: ``left`` boundaries are still to come, None until it is cancelled."""

    request: Intervention
    left: int | None
    applied: int | None = None


@dataclass(frozen=True)
class Chosen:
    """What a person's intervention makes of an environment's decision at this boundary."""

    intervention: int
    decision: Decision


class Overrides:
    """Interventions by number, oldest first."""

    def __init__(self, tell: Tell):
        self.tell, self.entries, self.last, self.round = tell, dict[int, Entry](), 0, 0

    def start_round(self, round_: int) -> None:
        """Whatever was asked for the round before is over."""
        for entry in list(self.entries.values()):
            self._end(entry, 0, Fate.EXPIRED, "the round ended")
        self.round = round_

    def queue(self, epoch: int, command: Override) -> int:
        """Takes a request; ``epoch`` is the first boundary at which it may apply.  Returns its number."""
        self.last += 1
        expires = epoch + command.wait_epochs if command.wait_epochs else None
        request = Intervention(
            self.last, command.env, command.decision, command.when, command.at_epoch, command.hold, expires,
            command.expect, command.author, command.note,
        )  # fmt: skip
        self.entries[self.last] = Entry(request, command.hold or None)
        self._say(self.entries[self.last], epoch, Fate.QUEUED)
        return self.last

    def cancel(self, epoch: int, number: int) -> tuple[str, int | None]:
        """Takes a request back.  Returns why it cannot be (empty if it can), and when it was applied, if it was."""
        entry = self.entries.get(number)
        if entry is None:
            known = 0 < number <= self.last
            return (f"intervention {number} is over" if known else f"there is no intervention {number}"), None
        self._end(entry, epoch, Fate.CANCELLED, "")
        return "", entry.applied

    def choose(self, epoch: int, views: list[EnvState], legal: list[Legality]) -> dict[int, Chosen]:
        """The decisions of people at this boundary, by environment."""
        chosen: dict[int, Chosen] = {}
        for entry in list(self.entries.values()):
            env = entry.request.env
            if env not in chosen and (entry.request.at_epoch or 0) <= epoch:
                decision = self._try(entry, epoch, views[env], legal[env])
                if decision is not None:
                    chosen[env] = Chosen(entry.request.id, decision)
        return chosen

    def _try(self, entry: Entry, epoch: int, view: EnvState, legal: Legality) -> Decision | None:
        request = entry.request
        reason = request.refusal(view, legal)
        if reason is None or (entry.applied is not None and reason.code != "STALE"):
            return self._apply(entry, epoch, request.decision if reason is None else WAIT)
        if request.when == "now" or reason.code == "STALE":
            self._end(entry, epoch, Fate.REJECTED, f"{reason.code}: {reason.text}")
        elif request.expires is not None and epoch >= request.expires:
            self._end(entry, epoch, Fate.EXPIRED, f"{reason.code}: {reason.text}")
        return None

    def _apply(self, entry: Entry, epoch: int, decision: Decision) -> Decision:
        first, entry.applied = entry.applied is None, epoch
        if entry.left is not None:
            entry.left -= 1
        if entry.left == 0:
            self.entries.pop(entry.request.id)
        if first or entry.left == 0:
            self._say(entry, epoch, Fate.APPLIED)
        return decision

    def _end(self, entry: Entry, epoch: int, fate: Fate, reason: str) -> None:
        self.entries.pop(entry.request.id, None)
        self._say(entry, epoch, fate, reason)

    def _say(self, entry: Entry, epoch: int, fate: Fate, reason: str = "") -> None:
        request = entry.request
        left = None if request.hold == 1 else entry.left
        self.tell(
            InterventionChanged(
                round=self.round, epoch=epoch, env=request.env, fate=str(fate),
                intervention=request.named(), reason=reason, left=left,
            )
        )  # fmt: skip
