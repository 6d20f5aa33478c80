"""A cheap planner: at every boundary an environment is forked, every choice is tried for some epochs, the best is kept.

The forks live in an engine of their own and see the images that the environment is going to see.  In a fork seeds
move on as soon as their time is there, and are not judged; what is compared is the validation loss, gate half, at the
end of the horizon.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from esper_tui.evidence.compare.flops import Account, Costs
from esper_tui.leyline.choices import WAIT, Decision, Op
from esper_tui.leyline.legality import Legality
from esper_tui.leyline.protocols import Observation, PolicyStep
from esper_tui.leyline.stages import Stage
from esper_tui.runtime.build import Parts, build_parts
from esper_tui.tolaria.copying import copy_env
from esper_tui.tolaria.engine import Engine


@dataclass(frozen=True)
class Trial:
    """A choice that is tried for an environment."""

    env: int
    decision: Decision


class Greedy:
    """Looks ``horizon`` epochs ahead before every decision of the environments from ``first`` on.

    Attributes:
        spent: operations of all trials, by environment.
    """

    name = "greedy"

    def __init__(self, parts: Parts, first: int, horizon: int):
        self.parts, self.first, self.horizon = parts, first, horizon
        self.trials = build_parts(parts.config, parts.splits, parts.choice, parts.instances)
        self.costs = Costs(parts.shape.spec, parts.shape.slots)
        self.spent: dict[int, float] = {}

    def initial_state(self, envs: int) -> None:
        return None

    def act(self, observation: Observation, state: None) -> PolicyStep:
        choices = [self.choices(legal) for legal in observation.legality]
        trials = [Trial(env, choice) for env, own in enumerate(choices) if len(own) > 1 for choice in own]
        losses = dict(zip(trials, self.try_out(trials, observation.epoch), strict=True)) if trials else {}
        best = [
            min(own, key=lambda choice: losses[Trial(env, choice)]) if len(own) > 1 else WAIT
            for env, own in enumerate(choices)
        ]
        return PolicyStep(best, [self._trace(env, own, losses) for env, own in enumerate(choices)])

    def choices(self, legal: Legality) -> list[Decision]:
        """Waiting, planting what the heuristic would, moving on, committing, pruning at once."""
        settings = self.parts.config.tamiyo
        found = [WAIT]
        for slot in legal.slots(Op.GERMINATE):
            for blueprint in [b for b in settings.rotation if b in legal.open_blueprints(slot)]:
                found.append(
                    Decision(
                        op=Op.GERMINATE, slot=slot, blueprint=blueprint, style=settings.style, tempo=settings.tempo,
                        alpha_target="FULL",
                    )
                )  # fmt: skip
        found += [Decision(op=op, slot=slot) for op in (Op.ADVANCE, Op.FOSSILIZE) for slot in legal.slots(op)]
        instant = {"alpha_speed": "INSTANT", "alpha_curve": "LINEAR"}
        return found + [Decision(op=Op.PRUNE, slot=slot, **instant) for slot in legal.slots(Op.PRUNE)]

    def try_out(self, trials: Sequence[Trial], epoch: int) -> list[float]:
        """Loss after the horizon, or at the end of the episode, for every trial."""
        source, engine = self.parts.engine, self.trials.engine
        engine.reset([source.envs[self.first + t.env].instance for t in trials])
        accounts = [Account(self.costs, self.parts.config.images_per_epoch, 0) for _ in trials]
        for place, trial in enumerate(trials):
            copy_env(source, self.first + trial.env, engine, place)
            engine.apply(place, trial.decision, epoch)
        for ahead in range(epoch + 1, min(epoch + self.horizon, engine.epochs) + 1):
            self._go_on(engine, ahead, accounts)
        for trial, account in zip(trials, accounts, strict=True):
            self.spent[trial.env] = self.spent.get(trial.env, 0.0) + account.spent.total
        seen = engine.validate([[] for _ in trials])
        return [
            float(m.losses[self.parts.gate_mask(own.instance)].mean()) for m, own in zip(seen, engine.envs, strict=True)
        ]

    def _go_on(self, engine: Engine, epoch: int, accounts: Sequence[Account]) -> None:
        engine.begin_epoch()
        for env, account in zip(engine.envs, accounts, strict=True):
            account.train(env.slots)
        engine.train_epoch(epoch)
        engine.end_epoch()
        for place, env in enumerate(engine.envs):
            for slot in env.slots:
                if self._is_due(slot):
                    engine.apply(place, Decision(op=Op.ADVANCE, slot=slot.name), epoch)

    def _is_due(self, slot: Any) -> bool:
        """Whether a seed has been in its stage for as long as it has to."""
        if slot.stage is Stage.GERMINATED:
            return True
        if slot.stage is Stage.TRAINING:
            return slot.epochs_in_stage >= self.parts.config.growth.incubate_epochs
        return slot.stage is Stage.BLENDING and slot.alpha.target == 1.0 and slot.alpha.resting

    @staticmethod
    def _trace(env: int, own: Sequence[Decision], losses: dict[Trial, float]) -> list[dict[str, Any]]:
        return [
            {"rule": " ".join(choice.named().values()), "value": losses.get(Trial(env, choice)), "fired": False}
            for choice in own
        ]

    def close(self) -> None:
        self.trials.engine.close()
