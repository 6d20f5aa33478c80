"""Rewards as named terms.  A mode is a tuple of terms; the result is a dict, its sum is the reward.

γ = 1 everywhere.  Gains and credits are in units of ln(classes), relative to a control that never grew: no term but
``loss`` is paid for what the host would have learnt anyway.  Every living seed is scored on every step.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import log1p

from esper_tui.leyline.choices import Op
from esper_tui.leyline.stages import DEVELOPING, GRAFTED, Stage

STAGE_POTENTIAL: dict[Stage, float] = {
    Stage.GERMINATED: 1.0, Stage.TRAINING: 2.0, Stage.BLENDING: 3.5, Stage.HOLDING: 5.5, Stage.FOSSILIZED: 6.0,
}  # fmt: skip
PANIC = 1.0
"""What a governor's panic costs, in every mode."""
LONG_HOLD_EPOCHS = 10
YOUNG_EPOCHS = 10


@dataclass(frozen=True)
class RewardSettings:
    """Weights of the terms; the sentences are those of the configuration's section ``reward``."""

    host_params: int
    epochs: int
    mode: str = "economy"
    kappa: float = 50.0
    rho: float = 0.01
    compute: float = 0.005
    stage: float = 0.1
    shock: float = 0.2
    occupancy: float = 0.01
    warning: float = 0.05
    action: float = 0.01
    early_prune: float = 0.5
    drip: float = 0.7


@dataclass(frozen=True)
class SeedFacts:
    """One living seed at a boundary; ``credit`` is its share of the gain, 0 where it was not measured."""

    slot: str
    stage: Stage
    params: int = 0
    alpha: float = 0.0
    age: int = 0
    in_stage: int = 0
    credit: float = 0.0


@dataclass(frozen=True)
class Moment:
    """One environment at a boundary, on the reward half.

    Attributes:
        gain: (control loss − loss)/ln(classes), 0 until the first seed has left TRAINING.
        loss: cross-entropy/ln(classes).
        acc_gain: accuracy minus the control's.
    """

    gain: float = 0.0
    loss: float = 1.0
    acc_gain: float = 0.0
    seeds: tuple[SeedFacts, ...] = ()

    @property
    def params(self) -> int:
        return sum(s.params for s in self.seeds)

    def seed(self, slot: str | None) -> SeedFacts | None:
        return next((s for s in self.seeds if s.slot == slot), None)


@dataclass(frozen=True)
class Transition:
    """From one boundary to the next.

    Attributes:
        work: multiply-accumulates of training seeds in the epoch / those of training the host.
        delivered: the delivered network in place of ``after``, at the last step only: fossils, means of 3 epochs.
        panicked: the governor rolled the environment back; ``after`` is the restored state.
    """

    before: Moment
    after: Moment
    op: Op = Op.WAIT
    slot: str | None = None
    work: float = 0.0
    delivered: Moment | None = None
    panicked: bool = False

    @property
    def landing(self) -> Moment:
        return self.delivered or self.after


@dataclass
class RewardLedger:
    """What outlives a step in one environment.

    Attributes:
        held: slot → credit paid on trust, given back if the seed is pruned (escrow).
        drips: slot → share of the commitment bonus still to be paid per epoch (drip).
    """

    held: dict[str, float] = field(default_factory=dict)
    drips: dict[str, float] = field(default_factory=dict)
    epoch: int = 0


Term = Callable[[Transition, RewardSettings, RewardLedger], float]


def rent_of(params: int, s: RewardSettings) -> float:
    """ρ·ln(1 + P/P_host)."""
    return s.rho * log1p(params / s.host_params)


def potential(moment: Moment, s: RewardSettings) -> float:
    """Φ = κ·[g − ρ·ln(1 + P/P_host)] of the economy; 0 in the other modes, whose rewards do not sum to it."""
    return s.kappa * (moment.gain - rent_of(moment.params, s)) if s.mode == "economy" else 0.0


