"""Metrics and alerts are rows that can be shown: named once, explained, with levels on the right side."""

import inspect

import pytest

from esper_tui.leyline import metrics
from esper_tui.leyline.metrics import ALERTS, METRICS


def test_no_row_hides_another():
    source = inspect.getsource(metrics)
    assert len(METRICS) == source.count('MetricSpec("')
    assert len(ALERTS) == source.count('AlertSpec("')


@pytest.mark.parametrize("key", METRICS)
def test_a_metric_explains_itself(key):
    row = METRICS[key]
    assert row.key == key
    assert key.count("/") >= 1
    assert key == key.lower()
    assert len(row.help) > 10
    if row.warn is not None and row.critical is not None:
        assert row.warn < row.critical


@pytest.mark.parametrize("rule", ALERTS)
def test_an_alert_explains_itself(rule):
    row = ALERTS[rule]
    assert row.rule == rule
    assert row.enter >= 1
    assert row.leave >= 1
    assert len(row.help) > 10
