"""Starting runs, and opening those that were; both in a thread, with a state that can be seen meanwhile."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esper_tui.leyline.errors import EsperError
from esper_tui.leyline.launcher import RunCard
from esper_tui.leyline.session import Abandon, Session
from esper_tui.sanctum.cards import LETTERS
from esper_tui.sanctum.link import link_warning
from esper_tui.sanctum.running import RunActions
from esper_tui.sanctum.source import source_of
from esper_tui.sanctum.text import duration

ALIVE = "a run goes on here; end it with :stop, or look at another one from a second terminal"


@dataclass(frozen=True)
class Pending:
    """Something that takes a while, and since when."""

    text: str
    since: float


class Launching(RunActions):
    """The part of the application that brings runs in.

    Attributes:
        pending: what is being started or opened.
        trouble: why the last start failed, until the next one.
        cards: all runs, the newest first; None until they were read for the first time.
        editing: the preset that the presets view should choose when it is shown.
        left: whether the screen is closed.
    """

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.pending: Pending | None = None
        self.trouble = ""
        self.cards: list[RunCard] | None = None
        self.reading, self.editing, self.left = False, "", False

    @property
    def waiting_for(self) -> str:
        """``starting quickstart, 3.1s``; empty if nothing is."""
        pending = self.pending
        return f"{pending.text}, {duration(self.clock() - pending.since)}" if pending is not None else ""

    @property
    def alive(self) -> bool:
        """Whether a run goes on here that would be lost if another one took its place."""
        return self.role == "control" and self.source is not None and self.source.progress().state != "ended"

    def start_run(self, name: str, text: str) -> None:
        """Starts a run of a preset's text."""

        def work() -> Session:
            assert self.launcher is not None
            session = self.launcher.start(name, text)
            if self.left:  # while it started, and nobody could end the run any more
                session.submit(Abandon())
            return session

        self._begin(f"starting {name}", work)

    def action_start(self, name: str = "") -> None:
        """Starts a preset as its file is."""
        if self.launcher is None or not name:
            self.say("name a preset, for example :start quickstart", "warn")
            return
        try:
            text = self.launcher.preset_text(name)
        except EsperError as error:
            self._say_error(error)
            return
        if problems := self.launcher.check(name, text).problems:
            self.say(f"{name} cannot start: {problems[0].text}", "bad")
        else:
            self.start_run(name, text)

    def on_unmount(self) -> None:
        self.left = True

    def open_run(self, run: str) -> None:
        """Opens a run to look at: a recording to replay, or one that another process writes."""
        if self.alive and self.source is not None and self.source.path == Path(run):
            self.call_later(self.show_view, "fleet")  # it is the one that goes on here
        elif self.launcher is not None:
            self._begin(f"opening {run}", lambda: self.launcher.open(run))  # type: ignore[union-attr]  # just asked

    def open_session(self, session: Session) -> None:
        """Shows another run from here on."""
        self.session, self.source = session, source_of(session)
        self.acknowledged.clear()
        self.begin_running()
        self.call_later(self.show_view, "fleet")
        self.say_link()

    def say_link(self) -> None:
        """Once, for a run of this process: what happens if the line to this terminal drops."""
        source = self.source
        if self.role != "control" or source is None or source.path is None or source.attached:
            return
        if text := link_warning(os.environ, source.path, self.settings.on_hangup):
            self.say(text, "warn")

    def _begin(self, text: str, work: Callable[[], Session]) -> None:
        if self.launcher is None or self.pending is not None:
            self.say(self.waiting_for or "nothing can be started here", "warn")
        elif self.alive:
            self.say(ALIVE, "warn")
        else:
            self.pending, self.trouble = Pending(text, self.clock()), ""
            self.in_thread(work, self._opened, self._failed)
            self.draw()

    def _opened(self, session: Session) -> None:
        self.pending = None
        self.open_session(session)

    def _failed(self, error: EsperError) -> None:
        self.pending, self.trouble = None, str(error)
        self._say_error(error)
        self.draw()

    # --- the list of runs --------------------------------------------------------------------------------------

    def read_runs(self) -> None:
        """Reads the list of runs again; the views show it when it is there."""
        if self.launcher is not None and not self.reading:
            self.reading = True
            self.in_thread(self.launcher.runs, self._read)

    def _read(self, cards: list[RunCard]) -> None:
        self.cards, self.reading = cards, False
        self.draw()

    def action_compare(self, *names: str) -> None:
        """Compares runs by parts of their ids; reads the list of runs first if nobody has yet."""

        def compare(cards: list[RunCard]) -> None:
            self._read(cards)
            self.compare_runs(names)

        if self.cards is not None:
            self.compare_runs(names)
        elif self.launcher is not None:
            self.in_thread(self.launcher.runs, compare)

    def compare_runs(self, names: Sequence[str]) -> None:
        cards = [card for name in names for card in self.cards or [] if name in card.id]
        if 2 <= len(cards) <= len(LETTERS):
            self.open_modal("compare", cards)
        else:
            self.say(f"mark 2 to {len(LETTERS)} runs with space, then c compares; {len(cards)} are marked", "warn")

    def action_comparisons(self) -> None:
        """Lists what ``esper compare`` plays and has played, whoever began it."""
        self.open_modal("comparisons")

    # --- presets -----------------------------------------------------------------------------------------------

    async def action_edit(self, name: str = "") -> None:
        await self.edit_preset(name)

    async def edit_preset(self, name: str) -> None:
        """Opens the presets with one of them chosen."""
        self.editing = name
        await self.show_view("presets")
