"""What is looked for on the tuning seeds, and how long a comparison goes on."""

import math
import random
from itertools import islice, product

import pytest

from esper_tui.evidence.compare import run, schedules
from esper_tui.evidence.compare.grown import Rates, learned, play_grown, scheduled, wait
from esper_tui.evidence.compare.plan import BLOCK
from esper_tui.evidence.compare.schedules import draw_schedule, find_cell, find_schedule, grid, life, scores_of
from esper_tui.evidence.compare.setting import TUNING, Row, Setting, changed, instances
from esper_tui.evidence.compare.tuning import Counted, Found
from esper_tui.leyline.choices import WAIT, Decision, Op
from esper_tui.leyline.legality import SETTLING_EPOCHS, Legality
from esper_tui.leyline.protocols import Observation, PolicyStep
from esper_tui.runtime.instances import HELD_OUT
from esper_tui.runtime.policy_file import PolicyFile
from esper_tui.tamiyo.network import Network, Sizes
from tests import worlds

CONFIG = worlds.tiny_config(
    run={"epochs": 20}, data={"train_images": 32, "val_images": 32, "test_images": 20}, engine={"chunk": 8}
)
GERMINATE, PRUNE = worlds.germinate("a"), Decision(op=Op.PRUNE, slot="a", alpha_speed="FAST", alpha_curve="LINEAR")


@pytest.fixture(scope="module")
def setting() -> Setting:
    return run.build_setting(run.Plan("tiny", CONFIG, ("A0",)))


class Told:
    """A policy that does what it is told."""

    name = "told"

    def __init__(self, *steps: list[Decision]):
        self.steps = list(steps)

    def initial_state(self, envs: int) -> int:
        return 0

    def act(self, observation: Observation, state: int) -> PolicyStep:
        return PolicyStep(self.steps[state], [], state + 1)


def legal(*ops: Op) -> Legality:
    return Legality({op: {"a": None} for op in ops}, {"a": {"CONV_LIGHT": None}})


def test_rates_are_of_the_boundaries_at_which_it_was_allowed():
    """Planting was allowed four times and done once, pruning twice and done twice."""
    counted = Counted(Told([GERMINATE, WAIT], [WAIT, PRUNE], [WAIT, PRUNE]))
    state = counted.initial_state(2)
    seen = [
        [legal(Op.GERMINATE), legal(Op.GERMINATE)],
        [legal(Op.GERMINATE), legal(Op.PRUNE)],
        [legal(Op.GERMINATE), legal(Op.PRUNE, Op.ADVANCE)],
    ]
    for epoch, legality in enumerate(seen, 5):
        state = counted.act(Observation(0, epoch, [None] * 2, [None] * 2, legality), state).state  # type: ignore[list-item]
    assert counted.rates() == Rates(germination=0.25, prune=1.0)
    assert Counted(Told()).rates() == Rates(0.0, 0.0)


def test_the_best_learning_rate_is_the_one_of_the_highest_mean():
    assert Found(sweep={"0.1": [0.5, 0.7], "0.2": [0.6, 0.5]}).lr == 0.1
    assert Found().lr is None


def test_tuning_seeds_are_no_scored_ones():
    scored, tuning = instances(CONFIG, range(1000)), instances(CONFIG, range(1000), TUNING)
    assert not set(scored) & set(tuning)
    assert min(i.index for i in scored) == HELD_OUT


def test_schedules_are_what_a_preset_allows(setting):
    rng = random.Random(3)
    for plan in [draw_schedule(setting, rng) for _ in range(20)]:
        planted = [(epoch, d) for epoch, d in plan if d.op is Op.GERMINATE]
        assert 1 <= len(planted) == len({d.slot for _, d in planted}) <= 2
        assert len(plan) == 5 * len(planted)
        for epoch, decision in planted:
            assert decision.slot in CONFIG.growth.slots
            assert SETTLING_EPOCHS <= epoch <= max(SETTLING_EPOCHS, CONFIG.last_germination)


def test_the_best_schedule_is_found_within_its_episodes(setting, monkeypatch):
    """The better ones of the first round are tried again; the mean over both rounds decides."""
    tried: list[tuple[int, list[int]]] = []

    def gains(setting, plans, seeds, tell):
        tried.append((len(plans), seeds))
        first = len(tried) == 1
        return [[float(i) if first else -10.0 * i] * len(seeds) for i in range(len(plans))]

    drawn: list[list] = []
    monkeypatch.setattr(schedules, "scores_of", gains)
    monkeypatch.setattr(schedules, "draw_schedule", lambda setting, rng: drawn.append([len(drawn)]) or drawn[-1])
    best = find_schedule(setting, 48, lambda epoch, epochs: None)
    assert tried == [(16, (0, 1)), (4, (2, 3, 4, 5))]
    assert sum(plans * len(seeds) for plans, seeds in tried) == 48
    assert best == [15]


