"""Opening the screen: whether there is a terminal for it, where other output goes meanwhile, what follows.

Imports nothing heavy: looking at recordings needs no torch.
"""

import contextlib
import gc
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from esper_tui.leyline.errors import ExitCode, UsageError
from esper_tui.leyline.folder import LOG_FILE

if TYPE_CHECKING:
    from esper_tui.sanctum.app import AppExit
    from esper_tui.sanctum.settings import Settings

SIZE_VARIABLES = ("COLUMNS", "LINES")


@dataclass(frozen=True)
class Look:
    """How the screen is wanted on the command line; None and False leave it to the settings file."""

    theme: str | None = None
    glyphs: str | None = None
    hz: str | None = None
    no_mouse: bool = False
    readonly: bool = False

    def settings(self) -> "Settings":
        """The user's settings with what the command line says.

        Raises:
            UsageError: for a value that does not exist.
            ConfigError: if the settings file is damaged.
        """
        from esper_tui.sanctum.settings import changed, load_settings

        settings = load_settings()
        mouse = "off" if self.no_mouse else None
        for name, text in (("theme", self.theme), ("glyphs", self.glyphs), ("hz", self.hz), ("mouse", mouse)):
            settings = settings if text is None else changed(settings, name, text)
        return settings


def has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def wants_screen(no_ui: bool) -> bool:
    """Whether a run is shown: not where --no-ui or CI says so, and not without a terminal.

    Raises:
        UsageError: in a terminal that cannot show it.
    """
    if no_ui or os.environ.get("CI") or not has_terminal():
        return False
    if os.environ.get("TERM") == "dumb":
        raise UsageError("TERM=dumb: this terminal cannot show the screen; add --no-ui, or set TERM to what it is")
    return True


def need_screen(what: str, instead: str) -> None:
    """Raises ``UsageError`` where the screen cannot be shown; ``instead`` is what works there."""
    if not wants_screen(no_ui=False):
        raise UsageError(f"{what} opens the screen, which needs a terminal (and CI not set); {instead}")


class Terminal:
    """Keeps the terminal for the screen: whatever else writes to descriptors 1 and 2 goes into a file.

    The screen draws through ``sys.__stderr__`` and asks ``sys.__stdout__`` for its size; both become a copy of the
    terminal's descriptor.  Until a run's log is named, output waits in a temporary file and is shown afterwards.
    """

    def __enter__(self) -> "Terminal":
        self._flush()
        self.saved = [os.dup(1), os.dup(2)]
        self.streams = sys.__stdout__, sys.__stderr__
        self.copy = self._copy()
        sys.__stdout__ = sys.__stderr__ = self.copy  # type: ignore[misc,assignment]  # that is what they are for
        self.sizes = {name: os.environ.pop(name) for name in SIZE_VARIABLES if name in os.environ}
        self.waiting = tempfile.TemporaryFile()
        self._lead(self.waiting.fileno())
        return self

    def __exit__(self, *_: Any) -> None:
        self._flush()
        for number, descriptor in enumerate(self.saved, 1):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.__stdout__, sys.__stderr__ = self.streams  # type: ignore[misc]
        with contextlib.suppress(OSError):  # a terminal that is gone takes nothing any more
            self.copy.close()
        os.environ.update(self.sizes)
        self.waiting.seek(0)
        with contextlib.suppress(OSError):
            os.write(2, self.waiting.read())
        self.waiting.close()

    def send_to(self, folder: Path) -> None:
        """From now on output goes to the log of a run."""
        with contextlib.suppress(OSError):  # a log that cannot be opened must not cost the run
            log = os.open(folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            self._lead(log)
            os.close(log)

    def _copy(self) -> TextIO:
        """A stream to the terminal, wherever descriptor 2 leads."""
        descriptor = os.dup(2 if os.isatty(2) else 1)
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        return os.fdopen(descriptor, "w", encoding=encoding, errors="replace")

    def _lead(self, descriptor: int) -> None:
        self._flush()
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)

    @staticmethod
    def _flush() -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()


