"""Deciding in Tamiyo's place: overrides on their way to the run, taken back, and what became of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from esper_tui.leyline.choices import WAIT
from esper_tui.leyline.session import Ack, Cancel, Command, Override
from esper_tui.sanctum.author import author_name
from esper_tui.sanctum.draft import guarded
from esper_tui.sanctum.lines import decision_text
from esper_tui.sanctum.losses import FINAL, loss_sentences
from esper_tui.sanctum.modals.confirm import ConfirmDialog
from esper_tui.sanctum.outbox import Outbox
from esper_tui.sanctum.running import RunActions
from esper_tui.sanctum.widgets.grid import Grid

Row = dict[str, Any]
NAMED = 6
"""Losses that are named one by one before something final."""
FATE_STYLES = {"applied": "good", "rejected": "bad", "expired": "warn", "cancelled": "", "queued": "human"}


class Overruling(RunActions):
    """The part of the application that overrules Tamiyo, and asks her why.

    Attributes:
        author: who is written beside what is asked from here.
        outbox: overrides that the run has not told of yet.
        pinned_decisions: numbers of decisions that are kept on top.
    """

    author: Callable[[], str] = staticmethod(author_name)

    def begin_running(self) -> None:
        super().begin_running()
        self.outbox, self.pinned_decisions = Outbox(), set[int]()

    def noted(self, number: int, command: Command, about: str) -> None:
        super().noted(number, command, about)
        if isinstance(command, Override):
            self.outbox.send(number, command)

    # --- asking ------------------------------------------------------------------------------------------------

    def action_override(self, asked: Override | None = None) -> None:
        """Opens the dialog; what was typed in full is sent without it."""
        if asked is not None:
            self.send_overrides([guarded(self.record, asked)])
        elif self.record.round is None:
            self.say("the run has not started a round yet", "warn")
        else:
            self.open_modal("override")

    def action_hold(self, env: int, epochs: int) -> None:
        self.send_overrides([Override(int(env), WAIT, hold=int(epochs))])

    def send_overrides(self, asked: Sequence[Override], sent: Callable[[], object] = lambda: None) -> None:
        """Sends overrides, after a question where one is final; ``sent`` is called once they are on their way."""
        lost = [s for one in asked if one.decision.op in FINAL for s in loss_sentences(self.record, one)]
        if not lost:
            self._send(asked)
            sent()
            return

        def confirmed(yes: bool | None) -> None:
            if yes:
                self._send(asked)
                sent()

        more = [f"and {len(lost) - NAMED} more like it"] if len(lost) > NAMED else []
        sentences = [*lost[:NAMED], *more, "Once it is applied, nothing takes it back."]
        self.push_screen(ConfirmDialog(f"{asked[0].decision.op.name.lower()} for good", sentences), confirmed)

    def _send(self, asked: Sequence[Override]) -> None:
        for one in asked:
            self.submit(replace(one, author=one.author or self.author()), override_text(one))

    # --- taking back -------------------------------------------------------------------------------------------

    def action_undo(self, number: int | None = None) -> None:
        """Takes back an override, the newest that waits if none is named."""
        waiting = self.waiting_numbers()
        if number is None and not waiting:
            self.say("no override is waiting", "warn")
            return
        chosen = int(number) if number is not None else max(waiting)
        self.submit(Cancel(chosen), f"undo #{chosen}")

    def waiting_numbers(self) -> list[int]:
        """Overrides that were not applied yet, those that the run has not told of included."""
        current = self.record.round
        queued = [n for n, e in current.interventions.items() if e["fate"] == "queued"] if current else []
        return queued + [sent.number for sent in self.outbox.waiting if sent.number is not None]

    # --- what became of it -------------------------------------------------------------------------------------

    def told(self, acks: Sequence[Ack], events: Sequence[Row]) -> None:
        for ack in acks:
            self.outbox.answered(ack)
        super().told(acks, events)
        for event in events:
            if event["type"] == "InterventionChanged":
                self.outbox.told(event["intervention"]["id"])
                self._say_fate(event)

    def _say_fate(self, event: Row) -> None:
        """What became of an override at the boundary; being queued was said when it was answered."""
        if self.role == "replay" or event["fate"] == "queued":
            return
        request, reason = event["intervention"], event.get("reason", "")
        said = f"#{request['id']} env {request['env']} {decision_text(request['decision'])}: {event['fate'].upper()}"
        at = f" at ep {event['epoch']}" if event["fate"] == "applied" else ""
        self.say(said + at + (f", {reason}" if reason else ""), FATE_STYLES.get(event["fate"], ""))

    # --- looking -----------------------------------------------------------------------------------------------

    def action_queue(self) -> None:
        self.open_modal("queue")

    async def action_audit(self) -> None:
        """The decisions in which a person had a hand."""
        await self.show_view("decisions")
        if self.view is not None:
            self.ask_filter(self.view.query_one(Grid), "by:human")

    def action_explain(self, number: int | None = None) -> None:
        """Explains a decision; without its number the newest of the selected environment."""
        decisions = self.record.round.decisions if self.record.round else []
        env = self.selected_env
        wanted = [d for d in decisions if (d["env"] == env if number is None else d["seq"] == int(number))]
        if not wanted:
            self.say(f"no decision {number} is known" if number is not None
                     else f"nothing was decided for env {env} yet but to wait", "warn")  # fmt: skip
            return
        self.open_modal("explain", wanted[-1])


def override_text(asked: Override) -> str:
    """What is asked, in a few words: env 9 r0c1 PRUNE fast."""
    slot = f"{asked.decision.slot} " if asked.decision.slot else ""
    return f"env {asked.env} {slot}{decision_text(asked.decision.named())}"
