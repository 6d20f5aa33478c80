"""Events: the API between the loop and everything that watches it, live or later.

An event is a frozen value.  Written down it is one JSON object: the envelope ``seq, t, type, round, epoch, env?``
and then its own keys.  Floats are rounded to 6 significant digits before anyone sees them, so that a live
screen and the log agree; values that are not finite become the strings NaN, Infinity and -Infinity.

*Deterministic* events depend on the configuration alone; *wall* events also on clock and machine.  Two logs are
equal when their deterministic subsequences are, without ``seq`` and ``t``.
"""

import json
import math
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, get_origin, get_type_hints

from esper_tui.leyline.metrics import ALERTS

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events.  ``round`` and ``epoch`` are None where there is none."""

    DETERMINISTIC: ClassVar[bool] = True
    round: int | None = None
    epoch: int | None = None
    env: int | None = None

    @property
    def type(self) -> str:
        return type(self).__name__

    @property
    def deterministic(self) -> bool:
        return self.DETERMINISTIC


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """``rules`` is the fixed part of legality (``leyline.legality.Rules``) by name."""

    DETERMINISTIC = False
    schema: int
    config: dict[str, Any]
    choices: dict[str, Any]
    metrics: list[str]
    provenance: dict[str, Any]
    rules: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RoundStarted(Event):
    """``instances[env]`` is (seed, index); ``control`` says how gain is measured."""

    instances: list[list[int]]
    control: str
    host_params: int
    slots: list[str]


@dataclass(frozen=True, kw_only=True)
class EpochMeasured(Event):
    """One line per epoch.  Columns are lists over environments, or over environments and slots; None = unmeasured.

    ``columns`` uses the keys of ``leyline.metrics``.  ``verdicts`` holds (env, slot, gate, passed, measured,
    threshold, text) of the gates looked at now.  ``waits`` lists the environments that waited at the boundary before
    this epoch.  ``targets``, ``ramps`` (ticks left), ``ages``, ``in_stage`` and ``clocks`` (epochs until a slot in
    cleanup is free) complete the slots, so that legality can be asked of a recording.  ``shapley`` holds, for every
    environment whose coalitions were measured now, {env, values: {slot: (value, SE)}, pairs: [(slot, slot, value,
    SE)], subsets: [(slots that are on, loss)]}.
    """

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
    shapley: list[dict[str, Any]]
    waits: list[int]


@dataclass(frozen=True, kw_only=True)
class DecisionTaken(Event):
    """What was decided for one environment, by whom, and the rules that were asked.

    ``refused`` is why it was not carried out.  For a person's decision ``intended`` is what Tamiyo had chosen,
    ``intervention`` its number and ``agreed`` whether both are the same.  ``closed`` lists what was not legal: (op,
    slot, code, sentence, epoch it opens).
    """

    decision: dict[str, str]
    by: str
    trace: list[dict[str, Any]]
    refused: str | None = None
    intended: dict[str, str] | None = None
    intervention: int | None = None
    agreed: bool | None = None
    closed: list[list[Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class StageChanged(Event):
    """A slot moved on; ``gate`` is the verdict that let it, if one did."""

    slot: str
    source: str
    target: str
    cause: str
    seed: int | None
    blueprint: str | None
    style: str | None = None
    params: int = 0
    gate: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class InterventionChanged(Event):
    """A step in the life of an intervention; ``intervention`` is the whole request, ``epoch`` the boundary.

    ``left`` is how many more boundaries a held one stays in force; None where it is not held, or has no end.
    """

    fate: str
    intervention: dict[str, Any]
    reason: str = ""
    left: int | None = None


@dataclass(frozen=True, kw_only=True)
class LookTaken(Event):
    """Every coalition of an environment's seeds, measured because a person asked; the form of ``shapley`` above."""

    DETERMINISTIC = False
    shapley: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RoundEnded(Event):
    """``rows``: one summary per environment, measured on the delivered networks; ``best``: its environment."""

    rows: list[dict[str, Any]]
    best: int | None


@dataclass(frozen=True, kw_only=True)
class PolicyUpdated(Event):
    """Tamiyo learnt between two rounds: update number, episodes so far, ``metrics`` by key of ``leyline.metrics``.

    ``saved`` is the policy file inside the run folder, if one was written; ``taught``: she imitated the heuristic.
    """

    update: int
    episodes: int
    metrics: dict[str, float]
    saved: str | None = None
    taught: bool = False


@dataclass(frozen=True, kw_only=True)
class GovernorActed(Event):
    """What the governor saw in an environment, and what it did."""

    seen: str
    done: str


