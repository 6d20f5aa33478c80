"""What becomes of interventions: every one ends in exactly one fate, and never two apply to an environment at once."""

from collections import defaultdict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from esper_tui.leyline.choices import WAIT, Decision, Op
from esper_tui.leyline.interventions import Fate, Intervention
from esper_tui.leyline.legality import legality
from esper_tui.leyline.session import Override
from esper_tui.leyline.stages import Stage
from esper_tui.leyline.state import EnvState
from esper_tui.runtime.overrides import Overrides, problem_with
from tests import states
from tests.states import env, passed, seeded
from tests.worlds import advance, germinate

RULES = states.rules()
PRUNE = Decision(op=Op.PRUNE, slot="r0c0", alpha_speed="FAST", alpha_curve="LINEAR")
EMPTY = env()
LIVING = env(seeded("r0c0", Stage.HOLDING))


class Desk:
    """Overrides with what they told, and boundaries that are easy to write down."""

    def __init__(self):
        self.told = []
        self.overrides = Overrides(self.told.append)
        self.overrides.start_round(0)

    def ask(self, decision=PRUNE, *, at: int = 5, env: int = 0, **more) -> int:
        number = self.overrides.queue(at, Override(env, decision, **more))
        self.overrides.publish()
        return number

    def boundary(self, epoch: int, *views: EnvState, lost: tuple[int, ...] = ()) -> dict[int, tuple[int, Decision]]:
        views = tuple(EnvState(epoch, v.epochs, v.slots) for v in views or (LIVING,))
        legal = [legality(v, RULES) for v in views]
        healthy = [e not in lost for e in range(len(views))]
        chosen = self.overrides.choose(epoch, list(views), legal, healthy)
        return {e: (c.intervention, c.decision) for e, c in chosen.items()}

    def fates(self, number: int = 1) -> list[tuple[str, int]]:
        return [(e.fate, e.epoch) for e in self.told if e.intervention["id"] == number]

    def reason(self, number: int = 1) -> str:
        return [e.reason for e in self.told if e.intervention["id"] == number][-1]


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- one intervention ----------------------------------------------------------------------------------------------


def test_now_applies_at_the_next_boundary_and_is_over(desk):
    number = desk.ask(at=5)
    assert desk.boundary(5) == {0: (number, PRUNE)}
    assert desk.boundary(6) == {}
    assert desk.fates() == [("queued", 5), ("applied", 5)]


def test_now_is_refused_where_it_is_not_legal(desk):
    desk.ask(at=5)
    assert desk.boundary(5, EMPTY) == {}
    assert desk.fates() == [("queued", 5), ("rejected", 5)]
    assert desk.reason().startswith("WRONG_STAGE: ")
    assert desk.boundary(6) == {}


def test_when_legal_waits_and_applies_once_it_may(desk):
    number = desk.ask(at=5, when="when_legal", wait_epochs=3)
    assert [desk.boundary(e, EMPTY) for e in (5, 6, 7)] == [{}, {}, {}]
    assert desk.boundary(8) == {0: (number, PRUNE)}


def test_when_legal_expires_after_the_boundaries_it_waits_for(desk):
    desk.ask(at=5, when="when_legal", wait_epochs=3)
    for epoch in (5, 6, 7, 8):
        assert desk.boundary(epoch, EMPTY) == {}
    assert desk.fates() == [("queued", 5), ("expired", 8)]
    assert desk.boundary(9) == {}


def test_waiting_is_counted_from_the_epoch_that_was_asked_for(desk):
    number = desk.ask(at=5, when="when_legal", at_epoch=20, wait_epochs=2)
    assert desk.boundary(8) == {}, "legal, but before its epoch"
    assert desk.boundary(20, EMPTY) == desk.boundary(21, EMPTY) == {}
    assert desk.boundary(22) == {0: (number, PRUNE)}


def test_at_epoch_waits_for_its_epoch_and_is_then_like_now(desk):
    desk.ask(at=5, at_epoch=7)
    assert desk.boundary(5) == desk.boundary(6) == {}
    desk.boundary(7, EMPTY)
    assert desk.fates() == [("queued", 5), ("rejected", 7)]


