"""What a policy may look at: from one environment's ledger and gradients to its signals."""

from dataclasses import replace

from esper_tui.kasmina.lifecycle import Slot
from esper_tui.leyline.stages import GRAFTED, Stage
from esper_tui.leyline.state import EnvSignals, SeedSignals
from esper_tui.runtime.governing import finite_or_none
from esper_tui.simic.attribution import WINDOW
from esper_tui.simic.ledger import Ledger
from esper_tui.tolaria.engine import TrainReport


def env_signals(slots: list[Slot], ledger: Ledger, trained: TrainReport, env: int, healthy: bool) -> EnvSignals:
    """Gate half only; a gradient norm that is not finite counts as not measured."""
    credits, host_grad, seed_grads = ledger.credits(), trained.host_grad[env], trained.seed_grad[env]
    seeds = {
        slot.name: replace(
            _seed_signals(slot, slot.seed.uid, ledger, credits.get(slot.name)),
            grad=finite_or_none(seed_grads.get(slot.name)),
        )
        for slot in slots
        if slot.seed is not None and slot.stage in GRAFTED
    }
    return EnvSignals(
        tuple(ledger.losses), tuple(ledger.control_losses), ledger.latest, seeds, healthy, finite_or_none(host_grad)
    )


def _seed_signals(slot: Slot, seed: int, ledger: Ledger, credit: float | None) -> SeedSignals:
    """Gain counts once its window lies behind the blending."""
    epochs_at_full = {Stage.HOLDING: slot.epochs_in_stage, Stage.FOSSILIZED: WINDOW}.get(slot.stage, 0)
    found = ledger.signals(slot.name, seed, epochs_at_full, credit)
    age = len(ledger.losses) - ledger.measured_at if found.dependence else None
    return replace(found, dependence_age=age)
