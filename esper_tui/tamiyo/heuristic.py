"""Tamiyo by rules.  Every decision carries the trace of the rules that were asked, in order."""

from dataclasses import dataclass, field
from typing import Any

from esper_tui.leyline.choices import WAIT, Decision, Op
from esper_tui.leyline.legality import Legality
from esper_tui.leyline.protocols import Observation, PolicyStep
from esper_tui.leyline.stages import Stage
from esper_tui.leyline.state import EnvSignals, EnvState, SlotState

STALL_EPOCHS = 3
STUCK_EPOCHS = 10
"""Epochs in TRAINING or at rest in BLENDING after which a seed is given up."""
RECOVERY_EPOCHS = 6
"""Epochs the host needs after a seed is taken away; whatever is not committed by then must be on its way out."""

Trace = list[dict[str, Any]]


@dataclass(frozen=True)
class HeuristicRules:
    """Settings of the heuristic; ``stall_gain`` and ``min_gain`` in nats."""

    stall_gain: float
    min_gain: float
    germinate_by: int
    rotation: tuple[str, ...]
    slot_order: tuple[str, ...]
    style: str
    tempo: str


@dataclass(frozen=True)
class Memory:
    """What one environment has taught: blueprints whose seeds were committed or lost, and those that live, by slot."""

    kept: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    living: dict[str, str] = field(default_factory=dict)


