"""The governor of a round: what it saw, what it put back, and who is past help."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isfinite

import numpy as np

from esper_tui.kasmina.lifecycle import Change
from esper_tui.leyline.events import Event, GovernorActed
from esper_tui.leyline.stages import Stage
from esper_tui.simic.ledger import Ledger
from esper_tui.simic.rewards import Moment
from esper_tui.tolaria.engine import Engine, Measured, TrainReport
from esper_tui.tolaria.governor import KEEP_EVERY, Kept, Watch, keep_env, roll_back


@dataclass
class Guard:
    """What the governor knows of one environment: its vital signs, and the last sound state."""

    watch: Watch
    kept: Kept
    moment: Moment = field(default_factory=Moment)


class Governor:
    """Looks at every environment after every epoch.

    Args:
        chance: the loss of guessing, in nats.
        max_rollbacks: panics after which an environment waits until its episode ends.
    """

    def __init__(self, engine: Engine, chance: float, max_rollbacks: int, emit: Callable[[Event], object]):
        self.engine, self.limit, self.emit = engine, max_rollbacks, emit
        self.guards = [Guard(Watch(chance), keep_env(engine, env, 0)) for env in range(len(engine.envs))]

    def problem_of(self, env: int, seen: Measured, trained: TrainReport, ledger: Ledger) -> str:
        """What is wrong with an environment; empty if it is sound."""
        loss = float(seen.losses[ledger.gate.mask].mean()) if np.isfinite(seen.losses).all() else float("nan")
        return self.guards[env].watch.look(loss, trained.host_grad[env])

    def panic(self, round_: int, epoch: int, env: int, problem: str) -> list[Change] | None:
        """Puts an environment back, its developing seeds pruned; None once it is past help."""
        guard = self.guards[env]
        panics = guard.watch.panic()
        if panics > self.limit:
            self._tell(round_, epoch, env, problem, f"panic {panics}: it waits until its episode ends")
            return None
        changes = roll_back(self.engine, env, guard.kept)
        pruned = f", pruned {', '.join(c.slot for c in changes)}" if changes else ""
        self._tell(round_, epoch, env, problem, f"rolled back to epoch {guard.kept.epoch}{pruned}")
        return changes

    def _tell(self, round_: int, epoch: int, env: int, seen: str, done: str) -> None:
        self.emit(GovernorActed(round=round_, epoch=epoch, env=env, seen=seen, done=done))

    def restored_moment(self, env: int) -> Moment:
        """What is rewarded after a panic: the kept moment with its fossils only."""
        moment = self.guards[env].moment
        return replace(moment, seeds=tuple(s for s in moment.seeds if s.stage is Stage.FOSSILIZED))

    def keep(self, epoch: int, env: int, moment: Moment, now: bool = False) -> None:
        """Keeps a sound state, every few epochs and whenever a seed was committed."""
        if now or epoch % KEEP_EVERY == 0:
            self.guards[env].kept, self.guards[env].moment = keep_env(self.engine, env, epoch), moment


def is_sound(control: Measured | None) -> bool:
    return control is None or bool(np.isfinite(control.losses).all())


def finite_or_none(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
