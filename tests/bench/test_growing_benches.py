"""What the benches of insertion, incubation and arms measure, on networks of a few hundred parameters."""

import torch

from esper_tui.bench.arms import LIVES, trained
from esper_tui.bench.engine import SLOTS, bench_shape
from esper_tui.bench.incubation import Study, last_dependence, note_gradients
from esper_tui.bench.insertion import EPOCHS, Lost, insertion_config, line, measure_insertion
from esper_tui.kasmina.host import CnnSpec
from esper_tui.leyline.events import EpochMeasured
from esper_tui.runtime.build import build_parts
from esper_tui.tolaria.probe import synthetic
from tests import worlds

SMALL = [
    "data.train_images=32", "data.val_images=32", "data.test_images=16", "data.image_size=8", "optim.batch=16",
    "engine.chunk=4", "engine.threads=1",
]  # fmt: skip


def test_planting_costs_nothing_and_every_tick_is_a_pair():
    config = insertion_config("quickstart", SMALL, 4)
    assert config.run.epochs >= 2 * EPOCHS
    parts = build_parts(config, choice=worlds.CHOICE)
    found = measure_insertion(parts, [("r0c0", "CONV_LIGHT"), ("r0c2", "NORM")], seeds=2)
    parts.engine.close()
    for lost in found.values():
        assert lost.planting == [0.0, 0.0]
        assert len(lost.ticks) == 2 * 3
    assert "exactly 0.0" in line("NORM", found["NORM"])
    assert "up to 0.500" in line("X", Lost([0.5, 0.0], [0.1, 0.3]))


def measured(dependence, grads, ages) -> EpochMeasured:
    columns = {"seed/dependence": [dependence], "grad/seed": [grads], "grad/host": [2.0]}
    return EpochMeasured(
        stages=[[4, 1]], alphas=[[0.0, 0.0]], targets=[[1.0, 0.0]], ramps=[[0, 0]], ages=[ages], in_stage=[[1, 0]],
        clocks=[[0, 0]], params=[10], columns=columns, verdicts=[], shapley=[], waits=[],
    )  # fmt: skip


def test_the_last_dependence_is_that_of_the_largest_seed():
    events = [
        measured([[0.5, 0.1], None], [None, None], [1, 0]),
        measured([[0.2, 0.1], [0.3, 0.1]], [None] * 2, [2, 1]),
    ]
    assert last_dependence([*events, measured([None, None], [None] * 2, [3, 2])], 0) == 0.3
    assert last_dependence([measured([None, None], [None] * 2, [3, 2])], 0) is None


def test_gradients_are_of_a_lone_newborn():
    found = Study()
    note_gradients(found, measured([None, None], [1.0, None], [3, 0]))
    note_gradients(found, measured([None, None], [1.0, 4.0], [4, 1]))
    assert found.ratios == {3: [0.5]}


def test_the_six_lives_of_the_bench_take_a_step():
    shape = bench_shape(CnnSpec(blocks=3, channels=8, kernel=3, pools=3, image_size=8), SLOTS)
    training = trained(shape, LIVES)
    before = training.chunk.bank.weight.clone()
    training.step(*synthetic(shape, len(LIVES), 8), 0.1)
    assert (training.chunk.bank.weight != before).any(1).all()
    assert len(training.chunk.groups()) == 6  # both CONV_LIGHT in r0c1 are one group, likewise CONV_HEAVY
    assert torch.isfinite(training.sums.loss).all()
