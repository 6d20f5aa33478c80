"""What a report reads of a run: its record, and what the record forgets as it goes on (alerts that are over)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from esper_tui.karn.read import ReadReport, read_records, read_run_file
from esper_tui.karn.record import Round, RunRecord, reduce
from esper_tui.leyline.errors import UsageError

Row = dict[str, Any]


@dataclass
class Alarm:
    """An alert from the epoch it was raised to the one it was cleared, None where it stayed."""

    raised: Row
    cleared: int | None = None


@dataclass
class RunFacts:
    """A run folder, read once."""

    folder: Path
    document: Row
    record: RunRecord = field(default_factory=RunRecord)
    alarms: list[Alarm] = field(default_factory=list)
    panics: list[Row] = field(default_factory=list)
    reading: ReadReport = field(default_factory=ReadReport)

    @property
    def round(self) -> Round | None:
        return self.record.round

    @property
    def name(self) -> str:
        return self.folder.name

    def setting(self, section: str, key: str) -> Any:
        """A setting as the run recorded it; None where there was none."""
        content = self.record.config.get(section)
        return content.get(key) if isinstance(content, dict) else None


def read_facts(folder: Path) -> RunFacts:
    """Folds the log of a run, finished or not.

    Raises:
        UsageError: if nothing was recorded yet.
        Incompatible: if a newer program wrote it.
    """
    facts = RunFacts(folder, read_run_file(folder))
    open_alarms: dict[tuple[Any, ...], Alarm] = {}
    for event in read_records(folder, facts.reading):
        reduce(facts.record, event)
        place = tuple(str(event.get(key)) for key in ("rule", "env", "slot"))
        if event["type"] == "AlertRaised":
            facts.alarms.append(Alarm(event))
            open_alarms[place] = facts.alarms[-1]
        elif event["type"] == "AlertCleared" and place in open_alarms:
            open_alarms.pop(place).cleared = event.get("epoch")
        elif event["type"] == "GovernorActed":
            facts.panics.append(event)
    if facts.round is None:
        raise UsageError(f"{folder.name} has not finished an epoch yet, so there is nothing to report")
    return facts
