"""What a policy is worth: whole episodes on instances that no training pool holds, paired between policies.

Learned policies act greedily and without exploration, or sampled, the two apart.  Everything is measured on the reward
half of the validation images; the controls of the instances are trained once and shared by all players.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from esper_tui.data.load import load_splits
from esper_tui.evidence.compare.grown import Place, random_at
from esper_tui.evidence.compare.tuning import Counted
from esper_tui.evidence.stats import Interval, iqm_interval, pooled_interval
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import UsageError
from esper_tui.leyline.events import Event, RoundEnded
from esper_tui.leyline.protocols import Policy
from esper_tui.runtime import seeding
from esper_tui.runtime.build import Parts, build_parts, build_shape, uniforms
from esper_tui.runtime.instances import HELD_OUT, Instances
from esper_tui.runtime.probe_cache import choose_engine
from esper_tui.runtime.unwatched import play_unwatched
from esper_tui.tamiyo.learned import Learned
from esper_tui.tamiyo.scripted import Wait

Row = dict[str, Any]
MATCHED = "matched"
"""The random policy that plants and prunes as often, where it may, as the policies that are evaluated."""
SAMPLED = " sampled"
"""After the name of a learned policy: its decisions are drawn, not the most likely ones."""


@dataclass(frozen=True)
class Evaluation:
    """A policy's episodes, one summary row each, in the order of the instances."""

    policy: str
    rows: list[Row]

    def column(self, key: str) -> list[float | None]:
        return [row[key] for row in self.rows]

    def document(self) -> dict[str, Any]:
        return {"policy": self.policy, "rows": self.rows}


@dataclass
class Outcome:
    """Policies that were trained alike, and whom they are compared with, all on the same instances.

    Attributes:
        greedy, sampled: the policies with their most likely decisions, and with drawn ones if that was asked for.
        others: the rivals.
    """

    greedy: list[Evaluation] = field(default_factory=list)
    sampled: list[Evaluation] = field(default_factory=list)
    others: list[Evaluation] = field(default_factory=list)

    @property
    def all(self) -> list[Evaluation]:
        return self.greedy + self.sampled + self.others


def evaluation_config(config: RunConfig, policy: str, envs: int) -> RunConfig:
    """The preset with a fixed policy: one round, nothing learns."""
    document = config.model_dump(mode="json")
    document["run"] |= {"mode": "grow", "rounds": 1, "envs": envs}
    document["tamiyo"]["policy"] = policy
    document["ppo"]["clone_rounds"] = 0
    return RunConfig.model_validate(document)


def evaluate(
    config: RunConfig, policies: list[str], against: list[str], episodes: int,
    done: Callable[[str, int], None] = lambda name, count: None, sampled: bool = False,
) -> Outcome:  # fmt: skip
    """Plays the same held-out instances under every player.  ``done`` is told of finished episodes.

    Args:
        policies: by name; learned ones act greedily.
        against: other policies, or ``MATCHED``.
        sampled: whether ``policies`` play a second time with drawn decisions.

    Raises:
        UsageError, Incompatible: if a policy does not exist or cannot be used.
    """
    if MATCHED in policies:
        raise UsageError(f"{MATCHED} has nobody to be matched to; name it with --against")
    course, found = _Course(config, episodes), Outcome()
    found.greedy = [course.whole(policy, done, leads=True) for policy in policies]
    found.sampled = [course.whole(policy + SAMPLED, done) for policy in policies if sampled]
    found.others = [course.whole(other, done) for other in against]
    return found


