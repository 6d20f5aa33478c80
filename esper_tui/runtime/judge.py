"""Asks the gates: from what was measured to the verdict of every slot."""

from dataclasses import dataclass

import numpy as np

from esper_tui.kasmina.gates import Holding, Incubation, check_g1, check_g2, check_g3, check_g5, is_look_due
from esper_tui.kasmina.lifecycle import Slot
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.stages import Stage
from esper_tui.leyline.state import Verdict
from esper_tui.simic.attribution import mean_estimate
from esper_tui.simic.ledger import Ledger
from esper_tui.tolaria.engine import Measured


@dataclass(frozen=True)
class Judge:
    """The gates of a run with their settings; ``ln_classes`` is the unit of ``gates.min_gain``."""

    config: RunConfig
    ln_classes: float

    def look(self, slot: Slot, ledger: Ledger, measured: Measured) -> Verdict | None:
        """Sets the slot's verdict; returns it if it is a new one."""
        verdict = self._verdict(slot, ledger, measured)
        if verdict is not None:
            slot.verdict = verdict
            slot.looks += verdict.gate == "G5"
        return verdict

    def _verdict(self, slot: Slot, ledger: Ledger, measured: Measured) -> Verdict | None:
        if slot.stage is Stage.GERMINATED:
            return check_g1(slot.epochs_in_stage)
        if slot.stage is Stage.TRAINING:
            needed = self.config.growth.incubate_epochs
            return check_g2(slot.epochs_in_stage, needed, incubation(slot.name, ledger, measured), self.ln_classes)
        if slot.stage is Stage.BLENDING and slot.alpha.target > 0.0:
            return check_g3(slot.alpha.target, slot.alpha.left)
        if slot.stage is Stage.HOLDING and is_look_due(slot.epochs_in_stage, slot.looks):
            return check_g5(self._holding(slot, ledger), self.config.gates.min_gain * self.ln_classes)
        return None

    def _holding(self, slot: Slot, ledger: Ledger) -> Holding:
        seed = slot.seed.uid if slot.seed else 0
        epochs = slot.epochs_in_stage
        return Holding(
            ledger.gate.gain(seed, epochs), ledger.reward.gain(seed, epochs), ledger.dependence(slot.name),
            control=self.config.reward.control == "twin",
        )  # fmt: skip


def incubation(slot: str, ledger: Ledger, measured: Measured) -> Incubation | None:
    """What the sweep says about a seed in the shadow pass; None if it was not measured."""
    if slot not in measured.shadows:
        return None
    shadow, (rms_delta, rms_host) = measured.shadows[slot], measured.power[slot]
    finite = bool(np.isfinite(shadow).all()) and np.isfinite(rms_delta)
    excess = mean_estimate((shadow - measured.losses)[ledger.gate.mask])
    return Incubation(excess, rms_delta, rms_host, finite)
