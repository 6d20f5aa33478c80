"""The check-up of a run folder: what is sound, what is damaged, and from where the run can go on."""

from collections.abc import Iterator
from pathlib import Path

from esper_tui.karn.read import ReadReport, read_run, read_run_file
from esper_tui.karn.record import RunRecord
from esper_tui.leyline.errors import EsperError
from esper_tui.leyline.folder import ARTEFACTS, RUN_FILE, checkpoint_files, segments
from esper_tui.runtime import artefacts, checkpoints
from esper_tui.runtime.lock import holder
from esper_tui.runtime.receipt import run_name
from esper_tui.runtime.resume import checkpoint_settings
from esper_tui.runtime.run_info import FINISHED, standing
from esper_tui.runtime.statefile import load_state


def check_run(folder: Path) -> tuple[list[str], bool]:
    """What was found in a run folder, and whether all of it is sound.

    Every line of the log is read, every checkpoint and every network is loaded and its checksum compared.
    """
    report = ReadReport()
    record = read_run(folder, report)
    epochs, parts = sum(len(r.epochs) for r in record.rounds), len(segments(folder))
    lines = [
        f"log: {report.lines} events in {parts} segment{'s' * (parts != 1)}, {epochs} epochs, "
        f"{report.damaged} damaged, {report.unknown} unknown"
    ]
    problems = [*report.problems, *_gaps(record)]
    if not read_run_file(folder):
        problems.append(f"{RUN_FILE} is missing or damaged")
    sound, broken = _checkpoints(folder)
    names = ", ".join(path.stem for path in sound) or "none"
    lines.append(f"checkpoints: {len(sound)} sound ({names}), {len(broken)} damaged")
    problems += [*broken, *_broken_networks(folder)]
    return [*lines, *problems, _outlook(folder, record, sound)], not problems


def _gaps(record: RunRecord) -> Iterator[str]:
    """Epochs that the log should have between others and has not, or has twice."""
    for round_ in record.rounds:
        numbers = [epoch.number for epoch in round_.epochs]
        for before, after in zip([0, *numbers], numbers, strict=False):
            if after != before + 1:
                yield f"round {round_.number}: epoch {after} follows epoch {before}"


def _checkpoints(folder: Path) -> tuple[list[Path], list[str]]:
    """Checkpoints that a run can go on from, the newest first, and what is wrong with the others."""
    sound, broken = [], []
    for _, path in checkpoint_files(folder):
        try:
            _, document = load_state(path, checkpoints.KIND)
            checkpoint_settings(path, document)
            sound.append(path)
        except EsperError as problem:
            broken.append(str(problem))
    return sound, broken


def _broken_networks(folder: Path) -> Iterator[str]:
    for path in sorted((folder / ARTEFACTS).glob("*.safetensors")):
        try:
            artefacts.load_network(path)
        except EsperError as problem:
            yield str(problem)


def _outlook(folder: Path, record: RunRecord, sound: list[Path]) -> str:
    """What can be done with the run."""
    if problem := holder(folder):
        return problem
    if record.status in FINISHED:
        return standing(folder)
    name = run_name(folder)
    how = f"the run ended before its time ({record.status})" if record.status else "the run was cut short"
    at = f" after epoch {record.epoch.number} of {record.config['run']['epochs']}" if record.epoch else ""
    if not sound:
        return f"{how}{at}, and no checkpoint can be used: `esper rerun {name}` repeats it, the log stays"
    place = next(place for place, path in checkpoint_files(folder) if path == sound[0])
    where = f"round {place[0] + 1}, epoch {place[1]}" if len(record.rounds) > 1 else f"epoch {place[1]}"
    return f"{how}{at}: `esper resume {name}` goes on after {where}"
