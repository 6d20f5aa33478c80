"""Notices a loop that does nothing any more: a kernel that hangs, a file system that does not answer."""

import contextlib
import threading
from collections.abc import Callable

from esper_tui.leyline.errors import EsperError
from esper_tui.leyline.events import AlertCleared, AlertRaised, Event
from esper_tui.leyline.metrics import ALERTS
from esper_tui.runtime.pace import Pace

RULE = "no_progress"
LEAST_S, EPOCHS = 60.0, 3.0
"""Silence that is worth an alert: so many epochs' time, but not less than a minute."""
EVERY_S = 5.0


class Watchdog:
    """Raises the alert ``no_progress`` from a thread of its own, and clears it when the loop goes on.

    Args:
        tell: records an event; may be called from this thread.
        place: round and epoch of the loop.
    """

    def __init__(self, pace: Pace, tell: Callable[[Event], object], place: Callable[[], tuple[int, int]]):
        self.pace, self.tell, self.place = pace, tell, place
        self.raised, self.ended = False, threading.Event()
        self.thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def close(self) -> None:
        """Does not wait for the thread: it may hang in what the loop hangs in."""
        self.ended.set()

    def look(self) -> None:
        silent = self.pace.silent_s
        late = silent > max(LEAST_S, EPOCHS * (self.pace.epoch_s or 0.0))
        if late == self.raised:
            return
        self.raised = late
        round_, epoch = self.place()
        if late:
            text = f"no step for {silent:.0f} s while {self.pace.phase_name}; the loop may hang"
            severity = ALERTS[RULE].severity
            self.tell(AlertRaised(round=round_, epoch=epoch, rule=RULE, text=text, severity=severity))
        else:
            self.tell(AlertCleared(round=round_, epoch=epoch, rule=RULE))

    def _watch(self) -> None:
        while not self.ended.wait(EVERY_S):
            with contextlib.suppress(EsperError):  # a log that cannot be written ends the loop with its own sentence
                self.look()
