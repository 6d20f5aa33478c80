"""The run record: everything the events of a run say, folded.  ``reduce(record, event)`` is the only writer.

The live screen, the replay of a finished run and the receipt all read this; the same events give the same record
whether they come from the loop or from a file.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass
class Epoch:
    """One measured epoch: columns by metric key, and the stages and alphas of every slot."""

    number: int
    stages: list[list[int]]
    alphas: list[list[float]]
    params: list[int]
    columns: dict[str, list[Any]]
    verdicts: list[list[Any]]


@dataclass
class Round:
    """One round so far; ``rows`` and ``best`` are there once it ended."""

    number: int
    instances: list[list[int]]
    slots: list[str]
    host_params: int
    control: str
    epochs: list[Epoch] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)
    seeds: dict[tuple[int, str], Row] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    best: int | None = None


@dataclass
class RunRecord:
    """A run as far as its events go."""

    config: Row = field(default_factory=dict)
    provenance: Row = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    test: list[Row] = field(default_factory=list)
    test_summary: Row = field(default_factory=dict)
    alerts: list[Row] = field(default_factory=list)
    state: str = "unknown"
    status: str = ""
    code: int | None = None
    text: str = ""
    seconds: float | None = None
    started: float | None = None
    last: float | None = None
    events: int = 0
    unknown: int = 0

    @property
    def round(self) -> Round | None:
        return self.rounds[-1] if self.rounds else None

    @property
    def epoch(self) -> Epoch | None:
        return self.rounds[-1].epochs[-1] if self.rounds and self.rounds[-1].epochs else None


def reduce(record: RunRecord, event: Row) -> None:
    """Folds one event record into the run record.  Types it does not know are counted and skipped."""
    record.events += 1
    record.last = event.get("t", record.last)
    fold = _FOLDS.get(event["type"])
    if fold is None:
        record.unknown += 1
        return
    fold(record, event)


def _run_started(record: RunRecord, event: Row) -> None:
    record.config, record.provenance = event["config"], event["provenance"]
    record.started, record.state = event["t"], "running"


def _round_started(record: RunRecord, event: Row) -> None:
    record.rounds.append(
        Round(event["round"], event["instances"], event["slots"], event["host_params"], event["control"])
    )


def _epoch_measured(record: RunRecord, event: Row) -> None:
    keys = ("stages", "alphas", "params", "columns", "verdicts")
    record.rounds[-1].epochs.append(Epoch(event["epoch"], *(event[key] for key in keys)))


def _decision_taken(record: RunRecord, event: Row) -> None:
    record.rounds[-1].decisions.append(event)


def _stage_changed(record: RunRecord, event: Row) -> None:
    current = record.rounds[-1]
    current.changes.append(event)
    place = (event["env"], event["slot"])
    if event["target"] in ("PRUNED", "DORMANT"):
        current.seeds.pop(place, None)
    elif event["blueprint"]:
        current.seeds[place] = event


def _round_ended(record: RunRecord, event: Row) -> None:
    record.rounds[-1].rows, record.rounds[-1].best = event["rows"], event["best"]


def _alert_raised(record: RunRecord, event: Row) -> None:
    record.alerts.append(event)


def _alert_cleared(record: RunRecord, event: Row) -> None:
    place = (event["rule"], event.get("env"), event.get("slot"))
    record.alerts = [a for a in record.alerts if (a["rule"], a.get("env"), a.get("slot")) != place]


def _session_changed(record: RunRecord, event: Row) -> None:
    record.state = event["state"]


def _test_measured(record: RunRecord, event: Row) -> None:
    record.test, record.test_summary = event["rows"], event["summary"]


def _run_ended(record: RunRecord, event: Row) -> None:
    record.state, record.status, record.code = "ended", event["status"], event["code"]
    record.text, record.seconds = event["text"], event["seconds"]


_FOLDS: dict[str, Callable[[RunRecord, Row], None]] = {
    "RunStarted": _run_started,
    "RoundStarted": _round_started,
    "EpochMeasured": _epoch_measured,
    "DecisionTaken": _decision_taken,
    "StageChanged": _stage_changed,
    "RoundEnded": _round_ended,
    "AlertRaised": _alert_raised,
    "AlertCleared": _alert_cleared,
    "SessionChanged": _session_changed,
    "TestMeasured": _test_measured,
    "RunEnded": _run_ended,
}
