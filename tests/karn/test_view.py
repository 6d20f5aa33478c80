"""A record knows what the loop knew: slots and legality at every boundary, from the events alone."""

import pytest

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.karn.view import env_legality, env_state, rules_of
from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.events import to_record
from esper_tui.leyline.legality import legality
from esper_tui.leyline.session import Override
from esper_tui.leyline.state import EnvState
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.overrides import Overrides
from tests import worlds
from tests.worlds import germinate


class Checking:
    """The boundary of a loop; compares the record that its events make with what the loop itself knows."""

    path = None

    def __init__(self, parts, script: dict[int, list[Override]]):
        self.record, self.seq, self.compared, self.stages = RunRecord(), 0, 0, set()
        self.script, self.overrides = script, Overrides(self.emit)
        self.parts, self.loop = parts, Loop(parts, self.emit, lambda sync=False: None, self)

    def emit(self, event) -> None:
        reduce(self.record, to_record(event, self.seq, float(self.seq)))
        self.seq += 1

    def phase(self, name: str, epoch: int) -> None: ...

    def tick(self) -> None: ...

    def rest(self, epoch: int) -> bool:
        for command in self.script.get(epoch, []):
            self.overrides.queue(epoch, command)
        self.overrides.publish()
        for env, known in enumerate(self.parts.engine.states(epoch)):
            seen = env_state(self.record, env)
            assert comparable(seen) == comparable(known), f"epoch {epoch}, env {env}"
            assert env_legality(self.record, env) == legality(known, self.parts.rules)
            self.compared += 1
            self.stages |= {slot.stage.name for slot in known.slots}
        return False


def comparable(state: EnvState) -> list:
    """Everything but digits that a log does not keep, and verdicts of gates that are not ahead."""
    return [
        (s.slot, s.stage, s.seed, s.blueprint, s.style, s.params, s.age, s.epochs_in_stage, s.ramp_left, s.clock,
         round(s.alpha, 5), round(s.alpha_target, 5))
        for s in state.slots
    ]  # fmt: skip


def play(script: dict[int, list[Override]] | None = None, **sections) -> Checking:
    checking = Checking(worlds.tiny_parts(**sections), script or {})
    checking.loop.play({})
    assert checking.record.unfit == checking.record.unknown == 0
    return checking


def test_the_rules_come_back_as_they_were():
    checking = play(run={"envs": 1, "epochs": 2})
    assert rules_of(checking.record) == checking.parts.rules


@pytest.mark.parametrize(
    "more", [{}, {"gates": {"auto_forward": ["G1", "G2", "G3"]}}, {"growth": {"concurrent": 2, "seed_limit": 2}}]
)
def test_random_decisions_leave_no_difference_at_any_boundary(more):
    settings = {"policy": "random", "germination_rate": 0.9, "prune_rate": 0.25}
    checking = play(run={"envs": 3, "epochs": 32}, tamiyo=settings, reward={"control": "none"}, **more)
    assert checking.compared == 3 * 32
    assert checking.stages >= {"DORMANT", "TRAINING", "BLENDING", "PRUNED", "EMBARGOED"}


def test_another_alpha_target_and_style_are_known_afterwards():
    """LINEAR_ADD and SIGMOID_ADD have one form, so that the style may change."""
    change = Decision(
        op=Op.SET_ALPHA_TARGET, slot="r0c0", style="SIGMOID_ADD", alpha_target="HALF", alpha_speed="FAST",
        alpha_curve="LINEAR",
    )  # fmt: skip
    script = {5: [Override(0, germinate("r0c0"))], 6: [Override(0, change, "when_legal")]}
    checking = play(
        script, run={"envs": 1, "epochs": 20}, tamiyo={"policy": "manual"},
        gates={"auto_forward": ["G1", "G2", "G3"]}, reward={"control": "none"},
    )  # fmt: skip
    fates = [event["fate"] for event in checking.record.rounds[0].interventions.values()]
    assert fates == ["applied", "applied"]
    assert checking.record.rounds[0].seeds[0, "r0c0"]["style"] == "SIGMOID_ADD"


def test_before_the_first_epoch_every_slot_is_empty(finished_run):
    record = RunRecord()
    for event in finished_run.events[:2]:
        reduce(record, event)
    assert env_state(record, 0).epoch == 0
    assert [s.stage.name for s in env_state(record, 0).slots] == ["DORMANT", "DORMANT"]
    legal = env_legality(record, 0)
    assert legal is not None
    assert legal.open_ops() == [Op.WAIT]


def test_without_a_round_there_is_no_environment():
    with pytest.raises(ValueError, match="not started a round"):
        env_state(RunRecord(), 0)


def test_a_log_without_rules_has_no_legality(finished_run):
    record = RunRecord()
    for event in finished_run.events[:4]:
        reduce(record, event)
    record.rules = {}
    assert rules_of(record) is None
    assert env_legality(record, 0) is None
