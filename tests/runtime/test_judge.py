"""Who asks which gate when, and how long an answer holds."""

from math import log

import numpy as np
import pytest

from esper_tui.kasmina.lifecycle import Slot, plant
from esper_tui.leyline.choices import ALPHA_SPEEDS, CURVES
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.stages import Stage
from esper_tui.runtime.judge import Judge
from esper_tui.simic.ledger import Ledger
from esper_tui.tolaria.engine import Measured
from tests.worlds import germinate

GATE = np.arange(8) < 4
NOTHING = Measured(np.ones(8), np.ones(8))
OFF, ON = frozenset[str](), frozenset({"r0c0"})


def judge(control: str = "twin") -> Judge:
    return Judge(RunConfig.model_validate({"reward": {"control": control}}), log(10))


def holding() -> Slot:
    slot = Slot("r0c0")
    slot.germinate(plant(germinate("r0c0"), uid=1, params=10, epoch=6))
    for _ in range(3):
        slot.advance()
        for _ in range(3):
            slot.begin_epoch(20)
            slot.end_epoch()
    slot.epochs_in_stage = 0
    return slot


def measured_ledger(gain: float, dependence: float, control: bool = True) -> Ledger:
    """Five epochs without a seed, then five with one; every image alike."""
    ledger = Ledger.start(GATE)
    for better in (0.0, gain):
        for _ in range(5):
            ledger.record(np.full(8, 1.0 - better), np.ones(8) if control else None)
        if not better:
            ledger.mark_germination(1)
    ledger.record_ablations(10, ("r0c0",), {OFF: np.full(8, 1.0 + dependence), ON: np.ones(8)})
    return ledger


def hold(slot: Slot, asked: Judge, ledger: Ledger, epochs: int) -> list[int]:
    """Epochs at which a verdict was given."""
    found = []
    for epoch in range(1, epochs + 1):
        slot.end_epoch()
        if asked.look(slot, ledger, NOTHING) is not None:
            found.append(epoch)
    return found


def test_g5_is_looked_at_every_five_epochs_four_times():
    slot = holding()
    assert hold(slot, judge(), measured_ledger(0.0, 0.0), 30) == [5, 10, 15, 20]
    assert slot.looks == 4


def test_g5_keeps_its_verdict_until_the_next_look():
    slot = holding()
    hold(slot, judge(), measured_ledger(0.1, 0.1), 5)
    assert slot.verdict.passed
    hold(slot, judge(), measured_ledger(0.0, 0.0), 4)
    assert slot.verdict.passed
    hold(slot, judge(), measured_ledger(0.0, 0.0), 1)
    assert not slot.verdict.passed


@pytest.mark.parametrize(("gain", "dependence", "passes"), [(0.1, 0.1, True), (0.0, 0.1, False), (0.1, 0.0, False)])
def test_g5_asks_for_gain_and_for_dependence(gain, dependence, passes):
    slot = holding()
    hold(slot, judge(), measured_ledger(gain, dependence), 5)
    assert slot.verdict.passed == passes


@pytest.mark.parametrize(("dependence", "passes"), [(0.1, True), (0.011, False)])
def test_without_controls_g5_asks_for_dependence_alone(dependence, passes):
    slot = holding()
    hold(slot, judge("none"), measured_ledger(0.1, dependence, control=False), 5)
    assert slot.verdict.passed == passes
    assert "dependence only" in slot.verdict.text


def test_with_controls_a_gain_that_is_not_known_is_no_reason_to_commit():
    slot = holding()
    hold(slot, judge("twin"), measured_ledger(0.1, 0.1, control=False), 5)
    assert not slot.verdict.passed


def test_gates_on_the_way():
    slot, asked, ledger = Slot("r0c0"), judge(), Ledger.start(GATE)
    assert asked.look(slot, ledger, NOTHING) is None
    slot.germinate(plant(germinate("r0c0"), uid=1, params=10, epoch=6))
    slot.end_epoch()
    assert asked.look(slot, ledger, NOTHING).gate == "G1"
    slot.advance()
    slot.end_epoch()
    shadow = Measured(np.ones(8), np.ones(8), shadows={"r0c0": np.full(8, 1.1)}, power={"r0c0": (0.5, 1.0)})
    verdict = asked.look(slot, ledger, shadow)
    assert (verdict.gate, verdict.passed, verdict.measured) == ("G2", True, pytest.approx(0.1))
    slot.advance()
    assert asked.look(slot, ledger, NOTHING).passed is False
    for _ in range(3):
        slot.begin_epoch(20)
    assert asked.look(slot, ledger, NOTHING).passed


def test_a_seed_on_its_way_out_is_not_judged():
    slot = holding()
    slot.prune(CURVES["LINEAR"], ALPHA_SPEEDS["FAST"])
    assert slot.stage is Stage.BLENDING
    assert judge().look(slot, Ledger.start(GATE), NOTHING) is None
