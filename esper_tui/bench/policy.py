"""``esper bench policy``: does the learner learn?  PPO and random search on a surrogate whose optimum is known."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch

from esper_tui.bench.surrogate import STILL, Noise, Surrogate, World
from esper_tui.bench.surrogate_view import BLUEPRINT_NAMES, layout_of, observe_surrogate, rules_of
from esper_tui.bench.tabulate import load_table
from esper_tui.bench.timing import machine
from esper_tui.leyline.choices import Op
from esper_tui.leyline.config import Ppo
from esper_tui.leyline.legality import SETTLING_EPOCHS
from esper_tui.leyline.stages import DEVELOPING, Stage
from esper_tui.runtime.build import uniforms
from esper_tui.runtime.policy_file import SUFFIX, PolicyFile
from esper_tui.runtime.seeding import key_number
from esper_tui.runtime.trainer import Trainer
from esper_tui.simic.buffer import Episodes, Rollout, Step
from esper_tui.tamiyo.learned import Learned
from esper_tui.tamiyo.network import HEADS, Network, Sizes
from esper_tui.tolaria.workers import prepare_thread

LIFE_EPOCHS = 11
"""From germination to commitment: no second seed is planted sooner."""
FULL = 2
"""Index of the alpha target that gate G3 asks for."""
NEVER = 10_000
EPISODES = 16
Seed = tuple[str, str, int]
"""Slot, blueprint, first epoch at whose boundary it is planted."""


@dataclass(frozen=True)
class Plans:
    """Fixed schedules, each of up to two seeds: indices and epochs ``[plans, 2]``."""

    world: World
    slots: np.ndarray
    blueprints: np.ndarray
    when: np.ndarray

    @classmethod
    def of(cls, world: World, plans: list[list[Seed]]) -> "Plans":
        padded = [[*plan, *[(world.slots[0], world.blueprints[0], NEVER)] * (2 - len(plan))] for plan in plans]
        slots = [[world.slots.index(slot) for slot, _, _ in plan] for plan in padded]
        blueprints = [[BLUEPRINT_NAMES.index(b) for _, b, _ in plan] for plan in padded]
        return cls(world, np.array(slots), np.array(blueprints), np.array([[w for _, _, w in p] for p in padded]))

    def seeds(self, index: int) -> list[Seed]:
        rows = zip(self.slots[index], self.blueprints[index], self.when[index], strict=True)
        return [(self.world.slots[s], BLUEPRINT_NAMES[b], int(w)) for s, b, w in rows if w < NEVER]

    def actions(self, made: Surrogate) -> np.ndarray:
        """Commits what passed, moves on what can, plants the next seed when it is due: ``[E, 8]``."""
        found = np.zeros((made.envs, len(HEADS)), int)
        rows, developing = np.arange(made.envs), np.isin(made.stage, list(DEVELOPING))
        next_seed = np.minimum(made.uid.max(1), 1)
        slot, blueprint, when = (x[rows, next_seed] for x in (self.slots, self.blueprints, self.when))
        due = (made.uid.max(1) < 2) & (made.epoch >= np.maximum(when, SETTLING_EPOCHS)) & ~developing.any(1)
        due &= (made.epoch <= self.world.last) & (made.stage[rows, slot] == Stage.DORMANT)
        plant = np.stack([np.full(made.envs, Op.GERMINATE), slot, blueprint, 0 * slot, 0 * slot, 0 * slot + FULL], 1)
        found[due, : plant.shape[1]] = plant[due]
        self._move_on(found, made, developing & made.passed & (made.stage != Stage.HOLDING), Op.ADVANCE)
        self._move_on(found, made, (made.stage == Stage.HOLDING) & made.passed, Op.FOSSILIZE)
        return found

    @staticmethod
    def _move_on(found: np.ndarray, made: Surrogate, ready: np.ndarray, op: Op) -> None:
        rows = ready.any(1)
        found[rows] = 0
        found[rows, 0], found[rows, 1] = op, ready.argmax(1)[rows]


def play_plans(world: World, plans: Plans, noise: Noise, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return of every plan over one episode ``[plans]``."""
    made = Surrogate(world, len(plans.when), noise, rng)
    return np.sum([made.step(plans.actions(made)) for _ in range(world.epochs)], axis=0)


