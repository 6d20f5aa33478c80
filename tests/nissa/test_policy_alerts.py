"""Alerts of the learner: raised after the updates they ask for, cleared when the figures are well again."""

import pytest

from esper_tui.leyline.metrics import ALERTS
from esper_tui.nissa.policy_alerts import PolicyAlerts

WELL = {
    "ppo/ratio_max": 1.5, "ppo/skipped": 0.0, "ppo/explained_variance": 0.4,
    "entropy/op": 0.5, "live/op": 400.0, "entropy/tempo": 0.6, "live/tempo": 80.0,
}  # fmt: skip


def watch(*updates):
    """(type, rule, slot) of what was raised and cleared, by update."""
    told = []
    alerts = PolicyAlerts(told.append)
    for number, changes in enumerate(updates):
        alerts.watch_policy(number, 30, WELL | changes)
    return [(e.type, e.rule, e.slot, e.round) for e in told]


@pytest.mark.parametrize(
    ("rule", "slot", "changes"),
    [
        ("collapse", None, {"entropy/op": 0.01}),
        ("dead_head", "tempo", {"entropy/tempo": 0.005}),
        ("ratio", None, {"ppo/ratio_max": 11.0}),
        ("skipped", None, {"ppo/skipped": 2.0}),
        ("critic", None, {"ppo/explained_variance": -0.1}),
    ],
)
def test_raised_after_its_updates_and_cleared_after_its_updates(rule, slot, changes):
    enter, leave = ALERTS[rule].enter, ALERTS[rule].leave
    told = watch(*[changes] * enter, *[{}] * leave)
    assert told == [("AlertRaised", rule, slot, enter - 1), ("AlertCleared", rule, slot, enter + leave - 1)]


def test_nothing_is_said_of_a_head_that_hardly_acted_or_of_a_figure_that_is_not_there():
    quiet = {"entropy/tempo": 0.0, "live/tempo": 49.0}
    without = {k: v for k, v in WELL.items() if k not in ("ppo/explained_variance", "entropy/op")}
    told = []
    alerts = PolicyAlerts(told.append)
    for number in range(6):
        alerts.watch_policy(number, 30, without | quiet)
    assert told == []
