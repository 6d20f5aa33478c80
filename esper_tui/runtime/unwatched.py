"""A boundary at which nobody is: for runs that a program plays and only looks at afterwards."""

from collections.abc import Callable
from pathlib import Path

from esper_tui.leyline.events import Event
from esper_tui.runtime.build import Parts
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.overrides import Overrides


class Unwatched:
    path: Path | None = None

    def __init__(self) -> None:
        self.overrides = Overrides(lambda event: None)

    def tick(self) -> None: ...

    def phase(self, name: str, epoch: int) -> None: ...

    def rest(self, epoch: int) -> bool:
        return False


def play_unwatched(parts: Parts, emit: Callable[[Event], object]) -> Loop:
    """Plays a run to its end without a session or a folder, and closes the engine."""
    loop = Loop(parts, emit, lambda sync=False: None, Unwatched())
    try:
        loop.play({})
    finally:
        parts.engine.close()
    return loop