def test_without_a_limit_it_waits_to_the_end_of_the_round(desk):
    desk.ask(at=5, when="when_legal")
    for epoch in range(5, 30):
        desk.boundary(epoch, EMPTY)
    desk.overrides.end_round(30)
    assert desk.fates() == [("queued", 5), ("expired", 30)]
    assert desk.reason() == "the round ended"


def test_another_seed_than_the_one_that_was_seen_is_never_hit(desk):
    desk.ask(at=5, when="when_legal", expect=1)
    assert desk.boundary(5, env(seeded("r0c0", Stage.HOLDING, seed=2))) == {}
    assert desk.fates() == [("queued", 5), ("rejected", 5)]
    assert desk.reason() == "STALE: seed 1 is no longer in r0c0, seed 2 is"


def test_the_seed_that_was_seen_is_pruned(desk):
    number = desk.ask(at=5, expect=7)
    assert desk.boundary(5, env(seeded("r0c0", Stage.HOLDING, seed=7))) == {0: (number, PRUNE)}


def test_a_seed_that_is_gone_makes_it_stale_too(desk):
    desk.ask(at=5, when="when_legal", expect=1)
    assert desk.boundary(5, EMPTY) == {}
    assert desk.reason() == "STALE: seed 1 is no longer in r0c0"


def test_a_lost_environment_takes_nothing(desk):
    desk.ask(at=5, env=1)
    assert desk.boundary(5, LIVING, LIVING, lost=(1,)) == {}
    assert desk.fates() == [("queued", 5), ("rejected", 5)]
    assert "finite" in desk.reason()


def test_a_blueprint_of_another_kind_of_host_is_refused_and_breaks_nothing(desk):
    desk.ask(germinate("r0c0", "MLP"), at=6)
    assert desk.boundary(6, EMPTY) == {}
    assert desk.reason() == "BLUEPRINT_TOPOLOGY: MLP does not exist for this host"


# --- holding -------------------------------------------------------------------------------------------------------


def test_a_hold_is_in_force_for_its_boundaries_and_waits_where_it_is_not_legal(desk):
    number = desk.ask(advance("r0c0"), at=5, hold=3)
    ready = env(seeded("r0c0", Stage.BLENDING, verdict=passed("G3")))
    assert desk.boundary(5, ready) == {0: (number, advance("r0c0"))}
    assert desk.boundary(6, LIVING) == {0: (number, WAIT)}
    assert desk.boundary(7, ready) == {0: (number, advance("r0c0"))}
    assert desk.boundary(8, ready) == {}
    assert desk.fates() == [("queued", 5), ("applied", 5), ("applied", 7)]
    assert [e.left for e in desk.told] == [3, 2, 0]


def test_a_hold_without_end_ends_when_it_is_cancelled(desk):
    number = desk.ask(WAIT, at=5, hold=0)
    assert all(desk.boundary(e) == {0: (number, WAIT)} for e in range(5, 25))
    assert desk.overrides.cancel(25, number) == ("applied", 25, "was in force since epoch 5")
    assert desk.boundary(25) == {}
    assert desk.fates() == [("queued", 5), ("applied", 5), ("cancelled", 25)]


def test_a_hold_that_the_round_ends_stays_applied(desk):
    desk.ask(WAIT, at=5, hold=10)
    desk.boundary(5)
    desk.overrides.end_round(6)
    assert desk.fates() == [("queued", 5), ("applied", 5), ("applied", 6)]
    assert desk.told[-1].left == 0


def test_a_hold_whose_seed_was_replaced_is_rejected(desk):
    desk.ask(advance("r0c0"), at=5, hold=5, expect=1)
    desk.boundary(5, env(seeded("r0c0", Stage.BLENDING, verdict=passed("G3"))))
    assert desk.boundary(6, env(seeded("r0c0", Stage.BLENDING, seed=2))) == {}
    assert desk.fates() == [("queued", 5), ("applied", 5), ("rejected", 6)]


