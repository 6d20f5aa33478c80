"""What is looked for on validation images of the tuning seeds, which no arm is scored on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any

from esper_tui.evidence.compare.grown import Make, Place, Rates, play_grown, wait
from esper_tui.evidence.compare.hosts import GROWTH, with_parameters
from esper_tui.evidence.compare.setting import TUNING, Row, Setting, Tell, instances, part_of
from esper_tui.evidence.compare.static import Job, play_static
from esper_tui.leyline.choices import Op
from esper_tui.leyline.protocols import Observation, Policy, PolicyStep
from esper_tui.runtime.build import Parts

SEEDS = 4
LEARNING_RATES = (0.025, 0.05, 0.1, 0.2, 0.4)
SHAPES = (1.0, 1.5, GROWTH)
"""How fast the widths of a static network grow from block to block."""


@dataclass
class Found:
    """The results, as they are stored and shown; empty where nothing was looked for.

    Attributes:
        sweep: learning rate → validation accuracies of the host alone.
        rates: germination and prune, per boundary at which it was legal.
        params: of the delivered networks of the grown arm, the median.
        schedule: [epoch, heads] of the best fixed schedule.
        oracle: the same of the best cell of the grid.
        shape: growth of the widths of the best static network, with the accuracies of every one that was tried.
    """

    sweep: dict[str, list[float]] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    params: int = 0
    schedule: list[list[Any]] = field(default_factory=list)
    oracle: list[list[Any]] = field(default_factory=list)
    shape: dict[str, Any] = field(default_factory=dict)

    @property
    def lr(self) -> float | None:
        """The learning rate with the highest mean accuracy; None without a sweep."""
        return float(max(self.sweep, key=lambda lr: fmean(self.sweep[lr]))) if self.sweep else None


def accuracies(rows: Sequence[Row]) -> list[float]:
    """Validation accuracies; a network that left the finite numbers got nothing right."""
    return [row.val_acc if row.val_acc is not None else 0.0 for row in rows]


def jobs(setting: Setting, count: int = SEEDS) -> list[Job]:
    seeds = range(count)
    return [Job("A0", s, i) for s, i in zip(seeds, instances(setting.config, seeds, TUNING), strict=True)]


def sweep_learning_rate(setting: Setting, tell: Tell) -> dict[str, list[float]]:
    epochs, found = setting.config.run.epochs, {}
    for index, lr in enumerate(LEARNING_RATES):
        told = part_of(tell, index, len(LEARNING_RATES))
        found[f"{lr:g}"] = accuracies(play_static(setting.with_lr(lr), jobs(setting), epochs, told))
    return found


class Counted:
    """A policy, and how often it planted and pruned where it was allowed to."""

    def __init__(self, policy: Policy):
        self.policy, self.name = policy, policy.name
        self.legal = dict.fromkeys((Op.GERMINATE, Op.PRUNE), 0)
        self.taken = dict(self.legal)

    def initial_state(self, envs: int) -> Any:
        return self.policy.initial_state(envs)

    def act(self, observation: Observation, state: Any) -> PolicyStep:
        step = self.policy.act(observation, state)
        for decision, legal in zip(step.decisions, observation.legality, strict=True):
            for op in self.legal:
                self.legal[op] += bool(legal.slots(op))
                self.taken[op] += decision.op is op
        return step

    def rates(self) -> Rates:
        germination, prune = (self.taken[op] / max(1, self.legal[op]) for op in self.legal)
        return Rates(germination, prune)


def watch_policy(setting: Setting, make: Make, tell: Tell) -> tuple[Rates, int]:
    """How often a policy plants and prunes, and how many parameters its networks have, the median."""
    counted: list[Counted] = []

    def count(parts: Parts, place: Place) -> Policy:
        counted.append(Counted(make(parts, place)))
        return counted[0]

    seeds = range(SEEDS)
    rows = play_grown(
        setting, seeds, instances(setting.config, seeds, TUNING), {"A0": wait, "watched": count}, tell
    )  # fmt: skip
    return counted[0].rates(), int(median(row.params for row in rows[SEEDS:]))


def find_shape(setting: Setting, params: int, tell: Tell) -> dict[str, Any]:
    """The growth of widths with which a static 3x3 network of so many parameters does best."""
    found = {}
    for index, growth in enumerate(SHAPES):
        spec = with_parameters(setting.spec, params, growth, kernel=3)
        told = part_of(tell, index, len(SHAPES))
        rows = play_static(setting, jobs(setting), setting.config.run.epochs, told, spec)
        found[f"{growth:g}"] = accuracies(rows)
    best = max(found, key=lambda growth: fmean(found[growth]))
    return {"growth": float(best), "tried": found, "params": params}
