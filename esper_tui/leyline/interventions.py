"""A person's decision in Tamiyo's place: what is asked, when it may apply, what becomes of it.

``QUEUED → APPLIED | REJECTED | EXPIRED | CANCELLED``; an intervention that is held stays ``APPLIED`` until its epochs
are over.  Whether it is legal is decided at the boundary by ``leyline.legality``, never by who asks.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

from esper_tui.leyline.choices import Decision
from esper_tui.leyline.legality import Code, Legality, Reason
from esper_tui.leyline.state import EnvState


class Fate(StrEnum):
    """Where an intervention is in its life."""

    QUEUED = "queued"
    APPLIED = "applied"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Intervention:
    """One request for one environment.

    Attributes:
        when: now is refused if it is not legal at the next boundary; when_legal waits.
        at_epoch: the first boundary at which it may apply; None means the next one.
        hold: boundaries it is in force for; 0 means until it is cancelled.  Where the decision is not legal while it
            is held, the environment waits.
        expires: the last boundary at which a waiting one may still apply; None means the end of the episode.
        expect: number of the seed that must sit in the slot; None means an empty slot, or one that nobody looked at.
    """

    id: int
    env: int
    decision: Decision
    when: Literal["now", "when_legal"] = "now"
    at_epoch: int | None = None
    hold: int = 1
    expires: int | None = None
    expect: int | None = None
    author: str = ""
    note: str = ""

    def named(self) -> dict[str, Any]:
        """The form that events and files hold."""
        return asdict(self) | {"decision": self.decision.named()}

    @classmethod
    def from_named(cls, document: dict[str, Any]) -> "Intervention":
        return cls(**document | {"decision": Decision.from_named(document["decision"])})

    def refusal(self, view: EnvState, legal: Legality) -> Reason | None:
        """Why it cannot apply now: another seed than the one that was seen, or whatever legality says."""
        slot = self.decision.slot
        if slot is not None and self.expect is not None and view.slot(slot).seed != self.expect:
            now = view.slot(slot).seed
            text = f"seed {self.expect} is no longer in {slot}" + (f", seed {now} is" if now is not None else "")
            return Reason(Code.STALE, text)
        return legal.refusal(self.decision)
