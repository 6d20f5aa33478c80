"""What the operating system asks of a run: signals, and how long it may take to obey.

=======  ==========================================================================================================
SIGINT   the run ends at the boundary with its receipt; once more ends it now
SIGTERM  the same, but within ``checkpoint.grace_s``; else it leaves with its newest checkpoint
SIGUSR2  the same as SIGTERM without a limit, for schedulers that queue the run again (exit 10)
SIGUSR1  a checkpoint at the boundary, and the run goes on
SIGHUP   the terminal is gone: a checkpoint, and the run goes on (``on_hangup = "headless"``), or it ends as by
         SIGUSR2 with exit 129 (``on_hangup = "checkpoint-exit"``)
=======  ==========================================================================================================

Whoever takes the machine away is not made to wait for the test split: after all but SIGINT it stays closed, and the
run that goes on opens it once, at its end.
"""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from esper_tui.leyline.errors import ExitCode
from esper_tui.leyline.session import Checkpoint, Stop
from esper_tui.runtime.output import let_go, warn
from esper_tui.runtime.session import LocalSession

ENDINGS = {
    signal.SIGHUP: ExitCode.HANGUP,
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGUSR2: ExitCode.STOPPED,
}
HEARD = (*ENDINGS, signal.SIGUSR1)
ABORT_S = 10.0
"""How long a run that was told to end now may take; a loop that hangs is left behind then."""


class Signals:
    """Listens from its making until ``restore``; ``code`` is the exit code that the first ending signal asks for.

    While there is no session yet, a signal that ends ends the program, and whoever is at work cleans up.  A hang-up
    that was ignored from the start (``nohup``) stays ignored.

    Args:
        on_hangup: the setting of that name.
        leave: ends the process at once.
    """

    def __init__(
        self, on_hangup: str = "headless", clock: Callable[[], float] = time.monotonic,
        leave: Callable[[int], Any] = os._exit,
    ):  # fmt: skip
        self.on_hangup, self.clock, self.leave = on_hangup, clock, leave
        self.session: LocalSession | None = None
        self.first: signal.Signals | None = None
        self.hung_up = False
        self.deadline = self.last = float("inf")  # when to end now, and when to wait no longer for that
        wanted = [n for n in HEARD if n != signal.SIGHUP or signal.getsignal(n) is not signal.SIG_IGN]
        self.previous = {number: signal.signal(number, self._receive) for number in wanted}

    @property
    def code(self) -> ExitCode | None:
        return ENDINGS[self.first] if self.first is not None else None

    def follow(self, session: LocalSession) -> None:
        """From now on signals are for this session."""
        self.session = session
        if self.hung_up:
            self._go_on_alone()

    def _receive(self, number: int, frame: Any) -> None:
        self.take(signal.Signals(number))

    def take(self, number: signal.Signals) -> None:
        """Does what a signal asks for, whoever received it."""
        if number == signal.SIGUSR1:
            self._checkpoint()
        elif number == signal.SIGHUP and self.on_hangup == "headless":
            self.hung_up = True
            self._go_on_alone()
        elif self.session is None:
            raise SystemExit(int(ENDINGS[number]))
        elif self.first is not None:
            self._end_now()
        else:
            self._end(number)

    def _checkpoint(self) -> None:
        if self.session is not None:
            self.session.submit(Checkpoint())
            warn("a checkpoint follows at the end of this epoch")

    def _go_on_alone(self) -> None:
        let_go(self.session.path if self.session is not None else None)
        if self.session is not None:
            self.session.report("hangup", "hang-up (SIGHUP): the run goes on without a terminal")
            self.session.submit(Checkpoint())
            warn("hang-up: the run goes on without a terminal; a checkpoint follows at the end of this epoch")

    def _end(self, number: signal.Signals) -> None:
        assert self.session is not None
        self.first, within = number, ""
        self.session.asked_by = ENDINGS[number]
        if number == signal.SIGTERM:
            grace = self.session.parts.config.checkpoint.grace_s
            self.deadline, within = self.clock() + grace, f", within {grace:g} s"
        if number == signal.SIGINT:
            self.session.submit(Stop())
        else:
            self.session.make_room()
        warn(f"stopping at the end of this epoch{within}, with a checkpoint; once more ends it now")

    def _end_now(self) -> None:
        assert self.session is not None
        self.deadline, self.last = float("inf"), min(self.last, self.clock() + ABORT_S)
        self.session.abort()

    def look(self) -> None:
        """Called again and again while the run lasts: sees to it that the time it was given is kept."""
        now = self.clock()
        if now >= self.deadline:
            warn("the epoch did not end in time; leaving with the newest checkpoint")
            self._end_now()
        if now >= self.last:
            warn("the loop does not answer; leaving it behind, whatever was finished is in the log")
            self.leave(int(self.code or ExitCode.INTERNAL))

    def restore(self) -> None:
        for number, action in self.previous.items():
            signal.signal(number, action)