def open_launch(look: Look = Look()) -> int:
    """The launch screen; returns the exit code.

    Raises:
        UsageError: where there is no terminal.
    """
    need_screen("`esper` alone", "without one, `esper run quickstart --no-ui` runs a preset")
    return open_screen(look)


def examine(parts: Any, delivered: Any, tick: Callable[[], None]) -> Any:
    """``evidence.examine``, imported when a run has come to its end."""
    from esper_tui.evidence.examine import examine as really

    return really(parts, delivered, tick)


def open_screen(look: Look, prepare: Callable[[], Any] = lambda: None) -> int:
    """Shows the screens until they are left, then stays with the run to its receipt; returns the exit code.

    A defect of the screen does not end the run: its traceback is printed and the run goes on without it.

    Args:
        prepare: makes the session to open with; a run is started here.  None opens the launch screen.

    Raises:
        EsperError: for whatever is wrong before the screen is there.
    """
    with _gathering():
        settings, session = look.settings(), prepare()
        from esper_tui.runtime.launcher import LocalLauncher
    with Terminal() as terminal:
        launcher = LocalLauncher(examine, terminal.send_to)
        with _never_alone(launcher, session):
            if session is not None and hasattr(session, "start"):
                from esper_tui.runtime.start import set_going

                terminal.send_to(session.path)
                set_going(session)
            left = _show(launcher, session, settings, look.readonly)
    return _stay(left, settings.on_hangup)


@contextlib.contextmanager
def _gathering() -> Iterator[None]:
    """While modules and recordings are loaded nothing becomes garbage: looking for it would only cost time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def _never_alone(launcher: Any, session: Any) -> Iterator[None]:
    """What ends this process from here must end its runs: their threads would keep it alive, and nobody would see."""
    try:
        yield
    except BaseException:
        for run in (*launcher.started, session):
            if hasattr(run, "abort"):
                run.abort()
        raise


def _show(launcher: Any, session: Any, settings: "Settings", readonly: bool) -> "AppExit":
    try:
        with _gathering():
            from esper_tui.sanctum.app import AppExit, run_app
        if session is not None and session.role == "replay":
            return run_app(launcher, None, settings=settings, player=session)
        return run_app(launcher, session, settings=settings, readonly=readonly)
    except Exception:  # the boundary between the screen and the run
        running = session if session is not None else next(iter(reversed(launcher.started)), None)
        return AppExit("crash", running, traceback.format_exc())


def _stay(left: "AppExit", on_hangup: str) -> int:
    """What follows the screen: the receipt, at once or when the run has come to it.

    A signal that ended the screen, and the run with it, gives the exit code.
    """
    if left.text:
        print(left.text.rstrip(), file=sys.stderr)
    session: Any = left.session
    if session is None or not hasattr(session, "start"):
        return _part(left)
    from esper_tui.runtime.headless import attend

    if left.signal == signal.SIGHUP:
        return attend(session, on_hangup=on_hangup, received=left.signal)
    progress = session.progress()
    if progress.state != "ended":
        at, name = f"epoch {progress.epoch} of {progress.epochs}", session.path.name
        if left.kind in ("checkpoint", "abandon"):
            print(f"{name} was asked to end after {at}")
        elif not left.signal:
            print(f"{name} goes on without a screen from {at}; ctrl+c stops it")
        sys.stdout.flush()
    quiet = bool(left.signal) or left.kind in ("quit", "checkpoint", "abandon")
    return attend(session, quiet, on_hangup, left.signal, left.times)


def _part(left: "AppExit") -> int:
    """Leaves a run that lives elsewhere, or none; says where an attached one is and how to come back."""
    session: Any = left.session
    if session is not None and session.attached and left.kind != "crash":
        from esper_tui.runtime.remote import RemoteSession
        from esper_tui.runtime.run_info import standing

        if isinstance(session, RemoteSession):
            with contextlib.suppress(OSError):  # a terminal that is gone
                print(standing(session.folder), flush=True)
    ended = ExitCode.INTERNAL if left.kind == "crash" else ExitCode.DONE
    return 128 + left.signal if left.signal else int(ended)
