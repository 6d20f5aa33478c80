"""What the launch screen asks for.  Imports torch only where a run is estimated or started."""

import re
from collections.abc import Callable
from pathlib import Path

from esper_tui.data.catalogue import is_missing
from esper_tui.karn.read import read_run_file
from esper_tui.karn.replay import Player
from esper_tui.leyline.config import RunConfig, sections
from esper_tui.leyline.errors import ConfigError, EsperError, UsageError
from esper_tui.leyline.launcher import Checked, PresetCard, Problem, RunCard
from esper_tui.leyline.session import Session
from esper_tui.runtime.lock import holder
from esper_tui.runtime.preset_text import read_text
from esper_tui.runtime.presets import (
    PresetFile,
    Resolved,
    differences,
    find_preset,
    find_presets,
    new_preset,
    resolve_text,
    save_preset,
    shipped_config,
)
from esper_tui.runtime.run_info import describe_run
from esper_tui.runtime.runs import all_runs, find_run, tag_run, tags_of
from esper_tui.runtime.watch import WatchSession

Started = Callable[[Path], None]


class LocalLauncher:
    """A ``leyline.launcher.Launcher`` on this machine.

    Args:
        examine: opens the test split at the end of a run; see ``runtime.session``.
        on_start: told the folder of a run just before it starts.

    Attributes:
        started: the sessions it has started.
    """

    def __init__(self, examine: Callable, on_start: Started = lambda folder: None):
        self.examine, self.on_start = examine, on_start
        self.started: list[Session] = []

    # --- presets -----------------------------------------------------------------------------------------------

    def presets(self) -> list[PresetCard]:
        return [_card(preset) for preset in find_presets()]

    def preset_text(self, name: str) -> str:
        return read_text(find_preset(name).path)

    def check(self, name: str, text: str) -> Checked:
        preset = new_preset(name)
        try:
            resolved = resolve_text(preset, text)
        except ConfigError as error:
            return Checked(None, tuple(_problem(sentence, preset.shown, text) for sentence in error.problems))
        except EsperError as error:
            return Checked(None, (Problem(str(error)),))
        differs = tuple(_differences(name, resolved.config))
        return Checked(resolved.config, (), resolved.origins, differs, resolved.notes)

    def estimate(self, name: str, text: str) -> str:
        from esper_tui.runtime.estimate import estimate

        return estimate(self._resolve(name, text).config, json=False)

    def save(self, name: str, text: str, shadow: bool = False) -> Path:
        return save_preset(name, text, shadow)

    # --- runs --------------------------------------------------------------------------------------------------

    def start(self, name: str, text: str) -> Session:
        from esper_tui.runtime.start import prepare_session, set_going

        session = prepare_session(self._resolve(name, text), None, self.examine)
        assert session.path is not None
        self.on_start(session.path)
        set_going(session)
        self.started.append(session)
        return session

    def runs(self) -> list[RunCard]:
        return [describe_run(folder) for folder in all_runs()]

    def tag(self, run: str, tag: str) -> tuple[str, ...]:
        folder = find_run(run)
        has = tag in tags_of(read_run_file(folder))
        return tag_run(folder, [] if has else [tag], [tag] if has else [])

    def open(self, run: str) -> Session:
        """A running run to watch, or a ``karn.replay.Player`` of one that is over.

        Raises:
            UsageError: if there is no such run.
            Incompatible: if a newer program wrote it.
        """
        folder = find_run(run)
        return WatchSession(folder) if holder(folder) else Player.open(folder)

    def warm_up(self) -> None:
        import esper_tui.runtime.start  # noqa: F401, for what it brings into memory

    def _resolve(self, name: str, text: str) -> Resolved:
        return resolve_text(new_preset(name), text)


def _card(preset: PresetFile) -> PresetCard:
    try:
        resolved = resolve_text(preset, read_text(preset.path))
    except EsperError as error:
        problem = " ".join(str(error).split())
        return PresetCard(preset.name, preset.origin, preset.path, "", "", problem=problem)
    data = resolved.config.data.name
    needs = f"`esper data fetch {data}` brings its files" if is_missing(data) else ""
    return PresetCard(preset.name, preset.origin, preset.path, resolved.description, data, needs)


def _problem(sentence: str, shown: str, text: str) -> Problem:
    """A sentence about a text that is in an editor: its place apart, so that the editor can show it there."""
    match = re.match(rf"{re.escape(shown)}(?: line (\d+))?:? (.*)", sentence, re.DOTALL)
    line, what = (match[1], match[2]) if match else (None, sentence)
    if match and "(at end of document)" in what:
        line = str(text.count("\n") + 1)
    key = next((key for key in re.findall(r"\w+\.\w+", what) if key.split(".")[0] in sections()), None)
    return Problem(what, int(line) if line else None, key)


def _differences(name: str, config: RunConfig) -> list[tuple[str, object, object]]:
    try:
        return differences(shipped_config(name), config)
    except UsageError:
        return differences(RunConfig(), config)  # the shipped file itself is broken
