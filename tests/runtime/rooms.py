"""A session around a loop that only plays: epochs pass when a test lets them."""

import threading
import time

from esper_tui.kasmina.lifecycle import Change
from esper_tui.leyline.stages import Stage
from esper_tui.nissa.hub import Hub
from esper_tui.runtime import session as module
from esper_tui.runtime.session import LocalSession

PATIENCE_S = 20.0
HOLDING = Change("r0c0", Stage.BLENDING, Stage.HOLDING, "decision", 1, "CONV_LIGHT", "LINEAR_ADD", 10)


class PlayedLoop:
    """A loop without an engine: every epoch waits until the test lets it go.

    ``tells`` holds events by epoch; ``threads`` chunks tick at the same time.
    """

    epochs, batches, threads = 6, 2, 1

    def __init__(self, parts, emit, flush, boundary):
        self.emit, self.boundary, self.round = emit, boundary, 0
        self.go, self.began = threading.Semaphore(0), threading.Semaphore(0)
        self.tells, self.looking = {}, threading.Event()
        self.played = []

    def play(self, provenance, done=0):
        for epoch in range(1, self.epochs + 1):
            self.boundary.phase("training", epoch)
            self.began.release()
            assert self.go.acquire(timeout=PATIENCE_S)
            self._train()
            for event in self.tells.get(epoch, []):
                self.emit(event)
            self.played.append(epoch)
            self.boundary.phase("boundary", epoch)
            if self.boundary.rest(epoch):
                return module.Outcome([], True)
        return module.Outcome([], False)

    def _train(self):
        chunks = [threading.Thread(target=self._chunk) for _ in range(self.threads)]
        self.errors = []
        for chunk in chunks:
            chunk.start()
        for chunk in chunks:
            chunk.join()
        if self.errors:
            raise self.errors[0]

    def _chunk(self):
        try:
            for _ in range(self.batches):
                self.boundary.tick()
        except module.Aborted as error:
            self.errors.append(error)

    def look(self, env):
        self.looking.set()
        assert self.go.acquire(timeout=PATIENCE_S)
        return {"env": env, "values": {}, "pairs": [], "subsets": []}


class Room:
    """A session over a played loop, and what a person in front of it sees."""

    def __init__(self, monkeypatch, parts, **loop):
        monkeypatch.setattr(module, "Loop", type("Played", (PlayedLoop,), loop))
        self.session = LocalSession(parts, None, Hub(None), None)
        self.loop, self.acks, self.events = self.session.loop, {}, []

    def let(self, epochs: int = 1) -> None:
        for _ in range(epochs):
            self.loop.go.release()

    def send(self, command) -> int:
        return self.session.submit(command)

    def look(self):
        acks, events = self.session.poll()
        for ack in acks:
            self.acks.setdefault(ack.id, []).append(ack)
        self.events += events
        return self

    def until(self, seen) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not seen():
            assert time.monotonic() < deadline, (self.session.state, self.look().events, self.acks)
            time.sleep(0.001)

    def paused(self) -> None:
        self.until(lambda: self.session.state == "paused")

    def answered(self, number: int):
        """The last word on a command."""
        self.until(lambda: any(a.state != "accepted" for a in self.look().acks.get(number, [])))
        return self.acks[number][-1]

    def states(self) -> list[str]:
        return [e["state"] for e in self.look().events if e["type"] == "SessionChanged"]

    def end(self):
        self.let(100)
        return self.session.join()


def begin(room: Room) -> Room:
    room.session.start()
    assert room.loop.began.acquire(timeout=PATIENCE_S), room.session.ending
    return room
