"""The event log in memory: the newest events, those that a filter lets through, repetitions folded.  Pure."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from esper_tui.sanctum.filters import Match
from esper_tui.sanctum.lines import EventLine, event_line

Row = dict[str, Any]
LIMIT = 10_000


@dataclass
class Entry:
    """One listed line: ``count`` events in a row that say the same, the newest of them with its number."""

    number: int
    event: Row
    told: EventLine
    count: int = 1

    def repeats(self, event: Row, told: EventLine) -> bool:
        return self.told == told and self.event.get("env") == event.get("env")


class Journal:
    """Takes events in order and keeps the newest ``limit``; all of them are on the disk.

    Attributes:
        seen: how many events there were in all.
        shown: the entries that the filter lets through, oldest first.
    """

    def __init__(self, limit: int = LIMIT):
        self.told: deque[tuple[Row, EventLine]] = deque(maxlen=limit)
        self.shown: list[Entry] = []
        self.seen = 0
        self.match: Match | None = None

    def take(self, events: Sequence[Row], seen: int) -> tuple[int, int]:
        """Takes in events, the newest of which is number ``seen - 1``.

        Returns how many entries were added at the end, and how many fell off the beginning.
        """
        before = len(self.shown)
        for number, event in enumerate(events, seen - len(events)):
            told = event_line(event)
            self.told.append((event, told))
            self._show(number, event, told)
        self.seen = seen
        added, oldest, gone = len(self.shown) - before, seen - len(self.told), 0
        while gone < len(self.shown) and self.shown[gone].number < oldest:
            gone += 1
        del self.shown[:gone]
        return added, gone

    def choose(self, match: Match | None) -> None:
        """Shows only what matches; everything without one."""
        self.match, self.shown = match, []
        for number, (event, told) in enumerate(self.told, self.seen - len(self.told)):
            self._show(number, event, told)

    def clear(self) -> None:
        self.told.clear()
        self.shown, self.seen = [], 0

    def _show(self, number: int, event: Row, told: EventLine) -> None:
        if self.match is not None and not self.match(event, told):
            return
        last = self.shown[-1] if self.shown else None
        if last is not None and last.repeats(event, told):
            last.number, last.event, last.count = number, event, last.count + 1
        else:
            self.shown.append(Entry(number, event, told))


def newest(log: Sequence[Row], count: int) -> list[Row]:
    """The last ``count`` events, oldest first; quick for a deque too."""
    return list(islice(reversed(log), max(0, count)))[::-1]
