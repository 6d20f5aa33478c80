"""Which ablations are measured when: enough to judge and to share credit, at most a fifth of the cost of training."""

from collections.abc import Collection

import numpy as np

from esper_tui.kasmina.gates import is_look_due
from esper_tui.leyline.stages import Stage
from esper_tui.runtime.build import Parts
from esper_tui.runtime.scoring import FINAL_EPOCHS, delivery_coalitions
from esper_tui.runtime.seeding import key_number
from esper_tui.simic.attribution import EXACT_PLAYERS, Coalition, wanted_coalitions
from esper_tui.simic.ledger import Ledger
from esper_tui.tolaria.cost import sweep_cost
from esper_tui.tolaria.engine import Measured

SHARE = 0.2
"""Ablations may cost this share of the multiply-accumulates of training."""
BACKWARD = 3.0
"""A training step costs about this many forward passes."""


class AblationPlan:
    """Decides per epoch and environment; keeps the budget."""

    def __init__(self, parts: Parts, ledgers: list[Ledger]):
        self.parts, self.ledgers = parts, ledgers
        self.trained = 0.0
        self.spent = [0.0] * len(ledgers)
        self.players: list[tuple[str, ...]] = []

    def wanted(self, epoch: int) -> list[list[Coalition]]:
        """Coalitions to be measured after this epoch; none where the budget is used up and no gate is looked at."""
        self.trained += BACKWARD * sum(self.parts.costs) * self.parts.config.images_per_epoch
        self.players = [self.graft_names(env) for env in range(len(self.ledgers))]
        return [self._wanted(epoch, env) for env in range(len(self.ledgers))]

    def graft_names(self, env: int) -> tuple[str, ...]:
        """Slots of an environment whose seeds are blended in."""
        return tuple(s.name for s in self.parts.engine.envs[env].slots if s.grafted and s.alpha.value > 0)

    def _wanted(self, epoch: int, env: int) -> list[Coalition]:
        players = self.players[env]
        if not players:
            return []
        rng = None
        if len(players) > EXACT_PLAYERS:
            instance = self.parts.engine.envs[env].instance
            rng = np.random.default_rng(key_number("coalitions", *instance, epoch))
        coalitions = wanted_coalitions(players, rng)
        cost = self._cost(players, coalitions)
        if self.spent[env] + cost > SHARE * self.trained and not self._look_due(env):
            return self._deliverable(epoch, env)
        self.spent[env] += cost
        return list(dict.fromkeys([*coalitions, *self._deliverable(epoch, env)]))

    def _deliverable(self, epoch: int, env: int) -> list[Coalition]:
        """What may be delivered, in the epochs that the final reward is made of."""
        left = self.parts.config.run.epochs - epoch
        if left >= FINAL_EPOCHS:
            return []
        slots = [s for s in self.parts.engine.envs[env].slots if s.name in self.players[env]]
        fossils = [s.name for s in slots if s.stage is Stage.FOSSILIZED]
        return delivery_coalitions(fossils, [s.name for s in slots if s.stage is Stage.HOLDING], left)

    def _cost(self, players: tuple[str, ...], coalitions: list[Coalition]) -> float:
        """Multiply-accumulates beyond the measurement of the whole network."""
        slots = self.parts.shape.slots
        whole = tuple(s in players for s in slots)
        wanted = [whole, *(tuple(s in c for s in slots) for c in coalitions)]
        costs = self.parts.costs
        return (sweep_cost(costs, wanted) - sum(costs)) * self.parts.config.data.val_images

    def _look_due(self, env: int) -> bool:
        """Whether a gate G5 will be looked at after this epoch; the epoch has not been counted yet."""
        slots = self.parts.engine.envs[env].slots
        return any(s.stage is Stage.HOLDING and is_look_due(s.epochs_in_stage + 1, s.looks) for s in slots)

    def note(self, epoch: int, env: int, seen: Measured) -> None:
        """Enters what was measured into the environment's ledger."""
        players = self.players[env]
        self.ledgers[env].forget_departed(players)
        if seen.coalitions and is_shareable(players, seen.coalitions):
            self.ledgers[env].record_ablations(epoch, players, seen.coalitions)


def is_shareable(players: tuple[str, ...], measured: Collection[Coalition]) -> bool:
    """Whether credit can be shared: all on, all off, and every seed off alone were measured."""
    everyone = frozenset(players)
    return all(c in measured for c in (everyone, frozenset(), *(everyone - {p} for p in players)))
