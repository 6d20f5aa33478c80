"""Rewards: the economy telescopes, waiting earns nothing, exploits lose, signs are right."""

from itertools import pairwise
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.leyline.choices import Op
from esper_tui.leyline.stages import Stage
from esper_tui.simic.rewards import (
    MODES,
    Moment,
    RewardLedger,
    RewardSettings,
    SeedFacts,
    Transition,
    compute_reward,
    potential,
)

EPOCHS = 30
SETTINGS = RewardSettings(host_params=1000, epochs=EPOCHS)


def settings(mode: str, **changes) -> RewardSettings:
    return RewardSettings(host_params=1000, epochs=EPOCHS, mode=mode, **changes)


def seed(stage: Stage, credit: float = 0.0, params: int = 500, slot: str = "r0c0", **more) -> SeedFacts:
    alpha = {Stage.HOLDING: 1.0, Stage.FOSSILIZED: 1.0}.get(stage, 0.0)
    return SeedFacts(slot, stage, params, **{"alpha": alpha, "credit": credit} | more)


def earn(transitions, how: RewardSettings = SETTINGS) -> list[dict[str, float]]:
    ledger = RewardLedger()
    return [compute_reward(t, how, ledger) for t in transitions]


def total(rows) -> float:
    return sum(sum(row.values()) for row in rows)


def chain(moments, ops=(), work=0.0, delivered=None):
    """Transitions through the moments; ``ops`` by step; the last one lands on the delivered network."""
    steps = []
    for t, (before, after) in enumerate(pairwise(moments)):
        op, slot = ops[t] if t < len(ops) else (Op.WAIT, None)
        steps.append(Transition(before, after, op, slot, work if before.seeds else 0.0))
    last = steps.pop()
    end = delivered or moments[-1]
    return [*steps, Transition(last.before, last.after, last.op, last.slot, last.work, delivered=end)]


def test_one_step_by_hand():
    # κ 50, ρ 0.01, c 0.005: gain 50·(0.04 − 0.01), rent 50·0.01·(ln 1 − ln 1.5), compute 50·0.005·0.6/30
    row = earn([Transition(Moment(0.01), Moment(0.04, seeds=(seed(Stage.GERMINATED),)), work=0.6)])[0]
    assert row == pytest.approx({"gain": 1.5, "rent": -0.5 * log(1.5), "compute": -0.005})


gains = st.lists(st.floats(-1, 1), min_size=2, max_size=30)


@given(gains, st.lists(st.integers(0, 5000), min_size=30, max_size=30))
def test_without_compute_the_sum_is_the_final_potential(values, params):
    moments = [Moment()] + [
        Moment(g, seeds=(seed(Stage.BLENDING, params=p),)) for g, p in zip(values, params, strict=False)
    ]
    delivered = Moment(values[0] / 2, seeds=(seed(Stage.FOSSILIZED, params=params[0]),))
    rows = earn(chain(moments, delivered=delivered), settings("economy", compute=0.0))
    assert total(rows) == pytest.approx(potential(delivered, SETTINGS), abs=1e-6)


@given(st.lists(st.floats(0, 3), min_size=2, max_size=30))
def test_waiting_earns_exactly_nothing(losses):
    """Whatever the host learns by itself."""
    assert [sum(row.values()) for row in earn(chain([Moment(loss=loss) for loss in losses]))] == [0.0] * (
        len(losses) - 1
    )


def exploits():
    """Name → (moments, work per epoch with a seed, the delivered network)."""
    empty, sown = Moment(), Moment(seeds=(seed(Stage.GERMINATED),))
    churn = [empty, sown, sown, empty] * 5 + [empty]
    parked = Moment(0.03, seeds=(seed(Stage.BLENDING, 0.03, alpha=0.5),))
    held = Moment(0.05, seeds=(seed(Stage.HOLDING, 0.05),))
    ridden = [Moment(loss=1 - 0.02 * t, seeds=(seed(Stage.TRAINING),)) for t in range(20)]
    useless = Moment(0.0, loss=0.4, seeds=(seed(Stage.FOSSILIZED),))
    return {
        "germinate and prune without end": (churn, empty),
        "parking at low alpha": ([empty, sown] + [parked] * 20, empty),
        "planting and leaving": ([empty] + [sown] * 20, empty),
        "holding for ever": ([empty, sown] + [held] * 20, empty),
        "planting early to claim the host's progress": ([empty, *ridden], empty),
        "committing a seed that adds nothing": ([empty, *ridden, useless], useless),
    }


@pytest.mark.parametrize("name", exploits())
def test_every_exploit_loses(name):
    moments, delivered = exploits()[name]
    assert total(earn(chain(moments, work=0.5, delivered=delivered))) < 0.0


def test_a_good_seed_pays():
    kept = Moment(0.05, seeds=(seed(Stage.FOSSILIZED, 0.05),))
    moments = [Moment(), Moment(seeds=(seed(Stage.GERMINATED),)), Moment(0.02, seeds=(seed(Stage.BLENDING),)), kept]
    assert total(earn(chain(moments, work=0.5, delivered=kept))) > 2.0


