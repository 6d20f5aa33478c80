"""What a person does to the run: pause, step, overrides, breakpoints, alerts, leaving.  And what became of it."""

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence
from typing import Any

from esper_tui.karn.replay import Player
from esper_tui.leyline.metrics import ALERTS
from esper_tui.leyline.session import (
    Abandon,
    Ack,
    Breakpoint,
    Checkpoint,
    Command,
    Look,
    Note,
    Pause,
    Resume,
    Step,
    Stop,
)
from esper_tui.sanctum.modals.quit import QuitDialog
from esper_tui.sanctum.navigation import Navigation
from esper_tui.sanctum.source import ReplaySource
from esper_tui.sanctum.widgets.alerts import alert_key, alert_text, open_alerts

TOASTS, TOAST_EVERY_S = 3, 30.0
"""Toasts at once, and how long a rule is silent after one."""
REST_KEYS = (("o", "overrides"), ("s", "steps an epoch"), ("p", "goes on"))
"""What is done while a run rests."""
TOAST_S, ERROR_TOAST_S = 5.0, 1e6
"""How long a toast stays; one of an error stays for good."""


class RunActions(Navigation):
    """The part of the application that speaks to the run."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.heard = Counter[int]()  # signals that closed the screen
        self.begin_running()

    def begin_running(self) -> None:
        """Forgets what belonged to the run before."""
        self.sent: dict[int, str] = {}
        self.acks: list[Ack] = []
        self.toasted: dict[str, float] = {}
        self.seeking_decision = False

    def submit(self, command: Command, about: str) -> int | None:
        """Sends a command; what becomes of it is said when it is known.  None where no commands are taken."""
        if self.source is None or self.role != "control" or self.readonly:
            self.say("this run is only looked at; nothing can be changed", "warn")
            return None
        number = self.source.submit(command)
        self.noted(number, command, about)
        self.frame()
        return number

    def noted(self, number: int, command: Command, about: str) -> None:
        """Remembers what was sent, before anything can have come of it."""
        self.sent[number] = about

    # --- what became of it -------------------------------------------------------------------------------------

    def told(self, acks: Sequence[Ack], events: Sequence[dict[str, Any]]) -> None:
        """Takes in acknowledgements and events of a frame."""
        self.acks = [*self.acks, *acks][-200:]
        for ack in acks:
            self._say_ack(ack)
        self._toast([event for event in events if event["type"] == "AlertRaised"])
        self._say_rest([event for event in events if event["type"] == "SessionChanged"])
        for event in events:
            if self.seeking_decision and event["type"] == "DecisionTaken" and event["decision"]["op"] != "WAIT":
                self.seeking_decision = False
                self.submit(Pause(), "pause")

    def _say_ack(self, ack: Ack) -> None:
        about = self.sent.get(ack.id, "") if ack.state == "accepted" else self.sent.pop(ack.id, "")
        if ack.state in ("rejected", "too late"):
            self.say(f"{about or 'command'}: {ack.state}, {ack.reason}", "bad")
        elif ack.intervention is not None:
            what = f"  ({about})" if about else ""
            self.say(f"queued as #{ack.intervention}; u takes it back until it applies{what}", "human")
        elif ack.state == "applied" and about and about not in ("pause", "resume", "step"):
            self.say(f"{about}: done" + (f", {ack.reason}" if ack.reason else ""))

    def _say_rest(self, changes: Sequence[dict[str, Any]]) -> None:
        """Where the run rests and why, and what can be done meanwhile."""
        if self.role != "control" or not any(change["state"] == "paused" for change in changes):
            return
        met = next((f" ({change['text']})" for change in changes if change["state"] == "breakpoint"), "")
        if self.source is not None and self.source.progress().phase == "training":
            self.say("paused inside an epoch, where decisions are not open; s goes to its end, p goes on")
        else:
            now = self.record.epoch.number if self.record.epoch else 0
            what = ", ".join(f"{key} {does}" for key, does in REST_KEYS)
            self.say(f"paused between ep {now} and {now + 1}{met}: {what}")

    def _toast(self, alerts: Sequence[dict[str, Any]]) -> None:
        """Alerts as toasts: a rule at most once in half a minute, few at once; an error stays until it is clicked."""
        room, now = TOASTS - len(self.screen.query("Toast")), self.clock()
        for alert in alerts if self.role != "replay" else ():
            rule, error = alert["rule"], alert.get("severity") == "error"
            if room <= 0 or now - self.toasted.get(rule, -TOAST_EVERY_S) < TOAST_EVERY_S:
                continue
            room, self.toasted[rule] = room - 1, now
            self.notify(alert["text"], title=alert_text(alert), severity="error" if error else "warning",
                        timeout=ERROR_TOAST_S if error else TOAST_S, markup=False)  # fmt: skip
            if self.settings.bell:
                self.bell()

    # --- pause and step ----------------------------------------------------------------------------------------

    @property
    def resting(self) -> bool:
        return self.source is not None and self.source.progress().state in ("pausing", "paused")

    def action_pause(self, at: str = "epoch") -> None:
        if self.role == "replay":
            self._play()
        elif self.resting:
            self.action_resume()
        else:
            self.submit(Pause("batch" if at == "batch" else "epoch"), "pause")

    def action_resume(self) -> None:
        if self.role == "replay":
            self._play()
        else:
            self.seeking_decision = False
            self.submit(Resume(), "resume")

    def action_step(self, epochs: int = 1) -> None:
        self.submit(Step(int(epochs)), "step")

    def action_step_decision(self) -> None:
        """Runs on until somebody decides something else than to wait."""
        self.seeking_decision = True
        if self.resting:
            self.submit(Resume(), "resume")

    # --- breakpoints, notes, looks -----------------------------------------------------------------------------

    def action_break_here(self) -> None:
        """Rests when the operation that was last decided for this environment is decided again."""
        current = self.record.round
        decided = [d for d in (current.decisions if current else []) if d["env"] == self.selected_env]
        if not decided:
            self.say("nothing was decided here yet; `:break` takes a condition", "warn")
            return
        op = decided[-1]["decision"]["op"]
        self.submit(Breakpoint("op", op, self.selected_env), f"break on {op} of env {self.selected_env}")

    def action_break(self, command: Breakpoint) -> None:
        verb = "break no more" if command.clear else "break"
        self.submit(command, f"{verb} on {command.what} {command.value}".rstrip())

    def action_note(self, text: str) -> None:
        self.submit(Note(text), "note")

    def action_checkpoint(self) -> None:
        self.submit(Checkpoint(), "checkpoint")

    def action_look(self, env: int | None = None) -> None:
        env = self.selected_env if env is None else int(env)
        if self.source is not None and self.role == "control" and self.source.progress().state != "paused":
            self.say("coalitions are measured at a boundary: pause the run first (p)", "warn")
            return
        self.submit(Look(env), f"measuring env {env}")

    # --- alerts ------------------------------------------------------------------------------------------------

    def action_acknowledge(self) -> None:
        alerts = open_alerts(self.record, self.acknowledged)
        if not alerts:
            self.say("there is no alert to acknowledge")
            return
        self.acknowledged.add(alert_key(alerts[0]))
        meaning = ALERTS[alerts[0]["rule"]].help if alerts[0]["rule"] in ALERTS else ""
        self.say(f"{alert_text(alerts[0])} acknowledged; {meaning}")
        self.draw()

    # --- replay ------------------------------------------------------------------------------------------------

    @property
    def player(self) -> Player | None:
        return self.source.player if isinstance(self.source, ReplaySource) else None

    def _play(self) -> None:
        if self.player is not None:
            self.player.toggle()
            self.frame()

    def _step_replay(self, epochs: int) -> None:
        if self.player is not None:
            self.player.step(epochs)
            self.frame()

    def action_env_previous(self) -> None:
        self._step_replay(-1) if self.player else self.select_env_beside(-1)

    def action_env_next(self) -> None:
        self._step_replay(1) if self.player else self.select_env_beside(1)

    def action_slot_previous(self) -> None:
        self._step_replay(-10) if self.player else self.select_slot_beside(-1)

    def action_slot_next(self) -> None:
        self._step_replay(10) if self.player else self.select_slot_beside(1)

    def action_goto(self, epoch: int) -> None:
        if self.player is not None:
            self.player.seek(int(epoch))
            self.frame()

    def action_next_decision(self) -> None:
        self._found("decision", self.player.next_decision() if self.player else None)

    def action_next_alert(self) -> None:
        self._found("alert", self.player.next_alert() if self.player else None)

    def _found(self, what: str, event: dict[str, Any] | None) -> None:
        if event is None:
            self.say(f"there is no later {what}")
            return
        self.select(event.get("env"), event.get("decision", event).get("slot"))
        self.frame()

    def action_faster(self) -> None:
        self.action_speed(2.0 * self.player.speed if self.player else 1.0)

    def action_slower(self) -> None:
        self.action_speed(0.5 * self.player.speed if self.player else 1.0)

    def action_speed(self, factor: float) -> None:
        if self.player is not None:
            self.player.set_speed(float(factor))
            self.frame()

    # --- leaving -----------------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Asks what should become of a run that is alive; leaves at once otherwise."""
        if isinstance(self.screen, QuitDialog):
            return
        if self.source is None or not self.run_is_alive:
            self.leave("quit")
            return
        self.push_screen(QuitDialog(self.source.progress(), self.source.attached), self._left_by)

    def listen_for_signals(self) -> None:
        """A closed terminal and a request to end leave the screen in order; Textual itself listens to neither."""
        loop = asyncio.get_running_loop()
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            loop.add_signal_handler(signal.SIGHUP, self.signalled, signal.SIGHUP)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
            loop.add_signal_handler(number, self.signalled, number)

    def signalled(self, number: signal.Signals) -> None:
        """Leaves the screen; what becomes of a run of this process is up to whoever opened the screen.

        SIGUSR1 asks for a checkpoint and stays.  A run that lives elsewhere is left as it is.
        """
        mine = self.run_is_alive and self.source is not None and not self.source.attached
        if number == signal.SIGUSR1:
            if mine:
                self.submit(Checkpoint(), "checkpoint")
        else:
            self.heard[number] += 1
            self.leave("detach" if mine else "quit", signal=number, times=self.heard[number])

    def action_help_quit(self) -> None:
        """Ctrl+C where nothing is selected that it could copy; Textual names a key of its own here."""
        self.say("q leaves, and asks what becomes of the run; with text selected ctrl+c copies it")

    def terminal_gone(self) -> None:
        """The terminal takes nothing any more; where SIGHUP is ignored this is all that tells of it."""
        self.signalled(signal.SIGHUP)

    @property
    def run_is_alive(self) -> bool:
        """Whether the run that is open takes commands and has not ended."""
        return self.source is not None and self.role == "control" and self.source.progress().state != "ended"

    def _left_by(self, choice: str | None) -> None:
        if choice == "checkpoint":
            self._stop_with(Stop(), "checkpoint")
        elif choice == "abandon":
            self._stop_with(Abandon(), "abandon")
        elif choice == "detach":
            self.leave("detach")

    def _stop_with(self, command: Command, kind: Any) -> None:
        if self.source is not None:
            self.source.submit(command)
        self.leave(kind)

    def action_quit_now(self) -> None:
        self.leave("detach" if self.run_is_alive else "quit")

    def action_detach(self) -> None:
        self.leave("detach")

    def action_stop(self) -> None:
        self.submit(Stop(), "stop")