def every_plan(world: World) -> Plans:
    """All plans of up to two seeds in different slots: whatever pays in this world is among them."""
    singles = list(product(world.slots, world.blueprints, range(SETTLING_EPOCHS, world.last + 1)))
    pairs = [[a, b] for a, b in product(singles, singles) if a[0] != b[0] and b[2] - a[2] >= LIFE_EPOCHS - 1]
    return Plans.of(world, [[], *[[s] for s in singles], *pairs])


def random_plans(world: World, count: int, rng: random.Random) -> Plans:
    def seed(first: int) -> Seed:
        return rng.choice(world.slots), rng.choice(world.blueprints), rng.randint(first, world.last)

    return Plans.of(world, [[seed(SETTLING_EPOCHS), seed(SETTLING_EPOCHS)][: rng.randint(1, 2)] for _ in range(count)])


def random_search(world: World, episodes: int, seed: int) -> float:
    """Noise-free return of the plan that looked best among so many random ones, each tried once."""
    plans = random_plans(world, episodes, random.Random(seed))
    seen = play_plans(world, plans, Noise(), np.random.default_rng(seed))
    return float(play_plans(world, Plans.of(world, [plans.seeds(int(seen.argmax()))]), STILL)[0])


# --- learning ------------------------------------------------------------------------------------------------------


