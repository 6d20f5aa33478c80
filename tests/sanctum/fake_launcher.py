"""A launcher whose presets and checks are real and whose runs are not: nothing trains, nothing imports torch."""

from collections.abc import Callable
from pathlib import Path
from threading import Event

from fake import RUN_PATH, FakeSession

from esper_tui.leyline.errors import DataMissing, EsperError
from esper_tui.leyline.launcher import RunCard
from esper_tui.leyline.session import Session
from esper_tui.runtime.launcher import LocalLauncher

COST = "networks  16 of 6,418 parameters\ntime      about 55 s: 30 epochs of 2,000 images\nmemory    about 0.7 GiB"


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
    """Records what it was asked; ``hold`` keeps a start waiting until it is set."""

    def __init__(self, cards: list[RunCard] | None = None, session: Callable[[], Session] | None = None):
        super().__init__(examine=lambda *_: None)
        self.cards, self.session = cards or [], session or (lambda: FakeSession([], path=RUN_PATH))
        self.calls: list[tuple[str, ...]] = []
        self.hold, self.refusal = Event(), ""
        self.hold.set()
        self.tags: list[tuple[str, str]] = []

    def estimate(self, name: str, text: str) -> str:
        self.calls.append(("estimate", name))
        if name == "cifar10":
            raise DataMissing("cifar10 is not here; `esper data fetch cifar10` brings it")
        return COST

    def start(self, name: str, text: str) -> Session:
        self.calls.append(("start", name, text))
        self.hold.wait(10)
        if self.refusal:
            raise EsperError(self.refusal)
        return self.session()

    def runs(self) -> list[RunCard]:
        self.calls.append(("runs",))
        return list(self.cards)

    def open(self, run: str) -> Session:
        self.calls.append(("open", run))
        return self.session()

    def warm_up(self) -> None:
        self.calls.append(("warm_up",))
