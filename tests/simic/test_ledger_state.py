"""A ledger survives the way through JSON and arrays."""

import json

import numpy as np

from esper_tui.simic.ledger import Ledger
from esper_tui.simic.ledger_state import capture_ledger, restore_ledger


def lived_in() -> Ledger:
    rng = np.random.default_rng(0)
    ledger = Ledger.start(np.arange(8) % 2 == 0)
    for epoch in range(7):
        ledger.record(rng.random(8), rng.random(8))
        if epoch == 5:
            ledger.mark_germination(1)
    subsets = {frozenset(on): rng.random(8) for on in ((), ("r0c0",), ("r0c1",), ("r0c0", "r0c1"))}
    ledger.record_ablations(7, ("r0c0", "r0c1"), subsets)
    return ledger


def test_round_trip_gives_the_same_estimates():
    first = lived_in()
    arrays, document = capture_ledger(first)
    second = restore_ledger(arrays, json.loads(json.dumps(document)))
    assert second.gate.gain(1, 5) == first.gate.gain(1, 5)
    assert second.reward.gain(1, 5) == first.reward.gain(1, 5)
    assert second.dependence("r0c1") == first.dependence("r0c1")
    assert second.credits() == first.credits()
    assert (second.losses, second.control_losses, second.latest) == (first.losses, first.control_losses, first.latest)


def test_both_go_on_alike_and_apart():
    first = lived_in()
    second = restore_ledger(*capture_ledger(first))
    first.record(np.ones(8), np.zeros(8))
    assert len(second.losses) == 7
    second.record(np.ones(8), np.zeros(8))
    assert second.gate.gain(1, 5) == first.gate.gain(1, 5)


def test_an_empty_ledger():
    first = Ledger.start(np.array([True, False]))
    second = restore_ledger(*capture_ledger(first))
    assert second.latest is None
    assert not second.gate.window
