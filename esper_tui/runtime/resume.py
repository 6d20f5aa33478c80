"""Going on with a run from its newest sound checkpoint."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from esper_tui.karn.read import read_records, read_run_file
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import Busy, Incompatible
from esper_tui.leyline.events import RunResumed
from esper_tui.leyline.interventions import Fate
from esper_tui.runtime.build import build_parts
from esper_tui.runtime.checkpoints import newest_checkpoint
from esper_tui.runtime.folder import RunFolder
from esper_tui.runtime.loop_state import restore_loop
from esper_tui.runtime.memory import refuse_hopeless
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.rerun import script_of
from esper_tui.runtime.run_info import FINISHED, end_of_log, standing
from esper_tui.runtime.session import Examine, LocalSession, Script
from esper_tui.tolaria.probe import EngineChoice


def prepare_resume(
    path: Path, examine: Examine | None, drop_interventions: bool = False, take_over: bool = False
) -> LocalSession:
    """A session that goes on with a run; ``start`` sets it going.

    Interventions that were recorded after the checkpoint are given again at their boundaries, unless they are
    dropped.  ``take_over`` takes the run from a process on another host whose heartbeat has stopped.

    Raises:
        Busy: if a living process writes the run, or if it has come to its end.
        Incompatible: if no checkpoint can be used.
    """
    refuse_finished(path)
    checkpoint, tensors, document, problems = newest_checkpoint(path)
    config, choice = checkpoint_settings(checkpoint, document)
    resolved = Resolved(str(read_run_file(path).get("preset", "run")), config, "")
    folder = RunFolder.reopen(path, resolved, take_over)
    try:
        after = int(document["after_seq"])
        past = [record for record in read_records(path) if record.get("seq", 0) <= after]
        refuse_hopeless(config)
        parts = build_parts(config, choice=choice)
        hub = folder.open_next(parts, after + 1)
        session = LocalSession(parts, folder, hub, examine)
        session.past = past
        restore_loop(session.loop, tensors, document)
        if not drop_interventions:
            session.script = later_interventions(path, after, session.overrides.last)
    except BaseException:
        folder.close()
        raise
    session.go_on_from(int(document["epoch"]), float(document.get("elapsed_s", 0.0)))
    hub.emit(RunResumed(after_seq=after, path=str(checkpoint.relative_to(path)), problems=problems))
    hub.flush(sync=True)
    return session


def refuse_finished(path: Path) -> None:
    if end_of_log(path).get("", {}).get("status") in FINISHED:
        raise Busy(f"there is nothing left to go on with: {standing(path)}; `esper rerun` repeats it")


def checkpoint_settings(checkpoint: Path, document: dict[str, Any]) -> tuple[RunConfig, EngineChoice]:
    """The configuration and the engine choice of a checkpoint.

    Raises:
        Incompatible: if they are of another version.
    """
    try:
        config = RunConfig.model_validate(document["config"])
        choice = EngineChoice(**document["engine_choice"])
        device = config.engine.model_copy(update={"device": choice.device})
        return config.model_copy(update={"engine": device}), choice
    except (KeyError, TypeError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise Incompatible(f"{checkpoint} is of another version ({reason}); use the esper that wrote it") from None


def later_interventions(path: Path, after_seq: int, known: int) -> Script:
    """What people asked for after the checkpoint, by boundary; its queue knows the numbers up to ``known`` already."""
    events = [e for e in read_records(path) if e.get("seq", -1) > after_seq and e["type"] == "InterventionChanged"]
    return script_of(events, lambda e: e["intervention"]["id"] > known or e["fate"] == Fate.CANCELLED)
