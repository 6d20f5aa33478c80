"""What the launch screen asks of the rest of the program: presets, checks, estimates, runs, a session."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.session import Session


@dataclass(frozen=True)
class PresetCard:
    """A preset as it is listed.  ``problem`` is the sentence that keeps it from running, if one does."""

    name: str
    origin: str
    path: Path
    description: str
    data: str
    needs: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a preset's text; ``line`` counts from 1."""

    text: str
    line: int | None = None
    key: str | None = None


@dataclass(frozen=True)
class Checked:
    """A preset's text, checked.

    Attributes:
        config: None if there are problems.
        origins: ``section.key`` → where its value comes from.
        differences: (key, value of the shipped preset of that name or of the defaults, value here).
        notes: what is valid, but most likely not what was meant.
    """

    config: RunConfig | None
    problems: tuple[Problem, ...] = ()
    origins: dict[str, str] = field(default_factory=dict)
    differences: tuple[tuple[str, Any, Any], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunCard:
    """A run folder as it is listed; ``best`` the validation accuracy of the best network, ``gain`` in test points."""

    id: str
    path: Path
    preset: str
    state: str
    text: str
    size: int
    tags: tuple[str, ...] = ()
    started: float | None = None
    epochs: int = 0
    best: float | None = None
    gain: float | None = None
    assisted: int = 0


class Launcher(Protocol):
    """Everything behind the launch screen.  Methods marked slow are called in a thread."""

    def presets(self) -> list[PresetCard]: ...

    def preset_text(self, name: str) -> str:
        """The TOML of a preset, as it stands in its file."""
        ...

    def check(self, name: str, text: str) -> Checked: ...

    def estimate(self, name: str, text: str) -> str:
        """Time, memory, disk in a few lines; slow.

        Raises:
            EsperError: if the text is not valid.
        """
        ...

    def save(self, name: str, text: str, shadow: bool = False) -> Path:
        """Keeps a preset in the user's folder; ``shadow``: under the name of a shipped one, in whose place it counts.

        Raises:
            EsperError: for a name that cannot be a file's, or if it cannot be written.
        """
        ...

    def start(self, name: str, text: str) -> Session:
        """Starts a run; slow.

        Raises:
            EsperError: for whatever is wrong before the run starts.
        """
        ...

    def runs(self) -> list[RunCard]:
        """All runs, the newest first; slow."""
        ...

    def tag(self, run: str, tag: str) -> tuple[str, ...]:
        """Adds a tag to a run, or takes it away if the run has it; returns the tags it has then.

        Raises:
            EsperError: if there is no such run, or its ``run.toml`` cannot be changed.
        """
        ...

    def open(self, run: str) -> Session:
        """A recorded or running run to look at: a session whose role is replay or watch; slow."""
        ...

    def warm_up(self) -> None:
        """Imports what a start needs; slow."""
        ...
