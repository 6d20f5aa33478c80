"""From a resolved configuration to a session that can be started."""

from pathlib import Path

from esper_tui.runtime.build import build_parts
from esper_tui.runtime.folder import RunFolder
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.session import Examine, LocalSession, Script
from esper_tui.tolaria.probe import EngineChoice


def prepare_session(
    resolved: Resolved,
    run_dir: Path | None,
    examine: Examine,
    script: Script | None = None,
    choice: EngineChoice | None = None,
) -> LocalSession:
    """A session with its run folder; ``start`` sets it going.

    Raises:
        EsperError: for whatever is wrong before the run starts; no folder is left behind.
    """
    folder = RunFolder(resolved, run_dir)
    try:
        parts = build_parts(resolved.config, choice=choice)
        return LocalSession(parts, folder, folder.open_hub(parts), examine, script)
    except BaseException:
        folder.discard()
        raise
