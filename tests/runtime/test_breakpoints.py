"""What meets a breakpoint, and how they are set and cleared."""

import pytest

from esper_tui.leyline.session import Breakpoint
from esper_tui.runtime.breakpoints import Breakpoints, describe

STAGE = {"type": "StageChanged", "env": 3, "target": "HOLDING"}
DECISION = {"type": "DecisionTaken", "env": 3, "decision": {"op": "PRUNE"}}
ALERT = {"type": "AlertRaised", "env": 3, "rule": "stalled"}
NAN = {"type": "AlertRaised", "env": 3, "rule": "nan"}
EPOCH = {"type": "EpochMeasured"}
EVERYTHING = [STAGE, DECISION, ALERT, NAN, EPOCH]


@pytest.mark.parametrize(
    ("breakpoint_", "met"),
    [
        (Breakpoint("stage", "HOLDING"), [STAGE]),
        (Breakpoint("stage", "BLENDING"), []),
        (Breakpoint("stage", "HOLDING", env=3), [STAGE]),
        (Breakpoint("stage", "HOLDING", env=4), []),
        (Breakpoint("op", "PRUNE"), [DECISION]),
        (Breakpoint("op", "WAIT"), []),
        (Breakpoint("alert"), [ALERT, NAN]),
        (Breakpoint("alert", "stalled"), [ALERT]),
        (Breakpoint("alert", env=2), []),
        (Breakpoint("nan"), [NAN]),
    ],
)
def test_what_meets_a_breakpoint(breakpoint_, met):
    made = Breakpoints()
    assert made.change(breakpoint_) == ""
    assert [event for event in EVERYTHING if made.matches(event)] == met


def test_the_first_that_is_met_is_named():
    made = Breakpoints()
    for b in (Breakpoint("op", "PRUNE"), Breakpoint("stage", "HOLDING", env=3), Breakpoint("stage", "HOLDING")):
        made.change(b)
    assert made.matches(STAGE) == "env 3 stage==HOLDING"
    assert made.described() == ("op==PRUNE", "env 3 stage==HOLDING", "stage==HOLDING")


def test_setting_twice_is_setting_once_and_clearing_takes_exactly_that_away():
    made = Breakpoints()
    for _ in range(2):
        assert made.change(Breakpoint("nan")) == ""
    made.change(Breakpoint("nan", env=1))
    assert made.described() == ("nan", "env 1 nan")
    assert made.change(Breakpoint("nan", clear=True)) == ""
    assert made.described() == ("env 1 nan",)
    assert made.change(Breakpoint("nan", clear=True)) == "there is no breakpoint nan"


def test_how_a_breakpoint_is_written():
    assert describe(Breakpoint("alert")) == "alert"
    assert describe(Breakpoint("op", "PRUNE", 2)) == "env 2 op==PRUNE"
