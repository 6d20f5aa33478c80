"""Repeating a run: the recorded configuration, engine choice and interventions, and whether the same came of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import Tensor

from esper_tui.karn.read import read_records, read_run_file
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.events import is_deterministic
from esper_tui.leyline.folder import ARTEFACTS
from esper_tui.leyline.interventions import Fate, Intervention
from esper_tui.leyline.session import Cancel, Command, Override, Stop
from esper_tui.runtime.artefacts import KIND as NETWORK
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.session import Examine, LocalSession, Script
from esper_tui.runtime.start import prepare_session
from esper_tui.runtime.statefile import load_state
from esper_tui.tolaria.probe import EngineChoice

Row = dict[str, Any]
State = tuple[dict[str, Tensor], dict[str, Any]]
NOT_COMPARED = ("seq", "t")


@dataclass(frozen=True)
class Recording:
    """What a run folder says about how its run was made."""

    folder: Path
    resolved: Resolved
    choice: EngineChoice
    events: list[Row]

    @property
    def status(self) -> str:
        """How the run ended; empty if it did not."""
        return next((str(e.get("status")) for e in reversed(self.events) if e["type"] == "RunEnded"), "")


def load_recording(folder: Path) -> Recording:
    """Everything that is needed to repeat a run.

    Raises:
        Incompatible: if ``run.toml`` is missing, damaged or of another version.
    """
    document = read_run_file(folder)
    try:
        config = RunConfig.model_validate(document["config"])
        choice = EngineChoice(**document["engine_choice"])
    except (KeyError, TypeError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise Incompatible(
            f"{folder} cannot be repeated: its run.toml is damaged or of another version ({reason})"
        ) from None
    device = config.engine.model_copy(update={"device": choice.device})
    preset = str(document.get("preset", "run"))
    resolved = Resolved(
        preset, config.model_copy(update={"engine": device}), f"{document.get('description', '')} (again)"
    )
    return Recording(folder, resolved, choice, list(read_records(folder)))


def prepare_rerun(recording: Recording, run_dir: Path | None, examine: Examine) -> LocalSession:
    """A session that repeats a run.

    Raises:
        EsperError: for whatever is wrong before it starts, for example a device that is not there.
    """
    return prepare_session(recording.resolved, run_dir, examine, script_of(recording.events), recording.choice)


def script_of(events: Sequence[Row], wanted: Callable[[Row], bool] = lambda event: True) -> Script:
    """What people asked for, by the boundary at which the run took it in; and where it was stopped.

    Args:
        wanted: which events count.

    Raises:
        Incompatible: if the log says of an intervention what this program does not know.
    """
    try:
        return _script([event for event in events if wanted(event)])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Incompatible(f"the log tells of an intervention that makes no sense here ({error!r})") from None


def _script(events: Sequence[Row]) -> Script:
    script: Script = {}
    stopped = any(e["type"] == "RunEnded" and e.get("status") == "stopped" for e in events)
    last = max((i for i, e in enumerate(events) if e["type"] == "RoundEnded"), default=-1)
    for index, event in enumerate(events):
        command: Command | None = None
        if event["type"] == "InterventionChanged":
            command = _command(event)
        elif stopped and index == last:
            command = Stop()
        if command is not None:
            script.setdefault((event["round"], event["epoch"]), []).append(command)
    return script


def _command(event: Row) -> Command | None:
    """The command behind a step in the life of an intervention; None where it went on by itself."""
    if event["fate"] == Fate.CANCELLED:
        return Cancel(event["intervention"]["id"])
    if event["fate"] != Fate.QUEUED:
        return None
    asked = Intervention.from_named(event["intervention"])
    first = max(event["epoch"], asked.at_epoch or 0)
    return Override(
        asked.env, asked.decision, asked.when, asked.at_epoch, asked.hold,
        asked.expires - first if asked.expires is not None else 0, asked.expect, asked.author, asked.note,
    )  # fmt: skip


def compare_runs(recording: Recording, again: Path) -> str:
    """The first difference between a run and its repetition; empty if they are identical.

    Deterministic events are compared without number and time, and the networks that were kept bit by bit.  Of a run
    that did not end by itself, what it recorded is compared with the beginning of the repetition.
    """
    whole = recording.status in ("done", "stopped")
    before, after = deterministic(recording.events), deterministic(read_records(again))
    if not whole:
        after = after[: len(before)]
    for number, (a, b) in enumerate(zip_longest(before, after)):
        if a != b:
            return f"event {number}: {_difference(a, b)}"
    return _different_network(recording.folder, again) if whole else ""


def deterministic(events: Sequence[Row] | Iterator[Row]) -> list[Row]:
    """What two logs must have in common."""
    return [{k: v for k, v in e.items() if k not in NOT_COMPARED} for e in events if is_deterministic(e)]


def _difference(a: Row | None, b: Row | None) -> str:
    if a is None or b is None:
        there = a or b or {}
        who = "the repetition" if a is None else "the recording"
        return f"only {who} has {there['type']} of epoch {there['epoch']}"
    place = f"{a['type']} of epoch {a['epoch']}" + (f", env {a['env']}" if "env" in a else "")
    path, left, right = next(_leaves(a, b))
    return f"{place}: {path} was {left!r} and is now {right!r}"


def _leaves(a: Any, b: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Places in which two JSON values differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in [*a, *(k for k in b if k not in a)]:
            yield from _leaves(a.get(key), b.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from _leaves(left, right, f"{path}[{index}]")
    elif a != b:
        yield path, a, b


def _different_network(before: Path, after: Path) -> str:
    """Which network file differs, and in what.  The order of a file's header is nobody's choice and not compared."""
    for path in sorted((before / ARTEFACTS).glob("*.safetensors")):
        twin = after / ARTEFACTS / path.name
        if not twin.is_file():
            return f"{path.name} is missing"
        if difference := _different_state(load_state(path, NETWORK), load_state(twin, NETWORK)):
            return f"{path.name}: {difference}"
    return ""


def _different_state(before: State, after: State) -> str:
    (old, document), (new, described) = before, after
    if document != described:
        return "{} was {!r} and is now {!r}".format(*next(_leaves(document, described)))
    for name, tensor in old.items():
        if name not in new or tensor.shape != new[name].shape:
            return f"{name} is missing or has another shape"
        if not tensor.equal(new[name]):
            return f"{name} differs by up to {(tensor - new[name]).abs().max().item():.3g}"
    return ""
