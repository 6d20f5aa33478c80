"""Every signal for a run without a screen, a run on its screen, and a screen that is attached to a run elsewhere."""

import os
import pty
import select
import signal
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esper_tui.bench.children import PATIENCE_S, Child
from esper_tui.bench.faults_table import Finding, Tally
from esper_tui.bench.stage import TERMINAL, set_size
from esper_tui.bench.tiny_runs import COMMON, SMALL, TWINS
from esper_tui.karn.read import read_records
from esper_tui.leyline.folder import CHECKPOINTS

Say = Callable[[str], None]
ENDLESS = (
    TWINS.replace("22", "2000") + SMALL + COMMON.format(channels=8).replace("every_epochs = 1", "every_epochs = 0")
)
SHORT = 30
"""Epochs of a run that a signal leaves running to its end."""
SLOW, SECOND_AFTER_S = 200_000, 2.0
"""Images of an epoch that lasts until a second signal comes, and when that is."""
LEFT = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l")
ENTERED = (b"\x1b[?1049h", b"\x1b[?25l", b"\x1b[?1000h")
"""The other screen, the cursor hidden, the mouse reported; ``LEFT`` takes each back."""


@dataclass(frozen=True)
class Outcome:
    """What is documented of a signal.

    Attributes:
        code: exit code of the process that received it.
        status: how the run ends, by its log; done means that it went on to its end.
        saved: whether a checkpoint was written because of it.
    """

    code: int
    status: str
    saved: bool = True


ENDS = {
    "HUP": Outcome(0, "done"), "INT": Outcome(130, "stopped"), "INT INT": Outcome(130, "aborted", saved=False),
    "TERM": Outcome(143, "stopped"), "USR1": Outcome(0, "done"), "USR2": Outcome(10, "stopped"),
}  # fmt: skip
ATTACHED = {
    "HUP": Outcome(129, "done", saved=False), "INT": Outcome(130, "done", saved=False),
    "INT INT": Outcome(130, "done", saved=False), "TERM": Outcome(143, "done", saved=False),
    "USR1": Outcome(0, "done", saved=False), "USR2": Outcome(140, "done", saved=False),
}  # fmt: skip
"""The screen ends with 128 plus the number of the signal, SIGUSR1 is nothing to it; the run is left as it is."""


class Tty:
    """A pseudo-terminal of 120x40, and everything that was written to it."""

    def __init__(self) -> None:
        self.near, self.far = pty.openpty()
        set_size(self.far)
        self.name, self.before, self.raw = os.ttyname(self.far), termios.tcgetattr(self.far), b""

    def read(self, seconds: float = 0.05) -> None:
        if select.select([self.near], [], [], seconds)[0]:
            self.raw += os.read(self.near, 65536)

    def wait(self, seen: Callable[[], Any], what: str, child: Child) -> None:
        """Reads until something is seen, of a child that lives.

        Raises:
            TimeoutError: if it is not, and will not be.
        """
        until = time.monotonic() + PATIENCE_S
        while not seen():
            self.read()
            if time.monotonic() > until or not (child.alive or seen()):
                raise TimeoutError(f"waited in vain for {what}; shown was {self.raw[-300:]!r}")

    def not_restored(self) -> str:
        """What of the terminal is not as it was; empty if all is."""
        while select.select([self.near], [], [], 0.05)[0]:
            self.read()
        if termios.tcgetattr(self.far) != self.before:
            return "the terminal's attributes are others"
        for entered, left in zip(ENTERED, LEFT, strict=True):
            if self.raw.rfind(left) < self.raw.rfind(entered):
                return f"{entered[1:].decode()} was not taken back"
        return ""

    def close(self) -> None:
        os.close(self.near)
        os.close(self.far)


def bench_signals(say: Say, work: Path, modes: tuple[str, ...] = ("headless", "screen", "attached")) -> Finding:
    """Every signal in every mode, and a terminal that is closed."""
    (work / "endless.toml").write_text(ENDLESS)
    found, began = (
        Tally("every signal x (screen, headless, attached): documented outcome, terminal restored"),
        time.monotonic(),
    )
    for mode in modes:
        for name, outcome in (ATTACHED if mode == "attached" else ENDS).items():
            folder = work / f"{mode}-{name.replace(' ', '-').lower()}"
            problem = PLAYS[mode](work, folder, name, outcome)
            found.check(f"{mode}, {name}: {problem}" if problem else "")
            say(f"  {mode:<9} {name:<8} {problem or 'as documented'}")
    if "screen" in modes:
        problem = hang_up(work, work / "hung-up")
        found.check(f"closed terminal: {problem}" if problem else "")
        say(f"  screen    closed terminal: {problem or 'goes on without one to its end'}")
    say(f"  {found.tries} outcomes, {time.monotonic() - began:.0f} s")
    return found.finding("exit code, status in the log, checkpoint, termios, alternate screen, cursor and mouse")


# --- modes ---------------------------------------------------------------------------------------------------------


