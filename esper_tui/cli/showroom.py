"""Surroundings in which every screen looks the same on every machine: recorded runs, a clock that stands still."""

import contextlib
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import esper_tui
from esper_tui.karn.read import read_records
from esper_tui.leyline.errors import UsageError
from esper_tui.leyline.folder import events_file
from esper_tui.leyline.launcher import PresetCard, RunCard
from esper_tui.leyline.session import Ack, Command, Progress, Resources, Role
from esper_tui.runtime.launcher import LocalLauncher
from esper_tui.runtime.runs import find_run
from esper_tui.sanctum.app import EsperApp
from esper_tui.sanctum.settings import Settings

RECORDINGS = Path(esper_tui.__file__).parent.parent / "tests" / "sanctum" / "recordings"
RUNS = {
    "20261124-165558-quickstart-b3f1": "quick",
    "20261124-162002-slower-77aa": "slower",
    "20261124-154228-explore-c04e": "explore",
}
"""Runs that are listed, by id, and the recording that each of them has."""
LIVE = {"explore": 11, "quickstart": 16}
"""Runs that are shown at rest, and after which of their epochs: seeds learn and blend; seeds have been judged."""
COST = """networks  16 of 6,418 parameters (8 environments, control twin), 0.20 M multiply-adds per image
time      about 63 s: 30 epochs of 2,000 images
memory    about 0.7 GiB of 14.2 GiB free
disk      about 0.1 MiB, of which the log 0.1 MiB"""
"""An estimate as a small machine gives it."""
PRESETS = ("quickstart", "cifar10", "cifar10_blind", "cifar10_deep", "learn_quickstart")
CLEARED = ("NO_COLOR", "ESPER_GLYPHS", "SSH_CONNECTION", "TEXTUAL_THEME")


class StillSession:
    """A run at rest after one of its epochs.  It takes commands and does nothing about them."""

    role: Role = "control"
    attached = False

    def __init__(self, folder: Path, epoch: int):
        self.path: Path | None = Path("runs") / folder.name
        events = list(read_records(folder))
        epochs = events[0]["config"]["run"]["epochs"]
        self.events = [
            e for e in events if (e["epoch"] or 0) <= epoch and e["type"] not in ("TestMeasured", "RunEnded")
        ]
        self.ids = itertools.count(1)
        self.now = Progress(
            state="paused", phase="boundary", epoch=epoch, epochs=epochs, steps=8, epoch_s=1.6, images_per_s=7500.0,
            eta_s=1.6 * (epochs - epoch), elapsed_s=1.6 * epoch,
            phase_s={"training": 1.21, "measuring": 0.36, "boundary": 0.03},
            resources=Resources(188.0, 734_003_200, 15_247_000_000, 412_000_000_000),
        )  # fmt: skip

    def submit(self, command: Command) -> int:
        return next(self.ids)

    def poll(self) -> tuple[list[Ack], list[dict[str, Any]]]:
        events, self.events = self.events, []
        return [], events

    def progress(self) -> Progress:
        return self.now


class StillLauncher(LocalLauncher):
    """Presets, checks and runs are real; what depends on the machine is not."""

    def __init__(self) -> None:
        super().__init__(examine=lambda *_: None)

    def presets(self) -> list[PresetCard]:
        return [card for card in super().presets() if card.name in PRESETS]

    def estimate(self, name: str, text: str) -> str:
        return COST

    def runs(self) -> list[RunCard]:
        """Under paths from the folder that the showroom is in."""
        return [replace(card, path=Path("runs") / card.id) for card in super().runs()]

    def warm_up(self) -> None:
        pass


def staged_app(run: str = "") -> EsperApp:
    """An application on one of the runs, or on the launch screen; inside a showroom."""
    session = StillSession(find_run(run), LIVE[run]) if run else None
    settings = Settings(theme="esper-dark", glyphs="unicode")
    app = EsperApp(StillLauncher(), session, settings=settings, clock=lambda: 100.0)
    app.author = lambda: "you"  # nobody's name belongs into a picture
    return app


@contextlib.contextmanager
def showroom() -> Iterator[Path]:
    """A folder of recorded runs; nobody's own settings, presets, data and time zone.

    Raises:
        UsageError: where the recordings are not.
    """
    missing = [name for name in RUNS.values() if not (RECORDINGS / f"{name}.jsonl").is_file()]
    if missing:
        raise UsageError(f"{RECORDINGS} has no {missing[0]}.jsonl; screenshots are made in a checkout of the source")
    before, here = dict(os.environ), Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        try:
            _furnish(home)
            os.chdir(home)
            yield home / "runs"
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)
            time.tzset()


def _furnish(home: Path) -> None:
    for name in CLEARED:
        os.environ.pop(name, None)
    os.environ |= {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CONFIG", "STATE", "CACHE")}
    os.environ |= {"ESPER_RUNS_DIR": str(home / "runs"), "ESPER_DATA_DIR": str(home / "data"), "TZ": "UTC"}
    time.tzset()
    for run, recording in RUNS.items():
        folder = home / "runs" / run
        folder.mkdir(parents=True)
        shutil.copy(RECORDINGS / f"{recording}.jsonl", events_file(folder, 0))
        (folder / "run.toml").write_text(f'preset = "{run.split("-")[2]}"\n', encoding="utf-8")
