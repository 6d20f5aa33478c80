"""Small real runs, recorded as the program records them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esper_tui.evidence.examine import examine
from esper_tui.runtime.build import Parts
from esper_tui.runtime.folder import RunFolder
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.session import Ending, LocalSession
from tests import worlds

GROWING = {"run": {"envs": 2, "epochs": 24}}
"""Long enough for a seed to be planted, blended in and judged."""


@dataclass(frozen=True)
class Recording:
    """A run that ended: its folder, the events as they were seen live, how it ended."""

    folder: Path
    events: list[dict[str, Any]]
    ending: Ending


def record(folder: Path, parts: Parts | None = None, **sections) -> Recording:
    """Plays a tiny run to its end in a folder of its own."""
    parts = parts or worlds.tiny_parts(**sections)
    run = RunFolder(Resolved("tiny", parts.config, "A run of a second."), folder)
    session = LocalSession(parts, run, run.open_hub(parts), examine)
    session.start()
    ending = session.join()
    return Recording(run.path, session.poll()[1], ending)
