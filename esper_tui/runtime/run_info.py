"""A run folder at a glance, and its check-up.  Imports no torch."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esper_tui.karn.read import ReadReport, read_run, read_run_file
from esper_tui.leyline.folder import segments
from esper_tui.runtime.lock import holder
from esper_tui.runtime.runs import folder_size

TAIL_BYTES = 4096


@dataclass(frozen=True)
class RunInfo:
    """A line of ``esper runs list``."""

    folder: Path
    preset: str
    tags: tuple[str, ...]
    size: int
    state: str
    text: str

    def document(self) -> dict[str, Any]:
        return {
            "id": self.folder.name, "path": str(self.folder), "preset": self.preset, "tags": list(self.tags),
            "bytes": self.size, "state": self.state, "text": self.text,
        }  # fmt: skip


def describe_run(folder: Path) -> RunInfo:
    """Reads ``run.toml`` and the last line of the log only."""
    document, last = read_run_file(folder), last_record(folder)
    state = "running" if holder(folder) else "crashed"
    text = f"epoch {last['epoch']}" if last and last.get("epoch") else ""
    if last is not None and last["type"] == "RunEnded":
        state, text = last["status"], last["text"] or f"{last['seconds']:.0f} s"
    return RunInfo(
        folder, document.get("preset", "?"), tuple(document.get("tags", ())), folder_size(folder), state, text
    )


def last_record(folder: Path) -> dict[str, Any] | None:
    """The last whole record of the log; None if there is none near its end."""
    logs = segments(folder)
    if not logs:
        return None
    with logs[-1].open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
        lines = file.read().split(b"\n")[:-1]
    for line in reversed(lines):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "type" in record:
            return record
    return None


def check_run(folder: Path) -> tuple[list[str], bool]:
    """What was found in a run folder, and whether all of it is sound."""
    report = ReadReport()
    record = read_run(folder, report)
    epochs = sum(len(r.epochs) for r in record.rounds)
    lines = [
        f"log: {report.lines} events, {epochs} epochs, {report.damaged} damaged, {report.unknown} unknown",
        *report.problems,
    ]
    document = read_run_file(folder)
    if not document:
        lines.append("run.toml is missing or damaged")
    if not record.status:
        lines.append(
            "the run is being written" if holder(folder) else "the run did not end; its finished epochs are in the log"
        )
    return lines, bool(document) and report.damaged == 0
