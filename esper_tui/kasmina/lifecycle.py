"""The state machine of one slot: what an operation does, what time does.  No tensors.

An epoch runs ``begin_epoch`` → training and measuring → ``end_epoch`` → operations at the boundary.  Every method
that changes the stage returns the changes it made.
"""

from dataclasses import dataclass, field, replace

from esper_tui.kasmina.alpha import Alpha
from esper_tui.leyline.choices import ALPHA_SPEEDS, ALPHA_TARGETS, CURVES, STYLES, TEMPOS, Curve, Decision, Form, Op
from esper_tui.leyline.stages import DEVELOPING, EMBARGO_EPOCHS, GRAFTED, RESET_EPOCHS, Stage, is_legal_transition
from esper_tui.leyline.state import SlotState, Verdict

TIMEOUT_RAMP = (CURVES["LINEAR"], ALPHA_SPEEDS["MEDIUM"])
"""How a slot takes a seed away whose time in HOLDING is up."""


@dataclass(frozen=True)
class Change:
    """One step of the lifecycle; ``verdict`` is the gate that was passed."""

    slot: str
    source: Stage
    target: Stage
    cause: str
    seed: int | None
    blueprint: str | None
    style: str | None
    params: int
    verdict: Verdict | None = None


@dataclass
class Seed:
    """A planted seed: what it is and how its first ramp will run."""

    uid: int
    blueprint: str
    style: str
    params: int
    first_target: float
    first_ticks: int
    born: int
    age: int = 0

    @property
    def form(self) -> Form:
        return STYLES[self.style].form


