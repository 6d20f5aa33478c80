"""The run record: everything the events of a run say, folded.  ``reduce(record, event)`` is the only writer.

The live screen, the replay of a finished run and the receipt all read this; the same events give the same record
whether they come from the loop or from a file.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from esper_tui.leyline.events import INCIDENTS, is_wall_rule
from esper_tui.leyline.stages import Stage

Row = dict[str, Any]
Place = tuple[int, str]
"""Environment and slot."""


@dataclass
class Epoch:
    """One measured epoch: columns by metric key, and the stages and alphas of every slot."""

    number: int
    stages: list[list[int]]
    alphas: list[list[float]]
    targets: list[list[float]]
    ramps: list[list[int]]
    ages: list[list[int]]
    in_stage: list[list[int]]
    clocks: list[list[int]]
    params: list[int]
    columns: dict[str, list[Any]]
    verdicts: list[list[Any]]
    shapley: list[Row]
    waits: list[int]


EPOCH_KEYS = tuple(f.name for f in fields(Epoch))[1:]


@dataclass
class Round:
    """One round so far; ``rows`` and ``best`` are there once it ended.

    Attributes:
        stages: the stage of every slot now, decisions of the last boundary included; ``[env][slot]``.
        seeds: (env, slot) → the event that planted the living seed, with its number, blueprint and style.
        births: (env, slot) → epoch of that germination.
        verdicts: (env, slot) → (epoch, verdict) of the last gate that was looked at.
        shapley: env → (epoch, row) measured last, by the plan or because somebody looked.
        interventions: number → the latest ``InterventionChanged``.
        assisted: env → steps in which a person changed what Tamiyo wanted.
    """

    number: int
    instances: list[list[int]]
    slots: list[str]
    host_params: int
    control: str
    epochs: list[Epoch] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)
    stages: list[list[int]] = field(default_factory=list)
    seeds: dict[Place, Row] = field(default_factory=dict)
    births: dict[Place, int] = field(default_factory=dict)
    verdicts: dict[Place, tuple[int, list[Any]]] = field(default_factory=dict)
    shapley: dict[int, tuple[int, Row]] = field(default_factory=dict)
    interventions: dict[int, Row] = field(default_factory=dict)
    assisted: dict[int, int] = field(default_factory=dict)
    panics: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    best: int | None = None


@dataclass
class RunRecord:
    """A run as far as its events go."""

    config: Row = field(default_factory=dict)
    provenance: Row = field(default_factory=dict)
    choices: Row = field(default_factory=dict)
    rules: Row = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    updates: list[Row] = field(default_factory=list)
    test: list[Row] = field(default_factory=list)
    test_summary: Row = field(default_factory=dict)
    alerts: list[Row] = field(default_factory=list)
    notes: list[Row] = field(default_factory=list)
    checkpoint: Row = field(default_factory=dict)
    resumed: int = 0
    state: str = "unknown"
    status: str = ""
    code: int | None = None
    text: str = ""
    seconds: float | None = None
    started: float | None = None
    last: float | None = None
    events: int = 0
    unknown: int = 0
    unfit: int = 0

    @property
    def round(self) -> Round | None:
        return self.rounds[-1] if self.rounds else None

    @property
    def epoch(self) -> Epoch | None:
        return self.rounds[-1].epochs[-1] if self.rounds and self.rounds[-1].epochs else None


def reduce(record: RunRecord, event: Row) -> None:
    """Folds one event record into the run record.

    Types it does not know are counted and skipped, and so is what does not fit because lines before it are lost.
    """
    record.events += 1
    record.last = event.get("t", record.last)
    fold = _FOLDS.get(event["type"])
    if fold is None:
        record.unknown += 1
        return
    try:
        fold(record, event)
    except (LookupError, TypeError, ValueError, AttributeError):
        record.unfit += 1


def best_network(record: RunRecord) -> tuple[Round, Row] | None:
    """The round and the row of the delivered network with the lowest loss in all rounds that ended."""
    ended = [(past, past.rows[past.best]) for past in record.rounds if past.best is not None]
    scored = [(past, row) for past, row in ended if isinstance(row["loss"], float | int)]
    return min(scored, key=lambda found: found[1]["loss"], default=None)


def thin(record: RunRecord) -> None:
    """Forgets what a line per epoch and the receipt do not need, so that a process that prints them does not grow.

    Of past epochs the accuracies stay, of past rounds what was summed up of them.
    """
    for past in record.rounds[:-1]:
        past.epochs.clear()
    for current in record.rounds[-2:]:
        current.decisions.clear()
        current.changes.clear()
    if record.rounds and len(record.rounds[-1].epochs) > 1:
        epochs = record.rounds[-1].epochs
        lists: dict[str, Any] = {key: [] for key in EPOCH_KEYS} | {
            "columns": {"val/acc": epochs[-2].columns["val/acc"]}
        }
        epochs[-2] = Epoch(epochs[-2].number, **lists)


def _run_started(record: RunRecord, event: Row) -> None:
    record.config, record.provenance = event["config"], event["provenance"]
    record.choices, record.rules = event["choices"], event.get("rules", {})
    record.started, record.state = event["t"], "running"


def _round_started(record: RunRecord, event: Row) -> None:
    keys = ("round", "instances", "slots", "host_params", "control")
    record.rounds.append(Round(*(event[key] for key in keys)))
    record.rounds[-1].stages = [[int(Stage.DORMANT) for _ in event["slots"]] for _ in event["instances"]]
    record.alerts = [a for a in record.alerts if a.get("env") is None]  # those of the policy outlive a round


def _epoch_measured(record: RunRecord, event: Row) -> None:
    current, epoch = record.rounds[-1], event["epoch"]
    current.epochs.append(Epoch(epoch, *(event[key] for key in EPOCH_KEYS)))
    current.stages = [list(stages) for stages in event["stages"]]
    for env, slot, *verdict in event["verdicts"]:
        current.verdicts[env, slot] = (epoch, verdict)
    for row in event["shapley"]:
        current.shapley[row["env"]] = (epoch, row)


def _decision_taken(record: RunRecord, event: Row) -> None:
    current = record.rounds[-1]
    current.decisions.append(event)
    decision, refused = event["decision"], event.get("refused")
    place = (event["env"], decision.get("slot", ""))
    if decision["op"] == "SET_ALPHA_TARGET" and refused is None and place in current.seeds:
        current.seeds[place] = current.seeds[place] | {"style": decision["style"]}
    if event.get("agreed") is False:
        current.assisted[event["env"]] = current.assisted.get(event["env"], 0) + 1


def _intervention_changed(record: RunRecord, event: Row) -> None:
    record.rounds[-1].interventions[event["intervention"]["id"]] = event


def _look_taken(record: RunRecord, event: Row) -> None:
    record.rounds[-1].shapley[event["env"]] = (event["epoch"], event["shapley"])


def _stage_changed(record: RunRecord, event: Row) -> None:
    current = record.rounds[-1]
    current.changes.append(event)
    place = (event["env"], event["slot"])
    current.stages[event["env"]][current.slots.index(event["slot"])] = int(Stage[event["target"]])
    current.verdicts.pop(place, None)
    if event["target"] in ("PRUNED", "DORMANT"):
        current.seeds.pop(place, None)
        current.births.pop(place, None)
    elif event["target"] == "GERMINATED":
        current.seeds[place], current.births[place] = event, event["epoch"]


def _round_ended(record: RunRecord, event: Row) -> None:
    record.rounds[-1].rows, record.rounds[-1].best = event["rows"], event["best"]


def _policy_updated(record: RunRecord, event: Row) -> None:
    record.updates.append(event)


def _governor_acted(record: RunRecord, event: Row) -> None:
    record.rounds[-1].panics.append(event)


def _alert_raised(record: RunRecord, event: Row) -> None:
    record.alerts.append(event)


def _alert_cleared(record: RunRecord, event: Row) -> None:
    place = (event["rule"], event.get("env"), event.get("slot"))
    record.alerts = [a for a in record.alerts if (a["rule"], a.get("env"), a.get("slot")) != place]


def _session_changed(record: RunRecord, event: Row) -> None:
    if event["state"] == "note":
        record.notes.append(event)
    elif event["state"] not in INCIDENTS:
        record.state = event["state"]


def _checkpoint_saved(record: RunRecord, event: Row) -> None:
    if not event["problem"]:
        record.checkpoint = event


def _run_resumed(record: RunRecord, event: Row) -> None:
    record.resumed += 1
    record.alerts = [a for a in record.alerts if not is_wall_rule(a["rule"])]  # another process, another machine
    record.state, record.status, record.code, record.text = "running", "", None, ""


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
    "InterventionChanged": _intervention_changed,
    "LookTaken": _look_taken,
    "RoundEnded": _round_ended,
    "PolicyUpdated": _policy_updated,
    "GovernorActed": _governor_acted,
    "AlertRaised": _alert_raised,
    "AlertCleared": _alert_cleared,
    "SessionChanged": _session_changed,
    "CheckpointSaved": _checkpoint_saved,
    "RunResumed": _run_resumed,
    "TestMeasured": _test_measured,
    "RunEnded": _run_ended,
}
