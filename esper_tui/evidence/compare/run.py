"""Plays a comparison: what is tuned, block after block of seeds, and after each of them the table so far."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from esper_tui.data.load import load_splits
from esper_tui.evidence.compare.blocks import PARTS, Block, Part, controller
from esper_tui.evidence.compare.forks import play_forks, questions
from esper_tui.evidence.compare.plan import BLOCK, Plan, next_block
from esper_tui.evidence.compare.progress import Nobody, Reporter, Watcher
from esper_tui.evidence.compare.schedules import Schedule, find_cell, find_schedule
from esper_tui.evidence.compare.setting import Row, Setting, Tell, instances
from esper_tui.evidence.compare.store import Store
from esper_tui.evidence.compare.summary import Comparison, write_results
from esper_tui.evidence.compare.tuning import Found, find_shape, sweep_learning_rate, watch_policy
from esper_tui.runtime import seeding
from esper_tui.runtime.build import build_shape
from esper_tui.runtime.probe_cache import choose_engine


@dataclass
class Player:
    """One call: what is stored is taken as it is, the rest is played."""

    plan: Plan
    store: Store
    reporter: Reporter
    forks_each: int = 0
    seeds: int = 0
    rows: list[Row] = field(default_factory=list)
    forks: list[dict[str, Any]] = field(default_factory=list)

    def unit(self, name: str, make: Callable[[Tell], Any], *, rows: bool = False, counts: bool = True) -> Any:
        """A unit from the store, or played now and stored."""
        began, known = time.perf_counter(), self.store.has(name)
        take = self.store.rows if rows else self.store.unit
        result = take(name, lambda: make(self.reporter.begin(name, counts)))
        self.reporter.finished(name, counts, None if known else time.perf_counter() - began)
        return result

    # --- tuning ------------------------------------------------------------------------------------------------

    def tune(self, setting: Setting) -> tuple[Setting, Found]:
        """Everything that the arms need to know beforehand, in the order in which it is needed."""
        plan, found, unit = self.plan, Found(), partial(self.unit, counts=False)
        if plan.sweep:
            found.sweep = unit("tuning-sweep", partial(sweep_learning_rate, setting))
            assert found.lr is not None
            setting = setting.with_lr(found.lr)
        if "A7s" in plan.arms:
            found.schedule = unit("tuning-schedule", lambda tell: _steps(find_schedule(setting, plan.episodes, tell)))
        if "A9" in plan.arms:
            found.oracle = unit("tuning-oracle", lambda tell: _steps(find_cell(setting, tell)))
        if {"A6", "A4b"} & set(plan.arms):
            watched = unit("tuning-rates", partial(self._watch, setting, found))
            found.rates, found.params = watched["rates"], watched["params"]
        if "A4b" in plan.arms:
            found.shape = unit("tuning-shape", partial(find_shape, setting, found.params))
        return setting, found

    def _watch(self, setting: Setting, found: Found, tell: Tell) -> dict[str, Any]:
        rates, params = watch_policy(setting, controller(self.plan.match, self.plan, found), tell)
        return {"rates": vars(rates), "params": params}

    # --- blocks ------------------------------------------------------------------------------------------------

    def parts(self) -> list[Part]:
        return [part for part in PARTS if part.wanted(self.plan)]

    def expect(self, seeds: int | None) -> None:
        """How many units there will be."""
        if seeds is not None:
            self.reporter.expect(ceil(seeds / BLOCK) * (len(self.parts()) + bool(self.forks_each)))

    def play(self, block: Block) -> None:
        name = f"{block.seeds[0]:04d}-{block.seeds[-1]:04d}"
        for part in self.parts():
            play = partial(part.play, block, part.wanted(self.plan))
            block.enter(self.unit(f"{name}-{part.name}", play, rows=True))
        self.rows += [row for rows in block.rows.values() for row in rows]
        if self.forks_each:
            self.forks += self.unit(f"{name}-forks-{self.forks_each}", partial(self._fork, block))
        self.seeds += len(block.seeds)

    def _fork(self, block: Block, tell: Tell) -> list[dict[str, Any]]:
        asked = questions(block.matched, instances(block.setting.config, [row.seed for row in block.matched]))
        return play_forks(block.setting, asked, self.forks_each, tell) if asked else []


def _steps(schedule: Schedule) -> list[list[Any]]:
    """A schedule as it is stored."""
    return [[epoch, step.named()] for epoch, step in schedule]


def compare(
    plan: Plan, folder: Path, seeds: int | None = None, minutes: float | None = None, forks: int = 0,
    watcher: Watcher | None = None,
) -> Comparison:  # fmt: skip
    """Plays a plan until so many seeds are finished, or as many as fit into some minutes, and writes the results.

    What the folder holds already is not played again.  ``forks``: per kept seed; 0 leaves the precision out.

    Raises:
        Busy: if the folder holds another comparison.
        CannotWrite: if it holds anything else, or cannot be written.
        EsperError: for whatever else is wrong before it starts.
    """
    began, reporter = time.monotonic(), Reporter(folder, watcher or Nobody(), minutes)
    store = Store(folder)
    store.check(plan)
    setting = build_setting(plan)
    store.create(plan)
    player = Player(plan, store, reporter, forks)
    with reporter:
        player.expect(seeds)
        setting, found = player.tune(setting)
        reporter.watcher.found(found)
        result = Comparison(replace(plan, config=setting.config), found)
        for block_seeds in _blocks(seeds, minutes, began):
            player.play(Block(setting, plan, found, block_seeds))
            result = replace(result, rows=player.rows, forks=player.forks, seeds=player.seeds, made=store.made())
            write_results(result, folder)
            reporter.seeds(player.seeds)
    return result


def _blocks(seeds: int | None, minutes: float | None, began: float) -> Iterator[list[int]]:
    """Blocks of seeds until there are enough, or until the next one would not fit into the time that is left."""
    done = 0
    while block := next_block(done, seeds):
        before = time.monotonic()
        yield block
        done += len(block)
        took, spent = time.monotonic() - before, (time.monotonic() - began) / 60
        if minutes is not None and took > 1.0 and spent + took / 60 > minutes:
            return


def build_setting(plan: Plan) -> Setting:
    """Images, and an engine that is chosen once for all arms."""
    setting = Setting(plan.config, load_splits(plan.config.data, seeding.generator), None)  # type: ignore[arg-type]
    grown = setting.fixed(min(256, BLOCK * len(plan.arms)), reward={"control": "none"})
    return replace(setting, choice=choose_engine(build_shape(grown), grown))
