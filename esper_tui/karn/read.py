"""Reading a run folder: its ``run.toml`` and the effective stream of its event log."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.events import SCHEMA
from esper_tui.leyline.folder import MAX_EVENT_LINE, RUN_FILE, segments


@dataclass
class ReadReport:
    """What was found on the way: lines read, lines that are damaged, event types this version does not know."""

    lines: int = 0
    damaged: int = 0
    unknown: int = 0
    problems: list[str] = field(default_factory=list)


def read_records(folder: Path, report: ReadReport | None = None) -> Iterator[dict[str, Any]]:
    """The event records of a run in order.  A torn last line is skipped and counted, never an error.

    Raises:
        Incompatible: if the log was written under a newer schema.
    """
    report = report if report is not None else ReadReport()
    for path in segments(folder):
        with path.open("rb") as lines:
            number = 0
            while line := lines.readline(MAX_EVENT_LINE + 1):
                number += 1
                record = _parse(line)
                if record is None:
                    report.damaged += 1
                    report.problems.append(f"{path.name} line {number} is damaged and was skipped")
                    continue
                if record["type"] == "RunStarted" and record.get("schema", 0) > SCHEMA:
                    raise Incompatible(
                        f"{path} was written by a newer program (schema {record['schema']}); update esper"
                    )
                report.lines += 1
                yield record


def _parse(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n") or len(line) > MAX_EVENT_LINE:
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and isinstance(record.get("type"), str) else None


def read_run(folder: Path, report: ReadReport | None = None) -> RunRecord:
    """The record of a run, folded from its log."""
    record = RunRecord()
    for line in read_records(folder, report):
        reduce(record, line)
    if report is not None:
        report.unknown = record.unknown
    return record


def read_run_file(folder: Path) -> dict[str, Any]:
    """``run.toml`` as a dictionary; empty if it is missing or damaged."""
    try:
        return tomllib.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
