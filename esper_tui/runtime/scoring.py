"""From measurements to rewards: what every environment earned with its last decision.

A decision at the boundary after epoch t is paid after epoch t + 1; the last one of an episode at its end, on the
delivered network.  Everything is measured on the reward half.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from esper_tui.leyline.choices import WAIT, Decision
from esper_tui.leyline.state import EnvState
from esper_tui.runtime.build import Parts
from esper_tui.simic.ledger import Ledger
from esper_tui.simic.rewards import (
    Moment,
    RewardLedger,
    RewardSettings,
    SeedFacts,
    Transition,
    compute_reward,
    potential,
)
from esper_tui.tolaria.engine import Coalition, Measured

FINAL_EPOCHS = 3
"""Φ_T is the mean over this many epochs."""


def reward_settings(parts: Parts) -> RewardSettings:
    weights = parts.config.reward.model_dump(exclude={"control"})
    return RewardSettings(host_params=parts.host_params, epochs=parts.config.run.epochs, **weights)


def delivery_coalitions(fossils: Sequence[str], holding: Sequence[str], epochs_left: int) -> list[Coalition]:
    """What may be delivered if one seed at most is committed at each boundary that is left."""
    most = min(len(holding), epochs_left)
    return [frozenset((*fossils, *more)) for size in range(most + 1) for more in combinations(holding, size)]


@dataclass
class Scorebook:
    """One environment's episode so far.

    Attributes:
        grown: whether a seed has left TRAINING; before that the gain is 0 by definition.
        finals: for each of the last epochs, the gain of every network that might be delivered.
        restored: the moment that the governor has just put the environment back to.
        last: the last transition, which is paid when the delivered network is known.
    """

    moment: Moment = field(default_factory=Moment)
    ledger: RewardLedger = field(default_factory=RewardLedger)
    decision: Decision = WAIT
    grown: bool = False
    finals: list[dict[Coalition, float]] = field(default_factory=list)
    terms: dict[str, float] = field(default_factory=dict)
    last: Transition | None = None
    restored: Moment | None = None

    def pay(self, terms: dict[str, float]) -> dict[str, float]:
        for name, value in terms.items():
            self.terms[name] = self.terms.get(name, 0.0) + value
        return terms


Terms = dict[str, float] | None


class Scoring:
    """The rewards of a round; None where nothing could be measured or there is no control to compare with."""

    def __init__(self, parts: Parts, envs: int):
        self.parts, self.settings = parts, reward_settings(parts)
        self.books = [Scorebook() for _ in range(envs)]

    def decided(self, env: int, decision: Decision) -> None:
        self.books[env].decision = decision

    def potentials(self) -> list[float]:
        """Φ of the present state of every environment."""
        return [potential(book.moment, self.settings) for book in self.books]

    def score(
        self, states: list[EnvState], ledgers: list[Ledger], measured: list[Measured], sound: list[bool]
    ) -> list[Terms]:
        """The terms that the decisions before this epoch earned; None after the first and the last epoch."""
        return [self._score(*row) for row in zip(self.books, states, ledgers, measured, sound, strict=True)]

    def _score(self, book: Scorebook, state: EnvState, ledger: Ledger, seen: Measured, sound: bool) -> Terms:
        book.last = None
        if book.restored is not None:
            return self._pay_panic(book, state)
        if not sound or seen.control is None:
            return None
        book.grown = book.grown or any(s.grafted for s in state.slots)
        before, book.moment = book.moment, self._moment(book, state, ledger, seen)
        if state.epochs - state.epoch < FINAL_EPOCHS:
            book.finals.append(self._final_gains(book, state, ledger, seen))
        step = Transition(before, book.moment, book.decision.op, book.decision.slot, self._work(state))
        if state.epoch == state.epochs:
            book.last = step
        if state.epoch in (1, state.epochs):
            return None
        return book.pay(compute_reward(step, self.settings, book.ledger))

    def roll_back(self, env: int, moment: Moment) -> None:
        """The governor has put an environment back; its next transition ends there."""
        self.books[env].restored = moment

    def _pay_panic(self, book: Scorebook, state: EnvState) -> Terms:
        assert book.restored is not None
        before, book.moment, book.restored = book.moment, book.restored, None
        op, slot = book.decision.op, book.decision.slot
        step = Transition(before, book.moment, op, slot, self._work(state), panicked=True)
        if state.epoch == state.epochs:
            book.last = step
        if state.epoch in (1, state.epochs):
            return None
        return book.pay(compute_reward(step, self.settings, book.ledger))

    def finish(self, rows: list[dict[str, Any]]) -> list[Terms]:
        """The terms of the last decisions, on the delivered networks; ``rows`` are their summaries."""
        return [self._finish(book, row) for book, row in zip(self.books, rows, strict=True)]

    def _finish(self, book: Scorebook, row: dict[str, Any]) -> Terms:
        if book.last is None or row["acc"] is None or row["control_acc"] is None:
            return None
        kept = frozenset(k["slot"] for k in row["kept"])
        measured = [_gain_of(kept, gains) for gains in book.finals]
        gain = float(np.mean(measured)) if measured else book.moment.gain
        fossils = tuple(s for s in book.moment.seeds if s.slot in kept)
        delivered = Moment(gain, book.moment.loss, row["acc"] - row["control_acc"], fossils)
        book.moment = delivered
        return book.pay(compute_reward(replace(book.last, delivered=delivered), self.settings, book.ledger))

    def summary(self, env: int) -> dict[str, Any]:
        """What an environment earned over its episode, as keys of its row."""
        book = self.books[env]
        return {"reward": sum(book.terms.values()) if book.terms else None, "terms": book.terms}

    # --- one moment --------------------------------------------------------------------------------------------

    def _gain(self, book: Scorebook, losses: np.ndarray, ledger: Ledger, seen: Measured) -> float:
        """(control − own)/ln(classes), within [−1, 1]."""
        assert seen.control is not None
        if not book.grown:
            return 0.0
        mean = float((seen.control.losses - losses)[ledger.reward.mask].mean(dtype=np.float64))
        return float(np.clip(mean / self.parts.ln_classes, -1.0, 1.0))

    def _moment(self, book: Scorebook, state: EnvState, ledger: Ledger, seen: Measured) -> Moment:
        assert seen.control is not None
        mask, unit = ledger.reward.mask, self.parts.ln_classes
        credits = ledger.credits()
        seeds = tuple(
            SeedFacts(s.slot, s.stage, s.params, s.alpha, s.age, s.epochs_in_stage, credits.get(s.slot, 0.0) / unit)
            for s in state.slots
            if s.seed is not None
        )
        acc_gain = float(seen.hits[mask].mean() - seen.control.hits[mask].mean())
        return Moment(self._gain(book, seen.losses, ledger, seen), ledger.reward_losses[-1] / unit, acc_gain, seeds)

    def _final_gains(self, book: Scorebook, state: EnvState, ledger: Ledger, seen: Measured) -> dict[Coalition, float]:
        """Gain of the whole network and of every one that was measured with some seeds off."""
        everyone = frozenset(s.slot for s in state.slots if s.grafted and s.alpha > 0.0)
        found = {on: self._gain(book, losses, ledger, seen) for on, losses in seen.coalitions.items()}
        return found | {everyone: self._gain(book, seen.losses, ledger, seen)}

    def _work(self, state: EnvState) -> float:
        """Multiply-accumulates of training the living seeds for an epoch, relative to training the host."""
        return sum(self.parts.seed_work(s) for s in state.slots if s.seed is not None)


def _gain_of(kept: Coalition, gains: dict[Coalition, float]) -> float:
    """Gain of the network with only these seeds on; of the whole one where that was not measured."""
    everyone = max(gains, key=len)
    return gains.get(kept & everyone, gains[everyone])