class _Course:
    """Held-out instances in groups that are played side by side, with the controls that were trained for them.

    Attributes:
        leader: counts what the policies that are evaluated do, over all groups.
    """

    def __init__(self, config: RunConfig, episodes: int):
        self.config, self.episodes = config, episodes
        self.splits = load_splits(config.data, seeding.generator)
        self.choice = choose_engine(build_shape(config), config)
        self.groups: dict[int, Instances] = {}
        self.leader = Counted(Wait())

    def whole(self, player: str, done: Callable[[str, int], None], leads: bool = False) -> Evaluation:
        """All instances."""
        rows: list[Row] = []
        for first in range(0, self.episodes, self.config.run.envs):
            rows += self.play(player, first, leads)
            done(player, len(rows))
        return Evaluation(player, rows)

    def play(self, player: str, first: int, leads: bool) -> list[Row]:
        """Rows of the group that begins with a held-out instance."""
        envs = min(self.config.run.envs, self.episodes - first)
        name = "random" if player == MATCHED else player.removesuffix(SAMPLED)
        wanted = evaluation_config(self.config, name, envs)
        instances = self.groups.setdefault(first, Instances(self.config, HELD_OUT + first, kept=True))
        instances.config = wanted
        parts = build_parts(wanted, self.splits, self.choice, instances)
        parts.policy = self._controller(parts, player, first)
        if leads:
            self.leader.policy, parts.policy = parts.policy, self.leader
        events: list[Event] = []
        play_unwatched(parts, events.append)
        return next(e.rows for e in events if isinstance(e, RoundEnded))

    def _controller(self, parts: Parts, player: str, first: int) -> Policy:
        if player == MATCHED:
            return random_at(self.leader.rates())(parts, Place(first, 0))
        if player.endswith(SAMPLED):
            if not isinstance(parts.policy, Learned):
                raise UsageError(f"{player.removesuffix(SAMPLED)} is no learned policy; only those can be sampled")
            draw = partial(uniforms, parts.config.run.seed)
            parts.policy.uniforms = lambda round_, epoch, env: draw(round_, epoch, first + env)
        return parts.policy


def differences(a: Evaluation, b: Evaluation, key: str = "gain") -> np.ndarray:
    """a − b by instance, NaN where one was not measured."""
    pairs = zip(a.column(key), b.column(key), strict=True)
    return np.array([np.nan if x is None or y is None else x - y for x, y in pairs])


def difference_interval(policies: list[Evaluation], other: Evaluation, key: str = "gain") -> Interval | None:
    """Interquartile mean of policies − other, over the instances where all were measured.

    Of three policies or more that were trained alike the policy is the unit (hierarchical bootstrap).
    """
    table = np.stack([differences(policy, other, key) for policy in policies])
    table = table[:, np.isfinite(table).all(0)]
    return pooled_interval(table)


def report(outcome: Outcome) -> list[str]:
    """A line per player, and per rival the paired difference of the policies to it."""
    head = (
        f"{'policy':<28} {'gain, IQM [95 % interval] (nat)':<34} {'reward':>8} {'accuracy':>9} "
        f"{'kept':>5} {'planted':>8} {'+ parameters':>13}"
    )
    groups = {"greedy": outcome.greedy, "sampled": outcome.sampled}
    paired = [_versus(how, group, other) for how, group in groups.items() if group for other in outcome.others]
    return [head, *(_line(e) for e in outcome.all), *paired]


def _versus(how: str, group: list[Evaluation], other: Evaluation) -> str:
    name = group[0].policy if len(group) == 1 else f"{len(group)} policies, {how}"
    gain, acc = (difference_interval(group, other, key) for key in ("gain", "acc"))
    points = "–" if acc is None else Interval(100 * acc.value, 100 * acc.low, 100 * acc.high, acc.n).text(2)
    unit = "policies" if len(group) > 2 else "instances"
    return f"{name} − {other.policy}: gain {_text(gain)} {unit} (nat), accuracy {points} points"


def _line(e: Evaluation) -> str:
    gains = [g for g in e.column("gain") if g is not None]
    acc = [100 * (row["acc"] - row["control_acc"]) for row in e.rows if row["control_acc"] is not None]
    extra = [row["params"] - row["host_params"] for row in e.rows if row["params"] is not None]
    kept, planted = np.mean([len(row["kept"]) for row in e.rows]), np.mean([row["planted"] for row in e.rows])
    return (
        f"{e.policy[-28:]:<28} {_text(iqm_interval(gains)):<34} {_mean(e.column('reward')):>8} "
        f"{f'{np.mean(acc):+.2f} pp' if acc else '–':>9} {kept:>5.2f} {planted:>8.2f} {np.mean(extra):>13.0f}"
    )


def _mean(values: list[float | None]) -> str:
    known = [v for v in values if v is not None]
    return f"{np.mean(known):+.2f}" if known else "–"


def _text(interval: Interval | None) -> str:
    return f"{interval.text(4)}, n = {interval.n}" if interval else "–"
