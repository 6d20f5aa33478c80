"""The application: one frame timer, one run, one view at a time, modals over it.

A view ``name`` is the class ``<Name>View`` of ``views/<name>.py``, a modal ``<Name>Dialog`` of ``modals/<name>.py``;
both are imported and made on first use.  ``shell`` holds what everything stands on; what the keys do is in
``navigation`` (views, panels, selection), ``running`` (the run), ``overruling`` (overrides) and ``launching``
(starting and opening runs).
"""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.driver import Driver
from textual.timer import Timer
from textual.widgets import ContentSwitcher

from esper_tui.karn.replay import Player
from esper_tui.leyline.launcher import Launcher
from esper_tui.leyline.session import Session
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.launching import Launching
from esper_tui.sanctum.modals.base import Modal
from esper_tui.sanctum.overruling import Overruling
from esper_tui.sanctum.settings import Settings, changed, save_settings
from esper_tui.sanctum.shell import AppExit
from esper_tui.sanctum.source import ReplaySource
from esper_tui.sanctum.widgets.alerts import AlertStrip
from esper_tui.sanctum.widgets.footer import Footer
from esper_tui.sanctum.widgets.header import Header, Playback, Status
from esper_tui.sanctum.widgets.panel import Panel
from esper_tui.sanctum.widgets.prompt import Prompt


class EsperApp(Overruling, Launching):
    """The screens of one process: the launch screen, then at most one run at a time."""

    TITLE = "esper"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall"), (50, "-high")]
    timer: Timer | None = None
    due = 0.0

    def compose(self) -> ComposeResult:
        self.header, self.strip, self.prompt, self.footer = Header(), AlertStrip(), Prompt(), Footer()
        yield self.header
        yield self.strip
        yield ContentSwitcher(id="views")
        yield self.prompt
        yield self.footer

    def get_driver_class(self) -> type[Driver]:
        from textual.drivers.linux_driver import LinuxDriver

        from esper_tui.sanctum.driver import LastingDriver

        found = super().get_driver_class()
        return LastingDriver if found is LinuxDriver else found

    async def on_mount(self) -> None:
        self.apply_look()
        self.set_keymap(self.settings.keys)
        self.take_in()  # what is drawn first is not an empty run
        await self.show_view("fleet" if self.source is not None else "launch")
        self.say_link()
        self.start_timer()
        self.listen_for_signals()
        self.call_after_refresh(self.frame)

    # --- the frame ---------------------------------------------------------------------------------------------

    def start_timer(self) -> None:
        if self.timer is not None:
            self.timer.stop()
        self.timer = self.set_interval(1 / self.pace.hz, self.tick)
        self.due = self.clock() + 1 / self.pace.hz

    def tick(self) -> None:
        """A frame on the timer; slow frames make the timer slower."""
        began = self.clock()
        self.frame()
        took, late = self.clock() - began, began - self.due
        self.due = began + 1 / self.pace.hz
        if self.pace.took(1000 * took, 1000 * late):
            self.start_timer()

    async def on_event(self, event: events.Event) -> None:
        """What was said before leaves with the next key."""
        if isinstance(event, events.Key) and self.view is not None:
            self.prompt.forget(self.clock(), at_key=True)
        await super().on_event(event)

    def frame(self) -> None:
        self.take_in()
        self.draw()

    def take_in(self) -> None:
        """What happened since the last time."""
        if self.source is not None:
            self.told(*self.source.advance())

    def draw(self) -> None:
        if self.view is None or not self.header.is_attached:  # not there yet, or not any more
            return
        record = self.record
        self.keep_selection(record)
        self.header.show(self.status(), record)
        self.strip.show(record, self.acknowledged)
        if (asked := self.prompt.question) is not None:
            self.footer.show_asked(asked.complete is not None)
        else:
            self.footer.show(self.scopes(), self.role, self.looking, self.called_now())
        self.prompt.forget(self.clock())
        self.view.show(record)
        if isinstance(self.screen, Modal) and self.screen.is_mounted and self.screen.children:  # not on its way out
            self.screen.frame()

    def called_now(self) -> dict[str, str]:
        """What keys are called where that depends on the moment: Enter by what it opens, p by whether the run rests."""
        names = {"open": self.focused.opens} if isinstance(self.focused, Panel) and self.focused.opens else {}
        return names | ({"pause": "resume"} if self.resting else {})

    def status(self) -> Status:
        source = self.source
        if source is None:
            return Status()
        playback = Playback()
        if isinstance(source, ReplaySource):
            playback = Playback(source.player.playing, source.player.speed)
        return Status(source.role, source.path, source.progress(), self.readonly, playback)

    # --- settings ----------------------------------------------------------------------------------------------

    def action_set(self, name: str = "", value: str = "") -> None:
        """Changes a setting, at once and for later."""
        self.settings = changed(self.settings, name, value)
        self.apply_look()
        self.pace.want(self.settings.hz)
        self.start_timer()
        self.say(f"{name} = {value}, kept in {save_settings(self.settings).name}")

    def action_readonly(self) -> None:
        self.readonly = not self.readonly
        self.refresh_bindings()
        self.say("read-only: what changes the run is hidden" if self.readonly else "commands are taken again")
        self.frame()


def run_app(launcher: Launcher | None, session: Session | None, *, settings: Settings, readonly: bool = False,
            player: Player | None = None) -> AppExit:  # fmt: skip
    """Shows the screens until they are left; the main thread, blocking.

    A defect of the screen ends it with kind crash; the session is never touched by that.
    """
    app = EsperApp(launcher, player or session, settings=settings, readonly=readonly)
    left = app.run(mouse=settings.mouse)
    if left is not None:
        return left
    return AppExit("crash" if app.failure else "quit", app.session, app.failure)
