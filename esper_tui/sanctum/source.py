"""Where the screens get a run from: a session that is live, or a recording that is played.  One shape for both."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from typing import Any, Protocol

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.karn.replay import Player
from esper_tui.leyline.session import Ack, Command, Progress, Role, Session

Row = dict[str, Any]
LOG_LENGTH = 10_000
FOLD_S = 0.03
"""Longest that one frame folds events; the rest waits for the next frame, so that keys stay quick."""


class Source(Protocol):
    """A run as the screens see it.

    Attributes:
        record: everything so far, folded; may be another object after the recording jumped back.
        log: the newest events as they were recorded, oldest first.
        seen: how many events there were in all; the last of ``log`` is number ``seen - 1``.
        path: the run folder, if there is one.
        attached: whether the run lives in another process.
    """

    role: Role
    path: Path | None
    attached: bool

    @property
    def record(self) -> RunRecord: ...

    @property
    def log(self) -> Sequence[Row]: ...

    @property
    def seen(self) -> int: ...

    def advance(self) -> tuple[list[Ack], list[Row]]:
        """Takes in what happened since the last call; never waits."""
        ...

    def progress(self) -> Progress: ...

    def submit(self, command: Command) -> int: ...


class LiveSource:
    """A session in this process, over a socket, or one that is only watched."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.perf_counter):
        self.session, self.clock = session, clock
        self.role, self.path, self.attached = session.role, session.path, session.attached
        self.record, self.log, self.seen = RunRecord(), deque[Row](maxlen=LOG_LENGTH), 0
        self.waiting: deque[Row] = deque()

    def advance(self) -> tuple[list[Ack], list[Row]]:
        acks, events = self.session.poll()
        self.waiting.extend(events)
        until, folded = self.clock() + FOLD_S if self.seen else inf, []  # the first frame shows all there is
        while self.waiting and self.clock() <= until:
            event = self.waiting.popleft()
            reduce(self.record, event)
            folded.append(event)
        self.log.extend(folded)
        self.seen += len(folded)
        return acks, folded

    def progress(self) -> Progress:
        return self.session.progress()

    def submit(self, command: Command) -> int:
        return self.session.submit(command)


class ReplaySource:
    """A recording.  It moves when somebody plays it or jumps."""

    role: Role = "replay"
    attached = False

    def __init__(self, player: Player, clock: Callable[[], float] = time.monotonic):
        self.player, self.clock, self.at = player, clock, clock()
        self.path = player.path

    @property
    def record(self) -> RunRecord:
        return self.player.record

    @property
    def log(self) -> Sequence[Row]:
        return self.player.records[max(0, self.seen - LOG_LENGTH) : self.seen]

    @property
    def seen(self) -> int:
        return self.player.position

    def advance(self) -> tuple[list[Ack], list[Row]]:
        now = self.clock()
        self.player.tick(now - self.at)
        self.at = now
        return self.player.poll()

    def progress(self) -> Progress:
        return self.player.progress()

    def submit(self, command: Command) -> int:
        return self.player.submit(command)


def source_of(session: Session | Player) -> Source:
    """The source of a session; a recording is played."""
    return ReplaySource(session) if isinstance(session, Player) else LiveSource(session)