@dataclass
class Slot:
    """One slot of one environment.

    Attributes:
        verdict: what the gate ahead said last; gone as soon as the seed moves on or its ramp changes.
        looks, held: how often G5 was looked at, and epochs in HOLDING, over the life of the present seed; turning its
            alpha down and up again starts neither anew.
        removal: cause of the removal that a ramp to zero ends with.
    """

    name: str
    stage: Stage = Stage.DORMANT
    seed: Seed | None = None
    alpha: Alpha = field(default_factory=Alpha)
    epochs_in_stage: int = 0
    verdict: Verdict | None = None
    looks: int = 0
    held: int = 0
    removal: str = "ramp"

    def germinate(self, seed: Seed) -> Change:
        self._check(Stage.GERMINATED)
        self.seed, self.alpha, self.looks, self.held = seed, Alpha(), 0, 0
        return self._move(Stage.GERMINATED, "decision")

    def advance(self, cause: str = "decision") -> Change:
        """GERMINATED → TRAINING → BLENDING → HOLDING; entering BLENDING starts the first ramp."""
        target = {
            Stage.GERMINATED: Stage.TRAINING,
            Stage.TRAINING: Stage.BLENDING,
            Stage.BLENDING: Stage.HOLDING,
        }.get(self.stage)
        if target is None or self.seed is None:
            raise ValueError(f"{self.name} is {self.stage.name}: nothing to advance")
        if target is Stage.BLENDING:
            self.alpha.retarget(self.seed.first_target, STYLES[self.seed.style].curve, self.seed.first_ticks)
        return self._move(target, cause, self.verdict)

    def set_alpha_target(self, style: str, target: float, curve: Curve, ticks: int) -> list[Change]:
        """Starts another ramp; a seed in HOLDING that leaves full strength goes back to BLENDING."""
        if self.stage not in (Stage.BLENDING, Stage.HOLDING) or self.seed is None:
            raise ValueError(f"{self.name} is {self.stage.name}: no alpha to set")
        if STYLES[style].form is not self.seed.form:
            raise ValueError(f"{self.name}: a {self.seed.form} seed cannot become {STYLES[style].form}")
        if target == self.alpha.target and self.alpha.resting:
            raise ValueError(f"{self.name} already rests at {target:g}")
        self.alpha.retarget(target, curve, ticks)
        self.seed.style, self.verdict = style, None
        if self.stage is Stage.HOLDING and target < 1.0:
            return [self._move(Stage.BLENDING, "decision")]
        return []

    def prune(self, curve: Curve, ticks: int, cause: str = "decision") -> list[Change]:
        """Takes the seed away, at once or at the end of a ramp to zero."""
        if self.stage not in DEVELOPING:
            raise ValueError(f"{self.name} is {self.stage.name}: nothing to prune")
        if not self.alpha.resting:
            raise ValueError(f"{self.name}: the alpha ramp still moves")
        if ticks == 0 or self.alpha.value == 0.0:
            return [self.remove(cause)]
        self.alpha.retarget(0.0, curve, ticks)
        self.verdict, self.removal = None, "ramp" if cause == "decision" else cause
        return [self._move(Stage.BLENDING, cause)] if self.stage is Stage.HOLDING else []

    def fossilize(self) -> Change:
        return self._move(Stage.FOSSILIZED, "decision", self.verdict)

    def begin_epoch(self, hold_epochs: int) -> list[Change]:
        """A pruned slot enters its embargo; a seed held too long starts its way out; the ramp ticks."""
        if self.stage is Stage.PRUNED:
            return [self._move(Stage.EMBARGOED, "clock")]
        changes: list[Change] = []
        if self.stage is Stage.HOLDING and self.held >= hold_epochs:
            changes = self.prune(*TIMEOUT_RAMP, cause="timeout")
        moving = not self.alpha.resting
        self.alpha.tick()
        if moving and self.alpha.resting and self.alpha.target == 0.0:
            changes.append(self.remove(self.removal))
        return changes

    def end_epoch(self) -> list[Change]:
        """Ages grow, cleanup clocks run."""
        self.epochs_in_stage += 1
        self.held += self.stage is Stage.HOLDING
        if self.seed is not None:
            self.seed.age += 1
        if self.stage is Stage.EMBARGOED and self.epochs_in_stage >= EMBARGO_EPOCHS:
            return [self._move(Stage.RESETTING, "clock")]
        if self.stage is Stage.RESETTING and self.epochs_in_stage >= RESET_EPOCHS:
            return [self._move(Stage.DORMANT, "clock")]
        return []

    def apply(self, decision: Decision) -> list[Change]:
        """Carries out any decision but GERMINATE, which needs a seed."""
        op = decision.op
        if op is Op.WAIT:
            return []
        if op is Op.ADVANCE:
            return [self.advance()]
        if op is Op.FOSSILIZE:
            return [self.fossilize()]
        ticks = ALPHA_SPEEDS[decision.alpha_speed or ""]
        curve = CURVES[decision.alpha_curve or ""]
        if op is Op.PRUNE:
            return self.prune(curve, ticks)
        return self.set_alpha_target(decision.style or "", ALPHA_TARGETS[decision.alpha_target or ""], curve, ticks)

    def state(self) -> SlotState:
        seed = self.seed
        shown = SlotState(
            slot=self.name, stage=self.stage, epochs_in_stage=self.epochs_in_stage, clock=self._clock(),
            alpha=self.alpha.value, alpha_target=self.alpha.target, ramp_left=self.alpha.left, verdict=self.verdict,
        )  # fmt: skip
        if seed is None:
            return shown
        return replace(
            shown, seed=seed.uid, blueprint=seed.blueprint, style=seed.style, params=seed.params, age=seed.age
        )

    @property
    def grafted(self) -> bool:
        return self.stage in GRAFTED

    def _clock(self) -> int:
        whole = {Stage.PRUNED: 0, Stage.EMBARGOED: self.epochs_in_stage}
        if self.stage in whole:
            return EMBARGO_EPOCHS + RESET_EPOCHS - whole[self.stage]
        return RESET_EPOCHS - self.epochs_in_stage if self.stage is Stage.RESETTING else 0

    def _check(self, target: Stage) -> None:
        if not is_legal_transition(self.stage, target):
            raise ValueError(f"{self.name}: {self.stage.name} cannot become {target.name}")

    def remove(self, cause: str) -> Change:
        """Takes the seed away at once, whatever its ramp does."""
        change = self._move(Stage.PRUNED, cause)
        self.seed, self.alpha = None, Alpha()
        return change

    def _move(self, target: Stage, cause: str, gate: Verdict | None = None) -> Change:
        self._check(target)
        seed = self.seed
        change = Change(
            self.name, self.stage, target, cause,
            seed.uid if seed else None, seed.blueprint if seed else None,
            seed.style if seed else None, seed.params if seed else 0,
            gate if gate is not None and gate.passed else None,
        )  # fmt: skip
        self.stage, self.epochs_in_stage, self.verdict = target, 0, None
        return change


def plant(decision: Decision, uid: int, params: int, epoch: int) -> Seed:
    """The seed that a GERMINATE decision asks for."""
    return Seed(
        uid=uid,
        blueprint=decision.blueprint or "",
        style=decision.style or "",
        params=params,
        first_target=ALPHA_TARGETS[decision.alpha_target or ""],
        first_ticks=TEMPOS[decision.tempo or ""],
        born=epoch,
    )
