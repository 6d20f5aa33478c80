"""Following the log of a run that another process writes.  Imports no torch.

Nothing is kept of a line that is not whole yet: it is read again next time, so that a half-written line that
the writer takes back does no harm.  Of a run that goes on from a checkpoint in another segment, epochs that were seen
before are the same again and are not shown twice.
"""

from pathlib import Path
from typing import Any, BinaryIO

from esper_tui.karn.read import ReadReport, check_schema, parse_line, superseded_from
from esper_tui.leyline.folder import MAX_EVENT_LINE, segments

SLICE = 2**20
"""Bytes that are taken at once: parsing them takes some 50 ms."""


class Tail:
    """The end of a run's log.  ``read`` never waits and never raises because of what a file holds.

    Args:
        folder: the run folder; it may still be empty.
    """

    def __init__(self, folder: Path, report: ReadReport | None = None):
        self.folder, self.report = folder, report or ReadReport()
        self.segment = self.offset = 0
        self.skipping = False
        self.logs: list[Path] = []
        self.cuts: dict[Path, int] = {}
        self.last, self.seen, self.known = -1, (-1, -1), (-1, -1)

    def read(self) -> list[dict[str, Any]]:
        """Records that became whole since the last call, about a megabyte of them at most.

        Raises:
            Incompatible: if the log was written under a newer schema.
        """
        return self._advance() or []

    def catch_up(self) -> list[dict[str, Any]]:
        """Everything that is there now."""
        found: list[dict[str, Any]] = []
        while (records := self._advance()) is not None:
            found += records
        return found

    def _advance(self) -> list[dict[str, Any]] | None:
        """The records of the next slice; None if there is nothing to read."""
        if (logs := segments(self.folder)) != self.logs:
            self.logs, self.cuts = logs, superseded_from(logs)
        while self.segment < len(self.logs):
            try:
                lines, waiting = self._read(self.logs[self.segment])
            except OSError:
                return None  # not there for a moment; the next call tells
            if lines:
                return self._records(lines, self.logs[self.segment])
            if self.segment + 1 == len(self.logs):
                return None
            self.report.damaged += bool(waiting)  # a writer that went on in another segment does not come back
            self.segment, self.offset, self.skipping = self.segment + 1, 0, False
        return None

    def _read(self, log: Path) -> tuple[list[bytes], int]:
        """Whole lines from here on, and how many bytes wait for the end of theirs."""
        with log.open("rb") as file:
            file.seek(self.offset)
            data = self._take(file)
        end = data.rfind(b"\n") + 1
        if not end and len(data) > MAX_EVENT_LINE:
            self.skipping, self.offset = True, self.offset + len(data)
            return [b""], 0
        self.offset += end
        return [line + b"\n" for line in data[:end].split(b"\n")[:-1]], len(data) - end

    def _take(self, file: BinaryIO) -> bytes:
        """A slice; more only if not a single line ends in it."""
        data = file.read(SLICE)
        if len(data) == SLICE and b"\n" not in data:
            data += file.read(MAX_EVENT_LINE + 1 - SLICE)
        return data

    def _records(self, lines: list[bytes], log: Path) -> list[dict[str, Any]]:
        """What the lines hold; damaged ones, and one that is too long, are counted and left out."""
        found = []
        for line in lines:
            if self.skipping:
                self.report.damaged += line.endswith(b"\n")
                self.skipping = not line.endswith(b"\n")
                continue
            record = parse_line(line)
            if record is None:
                self.report.damaged += 1
                continue
            check_schema(log, record)
            if self._counts(record, log):
                self.report.lines += 1
                found.append(record)
        return found

    def _counts(self, record: dict[str, Any], log: Path) -> bool:
        """Whether a record is part of the run: not superseded by a later segment, and not seen before."""
        number = record.get("seq", 0)
        if number > self.cuts.get(log, number):
            return False
        if record["type"] == "RunResumed" and self.last > record.get("after_seq", number):
            self.known = self.seen
        self.last = number
        round_, epoch = record.get("round"), record.get("epoch")
        if round_ is None or epoch is None:
            return True
        self.seen = max(self.seen, (round_, epoch))
        return (round_, epoch) > self.known
