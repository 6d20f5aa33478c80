"""Reading a run folder: its ``run.toml`` and the effective stream of its event log."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.events import SCHEMA, has_shape
from esper_tui.leyline.folder import MAX_EVENT_LINE, RUN_FILE, segments

LATEST_S = 1e12
"""No clock shows more seconds since 1970."""


@dataclass
class ReadReport:
    """What was found on the way: lines read, lines that are damaged, event types this version does not know."""

    lines: int = 0
    damaged: int = 0
    unknown: int = 0
    problems: list[str] = field(default_factory=list)

    def note_damage(self, text: str) -> None:
        self.damaged += 1
        self.problems.append(text)


def read_records(folder: Path, report: ReadReport | None = None) -> Iterator[dict[str, Any]]:
    """The event records of a run in order.  A torn last line is skipped and counted, never an error.

    Raises:
        Incompatible: if the log was written under a newer schema, or cannot be read.
    """
    report = report if report is not None else ReadReport()
    last, cuts = -1, superseded_from(segments(folder))
    for path in segments(folder):
        for number, line in enumerate(_lines(path), 1):
            record = parse_line(line)
            if record is None:
                report.note_damage(f"{path.name} line {number} is damaged and was skipped")
                continue
            check_schema(path, record)
            if path in cuts and record.get("seq", 0) > cuts[path]:
                break  # the run went on from before this, in a later segment
            last = _check_order(path, number, record, last, report)
            report.lines += 1
            yield record


def superseded_from(logs: list[Path]) -> dict[Path, int]:
    """Segment → number of its last event that counts; a segment that counts to its end is left out."""
    cuts: dict[Path, int] = {}
    for index, path in enumerate(logs[1:], 1):
        first = parse_line(next(_lines(path), b""))
        if first is not None and first["type"] == "RunResumed":
            for earlier in logs[:index]:
                cuts[earlier] = min(first["after_seq"], cuts.get(earlier, first["after_seq"]))
    return cuts


def _lines(path: Path) -> Iterator[bytes]:
    """Lines with their ends.  One that is too long comes as its beginning, which has no end."""
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_EVENT_LINE + 1):
                yield line
                while not line.endswith(b"\n") and (line := file.readline(MAX_EVENT_LINE)):
                    pass
    except OSError as error:
        raise Incompatible(f"cannot read {path}: {error.strerror}") from None


def parse_line(line: bytes) -> dict[str, Any] | None:
    """The record of a line that ends as lines do; None if it is damaged."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and _has_envelope(record) else None


def _has_envelope(record: dict[str, Any]) -> bool:
    """Whether number, time, type, place and shape are what they are in every event, so that all can rely on them."""
    t, places = record.get("t"), (record.get("round"), record.get("epoch"), record.get("env"))
    return (
        isinstance(t, int | float)
        and abs(t) < LATEST_S  # also leaves out what is no number
        and isinstance(record.get("type"), str)
        and isinstance(record.get("seq", 0), int)
        and all(place is None or isinstance(place, int) for place in places)
        and has_shape(record)
    )


def check_schema(path: Path, record: dict[str, Any]) -> None:
    schema = record.get("schema", 0) if record["type"] == "RunStarted" else 0
    if not isinstance(schema, int) or schema > SCHEMA:
        raise Incompatible(f"{path} was written by a newer program (schema {schema}); update esper")


def _check_order(path: Path, number: int, record: dict[str, Any], last: int, report: ReadReport) -> int:
    """Notes a gap in the numbers of the events; returns the number to count on from."""
    seq = record.get("seq")
    if not isinstance(seq, int):
        return last
    if seq > last + 1:
        report.problems.append(f"{path.name} line {number}: {seq - last - 1} events before it are missing")
    return seq


def read_run(folder: Path, report: ReadReport | None = None) -> RunRecord:
    """The record of a run, folded from its log.  A record that does not fit those before it counts as damaged."""
    record, report = RunRecord(), report if report is not None else ReadReport()
    for line in read_records(folder, report):
        unfit = record.unfit
        reduce(record, line)
        if record.unfit > unfit:
            report.note_damage(f"event {line.get('seq', '?')} ({line['type']}) makes no sense here")
    report.unknown = record.unknown
    return record


def read_run_file(folder: Path) -> dict[str, Any]:
    """``run.toml`` as a dictionary; empty if it is missing or damaged."""
    try:
        return tomllib.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
