"""The surrogate does what the real lifecycle, gates and economy do; its optimum is the best of all plans."""

import random

import numpy as np
import pytest

from esper_tui.bench.policy import Plans, every_plan, play_plans
from esper_tui.bench.surrogate import STILL, Noise, Surrogate, World
from esper_tui.bench.surrogate_view import layout_of, observe_surrogate, rules_of
from esper_tui.kasmina.gates import check_g1, check_g3, is_look_due
from esper_tui.kasmina.lifecycle import Slot, plant
from esper_tui.leyline.choices import Op
from esper_tui.leyline.stages import DEVELOPING, GRAFTED, Stage
from esper_tui.simic.rewards import Moment, RewardLedger, RewardSettings, SeedFacts, Transition, compute_reward
from esper_tui.tamiyo.learned import Learned, indices_of
from esper_tui.tamiyo.network import Network, Sizes
from esper_tui.tamiyo.scripted import draw

EPOCHS, LN = 40, 2.3
BLUEPRINTS = ["CONV_LIGHT", "NORM"]


def table() -> dict:
    """CONV_LIGHT is worth 0.2 nat in the first slot and 0.1 in the second, later is worth less; NORM nothing."""
    curves = {}
    for slot, most in (("r0c0", 0.2), ("r0c1", 0.1)):
        for planted, share in ((5, 1.0), (13, 0.8), (21, 0.5)):
            rise = [most * share * min(1.0, (k + 1) / 8) for k in range(EPOCHS - planted - 2)]
            curves[f"{slot} CONV_LIGHT {planted}"] = rise
            curves[f"{slot} NORM {planted}"] = [0.0] * len(rise)
    work = {f"{slot} {b}": 0.3 for slot in ("r0c0", "r0c1") for b in BLUEPRINTS}
    return {
        "epochs": EPOCHS, "slots": ["r0c0", "r0c1"], "blueprints": BLUEPRINTS, "planted": [5, 13, 21],
        "host_params": 1000, "ln_classes": LN, "params": {s: {"CONV_LIGHT": 600, "NORM": 20} for s in ("r0c0", "r0c1")},
        "work": {"TRAINING": {k: 2 * v for k, v in work.items()}, "BLENDING": work}, "curves": curves,
    }  # fmt: skip


class RealLife:
    """The same episode with the real slots, one object each, and the real reward."""

    def __init__(self, world: World):
        self.world, self.slots = world, [Slot(name) for name in world.slots]
        self.epoch, self.uid, self.before = 0, 0, Moment()
        self.rewards = RewardLedger()
        self.settings = RewardSettings(host_params=world.host_params, epochs=world.epochs)
        self.grafted: dict[int, int] = {}
        self.windows: dict[int, list[float]] = {}
        self.finals: list[float] = []
        self.ever = False

    def step(self, decision) -> float:
        self._apply(decision)
        self.epoch += 1
        for slot in self.slots:
            slot.begin_epoch(20)
        for slot in self.slots:
            slot.end_epoch()
        for slot in self.slots:
            if slot.seed is not None:
                self._judge(slot)
        return self._reward(decision)

    def _apply(self, decision) -> None:
        for slot in self.slots:
            if slot.name == decision.slot:
                if decision.op is Op.GERMINATE:
                    self.uid += 1
                    slot.germinate(
                        plant(decision, self.uid, 600 if decision.blueprint == "CONV_LIGHT" else 20, self.epoch)
                    )
                    continue
                if decision.op is Op.ADVANCE and slot.stage is Stage.TRAINING:
                    self.grafted[slot.seed.uid] = self.epoch
                slot.apply(decision)

    def worth(self, slot: Slot) -> float:
        """At full strength, from the table itself."""
        since = self.epoch - self.grafted[slot.seed.uid]
        if slot.seed.blueprint == "NORM" or since == 0:
            return 0.0
        most = {"r0c0": 0.2, "r0c1": 0.1}[slot.name]
        share = np.interp(slot.seed.born, [5, 13, 21], [1.0, 0.8, 0.5])
        return most * share * min(1.0, since / 8)

    def _judge(self, slot: Slot) -> None:
        seen = slot.alpha.value * self.worth(slot) if slot.grafted else 0.0
        window = self.windows.setdefault(slot.seed.uid, [])
        window.append(seen)
        if slot.stage in (Stage.GERMINATED, Stage.TRAINING):
            slot.verdict = check_g1(slot.epochs_in_stage)
        elif slot.stage is Stage.BLENDING and slot.alpha.target > 0.0:
            slot.verdict = check_g3(slot.alpha.target, slot.alpha.left)
        elif slot.stage is Stage.HOLDING and is_look_due(slot.epochs_in_stage, slot.looks):
            slot.looks += 1
            passed = float(np.mean(window[-5:])) > 0.005 * LN
            slot.verdict = type(check_g1(1))("G5", passed, None, None, "")

    def _reward(self, decision) -> float:
        on = [s for s in self.slots if s.stage in GRAFTED]
        self.ever = self.ever or bool(on)
        gain = sum(s.alpha.value * self.worth(s) for s in on) / LN
        facts = tuple(SeedFacts(s.name, s.stage, s.seed.params) for s in self.slots if s.seed is not None)
        after = Moment(gain, seeds=facts)
        if self.world.epochs - self.epoch < 3:
            self.finals.append(sum(self.worth(s) for s in on if s.stage is Stage.FOSSILIZED) / LN)
        work = sum(0.6 if s.stage is Stage.TRAINING else 0.3 if s.stage in GRAFTED else 0.0 for s in self.slots)
        delivered = None
        if self.epoch == self.world.epochs:
            kept = tuple(f for f in facts if f.stage is Stage.FOSSILIZED)
            delivered = Moment(float(np.mean(self.finals)), seeds=kept)
        step = Transition(self.before, after, decision.op, decision.slot, work, delivered)
        self.before = after
        return sum(compute_reward(step, self.settings, self.rewards).values())