def _gain(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    return s.kappa * (t.landing.gain - t.before.gain)


def _rent_change(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    return s.kappa * (rent_of(t.before.params, s) - rent_of(t.landing.params, s))


def _compute(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    return -s.kappa * s.compute * t.work / s.epochs


def _governor(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    return -PANIC * t.panicked


def _attribution(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    """Credit of every blended seed, each epoch its share of the episode."""
    return s.kappa / s.epochs * sum(seed.credit for seed in t.after.seeds if seed.stage in GRAFTED)


def _stage(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    """A potential of stages; 0 after the end, so that it sums to nothing and only guides."""
    after = 0.0 if t.delivered else _stages(t.after)
    return s.stage * (after - _stages(t.before))


def _stages(moment: Moment) -> float:
    return sum(STAGE_POTENTIAL.get(seed.stage, 0.0) for seed in moment.seeds)


def _rent(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    return -s.kappa / s.epochs * rent_of(t.after.params, s)


def _shock(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    """Abrupt changes of alpha, weighted by the size of the seed."""
    before = {seed.slot: seed for seed in t.before.seeds}
    return -s.shock * sum(
        (seed.alpha - before[seed.slot].alpha) ** 2 * seed.params / s.host_params
        for seed in t.after.seeds
        if seed.slot in before
    )


def _occupancy(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    return -s.occupancy * max(0, len(t.after.seeds) - 1)


def _warnings(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    """Seeds held long without a verdict that was acted on."""
    return -s.warning * sum(x.stage is Stage.HOLDING and x.in_stage > LONG_HOLD_EPOCHS for x in t.after.seeds)


def _actions(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    return -s.action * (t.op is not Op.WAIT)


def _terminal(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    """Accuracy the delivered network has over its control."""
    return s.kappa * t.delivered.acc_gain if t.delivered else 0.0


def _terminal_rent(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    return -s.kappa * rent_of(t.delivered.params, s) if t.delivered else 0.0


def _early_prune(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    seed = t.before.seed(t.slot)
    return -s.early_prune * (t.op is Op.PRUNE and seed is not None and seed.age < YOUNG_EPOCHS)


def _commitment(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    """κ·credit of a seed when it is committed."""
    seed = t.before.seed(t.slot) if t.op is Op.FOSSILIZE else None
    return s.kappa * seed.credit if seed else 0.0


def _commitment_now(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    """The part of the bonus that is paid at once; the rest becomes a drip over the epochs that are left."""
    bonus = _commitment(t, s, ledger)
    if t.op is Op.FOSSILIZE and t.slot is not None:
        ledger.drips[t.slot] = s.drip / max(1, s.epochs - ledger.epoch)
    return (1.0 - s.drip) * bonus


def _drip(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    """What committed seeds still contribute pays the rest of their bonus."""
    return s.kappa * sum(share * seed.credit for slot, share in ledger.drips.items() if (seed := t.after.seed(slot)))


def _escrow(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    """Change of the credit held for developing seeds; a prune or the end returns it, a commitment keeps it."""
    targets = {
        x.slot: s.kappa * max(0.0, x.credit)
        for x in t.after.seeds
        if x.stage in DEVELOPING and x.stage in GRAFTED and not t.delivered
    }
    kept = {x.slot for x in t.after.seeds if x.stage is Stage.FOSSILIZED}
    paid = 0.0
    for slot in [slot for slot in ledger.held if slot not in targets]:
        held = ledger.held.pop(slot)
        paid -= 0.0 if slot in kept else held
    for slot, target in targets.items():
        paid += target - ledger.held.get(slot, 0.0)
        ledger.held[slot] = target
    return paid


def _loss(t: Transition, s: RewardSettings, ledger: RewardLedger) -> float:
    """Falling loss is good, the host's own progress included."""
    return s.kappa * (t.before.loss - t.after.loss)


MODES: dict[str, dict[str, Term]] = {
    "economy": {"gain": _gain, "rent": _rent_change, "compute": _compute},
    "shaped": {
        "attribution": _attribution, "stage": _stage, "rent": _rent, "shock": _shock, "occupancy": _occupancy,
        "warnings": _warnings, "actions": _actions, "terminal": _terminal,
    },
    "simplified": {"stage": _stage, "actions": _actions, "terminal": _terminal},
    "basic": {"contribution": _commitment, "rent": _rent},
    "basic_plus": {"contribution": _commitment_now, "drip": _drip, "rent": _rent},
    "sparse": {"terminal": _terminal, "rent": _terminal_rent},
    "minimal": {"terminal": _terminal, "rent": _terminal_rent, "early_prune": _early_prune},
    "escrow": {"escrow": _escrow, "rent": _rent, "actions": _actions, "terminal": _terminal},
    "loss": {"loss": _loss},
}  # fmt: skip
"""Mode → name → term."""


def compute_reward(t: Transition, settings: RewardSettings, ledger: RewardLedger) -> dict[str, float]:
    """The terms of one step by name; the ledger moves on by one epoch."""
    ledger.epoch += 1
    terms = MODES[settings.mode] | ({"governor": _governor} if t.panicked else {})
    return {name: term(t, settings, ledger) for name, term in terms.items()}
