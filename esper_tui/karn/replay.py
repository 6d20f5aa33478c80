"""Replay: a recorded run as a session that can be moved in time.  Imports no torch.

All records are loaded once.  Forwards they are folded one by one; backwards the record is folded again from the
start of the round.
"""

import gc
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from esper_tui.karn.read import ReadReport, read_records
from esper_tui.karn.record import RunRecord, reduce
from esper_tui.leyline.session import Ack, Command, Progress, Role

Row = dict[str, Any]
SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
LONGEST_EPOCH_S = 1.0
"""Playing shows an epoch for as long as it took, but no longer than this."""


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keeps the garbage collector from going through a growing heap again and again: half of the loading time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@dataclass(frozen=True)
class Boundary:
    """A place to rest at: ``index`` records are folded; everything of the epoch is, its decisions included.

    Epoch 0 is the start of a round.  ``seconds`` is how long the epoch took, but no longer than it is shown.
    """

    index: int
    round: int
    epoch: int
    seconds: float


class Player:
    """A run that is replayed; it has the shape of a ``leyline.session.Session`` that takes no commands.

    It opens at the end, where the result is.

    Attributes:
        records: all records of the run, in order.
        position: how many of them are folded.
        record: the run record at this position; another object after going back.
        boundaries: every place to rest at.
        speed: one of SPEEDS, or any factor between the first and the last.
    """

    role: Role = "replay"
    attached = False

    def __init__(self, records: Iterable[Row], path: Path | None = None, report: ReadReport | None = None):
        self.records, self.path = list(records), path
        self.report = report or ReadReport(lines=len(self.records))
        self.boundaries = _boundaries(self.records)
        self.ends = [b.index for b in self.boundaries]
        self.decisions = [_extent(self.records, i) for i, row in enumerate(self.records) if _is_decision(row)]
        self.alerts = [i + 1 for i, row in enumerate(self.records) if row["type"] == "AlertRaised"]
        self.record, self.position, self.polled = RunRecord(), 0, 0
        self.starts: dict[int, RunRecord] = {0: RunRecord()}
        self.playing, self.speed, self.owed_s = False, 1.0, 0.0
        self.commands, self.refused = 0, list[Ack]()
        self.seek_end()

    @classmethod
    def open(cls, folder: Path) -> "Player":
        """The recorded run of a folder.

        Raises:
            Incompatible: if it was recorded by a newer program.
        """
        report = ReadReport()
        with _no_collection():
            return cls(read_records(folder, report), folder, report)

    # --- where it is -------------------------------------------------------------------------------------------

    @property
    def at_end(self) -> bool:
        return self.position == len(self.records)

    @property
    def epoch(self) -> int:
        """The epoch that was measured last; 0 before the first of a round."""
        return self.record.epoch.number if self.record.epoch else 0

    @property
    def past(self) -> list[Row]:
        """The records up to here."""
        return self.records[: self.position]

    # --- moving ------------------------------------------------------------------------------------------------

    def seek(self, epoch: int, round_: int | None = None) -> None:
        """Goes to the boundary after an epoch of a round, this one if none is named; to the nearest there is."""
        current = self.record.round.number if self.record.round else 0
        wanted = (current if round_ is None else round_, epoch)
        place = bisect_right(self.boundaries, wanted, key=lambda b: (b.round, b.epoch)) - 1
        self._go(self.ends[max(0, place)] if self.ends else len(self.records))

    def seek_end(self) -> None:
        self._go(len(self.records))

    def step(self, boundaries: int = 1) -> None:
        """Goes on by so many boundaries, or back if negative; stops at either end."""
        if not self.ends:
            return
        if boundaries > 0:
            place = bisect_right(self.ends, self.position) + boundaries - 1
        else:
            place = bisect_left(self.ends, self.position) + boundaries
        self._go(self.ends[min(max(0, place), len(self.ends) - 1)])

    def next_decision(self) -> Row | None:
        """Goes to just after the next decision that is not WAIT and what it changed; returns it, if there is one."""
        return self._forth(self.decisions)

    def previous_decision(self) -> Row | None:
        return self._back(self.decisions)

    def next_alert(self) -> Row | None:
        return self._forth(self.alerts)

    def previous_alert(self) -> Row | None:
        return self._back(self.alerts)

    def _forth(self, marks: list[int]) -> Row | None:
        place = bisect_right(marks, self.position)
        return self._visit(marks[place]) if place < len(marks) else None

    def _back(self, marks: list[int]) -> Row | None:
        place = bisect_left(marks, self.position) - 1
        return self._visit(marks[place]) if place >= 0 else None

    def _visit(self, mark: int) -> Row:
        self._go(mark)
        return next(row for row in reversed(self.records[:mark]) if row["type"] in ("DecisionTaken", "AlertRaised"))

    def _go(self, position: int) -> None:
        if position < self.position:
            start = max(i for i in self.starts if i <= position)
            self.record, self.position = _copy(self.starts[start]), start
        for index in range(self.position, position):
            if self.records[index]["type"] == "RoundStarted" and index not in self.starts:
                self.starts[index] = _copy(self.record)
            reduce(self.record, self.records[index])
        self.position, self.owed_s = position, 0.0

    # --- playing -----------------------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Plays or rests; at the end it plays from the start of the round."""
        if not self.playing and self.at_end:
            self.seek(0)
        self.playing = not self.playing

    def set_speed(self, factor: float) -> None:
        self.speed = min(max(factor, SPEEDS[0]), SPEEDS[-1])

    def tick(self, dt: float) -> list[Row]:
        """Plays on by ``dt`` seconds of the watcher's time; returns the records that came in."""
        before, owed = self.position, self.owed_s + dt * self.speed
        while self.playing and not self.at_end:
            place = bisect_right(self.ends, self.position)
            if place < len(self.ends) and owed < self.boundaries[place].seconds:
                break
            owed -= self.boundaries[place].seconds if place < len(self.ends) else 0.0
            self._go(self.ends[place] if place < len(self.ends) else len(self.records))
        if self.at_end:
            self.playing = False
        self.owed_s = owed if self.playing else 0.0
        return self.records[before : self.position]

    # --- as a session ------------------------------------------------------------------------------------------

    def submit(self, command: Command) -> int:
        self.commands += 1
        self.refused.append(Ack(self.commands, "rejected", reason="this is a recording; nothing in it can be changed"))
        return self.commands

    def poll(self) -> tuple[list[Ack], list[Row]]:
        """Acknowledgements, and the records since the last poll; none after going back."""
        since, self.polled = self.polled, self.position
        refused, self.refused = self.refused, []
        return refused, self.records[since : self.position]

    def progress(self) -> Progress:
        record = self.record
        seconds = (record.last or 0.0) - (record.started or 0.0)
        return Progress(
            state="running" if self.playing else "paused",
            phase="replay",
            round=record.round.number if record.round else 0,
            epoch=self.epoch,
            epochs=int(record.config.get("run", {}).get("epochs", 0)),
            elapsed_s=max(0.0, seconds),
        )