def any_decision(legal, rng: random.Random):
    ops = [op for op in legal.open_ops() if op is not Op.WAIT]
    if not ops or rng.random() < 0.4:
        from esper_tui.leyline.choices import WAIT

        return WAIT
    op = rng.choice(ops)
    return draw(op, rng.choice(legal.slots(op)), legal, rng)


@pytest.mark.parametrize("seed", range(3))
def test_the_surrogate_lives_like_the_real_lifecycle(seed):
    """Random legal decisions, many episodes: states, verdicts and rewards are those of the slots themselves."""
    world, rng = World(table()), random.Random(seed)
    made, rules = Surrogate(world, 8, STILL), rules_of(world)
    real = [RealLife(world) for _ in range(8)]
    seen_ops = set()
    decisions = [any_decision(legal, rng) for legal in observe_surrogate(made, rules).legality]
    for _ in range(EPOCHS):
        rewards = made.step(np.array([indices_of(d, world.slots) for d in decisions]))
        expected = [life.step(d) for life, d in zip(real, decisions, strict=True)]
        assert rewards == pytest.approx(expected, abs=1e-9)
        look = observe_surrogate(made, rules)
        for state, life in zip(look.states, real, strict=True):
            for shown, slot in zip(state.slots, life.slots, strict=True):
                own = slot.state()
                for key in ("stage", "age", "epochs_in_stage", "alpha", "alpha_target", "ramp_left", "clock", "style"):
                    assert getattr(shown, key) == pytest.approx(getattr(own, key)), key
                passed = own.verdict is not None and own.verdict.passed
                assert (shown.verdict is not None and shown.verdict.passed) == passed
        decisions = [any_decision(legal, rng) for legal in look.legality]
        seen_ops |= {d.op for d in decisions}
    assert len(seen_ops) >= 5


def test_waiting_earns_nothing_and_a_committed_seed_its_worth():
    world = World(table())
    plans = Plans.of(world, [[], [("r0c0", "CONV_LIGHT", 5)], [("r0c0", "NORM", 5)]])
    wait, good, useless = play_plans(world, plans, STILL)
    assert wait == 0.0
    # 50·(0.2/2.3 − 0.01·ln 1.6) − 50·0.005·(0.6 + 33·0.3)/40: one epoch of incubation, then blended to the end
    assert good == pytest.approx(50 * (0.2 / LN - 0.01 * np.log(1.6)) - 50 * 0.005 * (0.6 + 33 * 0.3) / 40)
    assert useless < 0.0


def test_the_optimum_plants_the_good_blueprint_twice_and_early():
    world = World(table())
    plans = every_plan(world)
    found = play_plans(world, plans, STILL)
    best = plans.seeds(int(np.argmax(found)))
    assert [(slot, blueprint) for slot, blueprint, _ in best] == [("r0c0", "CONV_LIGHT"), ("r0c1", "CONV_LIGHT")]
    assert best[0][2] == 5
    assert found.max() > 5.0


def test_noise_keeps_the_mean_and_is_drawn_anew():
    world = World(table())
    plans = Plans.of(world, [[("r0c0", "CONV_LIGHT", 5)]] * 400)
    noisy = play_plans(world, plans, Noise(), np.random.default_rng(1))
    assert noisy.std() > 0.1
    assert noisy.mean() == pytest.approx(play_plans(world, plans, STILL)[0], abs=0.3)


def test_a_learned_policy_acts_on_it():
    world = World(table())
    made, rules = Surrogate(world, 3), rules_of(world)
    policy = Learned(Network(Sizes(16, 8, 4)), layout_of(world))
    state = policy.initial_state(3)
    for _ in range(12):
        step = policy.act(observe_surrogate(made, rules), state)
        state = step.state
        made.step(step.sample["actions"].numpy())
    assert np.isin(made.stage, [int(s) for s in (*DEVELOPING, Stage.DORMANT)]).all()
