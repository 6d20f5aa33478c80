"""Arms of one seed are the same network until the first decision; forks are the same until they part."""

from dataclasses import replace

import pytest
import torch

from esper_tui.data.load import load_splits
from esper_tui.evidence.compare.forks import Fork, ForkGenerators, play_forks, questions, replay
from esper_tui.evidence.compare.grown import Rates, greedy, heuristic, play_grown, random_at, scheduled, wait
from esper_tui.evidence.compare.setting import Setting, instances
from esper_tui.evidence.compare.static import Job, play_static
from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.state import Instance
from esper_tui.runtime import seeding
from tests import worlds

SEEDS = [3, 4]
CONFIG = worlds.tiny_config(
    run={"epochs": 22}, data={"train_images": 48, "test_images": 40}, gates={"min_gain": 0.0}, engine={"chunk": 3}
)
PLANTED = 6
PLAN = [
    (PLANTED, worlds.germinate("r0c0")),
    *((PLANTED, worlds.advance("r0c0")) for _ in range(3)),
    (PLANTED, Decision(op=Op.FOSSILIZE, slot="r0c0")),
]
ARMS = {"A0": wait, "A6": random_at(Rates(1.0, 0.1)), "A7": heuristic, "A7s": scheduled(PLAN)}


def quiet(epoch: int, epochs: int) -> None: ...


@pytest.fixture(scope="module")
def setting() -> Setting:
    return Setting(CONFIG, load_splits(CONFIG.data, seeding.generator), replace(worlds.CHOICE, chunk=3))


@pytest.fixture(scope="module")
def rows(setting):
    return play_grown(setting, SEEDS, instances(CONFIG, SEEDS), ARMS, quiet)


def arm(rows, name):
    return [row for row in rows if row.arm == name]


def test_a_row_per_arm_and_seed(rows):
    assert [(row.arm, row.seed) for row in rows] == [(name, seed) for name in ARMS for seed in SEEDS]
    assert all(len(row.curve) == len(row.work) == 22 for row in rows)
    assert all(row.test_acc is not None for row in rows)


def test_arms_are_identical_until_the_first_decision(rows):
    for other in ("A6", "A7", "A7s"):
        for alone, row in zip(arm(rows, "A0"), arm(rows, other), strict=True):
            first = row.decisions[0][0]
            assert row.curve[:first] == alone.curve[:first]
            assert first >= 5
    assert any(row.curve != alone.curve for alone, row in zip(arm(rows, "A0"), arm(rows, "A7s"), strict=True))
    assert arm(rows, "A0")[0].curve != arm(rows, "A0")[1].curve


def test_the_host_alone_pays_for_training_and_nothing_else(rows):
    for alone, row in zip(arm(rows, "A0"), arm(rows, "A7s"), strict=True):
        assert alone.flops == alone.training > 0
        assert row.training > alone.training
        assert row.control > alone.training
        assert min(row.incubation, row.ablation) > 0


def test_a_static_host_is_the_host_alone(setting, rows):
    """Bit for bit, although it trained in another engine among other companions."""
    own = [Job("A1", seed, instance) for seed, instance in zip(SEEDS, instances(CONFIG, SEEDS), strict=True)]
    static = play_static(setting, own[::-1], CONFIG.run.epochs, quiet)[::-1]
    for row, alone in zip(static, arm(rows, "A0"), strict=True):
        assert row.curve == [*alone.curve[2::3], alone.curve[-1]]
        assert row.work == [*alone.work[2::3], alone.work[-1]]
        assert (row.test_acc, row.test_loss, row.training) == (alone.test_acc, alone.test_loss, alone.training)


def test_a_longer_run_sees_the_same_images_and_decays_later(setting, rows):
    job = Job("A1", SEEDS[0], instances(CONFIG, SEEDS)[0])
    longer = play_static(setting, [job], 30, quiet)[0]
    assert (longer.epochs, len(longer.curve)) == (30, 10)
    assert longer.training == pytest.approx(arm(rows, "A0")[0].training * 30 / 22)


def test_the_order_of_a_fork_is_its_own_from_the_next_epoch_on():
    base, own = Instance(1, 5), Instance(1, 0)
    fork, whole = Fork(base, 6, 2), seeding.RunGenerators()
    made = ForkGenerators({own: fork, Instance(1, 1): replace(fork, number=0)})

    def drawn(generator):
        return torch.randperm(50, generator=generator).tolist()

    assert drawn(made.order(own, 6)) == drawn(whole.order(base, 6))
    assert drawn(made.order(own, 7)) != drawn(whole.order(base, 7))
    assert drawn(made.order(Instance(1, 1), 7)) == drawn(whole.order(base, 7))
    assert drawn(made.host(own)) == drawn(whole.host(base))
    assert drawn(made.halves(own)) == drawn(whole.halves(base))


@pytest.fixture(scope="module")
def asked(setting, rows):
    """A seed that is committed whatever the gate says: the question does not ask how it came to be kept."""
    row = arm(rows, "A7s")[0]
    decisions = [(6, worlds.germinate("r0c0")), *((e, worlds.advance("r0c0")) for e in (7, 8, 12)),
                 (17, Decision(op=Op.FOSSILIZE, slot="r0c0"))]  # fmt: skip
    kept = [{"slot": "r0c0", "blueprint": "CONV_LIGHT", "form": "ADD"}]
    forced = replace(row, decisions=[[e, d.named()] for e, d in decisions], kept=kept, germinated={"r0c0": 6})
    return questions([forced], instances(CONFIG, SEEDS[:1]))


def test_fork_number_0_without_the_seed_is_the_host_alone(setting, rows, asked):
    own = Instance(1, 0)
    config = setting.fixed(1, reward={"control": "none"})
    parts = setting.parts(config, generators=ForkGenerators({own: Fork(asked[0].instance, 6, 0)}))
    network = replay(parts, [own], [asked[0].script(with_seed=False)], quiet)[0]
    parts.engine.close()
    assert network.planted == []
    batches = parts.source.measuring(parts.splits.test)
    hits = torch.cat([network(images).argmax(1) == labels for images, labels in batches])
    assert float(hits.float().mean()) == pytest.approx(arm(rows, "A0")[0].test_acc)


def test_a_verdict_over_forks(setting, asked):
    assert len(asked) == 1
    assert [d.op for _, d in asked[0].script(with_seed=True)][-1] is Op.FOSSILIZE
    found = play_forks(setting, asked, 4, quiet)
    assert [(f["slot"], f["epoch"], len(f["gains"])) for f in found] == [("r0c0", 6, 4)]
    assert len(set(found[0]["gains"])) == 4
    assert found[0]["paid"] == (found[0]["mean"] > 2 * found[0]["se"])


def test_a_planner_looks_ahead_and_pays_for_it(setting):
    """Two boundaries are left at which something may be planted; what it tries counts as measuring."""
    makers = {"A0": wait, "A10": greedy(horizon=3)}
    rows = play_grown(setting, SEEDS[:1], instances(CONFIG, SEEDS[:1]), makers, quiet)
    alone, planned = rows
    assert planned.ablation > 2 * planned.training > alone.ablation == 0.0
    assert planned.test_acc is not None
    first = planned.decisions[0][0] if planned.decisions else len(alone.curve)
    assert planned.curve[:first] == alone.curve[:first]