def headless(work: Path, folder: Path, name: str, outcome: Outcome) -> str:
    child = Child([*_words(folder, outcome), "--no-ui"], work)
    _await(lambda: _is_under_way(folder, outcome), "a run under way")
    _send(child, name)
    return _wrong(child.end(), folder, outcome)


def screen(work: Path, folder: Path, name: str, outcome: Outcome) -> str:
    tty = Tty()
    try:
        child = Child(_words(folder, outcome), work, tty.name, **TERMINAL, CI="", TEXTUAL_ANIMATIONS="none")
        tty.wait(lambda: _is_drawn(tty) and _is_under_way(folder, outcome), "the screen", child)
        _send(child, name, tty)
        if name == "USR1":
            tty.wait(lambda: _of(folder, "RunEnded"), "the end of the run", child)
            os.write(tty.near, b"q")
        tty.wait(lambda: not child.alive, "the end", child)
        return _wrong(child.end(), folder, outcome) or tty.not_restored()
    finally:
        tty.close()


def attached(work: Path, folder: Path, name: str, outcome: Outcome) -> str:
    """The signal is for the screen that is attached; afterwards the run is ended by a command."""
    tty, run = Tty(), Child([*_words(folder, Outcome(0, "stopped")), "--no-ui"], work)
    try:
        _await(lambda: _is_under_way(folder, outcome), "a run under way")
        child = Child(["attach", str(folder)], work, tty.name, **TERMINAL, CI="", TEXTUAL_ANIMATIONS="none")
        tty.wait(lambda: _is_drawn(tty), "the screen", child)
        _send(child, name, tty)
        if outcome.code == 0:  # nothing happens: it is left by a key
            time.sleep(0.5)
            if not child.alive:
                return f"the screen ended with {child.end()}"
            os.write(tty.near, b"q")
            shown = len(tty.raw)
            tty.wait(lambda: b"detach" in tty.raw[shown:], "the question", child)
            os.write(tty.near, b"\r")
        tty.wait(lambda: not child.alive, "the end", child)
        wrong = "" if child.end() == outcome.code else f"exit code {child.end()} instead of {outcome.code}"
        return wrong or tty.not_restored() or _disturbed(run, folder)
    finally:
        run.kill()
        tty.close()


def hang_up(work: Path, folder: Path) -> str:
    """The terminal is closed under a run: it goes on to its end and does not spin."""
    tty = Tty()
    child = Child(_words(folder, ENDS["HUP"]), work, tty.name, **TERMINAL, CI="")
    tty.wait(lambda: _is_drawn(tty) and _is_under_way(folder, ENDS["HUP"]), "the screen", child)
    tty.close()
    return _wrong(child.end(), folder, ENDS["HUP"])


PLAYS = {"headless": headless, "screen": screen, "attached": attached}


# --- looking -------------------------------------------------------------------------------------------------------


def _words(folder: Path, outcome: Outcome) -> list[str]:
    sizes = {"done": [f"--set=run.epochs={SHORT}"], "aborted": [f"--set=run.images_per_epoch={SLOW}"]}
    return ["run", "endless.toml", "--run-dir", str(folder), *sizes.get(outcome.status, [])]


def _is_drawn(tty: Tty) -> bool:
    return ENTERED[0] in tty.raw and len(tty.raw) > 2000


def _is_under_way(folder: Path, outcome: Outcome) -> bool:
    """Whether some epochs are over, or the long one of a run that is to be ended within it has begun."""
    kind, count = ("SessionChanged", 1) if outcome.status == "aborted" else ("EpochMeasured", 3)
    return len(_of(folder, kind)) >= count


def _await(seen: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not seen():
        if time.monotonic() > until:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.01)


def _send(child: Child, name: str, tty: Tty | None = None) -> None:
    """Sends the signals of a name one after the other, the second once the first has been taken in."""
    for number, word in enumerate(name.split()):
        until = time.monotonic() + SECOND_AFTER_S * number
        while time.monotonic() < until:
            tty.read() if tty is not None else time.sleep(0.05)
        child.send(signal.Signals[f"SIG{word}"])


def _of(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [e for e in read_records(folder) if e["type"] == kind] if folder.is_dir() else []


def _wrong(code: int, folder: Path, outcome: Outcome) -> str:
    """What is not as documented of a run that a signal was for."""
    ended = _of(folder, "RunEnded")
    status = ended[-1]["status"] if ended else "not ended"
    saved = any((folder / CHECKPOINTS).glob("r*.safetensors"))
    if (code, status) != (outcome.code, outcome.status):
        return f"exit code {code}, {status}, instead of {outcome.code}, {outcome.status}"
    if outcome.saved and not saved:
        return "no checkpoint was written"
    return ""


def _disturbed(run: Child, folder: Path) -> str:
    """Whether a run noticed that somebody who was attached has gone: it must still train."""
    before = len(_of(folder, "EpochMeasured"))
    _await(lambda: len(_of(folder, "EpochMeasured")) > before + 1 or not run.alive, "the run to go on")
    return "" if run.alive else f"the run ended with {run.end()}"