def test_the_grid_is_every_slot_blueprint_and_time_once(setting):
    """20 epochs: the last four decay and a life takes eleven, so that only the first planting is left."""
    cells = [(plan[0][0], plan[0][1].slot, plan[0][1].blueprint) for plan in grid(setting)]
    growth = CONFIG.growth
    assert sorted(cells) == sorted(product([SETTLING_EPOCHS], growth.slots, growth.blueprints))
    longer = run.build_setting(run.Plan("tiny", changed(CONFIG, run={"epochs": 40}), ("A0",)))
    assert {plan[0][0] for plan in grid(longer)} == {SETTLING_EPOCHS, (SETTLING_EPOCHS + 21) // 2}


def test_the_best_cell_is_the_one_that_gained_most(setting, monkeypatch):
    def gains(setting, plans, seeds, tell):
        return [[1.0 if plan[0][1].blueprint == "NORM" else 0.0] * len(seeds) for plan in plans]

    monkeypatch.setattr(schedules, "scores_of", gains)
    assert find_cell(setting, lambda epoch, epochs: None)[0][1].blueprint == "NORM"


@pytest.mark.parametrize("automatic", [[], ["G1"], ["G1", "G2", "G3"]])
def test_a_scheduled_seed_comes_to_holding_whichever_gates_are_automatic(automatic):
    config = changed(CONFIG, gates={"auto_forward": automatic}, growth={"slots": ["r0c0"]})
    setting = run.build_setting(run.Plan("tiny", config, ("A0",)))
    plan = life(setting, SETTLING_EPOCHS, "r0c0", "NORM")
    assert [d.op for _, d in plan[1:]] == [Op.ADVANCE] * (3 - len(automatic)) + [Op.FOSSILIZE]
    row = play_grown(setting, [0], instances(config, [0]), {"A0": wait, "A9": scheduled(plan)}, lambda *seen: None)[1]
    assert [heads["op"] for _, heads in row.decisions][: 4 - len(automatic)] == ["GERMINATE"] + ["ADVANCE"] * (
        3 - len(automatic)
    )


@pytest.mark.parametrize("lost", [[True, False], [False, True], [True, True]])
def test_a_lost_network_scores_worst_and_a_lost_host_changes_nothing(setting, monkeypatch, lost):
    def rows(setting, seeds, instances, makers, tell):
        losses = {"A0": [None if host else 1.0 for host in lost], "0": [None, None], "1": [0.7, 0.9], "2": [0.8, None]}
        return [Row(arm, seed, 1, 1, val_loss=losses[arm][seed]) for arm in makers for seed in seeds]

    monkeypatch.setattr(schedules, "play_grown", rows)
    found = scores_of(setting, grid(setting)[:3], [0, 1], lambda *seen: None)
    assert found == [[-math.inf, -math.inf], [-0.7, -0.9], [-0.8, -math.inf]]


def test_schedules_that_do_not_fit_side_by_side_are_played_one_batch_after_the_other(setting, monkeypatch):
    plans, told = grid(setting)[:3], []
    together = scores_of(setting, plans, [0, 1], lambda epoch, epochs: None)
    monkeypatch.setattr(schedules, "MOST_ROWS", 6)
    assert scores_of(setting, plans, [0, 1], lambda *seen: told.append(seen)) == together
    assert told[-1] == (40, 40)


def test_a_learned_policy_plays_greedily(setting, tmp_path):
    sizes, path = Sizes(16, 8), tmp_path / "p.safetensors"
    PolicyFile(sizes, Network(sizes).state_dict()).save(path)
    makers = {"A0": wait, "A8": learned(str(path))}
    first, again = (
        play_grown(setting, [0], instances(CONFIG, [0]), makers, lambda epoch, epochs: None) for _ in range(2)
    )
    assert first == again
    assert [row.arm for row in first] == ["A0", "A8"]


@pytest.mark.parametrize(("minutes", "blocks"), [(1.0, 1), (3.5, 3), (4.5, 4)])
def test_minutes_are_kept_and_one_block_is_played_at_least(monkeypatch, minutes, blocks):
    """Every block takes a minute; another one has to fit."""
    now = [0.0]
    monkeypatch.setattr(run.time, "monotonic", lambda: now[0])
    played = []
    for block in islice(run._blocks(None, minutes, 0.0), 10):
        now[0] += 60.0
        played.append(block)
    assert len(played) == blocks
    assert played[0] == list(range(BLOCK))


def test_so_many_seeds_and_no_more():
    assert sum(map(len, run._blocks(7, None, 0.0))) == 7