class Heuristic:
    """Plant when the host stalls, move on when a gate opens, commit what pays, prune what hurts.

    Args:
        first: number of the first environment; every environment starts the rotation at the place of its number.
    """

    name = "heuristic"

    def __init__(self, rules: HeuristicRules, first: int = 0):
        self.rules, self.first = rules, first

    def initial_state(self, envs: int) -> list[Memory]:
        return [Memory() for _ in range(envs)]

    def act(self, observation: Observation, state: list[Memory]) -> PolicyStep:
        decisions, traces, memories = [], [], []
        rows = zip(observation.states, observation.signals, observation.legality, state, strict=True)
        for env, (view, signals, legal, memory) in enumerate(rows):
            memory = self._learn(memory, view)
            trace: Trace = []
            decisions.append(self._decide(env, view, signals, legal, memory, trace))
            traces.append(trace)
            memories.append(memory)
        return PolicyStep(decisions, traces, memories)

    def _learn(self, memory: Memory, view: EnvState) -> Memory:
        """Notes which blueprints were kept and which were lost since the last boundary."""
        living = {s.slot: s.blueprint for s in view.slots if s.blueprint and s.stage is not Stage.FOSSILIZED}
        fossils = {s.slot: s.blueprint for s in view.slots if s.stage is Stage.FOSSILIZED and s.blueprint}
        gone = [slot for slot in memory.living if slot not in living]
        kept = tuple(fossils[slot] for slot in gone if slot in fossils)
        lost = tuple(memory.living[slot] for slot in gone if slot not in fossils)
        return Memory(memory.kept + kept, memory.lost + lost, living)

    def _decide(
        self, env: int, view: EnvState, signals: EnvSignals, legal: Legality, memory: Memory, trace: Trace
    ) -> Decision:
        for slot in view.slots:
            if slot.stage is Stage.HOLDING:
                decision = self._judge(slot, view, signals, legal, trace)
                if decision is not WAIT:
                    return decision
        for name in legal.slots(Op.ADVANCE):
            trace.append({"rule": "the gate is open", "slot": name, "fired": True})
            return Decision(op=Op.ADVANCE, slot=name)
        for slot in view.slots:
            if self._is_stuck(slot, legal, trace):
                return Decision(op=Op.PRUNE, slot=slot.slot, alpha_speed="FAST", alpha_curve="LINEAR")
        return self._plant(env, view, signals, legal, memory, trace)

    @staticmethod
    def _is_stuck(slot: SlotState, legal: Legality, trace: Trace) -> bool:
        """A seed whose gate has stayed shut, or which rests half-blended: it would block its slot for good."""
        if slot.stage not in (Stage.TRAINING, Stage.BLENDING) or slot.slot not in legal.slots(Op.PRUNE):
            return False
        stuck = slot.epochs_in_stage >= STUCK_EPOCHS
        trace.append({
            "rule": "the seed is stuck", "slot": slot.slot,
            "value": slot.epochs_in_stage, "threshold": STUCK_EPOCHS, "fired": stuck,
        })  # fmt: skip
        return stuck

    def _judge(self, slot: SlotState, view: EnvState, signals: EnvSignals, legal: Legality, trace: Trace) -> Decision:
        """A seed at full strength: commit, prune, or wait for the next look."""
        name = slot.slot
        verdict = slot.verdict
        measured = None if verdict is None else verdict.measured
        threshold = None if verdict is None else verdict.threshold
        commit = name in legal.slots(Op.FOSSILIZE)
        trace.append({"rule": "G5 passed", "slot": name, "value": measured, "threshold": threshold, "fired": commit})
        if commit:
            return Decision(op=Op.FOSSILIZE, slot=name)
        gain = signals.seeds[name].gain if name in signals.seeds else None
        hurts = gain is not None and gain.below(-self.rules.min_gain)
        late = view.epochs - view.epoch <= RECOVERY_EPOCHS
        trace.append({
            "rule": "the gain is clearly negative", "slot": name,
            "value": gain.value if gain else None, "threshold": -self.rules.min_gain, "fired": hurts,
        })  # fmt: skip
        trace.append({
            "rule": "too late to be committed", "slot": name,
            "value": view.epochs - view.epoch, "threshold": RECOVERY_EPOCHS, "fired": late,
        })  # fmt: skip
        if (hurts or late) and name in legal.slots(Op.PRUNE):
            return Decision(op=Op.PRUNE, slot=name, alpha_speed="FAST", alpha_curve="LINEAR")
        return WAIT

    def _plant(
        self, env: int, view: EnvState, signals: EnvSignals, legal: Legality, memory: Memory, trace: Trace
    ) -> Decision:
        slots = [s for s in self._preferred(view) if s in legal.slots(Op.GERMINATE)]
        trace.append({"rule": "a slot is open", "slot": slots[0] if slots else None, "fired": bool(slots)})
        if not slots:
            return WAIT
        stalled, improved = self._has_stalled(signals)
        due = view.epoch >= self.rules.germinate_by
        trace.append({
            "rule": f"the host stalled over {STALL_EPOCHS} epochs",
            "value": improved, "threshold": self.rules.stall_gain, "fired": stalled,
        })  # fmt: skip
        trace.append({
            "rule": "planting waits no longer", "value": view.epoch, "threshold": self.rules.germinate_by, "fired": due,
        })  # fmt: skip
        if not (stalled or due):
            return WAIT
        slot = slots[0]
        blueprint, why = self._blueprint(env, slot, legal, memory)
        trace.append({"rule": why, "slot": slot, "value": blueprint, "fired": True})
        return Decision(
            op=Op.GERMINATE, slot=slot, blueprint=blueprint,
            style=self.rules.style, tempo=self.rules.tempo, alpha_target="FULL",
        )  # fmt: skip

    def _preferred(self, view: EnvState) -> list[str]:
        names = [s.slot for s in view.slots]
        return [s for s in self.rules.slot_order if s in names] + [s for s in names if s not in self.rules.slot_order]

    def _has_stalled(self, signals: EnvSignals) -> tuple[bool, float | None]:
        losses = signals.val_losses
        if len(losses) <= STALL_EPOCHS:
            return False, None
        improved = losses[-1 - STALL_EPOCHS] - losses[-1]
        return improved < self.rules.stall_gain, improved

    def _blueprint(self, env: int, slot: str, legal: Legality, memory: Memory) -> tuple[str, str]:
        """What has been kept here most, otherwise the first of the rotation, then of the others, not lost here."""
        fitting = legal.open_blueprints(slot)
        paid = [b for b in memory.kept if b in fitting]
        if paid:
            return max(paid, key=paid.count), "this blueprint has paid here"
        turn = [b for b in self.rules.rotation if b in fitting]
        start = (self.first + env) % len(turn) if turn else 0
        order = turn[start:] + turn[:start] + [b for b in fitting if b not in turn]
        fresh = [b for b in order if b not in memory.lost]
        return (fresh or order)[0], "next in the rotation"
