"""Events as lines: who, what, how urgent, one sentence.  The tail, the event log and the filters all read this."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from esper_tui.leyline.stages import LETTERS, Stage
from esper_tui.sanctum.text import DASH, clock_time, fixed, percent, plus_minus, short

Level = Literal["debug", "info", "warn", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warn", "error")
Row = dict[str, Any]

SHORT_OPS = {"WAIT": "WAIT", "GERMINATE": "GERM", "SET_ALPHA_TARGET": "ALPHA", "PRUNE": "PRUNE", "FOSSILIZE": "FOSS",
             "ADVANCE": "ADV"}  # fmt: skip
"""Operations in at most five letters."""


@dataclass(frozen=True)
class EventLine:
    """One event as it is listed.

    Attributes:
        kind: what it is filtered by: run, round, epoch, decision, an operation's own name for decisions, stage,
            override, policy, alert, session, test.
        by: tamiyo, human or the loop.
    """

    kind: str
    text: str
    level: Level = "info"
    by: str = "loop"
    slot: str = ""


def event_line(event: Row) -> EventLine:
    """The line of any event record; unknown types are told by name."""
    tell = _TELL.get(event["type"])
    return tell(event) if tell else EventLine("other", event["type"], "debug")


def place(event: Row, slot: str = "") -> str:
    """Where it happened: ``env 2 r0c1``, or nothing for the whole run."""
    env = event.get("env")
    return "" if env is None else f"env {env} {slot}".rstrip()


def decision_text(decision: dict[str, str]) -> str:
    """A decision in words: GERMINATE CONV_LIGHT linear_add/fast."""
    how = "/".join(decision[k].lower() for k in ("style", "tempo", "alpha_target", "alpha_speed") if k in decision)
    return " ".join(filter(None, (decision["op"], decision.get("blueprint"), how)))


def _decision(event: Row) -> EventLine:
    decision = event["decision"]
    by = "human" if event["by"] == "human" else event["by"]
    who = "by HUMAN" if by == "human" else f"by {by}"
    if event.get("intervention") is not None:
        wanted = (event.get("intended") or {}).get("op")
        who += f" #{event['intervention']}" + (f" (tamiyo {wanted})" if wanted else "")
    refused = f"  refused: {event['refused']}" if event.get("refused") else ""
    text = f"{decision_text(decision)}  {who}{refused}"
    return EventLine("decision", text, "warn" if refused else "info", by, decision.get("slot", ""))


def _stage(event: Row) -> EventLine:
    gate = event.get("gate")
    passed = f"  {gate['gate']} {gate['text']}" if isinstance(gate, dict) and gate.get("text") else ""
    cause = "" if event["cause"] == "decision" else f"  ({event['cause']})"
    name = f"  {event['blueprint']}" if event.get("blueprint") else ""
    return EventLine("stage", f"{event['source']} → {event['target']}{name}{passed}{cause}", slot=event["slot"])


def _epoch(event: Row) -> EventLine:
    columns = event["columns"]
    acc = [v for v in columns.get("val/acc", []) if isinstance(v, float)]
    mean = sum(acc) / len(acc) if acc else None
    counts = {s: sum(row.count(int(s)) for row in event["stages"]) for s in Stage if s is not Stage.DORMANT}
    seeds = "".join(f"{LETTERS[s]}{n}" for s, n in counts.items() if n) or DASH
    best = percent(max(acc, default=None))
    return EventLine("epoch", f"measured  val acc {percent(mean)} %  best {best} %  seeds {seeds}", "debug")


def _alert(event: Row) -> EventLine:
    level: Level = "error" if event.get("severity") == "error" else "warn"
    return EventLine("alert", f"{event['rule'].upper()}  {event['text']}", level, slot=event.get("slot") or "")


def _override(event: Row) -> EventLine:
    request, fate = event["intervention"], event["fate"]
    reason = f"  {event['reason']}" if event.get("reason") else ""
    text = f"#{request['id']} {fate.upper()}  {decision_text(request['decision'])}{reason}"
    level: Level = "warn" if fate in ("rejected", "expired") else "info"
    return EventLine("override", text, level, "human", request["decision"].get("slot", ""))


def _round_ended(event: Row) -> EventLine:
    best = f"best is env {event['best']}" if event["best"] is not None else "no environment was left"
    return EventLine("round", f"round {event['round']} ended: {best}")


def _test(event: Row) -> EventLine:
    s = event["summary"]
    if not s:
        return EventLine("test", "test split measured")
    low, mean, high = (percent(s[k], 2, sign=True) for k in ("low", "mean", "high"))
    return EventLine("test", f"growth bought {mean} points of test accuracy, 95 % interval [{low}, {high}]")


def _policy(event: Row) -> EventLine:
    metrics = event.get("metrics", {})
    known = "  ".join(f"{name} {short(metrics[key], 3)}" for name, key in POLICY_METRICS if key in metrics)
    return EventLine("policy", f"update {event.get('update', '')}  {known}", by="tamiyo")


POLICY_METRICS = (("KL", "ppo/kl"), ("clip", "ppo/clip"), ("EV", "ppo/explained"), ("ent", "ppo/entropy"))


def _look(event: Row) -> EventLine:
    values = event["shapley"].get("values", {})
    text = "  ".join(f"{slot} {plus_minus(*v)}" for slot, v in values.items())
    return EventLine("look", f"coalitions measured  {text}", by="human")


def _session(event: Row) -> EventLine:
    return EventLine("session", " ".join(filter(None, (event["state"], event["text"]))))


def _run_started(event: Row) -> EventLine:
    run = event["config"].get("run", {})
    return EventLine("run", f"run started: {run.get('envs', DASH)} environments, {run.get('epochs', DASH)} epochs")


def _run_ended(event: Row) -> EventLine:
    level: Level = "error" if event["status"] in ("failed", "diverged") else "info"
    text = f": {event['text']}" if event["text"] else ""
    return EventLine("run", f"run {event['status']} after {fixed(event['seconds'], 0)} s{text}", level)


_TELL: dict[str, Callable[[Row], EventLine]] = {
    "RunStarted": _run_started,
    "RoundStarted": lambda e: EventLine("round", f"round {e['round']} began: {len(e['instances'])} environments"),
    "RoundEnded": _round_ended,
    "EpochMeasured": _epoch,
    "DecisionTaken": _decision,
    "StageChanged": _stage,
    "InterventionChanged": _override,
    "LookTaken": _look,
    "PolicyUpdated": _policy,
    "AlertRaised": _alert,
    "AlertCleared": lambda e: EventLine("alert", f"{e['rule']} is over", slot=e.get("slot") or ""),
    "SessionChanged": _session,
    "TestMeasured": _test,
    "RunEnded": _run_ended,
}


def stamp(event: Row) -> str:
    """Epoch and local time of an event: ``ep47 12:41:07``."""
    epoch = event.get("epoch")
    return f"{'' if epoch is None else f'ep{epoch}':<5} {clock_time(event.get('t'))}"