# --- several -------------------------------------------------------------------------------------------------------


def test_the_second_for_an_environment_waits_behind_the_first(desk):
    first, second = desk.ask(WAIT, at=5, hold=2), desk.ask(at=5)
    assert desk.boundary(5) == desk.boundary(6) == {0: (first, WAIT)}
    assert desk.boundary(7) == {0: (second, PRUNE)}
    assert desk.fates(second) == [("queued", 5), ("applied", 7)]


def test_one_that_waits_behind_another_expires_all_the_same(desk):
    desk.ask(WAIT, at=5, hold=0)
    second = desk.ask(at=5, when="when_legal", wait_epochs=2)
    for epoch in (5, 6, 7, 8):
        desk.boundary(epoch)
    assert desk.fates(second) == [("queued", 5), ("expired", 7)]
    assert desk.reason(second) == "another intervention for this environment went first"


def test_one_that_is_not_legal_lets_the_next_pass(desk):
    first, second = desk.ask(advance("r0c0"), at=5, when="when_legal"), desk.ask(at=5)
    assert desk.boundary(5) == {0: (second, PRUNE)}
    assert desk.fates(first) == [("queued", 5)]


def test_environments_do_not_wait_for_each_other(desk):
    first, second = desk.ask(at=5, env=1), desk.ask(at=5, env=0)
    assert desk.boundary(5, LIVING, LIVING) == {1: (first, PRUNE), 0: (second, PRUNE)}


# --- taking back ---------------------------------------------------------------------------------------------------


def test_before_the_boundary_it_is_taken_back_and_never_applies(desk):
    number = desk.ask(at=5)
    assert desk.overrides.cancel(5, number) == ("applied", 5, "")
    assert desk.boundary(5) == {}
    assert desk.fates() == [("queued", 5), ("cancelled", 5)]


def test_after_the_boundary_it_is_too_late_and_says_when_it_applied(desk):
    number = desk.ask(at=5)
    desk.boundary(5)
    assert desk.overrides.cancel(6, number) == ("too late", 5, "intervention 1 was applied at epoch 5")
    assert desk.overrides.cancel(6, number)[0] == "too late"


def test_what_was_never_asked_cannot_be_taken_back(desk):
    assert desk.overrides.cancel(5, 3) == ("rejected", None, "there is no intervention 3")


# --- telling -------------------------------------------------------------------------------------------------------


def test_what_comes_between_two_boundaries_is_told_at_the_next_with_its_round(desk):
    desk.overrides.queue(6, Override(0, WAIT))
    assert desk.told == []
    desk.overrides.start_round(1)
    desk.overrides.publish()
    assert [(e.round, e.epoch, e.fate) for e in desk.told] == [(1, 6, "queued")]


def test_the_request_survives_being_written_down(desk):
    desk.ask(PRUNE, at=5, when="when_legal", at_epoch=9, hold=2, wait_epochs=4, expect=3, author="ann@box", note="why")
    asked = Intervention.from_named(desk.told[0].intervention)
    assert asked == Intervention(1, 0, PRUNE, "when_legal", 9, 2, 13, 3, "ann@box", "why")


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (Override(3, WAIT), "there is no environment 3, only 0 to 2"),
        (Override(-1, WAIT), "there is no environment -1, only 0 to 2"),
        (Override(0, advance("r9c9")), "the host has no slot r9c9, only r0c0"),
        (Override(0, WAIT, hold=-1), "hold and wait_epochs are numbers of boundaries, 0 or more"),
        (Override(0, WAIT, wait_epochs=-2), "hold and wait_epochs are numbers of boundaries, 0 or more"),
        (Override(2, WAIT), ""),
    ],
)
def test_requests_that_make_no_sense(command, problem):
    assert problem_with(command, 3, ("r0c0",)) == problem


# --- anything at all -----------------------------------------------------------------------------------------------

