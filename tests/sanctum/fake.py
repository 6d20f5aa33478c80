"""A session without a loop: it releases recorded events when it is told to, and answers commands like the real one."""

import itertools
import json
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

from esper_tui.leyline.session import (
    Abandon,
    Ack,
    Command,
    Override,
    Pause,
    Progress,
    Resources,
    Resume,
    Role,
    Step,
    Stop,
)
from esper_tui.sanctum.pictures import screen_text

Row = dict[str, Any]
QUICK = Path(__file__).parent / "recordings" / "quick.jsonl"
RUN_PATH = Path("runs") / "20260102-030405-quickstart-b3f1"


def load_events(path: Path = QUICK) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class FakeSession:
    """A ``leyline.session.Session`` scripted by a list of events.

    ``release`` lets events through; commands are answered at the next boundary, at once while it rests.
    """

    def __init__(self, events: list[Row], role: Role = "control", path: Path | None = RUN_PATH):
        self.role, self.path, self.attached = role, path, False
        self.waiting, self.out, self.acks = deque(events), list[Row](), list[Ack]()
        self.commands: list[Command] = []
        self.unanswered: list[tuple[int, Command]] = []
        self.ids, self.numbers = itertools.count(1), itertools.count(1)
        self.now = Progress(
            state="running", phase="training", epochs=30, steps_done=3, steps=8, epoch_s=4.2, images_per_s=14200.0,
            eta_s=72.0, elapsed_s=33.0, resources=Resources(71.0, 2**30, 2**33, 2**36),
        )  # fmt: skip

    # --- for the test ------------------------------------------------------------------------------------------

    def release(self, count: int = 10**9) -> None:
        """Lets the next events through; every measured epoch is a boundary."""
        for _ in range(min(count, len(self.waiting))):
            event = self.waiting.popleft()
            self.out.append(event)
            if event["type"] == "EpochMeasured":
                self.now = replace(self.now, epoch=event["epoch"])
                self._boundary()
            elif event["type"] == "RunEnded":
                self.now = replace(self.now, state="ended")

    def release_epochs(self, epochs: int = 1) -> None:
        """Lets events through up to and including so many more measured epochs, with what was decided after them."""
        while epochs and self.waiting:
            epochs -= self.waiting[0]["type"] == "EpochMeasured"
            self.release(1)
        while self.waiting and self.waiting[0]["type"] in ("DecisionTaken", "StageChanged"):
            self.release(1)

    def emit(self, type_: str, **keys: Any) -> None:
        """Tells an event that was not recorded."""
        event = {"seq": 10**6 + len(self.out), "t": 1.0, "type": type_, "round": 0, "epoch": self.now.epoch}
        self.out.append(event | keys)

    # --- the protocol ------------------------------------------------------------------------------------------

    def submit(self, command: Command) -> int:
        number = next(self.ids)
        self.commands.append(command)
        if self.now.state == "ended":
            self.acks.append(Ack(number, "rejected", reason="the run has ended"))
            return number
        self.acks.append(Ack(number, "accepted"))
        self.unanswered.append((number, command))
        if isinstance(command, Pause) and self.now.state == "running":
            self.now = replace(self.now, state="pausing")
        if self.now.state == "paused":
            self._boundary()
        return number

    def poll(self) -> tuple[list[Ack], list[Row]]:
        acks, self.acks = self.acks, []
        events, self.out = self.out, []
        return acks, events

    def progress(self) -> Progress:
        return self.now

    # --- what the loop would do --------------------------------------------------------------------------------

    def _boundary(self) -> None:
        commands, self.unanswered = self.unanswered, []
        for number, command in commands:
            self.acks.append(self._apply(number, command))

    def _apply(self, number: int, command: Command) -> Ack:
        epoch = self.now.epoch
        if isinstance(command, Override):
            request = {"id": next(self.numbers), "env": command.env, "decision": command.decision.named()}
            self.emit("InterventionChanged", env=command.env, fate="queued", intervention=request, reason="", left=None)
            return Ack(number, "applied", epoch, intervention=request["id"])
        if isinstance(command, Resume) and self.now.state != "paused":
            return Ack(number, "rejected", reason="the run is not paused")
        states = {Pause: "paused", Resume: "running", Step: "running", Stop: "stopping", Abandon: "ended"}
        state: Any = states.get(type(command))
        if state is not None:
            self.now = replace(self.now, state=state, phase="boundary" if state == "paused" else "training")
            self.emit("SessionChanged", state=state, text="")
        return Ack(number, "applied", epoch)


async def looking(app, pilot, *keys):
    """What the screen shows after a frame, the keys, and another frame."""
    app.frame()
    await pilot.pause()
    await pilot.press(*keys)
    for _ in range(2):
        app.frame()
        await pilot.pause()
    return screen_text(app)
