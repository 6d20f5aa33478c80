"""The parts of a block of seeds: which arms are played together, and from what.

Arms with the same host and the same number of epochs share an engine.  What is made equal to a grown arm waits for
its rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil
from statistics import fmean

from esper_tui.evidence.compare.arms import ARMS, base
from esper_tui.evidence.compare.flops import Costs
from esper_tui.evidence.compare.grown import (
    Make,
    Rates,
    greedy,
    heuristic,
    learned,
    play_grown,
    random_at,
    scheduled,
    wait,
)
from esper_tui.evidence.compare.hosts import GROWTH, with_parameters
from esper_tui.evidence.compare.plan import Plan
from esper_tui.evidence.compare.setting import Row, Setting, Tell, instances, part_of
from esper_tui.evidence.compare.static import Job, filled, planted_of, play_static
from esper_tui.evidence.compare.tuning import Found
from esper_tui.leyline.choices import Decision


@dataclass
class Block:
    """Some seeds, and the rows that they have so far, by arm."""

    setting: Setting
    plan: Plan
    found: Found
    seeds: list[int]
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.instances = instances(self.setting.config, self.seeds)

    @property
    def matched(self) -> list[Row]:
        """Rows of the grown arm that others are made equal to; those that were lost are left out."""
        return [row for row in self.rows[self.plan.match] if row.test_acc is not None]

    def job(self, arm: str, seed: int, row: Row | None = None) -> Job:
        """A network for a seed of this block, with the seeds of a row in its slots."""
        instance = self.instances[self.seeds.index(seed)]
        return Job(arm, seed, instance, planted_of(row) if row else ())

    def enter(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self.rows.setdefault(row.arm, []).append(row)


Play = Callable[[Block, list[str], Tell], list[Row]]


@dataclass(frozen=True)
class Part:
    """Arms that are played together: ``play`` gets those of them that are wanted."""

    name: str
    arms: tuple[str, ...]
    play: Play

    def wanted(self, plan: Plan) -> list[str]:
        return [arm for arm in plan.arms if base(arm) in self.arms]


def controller(arm: str, plan: Plan, found: Found) -> Make:
    """Who decides in a grown arm."""
    if base(arm) == "A8":
        return learned(plan.policy(arm))
    if arm == "A6":
        return random_at(Rates(found.rates["germination"], found.rates["prune"]))
    if arm in ("A7s", "A9"):
        steps = found.schedule if arm == "A7s" else found.oracle
        return scheduled([(epoch, Decision.from_named(heads)) for epoch, heads in steps])
    return {"A0": wait, "A7": heuristic, "A10": greedy(plan.horizon)}[arm]


def play_growing(block: Block, arms: list[str], tell: Tell) -> list[Row]:
    makers = {arm: controller(arm, block.plan, block.found) for arm in arms}
    return play_grown(block.setting, block.seeds, block.instances, makers, tell)


def play_whole(block: Block, arms: list[str], tell: Tell) -> list[Row]:
    """The same host with seeds from the start, for as many epochs as the grown arms."""
    config = block.setting.config
    jobs = [block.job("A2", row.seed, row) for row in block.matched if "A2" in arms]
    if "A5" in arms:
        pairs = zip(block.seeds, block.instances, strict=True)
        jobs += [Job("A5", seed, instance, filled(config, seed)) for seed, instance in pairs]
    return play_static(block.setting, jobs, config.run.epochs, tell)


def play_longer(block: Block, arms: list[str], tell: Tell) -> list[Row]:
    """The host alone until as much is spent as on the grown arm, in the mean of the block, in whole epochs."""
    jobs = [block.job("A1", row.seed) for row in block.matched]
    return play_static(block.setting, jobs, equal_epochs(block, jobs), tell)


def play_whole_longer(block: Block, arms: list[str], tell: Tell) -> list[Row]:
    jobs = [block.job("A3", row.seed, row) for row in block.matched]
    return play_static(block.setting, jobs, equal_epochs(block, jobs), tell)


def equal_epochs(block: Block, jobs: Sequence[Job]) -> int:
    """Epochs in which these networks cost at least what the grown arm has cost; 0 where all of it was lost."""
    if not jobs:
        return 0
    costs = Costs(block.setting.spec, slots_in_order(block.setting))
    per_epoch = block.setting.config.images_per_epoch * fmean(costs.network_step(job.seeds) for job in jobs)
    return ceil(fmean(row.flops for row in block.matched) / per_epoch)


def slots_in_order(setting: Setting) -> tuple[str, ...]:
    return tuple(surface.slot for surface in setting.spec.enabled(setting.config.growth.slots))


def play_wide(block: Block, arms: list[str], tell: Tell) -> list[Row]:
    return _play_sized(block, "A4", GROWTH, None, tell)


def play_unblinded(block: Block, arms: list[str], tell: Tell) -> list[Row]:
    return _play_sized(block, "A4b", block.found.shape["growth"], 3, tell)


def _play_sized(block: Block, arm: str, growth: float, kernel: int | None, tell: Tell) -> list[Row]:
    """Hosts with as many parameters as each grown network; those of one size side by side."""
    ordered = sorted(block.matched, key=lambda row: row.params)
    groups = [(params, list(rows)) for params, rows in groupby(ordered, key=lambda row: row.params)]
    epochs, found = block.setting.config.run.epochs, []
    for index, (params, rows) in enumerate(groups):
        spec = with_parameters(block.setting.spec, params, growth, kernel)
        jobs = [block.job(arm, row.seed) for row in rows]
        found += play_static(block.setting, jobs, epochs, part_of(tell, index, len(groups)), spec)
    return sorted(found, key=lambda row: row.seed)


PARTS = (
    Part("grown", tuple(name for name, arm in ARMS.items() if arm.grows), play_growing),
    Part("whole", ("A2", "A5"), play_whole),
    Part("longer", ("A1",), play_longer),
    Part("whole-longer", ("A3",), play_whole_longer),
    Part("wide", ("A4",), play_wide),
    Part("unblinded", ("A4b",), play_unblinded),
)
