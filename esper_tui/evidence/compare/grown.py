"""Arms that grow, side by side as rows of one engine, with the host alone among them as everybody's control."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from esper_tui.evidence.compare.flops import Account, Costs
from esper_tui.evidence.compare.greedy import Greedy
from esper_tui.evidence.compare.setting import Row, Setting, Tell, measure_delivered
from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.events import DecisionTaken, Event, GovernorActed, RoundEnded
from esper_tui.leyline.protocols import Policy
from esper_tui.leyline.stages import Stage
from esper_tui.leyline.state import Instance
from esper_tui.runtime import seeding
from esper_tui.runtime.build import Parts, build_heuristic
from esper_tui.runtime.instances import Shared
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.policy_file import find_policy
from esper_tui.runtime.unwatched import Unwatched
from esper_tui.tamiyo.learned import Learned
from esper_tui.tamiyo.scripted import Random, Schedule, Wait
from esper_tui.tamiyo.side_by_side import SideBySide

ALONE = "A0"


@dataclass(frozen=True)
class Place:
    """Where the environments of an arm begin: the number of the first seed, and of its environment."""

    seed: int
    env: int


Make = Callable[[Parts, Place], Policy]
"""Makes the controller of an arm."""


@dataclass(frozen=True)
class Rates:
    """How often a policy plants and prunes where it may."""

    germination: float
    prune: float


def wait(parts: Parts, place: Place) -> Policy:
    return Wait()


def heuristic(parts: Parts, place: Place) -> Policy:
    return build_heuristic(parts.config, place.seed)


def greedy(horizon: int) -> Make:
    return lambda parts, place: Greedy(parts, place.env, horizon)


def random_at(rates: Rates) -> Make:
    """Random decisions; every seed is to come to full strength, because below it none can be committed."""

    def make(parts: Parts, place: Place) -> Policy:
        def generator(round_: int, epoch: int, env: int) -> random.Random:
            return seeding.decision_random(parts.config.run.seed, round_, epoch, place.seed + env)

        return Random(rates.germination, rates.prune, generator, targets=("FULL",))

    return make


def learned(name: str) -> Make:
    """A policy from a file, greedy.

    Raises:
        UsageError, Incompatible: if there is none, or it cannot be used.
    """
    saved = find_policy(name)
    return lambda parts, place: Learned(saved.network(), parts.layout, None, saved.value_scale)


def scheduled(plan: Sequence[tuple[int, Decision]]) -> Make:
    return lambda parts, place: Schedule(plan)


class Meter(Unwatched):
    """The boundary of a comparison: counts operations, keeps the curves.

    Args:
        grows: for every environment, whether it pays for measurements and a control.
    """

    def __init__(self, parts: Parts, grows: Sequence[bool], tell: Tell):
        super().__init__()
        self.parts, self.grows, self.tell = parts, grows, tell
        config, costs = parts.config, Costs(parts.shape.spec, parts.shape.slots)
        self.accounts = [Account(costs, config.images_per_epoch, config.data.val_images) for _ in grows]
        self.curves: list[list[float]] = [[] for _ in grows]
        self.work: list[list[float]] = [[] for _ in grows]
        self.loop: Loop | None = None

    def phase(self, name: str, epoch: int) -> None:
        if name == "training":
            for env, account in enumerate(self.accounts):
                account.train(self.parts.engine.envs[env].slots)

    def rest(self, epoch: int) -> bool:
        assert self.loop is not None
        for env, (account, seen) in enumerate(zip(self.accounts, self.loop.measured, strict=True)):
            own = self.parts.engine.envs[env]
            if self.grows[env]:
                account.measure(own.slots, seen.coalitions, seen.shadows)
            self.curves[env].append(float(seen.hits[~self.parts.gate_mask(own.instance)].mean()))
            self.work[env].append(account.spent.total)
        self.tell(epoch, self.parts.config.run.epochs)
        return False


def play_grown(
    setting: Setting, seeds: Sequence[int], instances: Sequence[Instance], makers: dict[str, Make], tell: Tell
) -> list[Row]:
    """A row per arm and seed.  ``makers``: the controller of every arm; the first one must be the host alone."""
    assert next(iter(makers)) == ALONE
    count = len(seeds)
    config = setting.fixed(count * len(makers), reward={"control": "twin"})
    parts = setting.parts(config, Shared(config, [*instances] * len(makers), range(count)))
    spans = {arm: range(i * count, (i + 1) * count) for i, arm in enumerate(makers)}
    controllers = [(make(parts, Place(seeds[0], spans[arm].start)), spans[arm]) for arm, make in makers.items()]
    parts.policy = SideBySide(controllers)
    names = [arm for arm, span in spans.items() for _ in span]
    meter = Meter(parts, [name != ALONE for name in names], tell)
    events: list[Event] = []
    meter.loop = Loop(parts, events.append, lambda sync=False: None, meter)
    try:
        delivered = meter.loop.play({}).delivered
        rows = [_row(parts, meter, events, env, names[env], seeds[env % count]) for env in range(len(names))]
        measure_delivered(parts, {d.env: d.network for d in delivered}, rows)
        charge_trials(controllers, rows)
    finally:
        parts.engine.close()
    return rows


def charge_trials(controllers: Sequence[tuple[Policy, range]], rows: Sequence[Row]) -> None:
    """What a planner tried out counts as measuring."""
    for policy, span in controllers:
        if isinstance(policy, Greedy):
            policy.close()
            for env, cost in policy.spent.items():
                rows[span[env]].ablation += cost


def _row(parts: Parts, meter: Meter, events: list[Event], env: int, arm: str, seed: int) -> Row:
    account = meter.accounts[env]
    kept = [s for s in parts.engine.envs[env].slots if s.stage is Stage.FOSSILIZED and s.seed is not None]
    summary = next(e for e in events if isinstance(e, RoundEnded)).rows[env]
    decisions = carried_out(events, env)
    curve = meter.curves[env]
    rolled_back = any(isinstance(e, GovernorActed) and e.env == env for e in events)
    return Row(
        arm, seed, parts.host_params, parts.config.run.epochs, **vars(account.spent),
        wasted=account.wasted(s.seed.uid for s in kept if s.seed), planted=summary["planted"],
        pruned=summary["pruned"], kept=summary["kept"], curve=curve, work=meter.work[env],
        decisions=[[epoch, decision.named()] for epoch, decision in decisions],
        drop=largest_drop(curve, [epoch for epoch, _ in decisions]),
        germinated={} if rolled_back else {s.name: s.seed.born for s in kept if s.seed},
    )  # fmt: skip


def carried_out(events: list[Event], env: int) -> list[tuple[int, Decision]]:
    """What was decided for an environment beside waiting, with the epoch at whose boundary."""
    taken = (e for e in events if isinstance(e, DecisionTaken) and e.env == env and e.refused is None)
    pairs = [(e.epoch or 0, Decision.from_named(e.decision)) for e in taken]
    return [(epoch, decision) for epoch, decision in pairs if decision.op is not Op.WAIT]


def largest_drop(curve: Sequence[float], acted: Sequence[int]) -> float | None:
    """The largest loss of accuracy from the epoch of a decision to the next one; None without a decision."""
    drops = [curve[epoch - 1] - curve[epoch] for epoch in acted if epoch < len(curve)]
    return max(drops) if drops else None
