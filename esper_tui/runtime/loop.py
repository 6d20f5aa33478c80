"""The story of a run: the only place where the engine, Tamiyo, the ledgers and the telemetry meet.

``Loop.play`` reads as the story goes.  The boundary, where commands apply and pauses rest, lies after measuring and
judging and before the decision.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from esper_tui.kasmina.lifecycle import Change
from esper_tui.leyline import choices
from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.errors import Diverged
from esper_tui.leyline.events import Event, RoundEnded, RoundStarted
from esper_tui.leyline.legality import Legality, legality
from esper_tui.leyline.protocols import Observation
from esper_tui.leyline.state import Verdict
from esper_tui.nissa.alerts import Alerts
from esper_tui.runtime.ablations import AblationPlan
from esper_tui.runtime.artefacts import save_networks
from esper_tui.runtime.build import Parts
from esper_tui.runtime.columns import epoch_columns, reward_columns, shapley_row
from esper_tui.runtime.delivery import Delivered, deliver_all, summary_rows
from esper_tui.runtime.governing import Governor, is_sound
from esper_tui.runtime.judge import Judge
from esper_tui.runtime.learn import build_learner
from esper_tui.runtime.overrides import Chosen, Overrides
from esper_tui.runtime.scoring import Scoring, Terms
from esper_tui.runtime.signals import env_signals
from esper_tui.runtime.telling import decision_taken, epoch_measured, run_started, stage_changed
from esper_tui.simic.attribution import all_coalitions
from esper_tui.simic.ledger import Ledger
from esper_tui.tolaria.engine import Measured, TrainReport


class Flush(Protocol):
    """Passes on what was told so far; ``sync`` also makes it last on the disk."""

    def __call__(self, sync: bool = False) -> None: ...


class Boundary(Protocol):
    """What the loop asks of the session around it."""

    def tick(self) -> None:
        """After every training step of every chunk; may hold the caller, or raise to end the run now."""

    def phase(self, name: str, epoch: int) -> None: ...

    overrides: Overrides
    path: Path | None
    """The run folder, if there is one."""

    def rest(self, epoch: int) -> bool:
        """At the boundary after an epoch: applies commands, waits while paused.  True ends the run."""
        ...


@dataclass
class Outcome:
    """How the story ended: the delivered networks of the last round, and whether it was stopped early."""

    delivered: list[Delivered]
    stopped: bool


class Loop:
    """One run."""

    def __init__(self, parts: Parts, emit: Callable[[Event], object], flush: Flush, boundary: Boundary):
        self.parts, self.config, self.engine = parts, parts.config, parts.engine
        self.emit, self.flush, self.boundary = emit, flush, boundary
        self.judge = Judge(parts.config, parts.ln_classes)
        self.round = 0
        self.learner = build_learner(parts, emit, boundary.path)
        self.alerts = Alerts(emit, parts.config.gates.min_gain * parts.ln_classes)

    def play(self, provenance: dict[str, Any], done: int = 0) -> Outcome:
        """The whole run: rounds, and between them Tamiyo learns.

        ``done`` epochs of the present round are behind a run that goes on from a checkpoint.
        """
        if not done:
            self.emit(run_started(self.parts, provenance))
        while True:
            outcome, done = self._play_round(done), 0
            if outcome.stopped:
                return outcome
            self.boundary.phase("learning", self.config.run.epochs)
            self.learner.improve(self.round, self.config.run.epochs)
            self.flush()
            if self.round + 1 == self.config.run.rounds:
                return outcome
            self.round += 1

    def _play_round(self, done: int) -> Outcome:
        epoch, stopped = done, False
        if done:
            if self.boundary.rest(done):
                return Outcome(self._end_round(done), True)
            self._decide_if_any(done)
        else:
            self._start_round()
        for epoch in range(done + 1, self.config.run.epochs + 1):
            moved = self.engine.begin_epoch()
            self.boundary.phase("training", epoch)
            trained = self.engine.train_epoch(epoch, self.boundary.tick)
            self.boundary.phase("measuring", epoch)
            measured = self.engine.validate(self.ablations.wanted(epoch))
            self.parts.instances.compare(self.instances, epoch, measured)
            self._tell(epoch, moved, self.engine.end_epoch())
            self._record(epoch, trained, measured)
            verdicts = self._judge(epoch, measured)
            self.boundary.phase("scoring", epoch)
            rewards = self._score(epoch)
            self._keep_sound(epoch)
            self._publish(epoch, trained, verdicts, rewards)
            self.boundary.phase("boundary", epoch)
            if stopped := self.boundary.rest(epoch):
                break
            self._decide_if_any(epoch)
        return Outcome(self._end_round(epoch), stopped)

    # --- the round ---------------------------------------------------------------------------------------------

    def _start_round(self) -> None:
        parts, step = self.parts, lambda epoch: self.boundary.phase("controls", epoch)
        self.instances = parts.instances.prepare(self.round, self.engine, step, self.boundary.tick)
        self.begin_round()
        self.emit(
            RoundStarted(
                round=self.round, epoch=0, instances=[list(i) for i in self.instances],
                control=self.config.reward.control, host_params=parts.host_params, slots=list(parts.shape.slots),
            )
        )  # fmt: skip

    def begin_round(self) -> None:
        """Everything of a round as it is before its first epoch."""
        parts = self.parts
        self.engine.reset(self.instances)
        self.ledgers = [Ledger.start(parts.gate_mask(instance)) for instance in self.instances]
        self.boundary.overrides.start_round(self.round)
        self.alerts.start_round()
        self.ablations = AblationPlan(parts, self.ledgers)
        self.scoring = Scoring(parts, len(self.instances))
        self.learner.start_round(self.round, len(self.instances))
        self.policy_state = self.learner.policy.initial_state(len(self.instances))
        self.healthy = [True] * len(self.instances)
        self.waits: list[int] = []
        self.governor = Governor(self.engine, parts.ln_classes, self.config.governor.max_rollbacks, self.emit)
        self.counts = [{"planted": 0, "pruned": 0, "assisted": 0} for _ in self.instances]

    def _end_round(self, epoch: int) -> list[Delivered]:
        self.boundary.phase("delivering", epoch)
        self.boundary.overrides.end_round(epoch)
        delivered = deliver_all(self.parts, self.healthy)
        rows = summary_rows(self.parts, delivered, self.counts)
        self.learner.end_round(self.scoring.finish(rows), self.scoring.potentials())
        rows = [row | self.scoring.summary(env) for env, row in enumerate(rows)]
        scored = [row for row in rows if row["loss"] is not None]
        best = min(scored, key=lambda row: row["loss"])["env"] if scored else None
        self.emit(RoundEnded(round=self.round, epoch=epoch, rows=rows, best=best))
        self.flush()
        if self.boundary.path is not None:
            last = self.round + 1 == self.config.run.rounds or epoch < self.config.run.epochs
            save_networks(self.boundary.path, self.parts, delivered, self.round, epoch, every=last)
        return delivered

    # --- measuring and judging ---------------------------------------------------------------------------------

    def _record(self, epoch: int, trained: TrainReport, measured: list[Measured]) -> None:
        """Enters the measurements of sound environments; the governor sees to the others."""
        self.measured, self.sound = measured, list(self.healthy)
        for env in self._living():
            seen, ledger = measured[env], self.ledgers[env]
            problem = self.governor.problem_of(env, seen, trained, ledger)
            if is_sound(seen.control) and not problem:
                ledger.record(seen.losses, seen.control.losses if seen.control is not None else None)
                self.ablations.note(epoch, env, seen)
            else:
                self.sound[env] = False
                self._panic(epoch, env, problem)
        if not any(self.healthy):
            raise Diverged(f"every environment went wrong for good by epoch {epoch}; lower optim.lr or set optim.clip")

    def _panic(self, epoch: int, env: int, problem: str) -> None:
        """An environment goes back to its last sound state, or waits until the episode ends; so it does at once if
        its control is lost, because nothing can be said of it any more."""
        changes = self.governor.panic(self.round, epoch, env, problem) if problem else None
        if changes is None:
            self.healthy[env] = False
            text = problem or "the control's loss is not finite"
            self.alerts.raise_(self.round, epoch, ("nan", env, None), text)
            return
        self.alerts.raise_(self.round, epoch, ("rollback", env, None), problem, passing=True)
        self.scoring.roll_back(env, self.governor.restored_moment(env))
        self._tell_env(epoch, env, changes)

    def _keep_sound(self, epoch: int) -> None:
        for env in self._living():
            if self.sound[env]:
                self.governor.keep(epoch, env, self.scoring.books[env].moment)

    def _judge(self, epoch: int, measured: list[Measured]) -> list[tuple[int, str, Verdict]]:
        """Verdicts that are new; gates listed in ``gates.auto_forward`` are passed at once."""
        found = []
        for env in (e for e in self._living() if self.sound[e]):
            for slot in self.engine.envs[env].slots:
                verdict = self.judge.look(slot, self.ledgers[env], measured[env])
                if verdict is None:
                    continue
                found.append((env, slot.name, verdict))
                if verdict.passed and verdict.gate in self.config.gates.auto_forward:
                    self._tell_env(epoch, env, self.engine.advance(env, slot.name, "auto_forward"))
        return found

    def _living(self) -> list[int]:
        return [env for env, healthy in enumerate(self.healthy) if healthy]

    def _score(self, epoch: int) -> list[Terms]:
        """What the decisions before this epoch earned."""
        rewards = self.scoring.score(self.engine.states(epoch), self.ledgers, self.measured, self.healthy)
        if epoch not in (1, self.config.run.epochs):
            self.learner.rewarded(rewards)
        return rewards

    def _publish(
        self, epoch: int, trained: TrainReport, verdicts: list[tuple[int, str, Verdict]], rewards: list[Terms]
    ) -> None:
        rows = enumerate(zip(self.engine.envs, self.ledgers, strict=True))
        self.signals = [env_signals(env.slots, ledger, trained, i, self.healthy[i]) for i, (env, ledger) in rows]
        columns = epoch_columns(trained, self.measured, self.ledgers, self.signals, self.parts.shape.slots)
        columns |= reward_columns(rewards)
        states = self.engine.states(epoch)
        self.emit(epoch_measured(self.parts, self.round, epoch, states, self.ledgers, columns, verdicts, self.waits))
        self.alerts.watch(self.round, epoch, self.parts.shape.slots, columns)
        self.flush()

    def look(self, env: int) -> dict[str, Any]:
        """Every coalition of an environment's seeds, measured now; empty without a seed.  Changes nothing."""
        players = self.ablations.graft_names(env)
        if not players:
            return {}
        coalitions = [all_coalitions(players) if e == env else [] for e in range(len(self.ledgers))]
        seen = self.engine.validate(coalitions)[env]
        return shapley_row(env, players, seen.coalitions, self.ledgers[env].gate.mask)

    # --- deciding ----------------------------------------------------------------------------------------------

    def _decide_if_any(self, epoch: int) -> None:
        """After the last epoch of an episode there is nothing left to decide."""
        if epoch < self.config.run.epochs:
            self.boundary.phase("deciding", epoch)
            self._decide(epoch)

    def _decide(self, epoch: int) -> None:
        states = self.engine.states(epoch)
        legal = [legality(state, self.parts.rules) for state in states]
        look = Observation(self.round, epoch, states, self.signals, legal)
        step = self.learner.policy.act(look, self.policy_state)
        human = self.boundary.overrides.choose(epoch, states, legal, self.healthy)
        people = {env: chosen.decision for env, chosen in human.items()}
        self.learner.decided(step, self.scoring.potentials(), people)
        self.policy_state, self.waits = step.state, []
        for env in range(len(states)):
            self._settle(epoch, env, step.decisions[env], step.traces[env], legal[env], human.get(env))
        self.flush(sync=bool(human))

    def _settle(
        self, epoch: int, env: int, own: Decision, trace: list[dict[str, Any]], legal: Legality, human: Chosen | None
    ) -> None:
        """Carries out one environment's decision: Tamiyo's, or a person's in its place."""
        decision = human.decision if human else own
        refusal = legal.refusal(decision) if self.healthy[env] else None
        carried = choices.WAIT if refusal or not self.healthy[env] else decision
        if carried.op is Op.WAIT:
            self.waits.append(env)
        if human or decision.op is not Op.WAIT or self.config.telemetry.decisions == "full":
            who: dict[str, Any] = {}
            if human:
                who = {"intended": own.named(), "intervention": human.intervention, "agreed": own == decision}
                self.counts[env]["assisted"] += own != decision
            refused = refusal.text if refusal else None
            self.emit(decision_taken(self.round, epoch, env, decision, trace, legal, refused, **who))
        self.scoring.decided(env, carried)
        self._carry_out(epoch, env, carried)

    def _carry_out(self, epoch: int, env: int, decision: Decision) -> None:
        changes = self.engine.apply(env, decision, epoch)
        if decision.op is Op.GERMINATE and changes and changes[0].seed is not None:
            self.ledgers[env].mark_germination(changes[0].seed)
        if decision.op is Op.FOSSILIZE:
            self.governor.keep(epoch, env, self.scoring.books[env].moment, now=True)
        self._tell_env(epoch, env, changes)

    def _tell(self, epoch: int, *moves: list[list[Change]]) -> None:
        for made in moves:
            for env, changes in enumerate(made):
                self._tell_env(epoch, env, changes)

    def _tell_env(self, epoch: int, env: int, changes: list[Change]) -> None:
        for c in changes:
            self.counts[env]["planted"] += c.target.name == "GERMINATED"
            self.counts[env]["pruned"] += c.target.name == "PRUNED"
            self.emit(stage_changed(self.round, epoch, env, c))
