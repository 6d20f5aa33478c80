"""Fixed schedules that are looked for on the tuning seeds: the best of random ones, and the best cell of a grid."""

import random
from collections.abc import Sequence
from itertools import product
from statistics import fmean

from esper_tui.evidence.compare.grown import Make, play_grown, scheduled, wait
from esper_tui.evidence.compare.setting import TUNING, Setting, Tell, instances, part_of
from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.legality import SETTLING_EPOCHS
from esper_tui.runtime.seeding import key_number

FINALISTS = 4
"""One in so many schedules is tried again."""
MOST_ROWS = 256
"""Networks that are played side by side."""
FIRST, AGAIN = (0, 1), (2, 3, 4, 5)
"""Tuning seeds that every schedule is tried on, and those of the finalists."""
PASSED_GATES = 3
"""G1, G2 and G3, each a decision unless a slot passes it by itself."""
Schedule = list[tuple[int, Decision]]


def find_schedule(setting: Setting, episodes: int, tell: Tell) -> Schedule:
    """The best of random schedules, found within so many episodes."""
    rng = random.Random(key_number("schedules", setting.config.run.seed))
    return best_of(setting, [draw_schedule(setting, rng) for _ in range(max(FINALISTS, episodes // 3))], tell)


def find_cell(setting: Setting, tell: Tell) -> Schedule:
    """The best cell of the grid, by as many episodes as it takes."""
    return best_of(setting, grid(setting), tell)


def best_of(setting: Setting, plans: Sequence[Schedule], tell: Tell) -> Schedule:
    """All of them on two tuning seeds, the better ones on others again; the mean over both decides."""
    first = scores_of(setting, plans, FIRST, part_of(tell, 0, 2))
    order = sorted(range(len(plans)), key=lambda i: -fmean(first[i]))[: max(1, len(plans) // FINALISTS)]
    again = scores_of(setting, [plans[i] for i in order], AGAIN, part_of(tell, 1, 2))
    scores = {i: fmean(first[i] + more) for i, more in zip(order, again, strict=True)}
    return plans[max(scores, key=scores.__getitem__)]


def grid(setting: Setting) -> list[Schedule]:
    """Every slot x every blueprint x planted at once or half-way to the last epoch at which one may: one seed each."""
    growth, last = setting.config.growth, setting.config.last_germination
    epochs = sorted({SETTLING_EPOCHS, max(SETTLING_EPOCHS, (SETTLING_EPOCHS + last) // 2)})
    return [life(setting, *cell) for cell in product(epochs, growth.slots, growth.blueprints)]


def draw_schedule(setting: Setting, rng: random.Random) -> Schedule:
    """One or two seeds, each planted at a time."""
    growth, last = setting.config.growth, max(SETTLING_EPOCHS, setting.config.last_germination)
    slots = rng.sample(growth.slots, k=rng.randint(1, min(2, len(growth.slots))))
    lives = [life(setting, rng.randint(SETTLING_EPOCHS, last), slot, rng.choice(growth.blueprints)) for slot in slots]
    return [step for each in lives for step in each]


def life(setting: Setting, epoch: int, slot: str, blueprint: str) -> Schedule:
    """A seed that is planted at a time, moved on as soon as its gates open, and committed."""
    tamiyo, gates = setting.config.tamiyo, setting.config.gates
    planting = Decision(
        op=Op.GERMINATE, slot=slot, blueprint=blueprint, style=tamiyo.style, tempo=tamiyo.tempo, alpha_target="FULL"
    )
    moving = [Decision(op=Op.ADVANCE, slot=slot)] * (PASSED_GATES - len(gates.auto_forward))
    return [(epoch, decision) for decision in (planting, *moving, Decision(op=Op.FOSSILIZE, slot=slot))]


def scores_of(setting: Setting, plans: Sequence[Schedule], seeds: Sequence[int], tell: Tell) -> list[list[float]]:
    """Minus the validation loss under each schedule, per seed; ``-inf`` where the network was lost.

    The host's own loss, which a gain would be measured from, is the same for all of them.
    """
    most = max(1, MOST_ROWS // len(seeds) - 1)
    batches = [plans[at : at + most] for at in range(0, len(plans), most)]
    return [
        scores
        for index, batch in enumerate(batches)
        for scores in _side_by_side(setting, batch, seeds, part_of(tell, index, len(batches)))
    ]


def _side_by_side(setting: Setting, plans: Sequence[Schedule], seeds: Sequence[int], tell: Tell) -> list[list[float]]:
    makers: dict[str, Make] = {"A0": wait} | {str(i): scheduled(plan) for i, plan in enumerate(plans)}
    rows = play_grown(setting, seeds, instances(setting.config, seeds, TUNING), makers, tell)
    scores = [-row.val_loss if row.val_loss is not None else float("-inf") for row in rows]
    n = len(seeds)
    return [scores[i * n : (i + 1) * n] for i in range(1, len(plans) + 1)]
