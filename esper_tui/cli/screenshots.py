"""``esper screenshots``: pictures of the screens, from recorded runs, the same on every machine."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from esper_tui.sanctum.app import EsperApp
    from esper_tui.sanctum.shell import AppExit

    Steps = Callable[["EsperApp", Pilot[AppExit]], Awaitable[None]]

_ELSEWHERE = re.compile(r"\s*(@font-face \{.*?\}|<!--.*?-->)", re.DOTALL)
"""Fonts that a viewer would fetch, and who drew it; without them it takes its own font and asks nobody."""
PATIENCE = 1000
"""Frames that a picture waits for what is read in a thread."""


async def until(app: "EsperApp", pilot: "Pilot[AppExit]", met: Callable[[], bool]) -> None:
    for _ in range(PATIENCE):
        app.frame()
        await pilot.pause()
        if met():
            return
        await asyncio.sleep(0.01)
    raise RuntimeError("the screen did not come to rest")


def svg_of(app: "EsperApp") -> str:
    return _ELSEWHERE.sub("", app.export_screenshot(title="esper"))


async def at_rest(app: "EsperApp", pilot: "Pilot[AppExit]", look: "Callable[[EsperApp], str]" = svg_of) -> str:
    """What the screen looks like once it does not change any more."""
    seen: list[str] = []

    def same_twice() -> bool:
        app.screen.refresh()  # a dialog keeps the picture of the screen below it until then
        seen.append(look(app))
        return len(seen) > 2 and seen[-1] == seen[-2] == seen[-3]

    await until(app, pilot, same_twice)
    return seen[-1]


async def _launch(app: "EsperApp", pilot: "Pilot[AppExit]") -> None:
    view: Any = app.view
    await until(app, pilot, lambda: bool(view.costs) and app.cards is not None)


async def _presets(app: "EsperApp", pilot: "Pilot[AppExit]") -> None:
    await app.edit_preset("quickstart")
    await pilot.press("down", "down", "down", "right", "right", "ctrl+l")


async def _fleet(app: "EsperApp", pilot: "Pilot[AppExit]") -> None:
    app.select(env=2, slot="r0c2")


async def _environment(app: "EsperApp", pilot: "Pilot[AppExit]") -> None:
    app.select(env=7, slot="r0c2")
    await app.action_view_environment()


async def _override(app: "EsperApp", pilot: "Pilot[AppExit]") -> None:
    await _environment(app, pilot)
    await at_rest(app, pilot)
    await pilot.press("o", "right", "right")


async def _explain(app: "EsperApp", pilot: "Pilot[AppExit]") -> None:
    app.select(env=2)
    await app.action_view_decisions()
    await at_rest(app, pilot)
    app.action_explain()


async def _events(app: "EsperApp", pilot: "Pilot[AppExit]") -> None:
    await app.action_view_events()


async def _policy(app: "EsperApp", pilot: "Pilot[AppExit]") -> None:
    app.select(env=7, slot="r0c2")
    await app.action_view_policy()


async def _decisions(app: "EsperApp", pilot: "Pilot[AppExit]") -> None:
    app.select(env=7, slot="r0c2")
    await app.action_view_decisions()


async def _system(app: "EsperApp", pilot: "Pilot[AppExit]") -> None:
    app.select(env=7, slot="r0c2")
    await app.action_view_system()


async def _runs(app: "EsperApp", pilot: "Pilot[AppExit]") -> None:
    await app.action_view_runs()
    await until(app, pilot, lambda: app.cards is not None)
    await at_rest(app, pilot)
    await pilot.press("space", "down", "space")


async def _compare(app: "EsperApp", pilot: "Pilot[AppExit]") -> None:
    await app.action_view_runs()
    await until(app, pilot, lambda: app.cards is not None)
    await at_rest(app, pilot)
    await pilot.press("space", "space", "space", "c")
    dialog: Any = app.screen
    await until(app, pilot, lambda: bool(dialog.runs))


@dataclass(frozen=True)
class Scene:
    """A picture: the run that is open, if one is, and what is done before it is taken."""

    name: str
    size: tuple[int, int]
    steps: "Steps"
    run: str = ""

    @property
    def file(self) -> str:
        return f"{self.name}-{self.size[0]}x{self.size[1]}.svg"


NORMAL, WIDE = (120, 40), (200, 60)
SCENES = (
    Scene("launch", NORMAL, _launch),
    Scene("presets", NORMAL, _presets),
    Scene("fleet", NORMAL, _fleet, "explore"),
    Scene("fleet", WIDE, _fleet, "explore"),
    Scene("environment", NORMAL, _environment, "explore"),
    Scene("override", NORMAL, _override, "explore"),
    Scene("explain", NORMAL, _explain, "quickstart"),
    Scene("policy", NORMAL, _policy, "explore"),
    Scene("decisions", NORMAL, _decisions, "quickstart"),
    Scene("events", NORMAL, _events, "explore"),
    Scene("runs", NORMAL, _runs),
    Scene("system", NORMAL, _system, "explore"),
    Scene("compare", NORMAL, _compare),
)


async def picture(scene: Scene) -> str:
    """The scene as SVG; inside a showroom."""
    from esper_tui.cli.showroom import staged_app

    app = staged_app(scene.run)
    async with app.run_test(size=scene.size) as pilot:
        await at_rest(app, pilot)
        await scene.steps(app, pilot)
        return await at_rest(app, pilot)


def render(scenes: tuple[Scene, ...] = SCENES) -> dict[str, str]:
    """File name → SVG."""
    from esper_tui.cli.showroom import showroom

    with showroom():
        return {scene.file: asyncio.run(picture(scene)) for scene in scenes}


def screenshots(
    folder: Annotated[Path, typer.Argument(help="Where the pictures go.")] = Path("screenshots"),
) -> None:
    """Draw the screens of a recorded run as SVG files; run it in a checkout of the source."""
    from esper_tui.runtime.runs import write_atomically

    for name, svg in render().items():
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, svg.encode())
        typer.echo(folder / name)
