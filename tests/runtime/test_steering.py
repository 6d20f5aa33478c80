"""Commands in any order, at any time: each gets exactly one last word, nobody waits for ever, the log stays whole."""

import threading
import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from esper_tui.karn.read import ReadReport, read_records, read_run
from esper_tui.leyline.choices import WAIT
from esper_tui.leyline.interventions import Fate
from esper_tui.leyline.session import (
    Abandon,
    Breakpoint,
    Cancel,
    Checkpoint,
    Note,
    Override,
    Pause,
    Resume,
    Step,
    Stop,
)
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.resume import prepare_resume
from esper_tui.runtime.start import prepare_session
from tests import worlds
from tests.worlds import germinate

PATIENCE_S = 60.0
EPOCHS = 10
LAST_WORDS = ("applied", "rejected", "too late")
OVER = (Fate.REJECTED, Fate.EXPIRED, Fate.CANCELLED)


class Steered(RuleBasedStateMachine):
    """A tiny run in a folder, a person who presses everything, and now and then a process that goes on with it."""

    folders = None  # set by the test

    def __init__(self):
        super().__init__()
        self.folder = next(self.folders)
        self.session = None
        self.sent: Counter[int] = Counter()
        self.acks: dict[int, list] = {}

    @initialize(every=st.sampled_from([0, 1, 3]))
    def begin(self, every):
        config = worlds.tiny_config(
            run={"envs": 1, "epochs": EPOCHS}, data={"train_images": 16, "val_images": 16},
            growth={"slots": ["r0c0"]}, tamiyo={"policy": "wait"}, reward={"control": "none"},
            checkpoint={"every_epochs": every, "every_minutes": 0.0},
        )  # fmt: skip
        self.session = prepare_session(Resolved("tiny", config, ""), self.folder, None, choice=worlds.CHOICE)
        self.session.start()

    def send(self, command) -> int:
        number = self.session.submit(command)
        self.sent[number] += 1
        return number

    def look(self) -> None:
        for ack in self.session.poll()[0]:
            self.acks.setdefault(ack.id, []).append(ack)

    # --- what a person does ------------------------------------------------------------------------------------

    @rule(at=st.sampled_from(["epoch", "batch"]))
    def pause(self, at):
        self.send(Pause(at))

    @rule()
    def go_on(self):
        self.send(Resume())

    @rule(epochs=st.integers(-1, 4))
    def step(self, epochs):
        self.send(Step(epochs))

    @rule(env=st.sampled_from([0, 0, 0, -1, 1]), plant=st.booleans(), when=st.sampled_from(["now", "when_legal"]),
          hold=st.integers(0, 3), wait=st.sampled_from([0, 0, 3]))  # fmt: skip
    def override(self, env, plant, when, hold, wait):
        decision = germinate("r0c0") if plant else WAIT
        self.send(Override(env, decision, when, hold=hold, wait_epochs=wait))

    @rule(number=st.integers(1, 6))
    def cancel(self, number):
        self.send(Cancel(number))

    @rule()
    def checkpoint(self):
        self.send(Checkpoint())

    @rule()
    def note(self):
        self.send(Note("so it is"))

    @rule(clear=st.booleans())
    def breakpoint(self, clear):
        self.send(Breakpoint("stage", "GERMINATED", clear=clear))

    @rule()
    def let_it_run(self):
        time.sleep(0.005)

    @precondition(lambda self: not self.session.over)
    @rule(how=st.sampled_from(["stop", "abort", "abandon"]))
    def end_and_go_on(self, how):
        """Ends the run one way or another; unless it is over for good, another session goes on with it."""
        if how == "abort":
            self.session.abort()
        else:
            self.send(Stop() if how == "stop" else Abandon())
        self.settle()
        if how == "stop" and self.session.ending.status == "stopped":
            self.sent, self.acks = Counter(), {}
            self.session = prepare_resume(self.folder, None)
            self.session.start()

    # --- what must hold ----------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_said_twice(self):
        if self.session is None:
            return
        self.look()
        for number, acks in self.acks.items():
            states = [a.state for a in acks]
            assert states.count("accepted") <= 1
            assert sum(s in LAST_WORDS for s in states) <= 1, (number, states)
            assert "accepted" not in states[1:], "accepted comes first"

    def settle(self) -> None:
        """The run comes to its end in bounded time, and every command has its last word."""
        self.session.thread.join(PATIENCE_S)
        assert not self.session.thread.is_alive(), "the loop waits for ever"
        self.look()
        for number in self.sent:
            states = [a.state for a in self.acks.get(number, [])]
            assert [s for s in states if s in LAST_WORDS] == states[-1:], (number, states)

    def teardown(self):
        if self.session is None:
            return
        self.session.leave_alone()
        self.settle()
        self.check_log()
        assert not any(t.name == "loop" and t.is_alive() for t in threading.enumerate())

    def check_log(self) -> None:
        report = ReadReport()
        record = read_run(self.folder, report)
        assert (report.damaged, report.unknown, report.problems) == (0, 0, [])
        epochs = [e.number for r in record.rounds for e in r.epochs]
        assert epochs == list(range(1, len(epochs) + 1)), "epochs follow each other"
        assert record.status == self.session.ending.status
        if record.status == "done":
            assert len(epochs) == EPOCHS
        self.check_fates(finished=record.status in ("done", "stopped"))

    def check_fates(self, finished: bool) -> None:
        """An override is queued once, and is over once; it applies before or never."""
        fates: dict[int, list[str]] = {}
        for event in read_records(self.folder):
            if event["type"] == "InterventionChanged":
                fates.setdefault(event["intervention"]["id"], []).append(event["fate"])
        for number, told in fates.items():
            assert told[0] == Fate.QUEUED, (number, told)
            assert told.count(Fate.QUEUED) == 1
            assert sum(f in OVER for f in told) <= 1
            assert all(f == told[-1] for f in told if f in OVER), "nothing follows the end"
            if finished:
                assert told[-1] != Fate.QUEUED, (number, told)


@pytest.mark.parametrize("examples", [10, pytest.param(300, marks=pytest.mark.long)])
def test_commands_in_any_order(examples, tmp_path_factory):
    class Here(Steered):
        folders = iter(lambda: tmp_path_factory.mktemp("steered") / "run", None)

    Here.TestCase.settings = settings(
        max_examples=examples, stateful_step_count=12, deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )  # fmt: skip
    Here.TestCase("runTest").runTest()
