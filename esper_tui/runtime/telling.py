"""From what the loop knows to the events that record it."""

from dataclasses import asdict
from typing import Any

from esper_tui.kasmina.lifecycle import Change
from esper_tui.leyline import choices
from esper_tui.leyline.choices import Decision
from esper_tui.leyline.events import SCHEMA, DecisionTaken, EpochMeasured, RunStarted, StageChanged
from esper_tui.leyline.legality import Legality
from esper_tui.leyline.metrics import METRICS
from esper_tui.leyline.state import EnvState, Verdict
from esper_tui.runtime.build import Parts
from esper_tui.runtime.columns import shapley_row
from esper_tui.simic.ledger import Ledger

SLOT_COLUMNS = {
    "alphas": "alpha", "targets": "alpha_target", "ramps": "ramp_left",
    "ages": "age", "in_stage": "epochs_in_stage", "clocks": "clock",
}  # fmt: skip
"""Columns of ``EpochMeasured`` that are fields of a slot's state."""


def run_started(parts: Parts, provenance: dict[str, Any]) -> RunStarted:
    tables: dict[str, Any] = {head.value: list(names) for head, names in choices.HEAD_CHOICES.items()}
    tables["slot"] = list(parts.shape.slots)
    document = parts.config.model_dump(mode="json")
    return RunStarted(
        schema=SCHEMA, config=document, choices=tables, metrics=list(METRICS), provenance=provenance,
        rules=asdict(parts.rules),
    )  # fmt: skip


def epoch_measured(
    parts: Parts, round_: int, epoch: int, states: list[EnvState], ledgers: list[Ledger],
    columns: dict[str, list[Any]], verdicts: list[tuple[int, str, Verdict]], waits: list[int],
) -> EpochMeasured:  # fmt: skip
    slots: dict[str, Any] = {
        name: [[getattr(slot, key) for slot in state.slots] for state in states] for name, key in SLOT_COLUMNS.items()
    }
    return EpochMeasured(
        round=round_, epoch=epoch, **slots,
        stages=[[int(slot.stage) for slot in state.slots] for state in states],
        params=[parts.host_params + state.seed_params for state in states],
        columns=columns,
        verdicts=[[env, slot, v.gate, v.passed, v.measured, v.threshold, v.text] for env, slot, v in verdicts],
        shapley=[
            shapley_row(env, ledger.players, ledger.subsets, ledger.gate.mask)
            for env, ledger in enumerate(ledgers)
            if ledger.measured_at == epoch
        ],
        waits=waits,
    )  # fmt: skip


def decision_taken(
    round_: int, epoch: int, env: int, decision: Decision, trace: list[dict[str, Any]], legal: Legality,
    refused: str | None, **human: Any,
) -> DecisionTaken:  # fmt: skip
    """``human``: intended, intervention and agreed, where a person decided."""
    return DecisionTaken(
        round=round_, epoch=epoch, env=env, decision=decision.named(), by="human" if human else "tamiyo",
        trace=trace, refused=refused, closed=closed(legal), **human,
    )  # fmt: skip


def closed(legal: Legality) -> list[list[Any]]:
    """What was not legal, as ``DecisionTaken.closed``."""
    return [
        [op.name, slot, str(reason.code), reason.text, reason.opens]
        for op, table in legal.ops.items()
        for slot, reason in table.items()
        if reason is not None
    ]


def stage_changed(round_: int, epoch: int, env: int, c: Change) -> StageChanged:
    return StageChanged(
        round=round_, epoch=epoch, env=env, slot=c.slot, source=c.source.name, target=c.target.name, cause=c.cause,
        seed=c.seed, blueprint=c.blueprint, style=c.style, params=c.params,
        gate=asdict(c.verdict) if c.verdict else None,
    )  # fmt: skip
