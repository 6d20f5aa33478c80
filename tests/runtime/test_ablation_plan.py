"""What was measured of a seed goes when the seed goes."""

import numpy as np

from esper_tui.runtime.ablations import AblationPlan
from esper_tui.simic.ledger import Ledger
from esper_tui.tolaria.engine import Measured
from tests.worlds import tiny_parts

OFF, ON = frozenset[str](), frozenset({"r0c0"})


def seen(coalitions=None) -> Measured:
    return Measured(np.ones(8), np.ones(8), coalitions=coalitions or {})


def test_the_next_seed_in_a_slot_inherits_no_dependence():
    ledger = Ledger.start(np.arange(8) < 4)
    plan = AblationPlan(tiny_parts(), [ledger])
    plan.players = [("r0c0",)]
    plan.note(3, 0, seen({OFF: np.full(8, 1.5), ON: np.ones(8)}))
    plan.note(4, 0, seen())  # not measured this time: the older figure stands
    assert (ledger.dependence("r0c0").value, ledger.measured_at) == (0.5, 3)
    plan.players = [()]
    plan.note(5, 0, seen())
    plan.players = [("r0c0",)]
    plan.note(12, 0, seen())
    assert ledger.dependence("r0c0") is None
