"""From a resolved configuration to a session that can be started."""

from pathlib import Path

from esper_tui.leyline.session import Pause
from esper_tui.runtime.build import build_parts
from esper_tui.runtime.folder import RunFolder
from esper_tui.runtime.memory import check_memory, refuse_hopeless
from esper_tui.runtime.output import warn
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.session import Examine, LocalSession, Script
from esper_tui.tolaria.probe import EngineChoice


def prepare_session(
    resolved: Resolved,
    run_dir: Path | None,
    examine: Examine | None,
    script: Script | None = None,
    choice: EngineChoice | None = None,
) -> LocalSession:
    """A session with its run folder; ``start`` sets it going.

    Raises:
        EsperError: for whatever is wrong before the run starts; no folder is left behind.
    """
    folder = RunFolder(resolved, run_dir)
    try:
        refuse_hopeless(resolved.config)
        parts = build_parts(resolved.config, choice=choice)
        tight = check_memory(resolved.config, parts.choice)
        session = LocalSession(parts, folder, folder.open_hub(parts), examine, script)
    except BaseException:
        folder.discard()
        raise
    if tight:
        warn(tight)
        session.report("note", tight)
    return session


def set_going(session: LocalSession) -> None:
    """Starts a session before a screen; a person who decides in Tamiyo's place gets the first word."""
    session.rests_when_full = True
    session.start()
    if session.parts.config.tamiyo.policy == "manual" and not session.script:
        session.submit(Pause())
