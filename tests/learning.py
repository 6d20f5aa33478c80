"""Learn runs of a second, and a boundary that does what a test wants at it."""

from collections.abc import Callable
from pathlib import Path

from esper_tui.leyline.events import Event
from esper_tui.leyline.session import Override
from esper_tui.runtime.build import Parts
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.overrides import Overrides
from tests import worlds

SMALL = {
    "data": {"train_images": 32, "val_images": 32, "test_images": 40, "image_size": 8},
    "ppo": {"episodes": 4, "width": 16, "slot_width": 8},
    "tamiyo": {"policy": "ppo"},
}


def learn_parts(**sections) -> Parts:
    merged = {key: value | sections.pop(key, {}) for key, value in SMALL.items()}
    run = {"mode": "learn", "envs": 4, "rounds": 2, "instances": 5, "epochs": 21} | sections.pop("run", {})
    return worlds.tiny_parts(run=run, **merged, **sections)


class Watched:
    """A boundary; ``at_rest`` is called with the loop after every epoch."""

    def __init__(self, at_rest: Callable[[Loop, int], None] | None = None, path: Path | None = None):
        self.events: list[Event] = []
        self.overrides = Overrides(self.events.append)
        self.at_rest, self.path, self.loop = at_rest, path, None

    def tick(self) -> None: ...

    def phase(self, name: str, epoch: int) -> None: ...

    def rest(self, epoch: int) -> bool:
        if self.at_rest is not None:
            self.at_rest(self.loop, epoch)
        return False


def play(parts: Parts, boundary: Watched | None = None) -> tuple[Loop, list[Event]]:
    """Plays a run to its end."""
    boundary = boundary or Watched()
    boundary.loop = Loop(parts, boundary.events.append, lambda sync=False: None, boundary)
    boundary.loop.play({})
    parts.engine.close()
    return boundary.loop, boundary.events


def of_type(events: list[Event], name: str) -> list[Event]:
    return [event for event in events if event.type == name]


def ask(boundary: Watched, epoch: int, env: int, decision) -> None:
    """A person asks for a decision at the next boundary."""
    boundary.overrides.queue(epoch, Override(env, decision))
