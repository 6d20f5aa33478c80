"""A launcher whose presets and checks are real and whose runs are not: nothing trains, nothing imports torch."""

from collections.abc import Callable
from pathlib import Path
from threading import Event

from fake import RUN_PATH, FakeSession

from esper_tui.leyline.errors import EsperError, NoSuchDevice
from esper_tui.leyline.launcher import PresetCard, RunCard
from esper_tui.leyline.session import Session
from esper_tui.runtime.launcher import LocalLauncher
from esper_tui.sanctum.pictures import screen_text

COST = "networks  16 of 6,418 parameters\ntime      about 55 s: 30 epochs of 2,000 images\nmemory    about 0.7 GiB"

SHIPPED = ("cifar10", "cifar10_blind", "cifar10_deep", "quickstart")


def card(number: int, **values) -> RunCard:
    """A run of the quickstart; the newest has the lowest number."""
    base = {
        "id": f"20260102-0304{60 - number:02}-quickstart-{number:04x}", "preset": "quickstart", "state": "done",
        "text": "61 s", "size": 200_000 + number, "started": 1767323040.0 - 3600 * number, "epochs": 30,
        "best": 0.71 + number / 100, "gain": 1.5 - number,
    }  # fmt: skip
    values = base | values
    return RunCard(path=values.pop("path", Path("runs") / values["id"]), **values)


class FakeLauncher(LocalLauncher):
    """Records what it was asked; ``hold`` and ``measure`` let a start and an estimate wait until they are set."""

    def __init__(self, cards: list[RunCard] | None = None, session: Callable[[], Session] | None = None):
        super().__init__(examine=lambda *_: None)
        self.cards, self.session = cards or [], session or (lambda: FakeSession([], path=RUN_PATH))
        self.calls: list[tuple[str, ...]] = []
        self.hold, self.measure, self.refusal = Event(), Event(), ""
        self.hold.set()
        self.measure.set()

    def presets(self) -> list[PresetCard]:
        """Of the shipped presets those that the tests speak of."""
        return [card for card in super().presets() if card.origin != "shipped" or card.name in SHIPPED]

    def estimate(self, name: str, text: str) -> str:
        self.calls.append(("estimate", name))
        self.measure.wait(10)
        if name == "cifar10":
            raise NoSuchDevice("engine.device = cuda: there is no such device here")
        return COST

    def start(self, name: str, text: str) -> Session:
        self.calls.append(("start", name, text))
        self.hold.wait(10)
        if self.refusal:
            raise EsperError(self.refusal)
        return self.session()

    def tag(self, run: str, tag: str) -> tuple[str, ...]:
        self.calls.append(("tag", run, tag))
        return (tag,)

    def runs(self) -> list[RunCard]:
        self.calls.append(("runs",))
        return list(self.cards)

    def open(self, run: str) -> Session:
        self.calls.append(("open", run))
        return self.session()

    def warm_up(self) -> None:
        self.calls.append(("warm_up",))


async def until(pilot, app, met: Callable[[], bool]) -> str:
    """Draws frames until something has come back from a thread; returns the screen."""
    for _ in range(500):
        app.frame()
        await pilot.pause()
        if met():
            break
        await pilot.pause(0.01)
    assert met(), screen_text(app)
    return screen_text(app)


async def shows(pilot, app, text: str) -> str:
    """The screen, as soon as it shows a text."""
    return await until(pilot, app, lambda: text in screen_text(app))
