"""What a policy is worth: whole episodes on instances that no training pool holds, paired between policies.

Learned policies act greedily and without exploration.  Everything is measured on the reward half of the validation
images; the controls of the instances are trained once and shared by all policies.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from esper_tui.data.load import load_splits
from esper_tui.evidence.stats import Interval, iqm_interval
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.events import Event, RoundEnded
from esper_tui.runtime import seeding
from esper_tui.runtime.build import build_parts, build_shape
from esper_tui.runtime.instances import HELD_OUT, Instances
from esper_tui.runtime.probe_cache import choose_engine
from esper_tui.runtime.unwatched import play_unwatched

Row = dict[str, Any]


@dataclass(frozen=True)
class Evaluation:
    """A policy's episodes, one summary row each, in the order of the instances."""

    policy: str
    rows: list[Row]

    def column(self, key: str) -> list[float | None]:
        return [row[key] for row in self.rows]

    def document(self) -> dict[str, Any]:
        return {"policy": self.policy, "rows": self.rows}


def evaluation_config(config: RunConfig, policy: str, envs: int) -> RunConfig:
    """The preset with a fixed policy: one round, nothing learns."""
    document = config.model_dump(mode="json")
    document["run"] |= {"mode": "grow", "rounds": 1, "envs": envs}
    document["tamiyo"]["policy"] = policy
    document["ppo"]["clone_rounds"] = 0
    return RunConfig.model_validate(document)


def evaluate(
    config: RunConfig, policies: list[str], episodes: int, done: Callable[[str, int], None] = lambda name, count: None
) -> list[Evaluation]:
    """Plays the same held-out instances under every policy.  ``done`` is told of finished episodes.

    Raises:
        UsageError, Incompatible: if a policy does not exist or cannot be used.
    """
    splits = load_splits(config.data, seeding.generator)
    choice = choose_engine(build_shape(config), config)
    found: dict[str, list[Row]] = {policy: [] for policy in policies}
    for first in range(0, episodes, config.run.envs):
        envs = min(config.run.envs, episodes - first)
        instances = Instances(config, HELD_OUT + first, kept=True)
        for policy in policies:
            wanted = evaluation_config(config, policy, envs)
            instances.config = wanted
            events: list[Event] = []
            play_unwatched(build_parts(wanted, splits, choice, instances), events.append)
            found[policy] += next(e.rows for e in events if isinstance(e, RoundEnded))
            done(policy, len(found[policy]))
    return [Evaluation(policy, rows) for policy, rows in found.items()]


def differences(a: Evaluation, b: Evaluation, key: str = "gain") -> list[float]:
    """a − b by instance, where both were measured."""
    pairs = zip(a.column(key), b.column(key), strict=True)
    return [x - y for x, y in pairs if x is not None and y is not None]


def report(evaluations: list[Evaluation]) -> list[str]:
    """A line per policy, and per later policy its paired difference to the first."""
    lines = [
        f"{'policy':<28} {'gain, IQM [95 % interval] (nat)':<34} {'reward':>8} {'accuracy':>9} "
        f"{'kept':>5} {'planted':>8} {'+ parameters':>13}",
        *(_line(e) for e in evaluations),
    ]
    first = evaluations[0]
    for other in evaluations[1:]:
        lines.append(f"{first.policy} − {other.policy}: gain {_text(iqm_interval(differences(first, other)))} nat")
    return lines


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
