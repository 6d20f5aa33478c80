"""For every scope of the action table a screen on which its keys work, and what can be seen of what they do."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fake import FakeSession, Row
from fake_launcher import FakeLauncher, card, until
from rivals import several

from esper_tui.karn.replay import Player
from esper_tui.leyline.events import to_line
from esper_tui.sanctum.app import EsperApp
from esper_tui.sanctum.pictures import screen_text
from esper_tui.sanctum.widgets.chart import Chart
from esper_tui.sanctum.widgets.form import Form
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.widgets.log import Log
from esper_tui.sanctum.widgets.scroll import Pages

EPOCHS = 12
"""Released: the seeds of r0c1 are in HOLDING, every environment has decisions behind it."""


@dataclass
class Scene:
    """An application, and everything around it that keys can reach."""

    app: EsperApp
    pilot: Any
    session: Any
    launcher: FakeLauncher
    left: list[str] = field(default_factory=list)

    async def frame(self) -> None:
        self.app.frame()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.frame()

    async def reset(self) -> None:
        """Back to the fleet of a run that goes on, as if nothing had been pressed."""
        app = self.app
        while len(app.screen_stack) > 1:
            await app.pop_screen()
        if app.prompt.question is not None:
            await self.pilot.press("escape")
        app.readonly, app.seeking_decision = False, False
        app.acknowledged.clear()
        app.pinned.clear()
        self.left.clear()
        if isinstance(self.session, FakeSession):
            self.session.commands.clear()
            self.session.unanswered.clear()
            self.session.now = replace(self.session.now, state="running", phase="training")
        if isinstance(self.session, Player):
            self.session.playing, self.session.speed = False, 1.0
            self.session.seek(EPOCHS)
        if app.view is not None:
            app.view.unzoom()
        home = "fleet" if app.source is not None else "launch"
        if app.view is None or app.view.scope != home:
            await app.show_view(home)
        if app.source is not None and not app.record.events:
            await self.frame()
        app.before.clear()
        app.select(2, "r0c1")

    def seen(self) -> dict[str, Any]:
        """Everything that a key may change."""
        app, focused = self.app, self.app.focused
        player = self.session if isinstance(self.session, Player) else None
        return {
            "screen": type(app.screen).__name__, "view": app.view.scope, "focus": focused, "text": screen_text(app),
            "commands": list(getattr(self.session, "commands", [])) if player is None else [],
            "clipboard": app.clipboard, "calls": len(self.launcher.calls), "left": list(self.left),
            "question": app.prompt.question.sign if app.prompt.question else None, "readonly": app.readonly,
            "env": app.selected_env, "slot": app.selected_slot, "acknowledged": len(app.acknowledged),
            "seeking": app.seeking_decision, "cursor": getattr(focused, "cursor", None),
            "zoomed": bool(app.view.query(".-zoomed")), "heights": [w.outer_size.height for w in app.view.children],
            "pinned": set(app.pinned), "files": sorted(p.name for p in _folder(app).rglob("*")),
            "playing": (player.playing, player.speed, player.position) if player else None,
        }  # fmt: skip


def _folder(app: EsperApp) -> Path:
    path = app.source.path if app.source is not None else None
    return path if path is not None and path.is_dir() else Path("/nonexistent")


# --- sessions ------------------------------------------------------------------------------------------------------


def live(events: list[Row], folder: Path) -> FakeSession:
    session = FakeSession(events, path=folder)
    session.release_epochs(EPOCHS)
    request = {"id": 7, "env": 2, "decision": {"op": "WAIT"}, "when": "now", "at_epoch": None, "hold": 1,
               "expires": None, "expect": None, "author": "", "note": ""}  # fmt: skip
    session.emit("InterventionChanged", env=2, fate="queued", intervention=request, reason="", left=None)
    session.emit("AlertRaised", env=1, slot="r0c1", rule="exploding", text="14 times the host's", severity="warn")
    session.emit("AlertRaised", env=3, slot="r0c1", rule="ransom", text="index 0.95", severity="warn")
    return session


def recorded(events: list[Row], folder: Path) -> Player:
    player = Player(events, folder)
    player.seek(EPOCHS)
    return player


def runs(events: list[Row], folder: Path) -> list:
    """Two recorded runs, to be listed and compared."""
    cards = []
    for number in (1, 2):
        one = card(number, path=folder / card(number).id)
        one.path.mkdir()
        config = events[0]["config"] | {"optim": {"batch": 128, "lr": 0.1 / number}}
        lines = [to_line(event) for event in (events[0] | {"config": config}, *events[1:])]
        (one.path / "events-000.jsonl").write_text("".join(f"{line}\n" for line in lines))
        cards.append(one)
    return cards


# --- where the keys of a scope work --------------------------------------------------------------------------------

Entrance = Callable[[Scene], Awaitable[None]]
ENTRANCES: dict[str, Entrance] = {}


def entrance(scope: str) -> Callable[[Entrance], Entrance]:
    def keep(enter: Entrance) -> Entrance:
        ENTRANCES[scope] = enter
        return enter

    return keep


async def enter(scene: Scene, scope: str) -> None:
    """Goes to a screen on which the keys of the scope work."""
    await scene.reset()
    if scope in ENTRANCES:
        await ENTRANCES[scope](scene)
    else:  # a view
        await scene.app.show_view(scope)
    await scene.frame()
    assert scope in scene.app.scopes()


@entrance("app")
async def _app(scene: Scene) -> None:
    """The chart of the fleet: a panel without keys of its own."""
    scene.app.view.query_one(Chart).focus()


@entrance("grid")
async def _grid(scene: Scene) -> None:
    grid = scene.app.view.query_one(Grid)
    grid.focus()
    grid.marked.clear()
    grid.sort, grid.reversed = None, False
    await scene.frame()
    grid.move(2)


@entrance("log")
async def _log(scene: Scene) -> None:
    await scene.app.show_view("events")
    await scene.frame()
    log = scene.app.view.query_one(Log)
    log.set_filter("")
    log.set_search("type:advance")
    log.move(log.length // 2)
    scene.app.view.remove_class("-detailed")


@entrance("text")
async def _text(scene: Scene) -> None:
    """The decision under the cursor of the log in full: more lines than there is room for."""
    await _log(scene)
    log = scene.app.view.query_one(Log)
    log.set_filter("type:decision germinate")
    await scene.press("enter")
    pages = scene.app.view.query_one(Pages)
    pages.focus()
    await scene.frame()
    pages.move(2)


@entrance("form")
async def _form(scene: Scene) -> None:
    await scene.app.show_view("presets")
    await until(scene.pilot, scene.app, lambda: bool(scene.app.view.query_one(Form).fields))
    form = scene.app.view.query_one(Form)
    form.focus()
    form.select("optim.batch")
    await scene.press("right")


@entrance("presets")
async def _presets(scene: Scene) -> None:
    await _form(scene)
    scene.app.view.query_one(Grid).focus()


@entrance("launch")
async def _launch(scene: Scene) -> None:
    await scene.app.show_view("launch")
    await until(scene.pilot, scene.app, lambda: bool(scene.app.view.query_one(Grid).rows))


@entrance("runs")
async def _runs(scene: Scene) -> None:
    await scene.app.show_view("runs")
    await until(scene.pilot, scene.app, lambda: len(scene.app.view.query_one(Grid).rows) == 2)
    grid = scene.app.view.query_one(Grid)
    grid.focus()
    if len(grid.marked) < 2:
        await scene.press("g", "space", "space")


@entrance("environment")
async def _environment(scene: Scene) -> None:
    await scene.app.show_view("environment")
    await scene.frame()
    await scene.press("tab")


@entrance("decisions")
async def _decisions(scene: Scene) -> None:
    await scene.app.show_view("decisions")
    await scene.frame()


@entrance("help")
async def _help(scene: Scene) -> None:
    await scene.press("?")
    await scene.press("down", "pagedown", "pagedown")


@entrance("palette")
async def _palette(scene: Scene) -> None:
    await scene.press("ctrl+p")
    await scene.press("pagedown", "pagedown")


@entrance("override")
async def _override(scene: Scene) -> None:
    await scene.press("o")
    await scene.press("w", "+")


@entrance("queue")
async def _queue(scene: Scene) -> None:
    await scene.press("Q")


@entrance("quit")
async def _quit(scene: Scene) -> None:
    await scene.press("q")


@entrance("confirm")
async def _confirm(scene: Scene) -> None:
    scene.app.open_modal("confirm", "sure", ["All is lost."], then=lambda sure: scene.left.append(str(sure)))
    await scene.frame()


@entrance("alerts")
async def _alerts(scene: Scene) -> None:
    await scene.press("A")


@entrance("explain")
async def _explain(scene: Scene) -> None:
    await scene.press("e")
    await scene.press("[", "l")


@entrance("comparisons")
async def _comparisons(scene: Scene) -> None:
    """The table has the whole dialog."""
    several()
    await _runs(scene)
    await scene.press("C")
    await until(scene.pilot, scene.app, lambda: "host alone" in screen_text(scene.app))
    await scene.press("enter")


@entrance("compare")
async def _compare(scene: Scene) -> None:
    await _runs(scene)
    await scene.press("c")
    await until(scene.pilot, scene.app, lambda: "over the runs" in screen_text(scene.app))
