"""An override while it is made: what is chosen, what that is called, what it becomes.  Pure.

Nothing here refuses anything: what is closed is shown with its reason, and the run decides at its boundary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from esper_tui.karn.record import RunRecord
from esper_tui.leyline.choices import HEAD_CHOICES, LIVE_HEADS, STYLES, Decision, Head, Op
from esper_tui.leyline.legality import Legality, Reason
from esper_tui.leyline.session import Override

When = Literal["now", "when legal", "at epoch"]
WHENS: tuple[When, ...] = ("now", "when legal", "at epoch")
Field = Head | Literal["when", "waits", "epoch", "held"]
"""A row of the dialog: a head of the decision, or when it applies."""
DEFAULTS: dict[Head, str] = {
    Head.OP: "WAIT", Head.BLUEPRINT: "CONV_LIGHT", Head.STYLE: "LINEAR_ADD", Head.TEMPO: "STANDARD",
    Head.ALPHA_TARGET: "FULL", Head.ALPHA_SPEED: "MEDIUM", Head.ALPHA_CURVE: "LINEAR",
}  # fmt: skip
WAITS = 5
"""Boundaries that an override waits for if nobody says how many; one that is forgotten should not apply much later."""


@dataclass(frozen=True)
class Draft:
    """What is chosen so far.

    Attributes:
        choices: a choice of every head, so that going through the operations forgets none.
        when: None is now where that is legal, else when legal.
        waits: boundaries after which a waiting one expires, 0 for never.
        held: boundaries it is in force for, 0 until it is cancelled.
    """

    envs: tuple[int, ...]
    choices: Mapping[Head, str]
    when: When | None = None
    epoch: int = 0
    waits: int = WAITS
    held: int = 1

    @classmethod
    def start(cls, envs: Sequence[int], slot: str, epoch: int) -> "Draft":
        return cls(tuple(envs), DEFAULTS | {Head.SLOT: slot}, epoch=epoch)

    @classmethod
    def of(cls, asked: Override, slot: str, epoch: int) -> "Draft":
        """One that was asked for before, to be changed; ``slot`` stands in where it names none."""
        heads = {Head(name): choice for name, choice in asked.decision.named().items()}
        when: When = "at epoch" if asked.at_epoch is not None else "when legal" if asked.when == "when_legal" else "now"
        return cls((asked.env,), DEFAULTS | {Head.SLOT: slot} | heads, when, asked.at_epoch or epoch,
                   asked.wait_epochs, asked.hold)  # fmt: skip

    @property
    def op(self) -> Op:
        return Op[self.choices[Head.OP]]

    @property
    def slot(self) -> str:
        return self.choices[Head.SLOT]

    @property
    def decision(self) -> Decision:
        return Decision.from_named({head.value: self.choices[head] for head in LIVE_HEADS[self.op]})

    def timing(self, closed: bool) -> When:
        """When it applies; ``closed`` is whether it is not legal now."""
        return self.when or ("when legal" if closed else "now")

    def fields(self, closed: bool) -> list[Field]:
        """The rows that matter: heads of the operation, then when."""
        extra: dict[When, list[Field]] = {"now": [], "when legal": ["waits"], "at epoch": ["epoch"]}
        return [*LIVE_HEADS[self.op], "when", *extra[self.timing(closed)], "held"]

    # --- changing ----------------------------------------------------------------------------------------------

    def choose(self, head: Head, choice: str) -> "Draft":
        return replace(self, choices={**self.choices, head: choice})

    def moved(self, field: Field, step: int, offered: Sequence[str], closed: bool) -> "Draft":
        """The next or previous choice of a row.  ``offered`` are the choices of a head."""
        if isinstance(field, Head):
            return self.choose(field, offered[(offered.index(self.choices[field]) + step) % len(offered)])
        if field == "when":
            return replace(self, when=WHENS[(WHENS.index(self.timing(closed)) + step) % len(WHENS)])
        least = 1 if field == "epoch" else 0
        return replace(self, **{field: max(least, getattr(self, field) + step)})

    # --- what it becomes ---------------------------------------------------------------------------------------

    def refusals(self, legal: Mapping[int, Legality | None]) -> dict[int, Reason]:
        """Environment → why it cannot apply now, for those where it cannot."""
        found = {env: known.refusal(self.decision) for env in self.envs if (known := legal.get(env)) is not None}
        return {env: reason for env, reason in found.items() if reason is not None}

    def overrides(self, closed: bool) -> list[Override]:
        """The commands, one for each environment, not guarded yet."""
        timing = self.timing(closed)
        return [
            Override(
                env, self.decision, "when_legal" if timing == "when legal" else "now",
                self.epoch if timing == "at epoch" else None, self.held, self.waits if timing == "when legal" else 0,
            )
            for env in self.envs
        ]  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """What may be chosen in a row, and why not."""

    choices: tuple[str, ...]
    closed: Mapping[str, Reason] = field(default_factory=dict)


def offer(draft: Draft, head: Head, record: RunRecord, legal: Legality | None) -> Offer:
    """The choices of a head in the first environment of a draft, those of another kind of host left out."""
    slots = tuple(record.round.slots) if record.round else (draft.slot,)
    if legal is None:
        return Offer(slots if head is Head.SLOT else HEAD_CHOICES[head])
    if head is Head.SLOT:
        table = {s: legal.ops[draft.op].get(s) for s in slots} if draft.op in legal.ops else dict.fromkeys(slots)
    elif head is Head.OP:
        table = {op.name: legal.ops[op].get(draft.slot) if op in legal.ops else None for op in Op}
    elif head is Head.BLUEPRINT:
        exists = set(record.rules.get("topology", HEAD_CHOICES[head]))
        table = {name: reason for name, reason in legal.blueprints[draft.slot].items() if name in exists}
    elif draft.op is Op.SET_ALPHA_TARGET and head in (Head.STYLE, Head.ALPHA_TARGET):
        table = (legal.styles if head is Head.STYLE else legal.targets)[draft.slot]
    else:
        table = dict.fromkeys(HEAD_CHOICES[head])
    return Offer(tuple(table), {name: reason for name, reason in table.items() if reason is not None})


def fitting(draft: Draft, record: RunRecord, legal: Legality | None) -> Draft:
    """The draft with choices that exist here, and the seed's own form where another one is not legal.

    Applied when the operation or the slot changed: a person who wants the closed choice can still go to it.
    """
    for head in LIVE_HEADS[draft.op]:
        offered = offer(draft, head, record, legal)
        closed = head in (Head.STYLE, Head.ALPHA_TARGET, Head.BLUEPRINT) and draft.choices[head] in offered.closed
        if draft.choices[head] not in offered.choices or closed:
            open_ = [c for c in offered.choices if c not in offered.closed]
            draft = draft.choose(head, (open_ or offered.choices)[0])
    return draft


def guarded(record: RunRecord, asked: Override) -> Override:
    """The override that is refused if another seed sits in the slot by then (compare and swap).

    Planting is not guarded: it waits for whatever is in the slot to leave.
    """
    decision = asked.decision
    if asked.expect is not None or decision.slot is None or decision.op is Op.GERMINATE or record.round is None:
        return asked
    seed = record.round.seeds.get((asked.env, decision.slot), {})
    return replace(asked, expect=seed.get("seed"))


def form_of(style: str) -> str:
    """How a style blends, in a word."""
    return STYLES[style].form.value.lower()