def _boundaries(records: list[Row]) -> list[Boundary]:
    """Where each epoch ends: before the first record of a later epoch or of another round; the last one at the end."""
    starts: list[tuple[int, tuple[int, int]]] = []
    for index, row in enumerate(records):
        place = _place(row)
        if place is not None and (not starts or place > starts[-1][1]):
            starts.append((index, place))
    ends = [index for index, _ in starts[1:]] + [len(records)]
    times = [records[index]["t"] for index, _ in starts]
    took = [0.0] + [min(max(0.0, after - before), LONGEST_EPOCH_S) for before, after in pairwise(times)]
    return [Boundary(end, *place, seconds) for (_, place), end, seconds in zip(starts, ends, took, strict=False)]


def _place(row: Row) -> tuple[int, int] | None:
    """Round and epoch of a record that belongs to one."""
    round_, epoch = row.get("round"), row.get("epoch")
    return None if round_ is None or epoch is None else (round_, epoch)


def _is_decision(row: Row) -> bool:
    return row["type"] == "DecisionTaken" and row.get("decision", {}).get("op") != "WAIT"


def _extent(records: list[Row], index: int) -> int:
    """The position after a decision and the changes it made."""
    env, end = records[index].get("env"), index + 1
    while end < len(records) and records[end]["type"] == "StageChanged" and records[end].get("env") == env:
        end += 1
    return end


def _copy(record: RunRecord) -> RunRecord:
    """A record that can be folded on without touching the other one; rounds that ended are shared."""
    return replace(record, rounds=list(record.rounds), alerts=list(record.alerts), notes=list(record.notes))
