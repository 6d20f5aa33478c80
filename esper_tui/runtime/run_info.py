"""A run folder at a glance, and its check-up.  Imports no torch."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from esper_tui.karn.read import ReadReport, parse_line, read_run, read_run_file
from esper_tui.leyline.folder import MAX_EVENT_LINE, RUN_FILE, segments
from esper_tui.runtime.lock import holder
from esper_tui.runtime.runs import folder_size, tags_of

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
    text = f"epoch {last['epoch']}" if last.get("epoch") else ""
    if last.get("type") == "RunEnded":
        seconds = last.get("seconds")
        state = str(last.get("status", "ended"))
        text = str(last.get("text") or (f"{seconds:.0f} s" if isinstance(seconds, int | float) else ""))
    preset, tags = str(document.get("preset", "?")), tuple(tags_of(document))
    return RunInfo(folder, preset, tags, folder_size(folder), state, text)


def last_record(folder: Path) -> dict[str, Any]:
    """The last whole record of the log, read from its end; empty if there is none."""
    logs = segments(folder)
    try:
        return _last_record(logs[-1]) if logs else {}
    except OSError:
        return {}


def _last_record(log: Path) -> dict[str, Any]:
    with log.open("rb") as file:
        size, tail = file.seek(0, os.SEEK_END), TAIL_BYTES
        while True:
            file.seek(max(0, size - tail))
            lines = file.read(tail).split(b"\n")
            for line in reversed(lines[1:-1] if tail < size else lines[:-1]):
                if (record := parse_line(line + b"\n")) is not None:
                    return record
            if tail >= min(size, 2 * MAX_EVENT_LINE):
                return {}
            tail *= 8


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
        lines.append(f"{RUN_FILE} is missing or damaged")
    lines += (damaged := _damaged_artefacts(folder))
    if not record.status:
        lines.append(holder(folder) or "the run did not end; its finished epochs are in the log")
    return lines, bool(document) and not (report.damaged or report.problems or damaged)


def _damaged_artefacts(folder: Path) -> list[str]:
    """State files whose length does not fit their own header; their values are checked when they are loaded."""
    found = []
    for path in sorted(folder.glob("*/*.safetensors")):
        try:
            with safe_open(str(path), framework="numpy"):
                continue
        except (SafetensorError, OSError) as error:
            found.append(f"{path.relative_to(folder)} is damaged ({error})")
    return found
