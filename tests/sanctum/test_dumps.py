"""Every view and dialog as text at three sizes; what changes on a screen is seen in a diff of ``dumps/``.

To write them anew:  python -m tests.sanctum.test_dumps
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from esper_tui.cli.screenshots import SCENES, at_rest
from esper_tui.cli.showroom import showroom, staged_app
from esper_tui.sanctum.app import EsperApp
from esper_tui.sanctum.pictures import screen_text
from tests.sanctum.rivals import several

FOLDER = Path(__file__).with_name("dumps")
SIZES = ((80, 24), (120, 40), (200, 60))
Steps = Callable[[EsperApp, Pilot], Awaitable[None]]


def dialog(name: str, *args: object) -> Steps:
    async def open_dialog(app: EsperApp, pilot: Pilot) -> None:
        app.open_modal(name, *args)

    return open_dialog


async def alerts(app: EsperApp, pilot: Pilot) -> None:
    alert = {"type": "AlertRaised", "round": 0, "epoch": 11, "t": 1795535051.0, "severity": "warn"}
    told = ({"rule": "exploding", "env": 1, "slot": "r0c1", "text": "14 times the gradient of the host"},
            {"rule": "stalled", "env": 3, "slot": None, "text": "no new low for 10 epochs"})  # fmt: skip
    app.record.alerts[:] = [alert | {"seq": 9000 + i} | one for i, one in enumerate(told)]
    app.open_modal("alerts")


async def comparisons(app: EsperApp, pilot: Pilot) -> None:
    os.environ["HOME"] = str(Path(os.environ["XDG_STATE_HOME"]).parent)  # paths are shown from there
    several()
    app.open_modal("comparisons")


async def leaving(app: EsperApp, pilot: Pilot) -> None:
    await pilot.press("q")


LOSS = ["PRUNE takes seed 1 (CONV_LIGHT, 9.3k parameters) out of env 7 r0c2.", "It cannot be taken back."]
KNOWN = {scene.name: (scene.run, scene.steps) for scene in SCENES}
SHOWN: dict[str, tuple[str, Steps]] = {
    **KNOWN,
    "help": ("explore", dialog("help", "")),
    "glossary": ("explore", dialog("help", "glossary")),
    "palette": ("explore", dialog("palette")),
    "queue": ("explore", dialog("queue")),
    "alerts": ("explore", alerts),
    "comparisons": ("", comparisons),
    "quit": ("explore", leaving),
    "confirm": ("explore", dialog("confirm", "prune for good", LOSS)),
}


async def dumps_of(name: str) -> dict[str, str]:
    """File name → what stands there, at every size."""
    run, steps = SHOWN[name]
    app = staged_app(run)
    found = {}
    async with app.run_test(size=SIZES[1]) as pilot:
        await at_rest(app, pilot, screen_text)
        await steps(app, pilot)
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            found[f"{name}-{width}x{height}.txt"] = await at_rest(app, pilot, screen_text)
    return found


@pytest.mark.parametrize("name", SHOWN)
def test_a_screen_is_as_it_was(name):
    with showroom():
        found = asyncio.run(dumps_of(name))
    for file, text in found.items():
        assert text == (FOLDER / file).read_text(encoding="utf-8"), "changed on purpose?  See the first lines here."


def test_every_view_and_dialog_is_among_them():
    package = Path(__file__).parents[2] / "esper_tui" / "sanctum"
    named = {path.stem for folder in ("views", "modals") for path in (package / folder).glob("*.py")}
    helpers = {"__init__", "base", "finder", "fleet_rows", "slot_rows"}
    assert named - helpers <= set(SHOWN)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with showroom():
        for shown in SHOWN:
            for written, content in asyncio.run(dumps_of(shown)).items():
                (FOLDER / written).write_text(content, encoding="utf-8")
