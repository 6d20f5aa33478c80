"""The part of the application that everything else stands on: the run, its look, threads, leaving."""

import importlib
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from textual.app import App

from esper_tui.karn.record import RunRecord
from esper_tui.leyline.errors import EsperError
from esper_tui.leyline.launcher import Launcher
from esper_tui.leyline.session import Role, Session
from esper_tui.sanctum.actions import ACTIONS, Action
from esper_tui.sanctum.glyphs import choose_glyphs
from esper_tui.sanctum.ink import Ink
from esper_tui.sanctum.pace import FramePace
from esper_tui.sanctum.settings import Settings
from esper_tui.sanctum.source import Source, source_of
from esper_tui.sanctum.theme import PALETTES, styles_of, textual_theme
from esper_tui.sanctum.views.base import View
from esper_tui.sanctum.widgets.alerts import AlertKey
from esper_tui.sanctum.widgets.panel import Panel
from esper_tui.sanctum.widgets.prompt import Prompt

ExitKind = Literal["quit", "detach", "checkpoint", "abandon", "crash"]
T = TypeVar("T")


@dataclass(frozen=True)
class AppExit:
    """How the screen was left.

    Attributes:
        kind: quit: nothing is left to do; detach: the run goes on without a screen; checkpoint: the run was asked to
            end at the next boundary, wait for its receipt; abandon: the run was asked to end at once; crash: the
            screen failed, the run was not touched.
        session: the run that was open, if one was.
        text: the traceback of a crash, a reason otherwise.
        signal: number of the signal that closed the screen, 0 if none did.
        times: how often it came.
    """

    kind: ExitKind
    session: Session | None = None
    text: str = ""
    signal: int = 0
    times: int = 1


class Shell(App[AppExit]):
    """State that views, widgets and modals may read.

    Attributes:
        session: the run that was opened, as the launcher or the command line gave it.
        source: the same as the screens see it; None on the launch screen.
        acknowledged: alerts that were taken off the strip.
        failure: the traceback of a defect in the screen.
    """

    def __init__(self, launcher: Launcher | None, session: Session | None, *, settings: Settings,
                 readonly: bool = False, clock: Callable[[], float] = time.monotonic):  # fmt: skip
        super().__init__()
        self.launcher, self.settings, self.readonly, self.clock = launcher, settings, readonly, clock
        self.session = session
        self.source: Source | None = source_of(session) if session is not None else None
        self.nothing, self.acknowledged = RunRecord(), set[AlertKey]()
        self.pace, self.failure = FramePace(settings.hz), ""
        self.ink = Ink(styles_of("esper-dark"), choose_glyphs("unicode"))
        for name in PALETTES:
            self.register_theme(textual_theme(name))
        self.theme = "esper-dark"
        self.animation_level = "none"
        self.view: View | None = None
        self.draw_due = False

    @property
    def record(self) -> RunRecord:
        return self.source.record if self.source is not None else self.nothing

    @property
    def role(self) -> Role | None:
        return self.source.role if self.source is not None else None

    def frame(self) -> None:
        """Takes in what happened and draws what changed."""

    def draw(self) -> None:
        """Draws what changed."""

    def draw_soon(self) -> None:
        """Draws once after everything that is under way, however often it is asked for."""
        if not self.draw_due:
            self.draw_due = True
            self.call_later(self._draw_due)

    def _draw_due(self) -> None:
        self.draw_due = False
        self.draw()

    def say(self, text: str, style: str = "") -> None:
        """A sentence in the prompt line, for a while."""
        self.screen_stack[0].query_one(Prompt).say(text, style, self.clock())

    # --- what is on offer --------------------------------------------------------------------------------------

    @property
    def looking(self) -> bool:
        """Whether nothing can be changed: because nobody wants to, or because the run has ended."""
        return self.readonly or self.record.state == "ended"

    def allows(self, action: Action) -> bool:
        """Whether an action is on offer now; what is not is hidden everywhere."""
        return action.allowed(self.role, self.looking)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        known = ACTIONS.get(action)
        return known is None or self.allows(known)

    # --- look --------------------------------------------------------------------------------------------------

    def apply_look(self) -> None:
        """Takes over theme and glyphs from the settings and paints everything again."""
        named = self.settings.theme
        name = named if named in PALETTES else "mono" if self.no_color else "esper-dark"
        glyphs = choose_glyphs(self.settings.glyphs)
        self.ink = Ink(styles_of(name, self.no_color), glyphs)
        self.theme = name
        self.set_class(glyphs.ascii_only, "-ascii")
        for screen in self.screen_stack:
            for panel in screen.query(Panel):
                panel.repaint_all()

    # --- views and modals by name ------------------------------------------------------------------------------

    def make_view(self, name: str) -> View:
        return _load("views", name, "View")(id=f"view-{name}")

    def open_modal(self, name: str, *args: Any, then: Callable[[Any], None] | None = None) -> None:
        self.push_screen(_load("modals", name, "Dialog")(*args), then)

    # --- threads -----------------------------------------------------------------------------------------------

    def in_thread(self, work: Callable[[], T], done: Callable[[T], None],
                  failed: Callable[[EsperError], None] | None = None) -> None:  # fmt: skip
        """Does slow work on a plain thread; ``done`` or ``failed`` are called back here with what came of it."""
        threading.Thread(target=self._work, args=(work, done, failed or self._say_error), daemon=True).start()

    def _work(self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[EsperError], None]) -> None:
        try:
            result = work()
        except EsperError as error:
            self.call_later(failed, error)
        except BaseException as error:  # the boundary of the thread: the screen decides what becomes of it
            self.call_later(self._fail, error)
        else:
            self.call_later(done, result)

    def _say_error(self, error: EsperError) -> None:
        self.say(str(error).splitlines()[0], "bad")

    def _fail(self, error: BaseException) -> None:
        raise error

    # --- leaving -----------------------------------------------------------------------------------------------

    def leave(self, kind: ExitKind, text: str = "", signal: int = 0, times: int = 1) -> None:
        self.exit(AppExit(kind, self.session, text, signal, times))

    def _handle_exception(self, error: Exception) -> None:
        """Textual's one hook for a defect in the screen: keeps the traceback for whoever called ``run_app``."""
        self.failure = self.failure or "".join(traceback.format_exception(error))
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Textual prints the traceback with all local values here; ``run_app`` hands ours on instead."""
        self._close_messages_no_wait()


def _load(package: str, name: str, suffix: str) -> Any:
    module = importlib.import_module(f"esper_tui.sanctum.{package}.{name}")
    return getattr(module, name.capitalize() + suffix)
