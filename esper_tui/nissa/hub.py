"""The hub: numbers events, rounds their floats once, and hands the same records to the log and to listeners."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from esper_tui.leyline.events import Event, to_line, to_record
from esper_tui.nissa.log import EventLog

LISTENER_LIMIT = 50_000
"""Records a listener may leave unread; older ones are dropped and counted."""

Record = dict[str, Any]


class Listener:
    """A bounded queue of records for one reader in another thread."""

    def __init__(self, limit: int = LISTENER_LIMIT):
        self.queue: deque[Record] = deque(maxlen=limit)
        self.dropped = 0

    def put(self, record: Record) -> None:
        self.dropped += len(self.queue) == self.queue.maxlen
        self.queue.append(record)

    def drain(self) -> list[Record]:
        found = []
        while True:
            try:
                found.append(self.queue.popleft())
            except IndexError:
                return found


class Hub:
    """Takes events from the loop thread; whoever listens sees nothing that is not in the log yet.

    ``flush`` is called at every boundary.  What is not deterministic is about the session and is told at once, by
    whichever thread knows it.
    """

    def __init__(self, log: EventLog | None, clock: Callable[[], float] = time.time, first: int = 0):
        self.log, self.clock, self.seq = log, clock, first
        self.listeners: list[Listener] = []
        self.untold: list[Record] = []
        self.lock = threading.RLock()

    def listen(self) -> Listener:
        listener = Listener()
        self.listeners.append(listener)
        return listener

    def emit(self, event: Event) -> Record:
        """Numbers an event; returns the record that everyone will see.

        Raises:
            CannotWrite: when the log cannot grow.
        """
        with self.lock:
            record = to_record(event, self.seq, self.clock())
            self.seq += 1
            self.untold.append(record)
            if not event.deterministic:
                self.flush()
        return record

    def flush(self, sync: bool = False) -> None:
        """Writes the events since the last flush in one piece, ``sync`` also onto the disk, and tells the listeners.

        Raises:
            CannotWrite: when the log cannot grow; the listeners are told all the same.
        """
        with self.lock:
            records, self.untold = self.untold, []
            try:
                if self.log is not None:
                    self.log.write("".join(f"{to_line(record)}\n" for record in records), sync)
            finally:
                for listener in self.listeners:
                    for record in records:
                        listener.put(record)

    def close(self) -> None:
        try:
            self.flush(sync=True)
        finally:
            if self.log is not None:
                self.log.close()