FINAL = {Fate.REJECTED, Fate.EXPIRED, Fate.CANCELLED}
requests = st.builds(
    Override, st.integers(0, 1), st.sampled_from([WAIT, PRUNE, advance("r0c0"), germinate("r0c1"), germinate("r0c0")]),
    when=st.sampled_from(["now", "when_legal"]), at_epoch=st.none() | st.integers(1, 15), hold=st.integers(0, 4),
    wait_epochs=st.integers(0, 4), expect=st.none() | st.integers(1, 2),
)  # fmt: skip
stages = st.sampled_from([Stage.DORMANT, Stage.TRAINING, Stage.BLENDING, Stage.HOLDING, Stage.PRUNED])
slots = st.builds(
    lambda stage, seed, gate: (
        seeded("r0c0", stage, seed=seed, verdict=passed("G3") if gate else None)
        if stage not in (Stage.DORMANT, Stage.PRUNED)
        else seeded("r0c0", stage, seed=None, blueprint=None, style=None, params=0)
    ),
    stages, st.integers(1, 2), st.booleans(),
)  # fmt: skip


class People(RuleBasedStateMachine):
    """People ask and take back at any time; environments change under their hands."""

    numbers = Bundle("numbers")

    @initialize()
    def begin(self):
        self.desk, self.epoch, self.asked = Desk(), 0, {}
        self.in_force = defaultdict(int)

    @rule(target=numbers, request=requests, between=st.booleans())
    def ask(self, request, between):
        first = self.epoch + 1 if between else self.epoch
        number = self.desk.overrides.queue(first, request)
        self.asked[number] = (request, first)
        return number

    @rule(number=consumes(numbers))
    def take_back(self, number):
        over = any(self._is_final(e) for e in self._events(number))
        state, _, _ = self.desk.overrides.cancel(self.epoch, number)
        assert state == ("too late" if over else "applied")

    @rule(here=slots, there=slots, lost=st.sampled_from([(), (1,)]))
    def boundary(self, here, there, lost):
        self.epoch += 1
        views = [env(here, epoch=self.epoch), env(there, epoch=self.epoch)]
        open_before = set(self.desk.overrides.entries)
        chosen = self.desk.boundary(self.epoch, *views, lost=lost)
        for place, (number, decision) in chosen.items():
            self._check(place, number, decision, views[place])
            assert number in open_before
            assert place not in lost

    def _check(self, place, number, decision, view):
        request, first = self.asked[number]
        held = self.in_force[number] > 0
        legal = legality(EnvState(self.epoch, view.epochs, view.slots), RULES)
        assert request.env == place
        assert legal.refusal(decision) is None
        assert decision == request.decision or (decision == WAIT and held)
        assert self.epoch >= max(first, request.at_epoch or 0) or held
        if not held and request.wait_epochs:
            assert self.epoch <= max(first, request.at_epoch or 0) + request.wait_epochs
        slot = request.decision.slot
        if slot is not None and request.expect is not None:
            assert view.slot(slot).seed == request.expect
        self.in_force[number] += 1
        assert not request.hold or self.in_force[number] <= request.hold

    def _events(self, number):
        return [e for e in (*self.desk.told, *self.desk.overrides.untold) if e.intervention["id"] == number]

    @staticmethod
    def _is_final(event) -> bool:
        held = event.intervention["hold"] != 1
        return event.fate in FINAL or (event.fate == Fate.APPLIED and (not held or event.left == 0))

    @invariant()
    def every_life_begins_queued_and_ends_once(self):
        for number in self.asked:
            fates = self._events(number)
            assert [e.fate for e in fates].count(Fate.QUEUED) == 1
            assert fates[0].fate == Fate.QUEUED
            assert not any(self._is_final(e) for e in fates[:-1])
            assert self._is_final(fates[-1]) == (number not in self.desk.overrides.entries)

    def teardown(self):
        self.desk.overrides.end_round(self.epoch)
        assert self.desk.overrides.entries == {}
        assert all(self._is_final(self._events(number)[-1]) for number in self.asked)


TestPeople = People.TestCase
TestPeople.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