@pytest.mark.parametrize("mode", MODES)
def test_a_panic_costs_one_in_every_mode(mode):
    calm = earn([Transition(Moment(), Moment())], settings(mode))[0]
    panic = earn([Transition(Moment(), Moment(), panicked=True)], settings(mode))[0]
    assert sum(panic.values()) - sum(calm.values()) == pytest.approx(-1.0)


def test_loss_mode_pays_for_falling_loss():
    assert earn([Transition(Moment(loss=0.9), Moment(loss=0.8))], settings("loss"))[0]["loss"] == pytest.approx(5.0)
    assert earn([Transition(Moment(loss=0.8), Moment(loss=0.9))], settings("loss"))[0]["loss"] < 0.0


def test_the_stage_potential_sums_to_nothing():
    stages = [Stage.GERMINATED, Stage.TRAINING, Stage.BLENDING, Stage.HOLDING, Stage.FOSSILIZED]
    moments = [Moment()] + [Moment(seeds=(seed(s),)) for s in stages]
    rows = earn(chain(moments), settings("shaped"))
    assert sum(row["stage"] for row in rows) == pytest.approx(0.0)
    assert rows[0]["stage"] > 0.0


def test_every_slot_is_scored_while_waiting():
    two = (seed(Stage.HOLDING, 0.02, slot="r0c0"), seed(Stage.HOLDING, 0.03, slot="r0c1"))
    row = earn([Transition(Moment(seeds=two), Moment(seeds=two))], settings("shaped"))[0]
    assert row["attribution"] == pytest.approx(50 / EPOCHS * 0.05)
    assert row["occupancy"] == pytest.approx(-0.01)


def test_alpha_shock_by_hand():
    # Δα = 0.5, 500 of 1000 parameters: −0.2·0.25·0.5
    before, after = (Moment(seeds=(seed(Stage.BLENDING, alpha=a),)) for a in (0.5, 1.0))
    assert earn([Transition(before, after)], settings("shaped"))[0]["shock"] == pytest.approx(-0.025)


def test_escrow_pays_changes_and_takes_them_back_on_prune():
    holding = [Moment(seeds=(seed(Stage.HOLDING, c),)) for c in (0.0, 0.04, 0.06)]
    rows = earn(chain([*holding, Moment(), Moment()], [(Op.WAIT, None)] * 2), settings("escrow"))
    assert [row["escrow"] for row in rows] == pytest.approx([2.0, 1.0, -3.0, 0.0])


def test_escrow_is_kept_on_commitment_and_lost_at_the_end():
    held, kept = Moment(seeds=(seed(Stage.HOLDING, 0.04),)), Moment(seeds=(seed(Stage.FOSSILIZED, 0.04),))
    start = Moment(seeds=(seed(Stage.HOLDING),))
    committed = earn(chain([start, held, kept, kept]), settings("escrow"))
    assert [row["escrow"] for row in committed] == pytest.approx([2.0, 0.0, 0.0])
    left = earn(chain([start, held, held]), settings("escrow"))
    assert [row["escrow"] for row in left] == pytest.approx([2.0, -2.0])


def test_a_drip_pays_the_whole_bonus_if_the_seed_keeps_contributing():
    held, kept = Moment(seeds=(seed(Stage.HOLDING, 0.04),)), Moment(seeds=(seed(Stage.FOSSILIZED, 0.04),))
    moments = [held] + [kept] * (EPOCHS - 1)
    rows = earn(chain(moments, [(Op.FOSSILIZE, "r0c0")]), settings("basic_plus"))
    assert rows[0]["contribution"] == pytest.approx(0.3 * 2.0)
    assert sum(row["drip"] for row in rows) == pytest.approx(0.7 * 2.0)
    faded = [held, kept] + [Moment(seeds=(seed(Stage.FOSSILIZED, 0.0),))] * (EPOCHS - 2)
    less = earn(chain(faded, [(Op.FOSSILIZE, "r0c0")]), settings("basic_plus"))
    assert sum(row["drip"] for row in less) < 0.1 * sum(row["drip"] for row in rows)


def test_sparse_pays_at_the_end_only_and_minimal_punishes_haste():
    young = Moment(seeds=(seed(Stage.TRAINING, age=6),))
    end = Moment(acc_gain=0.02, seeds=(seed(Stage.FOSSILIZED),))
    steps = chain([young, Moment(), Moment()], [(Op.PRUNE, "r0c0")], delivered=end)
    sparse, minimal = earn(steps, settings("sparse")), earn(steps, settings("minimal"))
    assert sum(sparse[0].values()) == 0.0
    assert sum(sparse[1].values()) == pytest.approx(1.0 - 0.5 * log(1.5))
    assert sum(minimal[0].values()) == -0.5