def train(world: World, config: Ppo, seed: int, steps: int, look: Callable[[int, dict], None]) -> Learned:
    """PPO for so many steps of the surrogate; ``look`` is told of steps and metrics after every update."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key_number("network", seed))
        network = Network(Sizes(config.width, config.slot_width))
    learned = Learned(network, layout_of(world), partial(uniforms, seed))
    trainer = Trainer(learned, config, seed)
    updates = max(1, steps // (EPISODES * world.epochs))
    for number in range(updates):
        trainer.explore(number / updates)
        rollout = play(world, learned, number, np.random.default_rng(key_number("noise", seed, number)))
        metrics = trainer.update(rollout, number, number / updates)
        look((number + 1) * EPISODES * world.epochs, metrics)
    return learned


def play(world: World, learned: Learned, round_: int, rng: np.random.Generator) -> Rollout:
    """One rollout of whole episodes."""
    made, rules, episodes = Surrogate(world, EPISODES, Noise(), rng), rules_of(world), Episodes()
    state, yes, no = learned.initial_state(EPISODES), [True] * EPISODES, [False] * EPISODES
    made.step(np.zeros((EPISODES, len(HEADS)), int))
    for _ in range(world.epochs - 1):
        step = learned.act(observe_surrogate(made, rules, round_), state)
        assert step.sample is not None
        episodes.act(Step(step.sample, made.phi.tolist(), yes, no))
        episodes.reward(made.step(step.sample["actions"].numpy()).tolist(), yes)
        state = step.state
    return episodes.rollout(made.phi.tolist(), learned.epsilon, learned.value_scale)


def greedy_return(world: World, learned: Learned) -> float:
    """Noise-free return of the most likely decisions."""
    policy = Learned(learned.network, learned.layout)
    made, rules = Surrogate(world, 1, STILL), rules_of(world)
    total, state = float(made.step(np.zeros((1, len(HEADS)), int))[0]), policy.initial_state(1)
    for _ in range(world.epochs - 1):
        step = policy.act(observe_surrogate(made, rules), state)
        assert step.sample is not None
        total, state = total + float(made.step(step.sample["actions"].numpy())[0]), step.state
    return total


# --- the bench -----------------------------------------------------------------------------------------------------


def bench_policy(
    say: Callable[[str], None], seeds: int, steps: int, config: Ppo, table: Path | None = None, save: Path | None = None
) -> None:
    """Speed, optimum, then PPO and random search at equal steps; shares of the optimum, scored without noise.

    Args:
        table: another table of curves than the one beside this file.
        save: folder for the policies, one file per seed.
    """
    prepare_thread()
    world = World(load_table(table))
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
    say(machine())
    speed(say, world)
    plans = every_plan(world)
    values = play_plans(world, plans, STILL)
    best = float(values.max())
    say(f"optimum {best:.3f} of {len(values):,} plans: {plans.seeds(int(values.argmax()))}; waiting earns 0")
    singles = values[(plans.when < NEVER).sum(1) == 1]
    say(
        f"{(values >= 0.9 * best).sum()} plans reach 90 % of it, {(values >= 0.8 * best).sum()} reach 80 %; the best "
        f"single seed {singles.max() / best:.0%}\n"
    )
    shares: dict[str, list[float]] = {"PPO": [], "random search": []}
    for seed in range(seeds):
        began, entropies = time.perf_counter(), _Entropies()
        learned = train(world, config, seed, steps, entropies.look)
        if save is not None:
            policy_file(world, learned, seed, steps).save(save / f"surrogate-{seed}{SUFFIX}")
        shares["PPO"].append(greedy_return(world, learned) / best)
        shares["random search"].append(random_search(world, steps // world.epochs, seed) / best)
        say(
            f"seed {seed}: PPO {shares['PPO'][-1]:6.1%}  random search {shares['random search'][-1]:6.1%}  "
            f"{time.perf_counter() - began:.0f} s  explained variance {entropies.explained()}  "
            f"lowest entropy until 40 % of training: {entropies.lowest(0.4 * steps)}"
        )
    for name, found in shares.items():
        say(f"{name:<14} mean {np.mean(found):6.1%}  worst {min(found):6.1%}  after {steps:,} steps, {seeds} seeds")


def policy_file(world: World, learned: Learned, seed: int, steps: int) -> PolicyFile:
    """A policy that knows nothing but the surrogate, to be used or trained further on the real task."""
    updates = max(1, steps // (EPISODES * world.epochs))
    return PolicyFile(
        learned.network.sizes, learned.network.state_dict(), value_scale=learned.value_scale, value_count=updates,
        progress={"rounds": 0, "episodes": updates * EPISODES, "updates": updates, "best": None},
        origin={
            "seed": seed, "epochs": world.epochs, "data": "surrogate", "reward": "economy", "slots": world.slots,
        },
    )  # fmt: skip


class _Entropies:
    """What the updates said of the heads."""

    def __init__(self) -> None:
        self.told: list[tuple[int, dict[str, float]]] = []

    def look(self, steps: int, metrics: dict[str, float]) -> None:
        self.told.append((steps, metrics))

    def lowest(self, until: float, least: int = 50) -> str:
        """The head with the lowest share of its entropy while it had enough live steps."""
        found = [
            (m[f"entropy/{head}"], str(head))
            for steps, m in self.told
            for head in HEADS
            if steps <= until and m[f"live/{head}"] >= least
        ]
        share, head = min(found, default=(float("nan"), "none"))
        return f"{head} {share:.0%}"

    def explained(self) -> str:
        found = [m["ppo/explained_variance"] for _, m in self.told[-10:] if "ppo/explained_variance" in m]
        return f"{np.median(found):.2f}" if found else "–"


def speed(say: Callable[[str], None], world: World, envs: int = 4096) -> None:
    plans = random_plans(world, envs, random.Random(0))
    began = time.perf_counter()
    play_plans(world, plans, Noise(), np.random.default_rng(0))
    say(f"{envs * world.epochs / (time.perf_counter() - began):,.0f} steps a second, {envs} episodes side by side")
