"""What the learned Tamiyo looks at: one table of named features for the environment, one for a slot.

The same rows feed the network and the screen that explains a decision.  A feature that was not measured is None
there and NaN in the tensors; the network sees 0 and a flag, never a value that looks healthy.  Losses and gains are in
units of ln(classes), of the gate half: the reward half decides nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log, log1p, log10, nan
from typing import Any

import torch
from torch import Tensor

from esper_tui.leyline.choices import BLUEPRINTS, Form, Op
from esper_tui.leyline.legality import Legality
from esper_tui.leyline.protocols import Observation
from esper_tui.leyline.stages import DEVELOPING, Stage
from esper_tui.leyline.state import EnvSignals, EnvState, Estimate, SeedSignals, SlotState

SLOPE_EPOCHS = 3
GRAFT_EPOCHS = 10.0
"""Epochs are divided by this: about the life of a seed from germination to its first verdict."""
NO_SEED = SeedSignals()


@dataclass(frozen=True)
class Layout:
    """What the features are relative to; fixed for a run.

    Attributes:
        places: slot → (depth as a share of the host, channels there).
    """

    ln_classes: float
    host_params: int
    parameter_budget: int
    places: dict[str, tuple[float, int]]


@dataclass(frozen=True)
class EnvView:
    """One environment at a boundary."""

    state: EnvState
    signals: EnvSignals
    legal: Legality
    layout: Layout

    def nats(self, value: float | None) -> float | None:
        """A loss or a gain in units of ln(classes)."""
        return None if value is None else value / self.layout.ln_classes

    def change(self, losses: Sequence[float], epochs: int) -> float | None:
        return self.nats(losses[-1 - epochs] - losses[-1]) if len(losses) > epochs else None

    def rent(self) -> float:
        return log1p(self.state.seed_params / self.layout.host_params)

    def count(self, stages: frozenset[Stage]) -> float:
        return sum(s.stage in stages for s in self.state.slots) / len(self.state.slots)


@dataclass(frozen=True)
class SlotView:
    """One slot at a boundary."""

    env: EnvView
    slot: SlotState

    @property
    def seed(self) -> SeedSignals:
        return self.env.signals.seeds.get(self.slot.slot, NO_SEED)

    def estimate(self, found: Estimate | None, part: str) -> float | None:
        return self.env.nats(getattr(found, part)) if found else None

    def grad_ratio(self) -> float | None:
        own, host = self.seed.grad, self.env.signals.host_grad
        return _log10(own / host) if own is not None and host else None

    def margin(self) -> float | None:
        """How far the last verdict was from its threshold."""
        verdict = self.slot.verdict
        if verdict is None or verdict.measured is None or verdict.threshold is None:
            return None
        return verdict.measured - verdict.threshold


@dataclass(frozen=True)
class Feature:
    """One row.  ``normal``: shifted and scaled by running statistics; ``optional``: may be unmeasured."""

    name: str
    unit: str
    help: str
    read: Callable[[Any], float | None]
    normal: bool = True
    optional: bool = False


def _log10(value: float | None) -> float | None:
    return None if value is None else log10(max(value, 1e-8))


def _gain_change(v: EnvView) -> float | None:
    own, control = v.signals.val_losses, v.signals.control_losses
    if len(own) < 2 or len(control) < 2:
        return None
    return v.nats(control[-1] - own[-1] - control[-2] + own[-2])


def _flag(name: str, help: str, read: Callable[[Any], bool]) -> Feature:
    return Feature(name, "yes", help, lambda v: float(read(v)), normal=False)


def _in_stage(stage: Stage) -> Feature:
    return _flag(f"stage/{stage.name}", f"the slot is {stage.name}", lambda v: v.slot.stage is stage)


def _has_form(form: Form) -> Feature:
    return _flag(f"form/{form.name}", f"the seed blends by {form.name}", lambda v: v.slot.form is form)


def _is_open(op: Op) -> Feature:
    return _flag(f"open/{op.name}", f"{op.name} is legal here", lambda v: v.env.legal.ops[op][v.slot.slot] is None)


ENV_FEATURES: tuple[Feature, ...] = (
    Feature("time", "frac", "share of the episode that is over", lambda v: v.state.epoch / v.state.epochs, False),
    Feature("epochs_left", "10 ep", "epochs until the end",
            lambda v: (v.state.epochs - v.state.epoch) / GRAFT_EPOCHS, False),
    Feature("loss", "ln n", "validation loss", lambda v: v.nats(v.signals.val_losses[-1] if v.signals.val_losses
                                                                 else None), optional=True),
    Feature("control_loss", "ln n", "the control's validation loss",
            lambda v: v.nats(v.signals.control_losses[-1] if v.signals.control_losses else None), optional=True),
    Feature("slope_1", "ln n", "fall of the loss in the last epoch", lambda v: v.change(v.signals.val_losses, 1),
            optional=True),
    Feature("slope_3", "ln n", "fall of the loss over 3 epochs",
            lambda v: v.change(v.signals.val_losses, SLOPE_EPOCHS), optional=True),
    Feature("control_slope_3", "ln n", "fall of the control's loss over 3 epochs",
            lambda v: v.change(v.signals.control_losses, SLOPE_EPOCHS), optional=True),
    Feature("gain", "ln n", "gain over the control", lambda v: v.nats(v.signals.gain.value if v.signals.gain else None),
            optional=True),
    Feature("gain_se", "ln n", "its standard error", lambda v: v.nats(v.signals.gain.se if v.signals.gain else None),
            optional=True),
    Feature("gain_change", "ln n", "change of the gain in the last epoch", _gain_change, optional=True),
    Feature("rent", "ln", "ln(1 + parameters of seeds / of the host)", lambda v: v.rent()),
    Feature("grad", "log10", "mean gradient norm of the host", lambda v: _log10(v.signals.host_grad), optional=True),
    Feature("budget_left", "frac", "share of the parameter budget that is left",
            lambda v: 1.0 - v.state.seed_params / max(1, v.layout.parameter_budget), False),
    Feature("developing", "frac", "share of slots with a developing seed", lambda v: v.count(DEVELOPING), False),
    Feature("fossils", "frac", "share of slots with a fossil",
            lambda v: v.count(frozenset({Stage.FOSSILIZED})), False),
    Feature("empty", "frac", "share of empty slots", lambda v: v.count(frozenset({Stage.DORMANT})), False),
    Feature("slots", "ln", "ln of the number of slots", lambda v: log(len(v.state.slots)), False),
)  # fmt: skip

SLOT_FEATURES: tuple[Feature, ...] = (
    *(_in_stage(stage) for stage in Stage),
    *(_has_form(form) for form in Form),
    *(_is_open(op) for op in Op if op is not Op.WAIT),
    Feature("alpha", "frac", "how strongly the seed is blended in", lambda v: v.slot.alpha, False),
    Feature("alpha_target", "frac", "where the ramp goes", lambda v: v.slot.alpha_target, False),
    Feature("ramp_left", "10 ep", "epochs of ramp left", lambda v: v.slot.ramp_left / GRAFT_EPOCHS, False),
    Feature("in_stage", "10 ep", "epochs in this stage", lambda v: v.slot.epochs_in_stage / GRAFT_EPOCHS),
    Feature("age", "10 ep", "epochs since germination", lambda v: v.slot.age / GRAFT_EPOCHS, False),
    Feature("clock", "10 ep", "epochs until the slot is free", lambda v: v.slot.clock / GRAFT_EPOCHS, False),
    Feature("gain", "ln n", "gain of the seed", lambda v: v.estimate(v.seed.gain, "value"), optional=True),
    Feature("gain_se", "ln n", "its standard error", lambda v: v.estimate(v.seed.gain, "se"), optional=True),
    Feature("dependence", "ln n", "rise of the loss without the seed",
            lambda v: v.estimate(v.seed.dependence, "value"), optional=True),
    Feature("dependence_se", "ln n", "its standard error",
            lambda v: v.estimate(v.seed.dependence, "se"), optional=True),
    Feature("dependence_age", "ep", "epochs since it was measured",
            lambda v: v.seed.dependence_age, optional=True),
    Feature("credit", "ln n", "share of the environment's gain", lambda v: v.env.nats(v.seed.credit), optional=True),
    Feature("grad_ratio", "log10", "gradient norm of the seed over that of the host",
            lambda v: v.grad_ratio(), optional=True),
    Feature("gate_margin", "", "measured value of the last gate minus its threshold", lambda v: v.margin(),
            optional=True),
    Feature("params", "ln", "ln(1 + parameters of the seed / of the host)",
            lambda v: log1p(v.slot.params / v.env.layout.host_params)),
    Feature("depth", "frac", "place of the slot in the host", lambda v: v.env.layout.places[v.slot.slot][0], False),
    Feature("width", "log10", "channels at the slot", lambda v: log10(v.env.layout.places[v.slot.slot][1]), False),
)  # fmt: skip
BLUEPRINT_CODES = {None: 0} | {name: i + 1 for i, name in enumerate(BLUEPRINTS)}
"""Blueprint of the living seed as a number; 0 where there is none."""


def observation_schema() -> dict[str, list[str]]:
    """Names of all features in order: what a policy file was trained on."""
    return {
        "env": [f"{f.name} [{f.unit}]" for f in ENV_FEATURES],
        "slot": [f"{f.name} [{f.unit}]" for f in SLOT_FEATURES],
        "blueprints": list(BLUEPRINTS),
    }


def views(observation: Observation, layout: Layout) -> list[EnvView]:
    rows = zip(observation.states, observation.signals, observation.legality, strict=True)
    return [EnvView(state, signals, legal, layout) for state, signals, legal in rows]


def observe(seen: list[EnvView], dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """``env`` [E, D], ``slots`` [E, S, D] with NaN where unmeasured, ``blueprint`` [E, S] as codes."""
    slots = [[SlotView(view, slot) for slot in view.state.slots] for view in seen]
    return {
        "env": torch.tensor([_row(ENV_FEATURES, view) for view in seen], dtype=dtype),
        "slots": torch.tensor([[_row(SLOT_FEATURES, s) for s in row] for row in slots], dtype=dtype),
        "blueprint": torch.tensor([[BLUEPRINT_CODES[s.blueprint] for s in view.state.slots] for view in seen]),
    }


def _row(table: tuple[Feature, ...], view: Any) -> list[float]:
    return [nan if (value := feature.read(view)) is None else value for feature in table]


def explain(view: EnvView, slot: str | None = None) -> dict[str, float | None]:
    """What was seen, by name: the environment's features, or those of one of its slots."""
    if slot is None:
        return {f.name: f.read(view) for f in ENV_FEATURES}
    return {f.name: f.read(SlotView(view, view.state.slot(slot))) for f in SLOT_FEATURES if "/" not in f.name}
