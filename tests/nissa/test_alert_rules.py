"""Alerts: raised after epochs in a row, cleared after epochs without, each with what was seen."""

import math

import pytest

from esper_tui.leyline.metrics import ALERTS
from esper_tui.nissa.alerts import EXPLODING, STALL_EPOCHS, Alerts

SLOTS = ("r0c0", "r0c1")


class Watch:
    """Detectors fed with the columns of one environment, and what they said."""

    def __init__(self):
        self.said, self.epoch = [], 0
        self.alerts = Alerts(self.said.append, min_gain=0.01)

    def epochs(self, count: int = 1, **columns) -> list[tuple[str, str, int]]:
        """So many epochs of the same columns; what was said meanwhile as (type, rule, epoch)."""
        before = len(self.said)
        for _ in range(count):
            self.epoch += 1
            self.alerts.watch(0, self.epoch, SLOTS, columns_of(**{"loss": 1.0 / self.epoch} | columns))
        return [(e.type, e.rule, e.epoch) for e in self.said[before:]]


def columns_of(loss=1.0, host=1.0, seed=None, gain=None, index=None) -> dict:
    """Columns of one environment whose first slot holds a seed."""
    return {
        "val/loss": [loss], "grad/host": [host], "grad/seed": [[seed, None]],
        "seed/gain": [[gain, None]], "seed/index": [[index, None]],
    }  # fmt: skip


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_a_seed_explodes_after_three_epochs_in_a_row(watch):
    assert ALERTS["exploding"].enter == 3
    assert watch.epochs(2, seed=10.5) == []
    assert watch.epochs(1, seed=10.5) == [("AlertRaised", "exploding", 3)]
    raised = watch.said[-1]
    assert (raised.env, raised.slot, raised.severity) == (0, "r0c0", "warn")
    assert raised.text == f"gradient ratio 10.5 > {EXPLODING:g}"


def test_it_is_raised_once_however_long_it_lasts(watch):
    assert len(watch.epochs(20, seed=50.0)) == 1


def test_a_quiet_epoch_before_it_is_raised_begins_the_count_again(watch):
    watch.epochs(2, seed=50.0)
    watch.epochs(1, seed=1.0)
    assert watch.epochs(2, seed=50.0) == []
    assert watch.epochs(1, seed=50.0) == [("AlertRaised", "exploding", 6)]


def test_it_is_cleared_after_three_quiet_epochs_in_a_row(watch):
    watch.epochs(3, seed=50.0)
    assert watch.epochs(2, seed=1.0) == []
    assert watch.epochs(1, seed=50.0) == [], "not quiet long enough: it stays, and is not raised again"
    assert watch.epochs(2, seed=1.0) == []
    assert watch.epochs(1, seed=1.0) == [("AlertCleared", "exploding", 9)]
    assert watch.epochs(3, seed=50.0) == [("AlertRaised", "exploding", 12)]


def test_a_seed_that_was_taken_away_clears_its_alert(watch):
    watch.epochs(3, seed=50.0)
    assert watch.epochs(3, seed=None) == [("AlertCleared", "exploding", 6)]


def test_exactly_ten_times_the_host_is_still_allowed(watch):
    assert watch.epochs(5, seed=10.0) == []


def test_a_seed_vanishes_below_a_thousandth(watch):
    assert watch.epochs(3, seed=0.9e-3) == [("AlertRaised", "vanishing", 3)]
    assert watch.said[-1].text == "gradient ratio 9.0e-04 < 0.001"


@pytest.mark.parametrize("host", [0.0, math.nan])
def test_a_host_without_a_gradient_says_nothing_about_its_seeds(watch, host):
    assert watch.epochs(5, host=host, seed=1.0) == []


def test_stalled_after_ten_epochs_without_a_new_low(watch):
    assert watch.epochs(1, loss=0.5) == []
    assert watch.epochs(STALL_EPOCHS - 1, loss=0.5) == []
    assert watch.epochs(1, loss=0.6) == [("AlertRaised", "stalled", 11)]
    assert watch.said[-1].slot is None
    assert watch.epochs(3, loss=0.55) == []
    assert watch.epochs(1, loss=0.49) == [("AlertCleared", "stalled", 15)]


def test_a_lost_environment_is_not_called_stalled_too(watch):
    assert watch.epochs(30, loss=math.nan) == []


def test_ransom_needs_reliance_and_no_gain_for_five_epochs(watch):
    assert ALERTS["ransom"].enter == 5
    assert watch.epochs(4, gain=[0.0, 0.001], index=0.95) == []
    assert watch.epochs(1, gain=[0.0, 0.001], index=0.95) == [("AlertRaised", "ransom", 5)]
    assert watch.said[-1].text == "dependence index 0.95 > 0.9, gain +0.0000 ± 0.0010"


@pytest.mark.parametrize(
    ("gain", "index"),
    [([0.0, 0.001], 0.9), ([0.009, 0.001], 0.95), ([0.0, 0.006], 0.95), ([0.0, 0.001], None), (None, 0.95)],
)
def test_no_ransom_where_the_seed_may_have_paid_or_is_not_needed(watch, gain, index):
    assert watch.epochs(10, gain=gain, index=index) == []


def test_an_error_is_raised_at_once_and_named_so(watch):
    watch.alerts.raise_(0, 7, ("nan", 2, None), "the loss is not finite")
    assert [(e.rule, e.env, e.epoch, e.severity) for e in watch.said] == [("nan", 2, 7, "error")]
    assert watch.epochs(10) == [], "and stays until the episode ends"


def test_a_new_round_starts_with_nothing_raised_and_nothing_counted(watch):
    watch.epochs(3, seed=50.0)
    watch.alerts.start_round()
    assert watch.epochs(2, seed=50.0) == []
    assert watch.epochs(1, seed=50.0) == [("AlertRaised", "exploding", 6)]


def test_every_rule_has_a_sentence_and_every_finding_a_rule():
    assert all(spec.help and spec.enter >= 1 and spec.leave >= 1 for spec in ALERTS.values())
    assert {"nan", "stalled", "exploding", "vanishing", "ransom"} <= set(ALERTS)