@dataclass(frozen=True, kw_only=True)
class AlertRaised(Event):
    """``rule`` is a key of ``leyline.metrics.ALERTS``, which says whether it is about the machine; ``text`` says what
    was seen."""

    rule: str
    text: str
    slot: str | None = None
    severity: str = "warn"

    @property
    def deterministic(self) -> bool:
        return not is_wall_rule(self.rule)


@dataclass(frozen=True, kw_only=True)
class AlertCleared(Event):
    rule: str
    slot: str | None = None

    @property
    def deterministic(self) -> bool:
        return not is_wall_rule(self.rule)


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved(Event):
    """A checkpoint is on the disk, or ``problem`` says why it is not; ``path`` is relative to the run folder."""

    DETERMINISTIC = False
    path: str
    bytes: int
    seconds: float
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class RunResumed(Event):
    """The run goes on from a checkpoint: events after ``after_seq`` in earlier segments are superseded."""

    DETERMINISTIC = False
    after_seq: int
    path: str
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class SessionChanged(Event):
    """What a person, a signal or the machine did to the session.

    ``state`` is running, paused or stopping, or one of ``INCIDENTS``, which leave the state as it is.
    """

    DETERMINISTIC = False
    state: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class TestMeasured(Event):
    """The test split, opened once, after every choice was made: a row per environment; ``summary``: mean gain."""

    __test__: ClassVar[bool] = False  # keeps pytest from collecting the class
    rows: list[dict[str, Any]]
    summary: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunEnded(Event):
    """``status`` is done, stopped, diverged or failed; ``code`` the exit code; ``text`` the receipt's sentence."""

    DETERMINISTIC = False
    status: str
    code: int
    text: str
    seconds: float


INCIDENTS = ("note", "breakpoint", "hangup", "attached", "thinned", "complete")
"""``SessionChanged.state``: a person's note; a breakpoint that was met; the terminal closed; who looks on or left;
the log left out what can be spared because the disk is nearly full; it is complete again."""

EVENT_TYPES: dict[str, type[Event]] = {
    t.__name__: t
    for t in (
        RunStarted, RoundStarted, EpochMeasured, DecisionTaken, StageChanged, RoundEnded, PolicyUpdated,
        InterventionChanged, LookTaken, GovernorActed, AlertRaised, AlertCleared, SessionChanged,
        CheckpointSaved, RunResumed, TestMeasured, RunEnded,
    )
}  # fmt: skip


def rounded(value: Any) -> Any:
    """The value as it is recorded: floats with 6 significant digits, tuples as lists."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {str(k): rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(v) for v in value]
    return value


def to_record(event: Event, seq: int, t: float) -> dict[str, Any]:
    """The event as the JSON object that is logged; ``t`` is seconds since the epoch of the clock."""
    own = {f.name: rounded(getattr(event, f.name)) for f in fields(event) if f.name not in ("round", "epoch", "env")}
    head: dict[str, Any] = {
        "seq": seq,
        "t": round(t, 3),
        "type": event.type,
        "round": event.round,
        "epoch": event.epoch,
    }
    if event.env is not None:
        head["env"] = event.env
    return head | own


def from_record(record: dict[str, Any]) -> Event | None:
    """The event of a logged object; None for a type that this version does not know.

    Keys that this version does not know are ignored.

    Raises:
        TypeError: if a key that the type needs is missing.
    """
    kind = EVENT_TYPES.get(record.get("type", ""))
    if kind is None:
        return None
    names = {f.name for f in fields(kind)}
    return kind(**{k: v for k, v in record.items() if k in names})


CHECKED = (list, dict, str, int)


def _shape(kind: type[Event]) -> dict[str, type]:
    """Of which plain kind the value of a key must be, where only one is possible."""
    hints = {name: get_origin(hint) or hint for name, hint in get_type_hints(kind).items()}
    return {name: hint for name, hint in hints.items() if hint in CHECKED}


SHAPES = {name: _shape(kind) for name, kind in EVENT_TYPES.items()}


def has_shape(record: dict[str, Any]) -> bool:
    """Whether lists, objects, texts and whole numbers are where they belong in a record of its type.

    Keys may be missing, and what is inside them is not looked at; types that are not known here, and other schemas,
    have any shape.
    """
    if record.get("schema", SCHEMA) != SCHEMA:
        return True
    kinds = SHAPES.get(record["type"], {})
    return all(isinstance(record[key], kind) for key, kind in kinds.items() if key in record)


def to_line(record: dict[str, Any]) -> str:
    return json.dumps(record, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def is_deterministic(record: dict[str, Any]) -> bool:
    kind = EVENT_TYPES.get(record.get("type", ""))
    return kind is not None and kind.DETERMINISTIC and not is_wall_rule(record.get("rule"))


def is_wall_rule(rule: Any) -> bool:
    """Whether an alert of this rule is about the machine."""
    return isinstance(rule, str) and rule in ALERTS and ALERTS[rule].wall
