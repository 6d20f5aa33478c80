"""Features: named, measured or flagged, normalised by frozen statistics."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.leyline.state import EnvSignals
from esper_tui.tamiyo.features import ENV_FEATURES, SLOT_FEATURES, explain, observation_schema, observe, views
from esper_tui.tamiyo.normal import RunningNormal
from tests import sights


def names(table):
    return [f.name for f in table]


def test_names_are_unique_and_every_row_has_a_sentence():
    for table in (ENV_FEATURES, SLOT_FEATURES):
        assert len(set(names(table))) == len(table)
        assert all(f.help for f in table)
    schema = observation_schema()
    assert len(schema["env"]) == len(ENV_FEATURES)
    assert len(schema["slot"]) == len(SLOT_FEATURES)


@pytest.mark.parametrize("slots", [1, 3, 12])
def test_tensors_hold_what_the_table_says(slots):
    seen = views(sights.observation(slots, envs=4, epoch=7), sights.layout(slots))
    tensors = observe(seen)
    assert tensors["env"].shape == (4, len(ENV_FEATURES))
    assert tensors["slots"].shape == (4, slots, len(SLOT_FEATURES))
    assert float(tensors["env"][2, names(ENV_FEATURES).index("time")]) == pytest.approx(7 / 30)
    shown = explain(seen[2])
    for i, feature in enumerate(ENV_FEATURES):
        value = shown[feature.name]
        assert value is None or float(tensors["env"][2, i]) == pytest.approx(value, rel=1e-5)


def test_what_was_not_measured_is_nan_in_optional_features_only():
    look = sights.observation(3, envs=1, epoch=0)
    look = replace(look, signals=[EnvSignals((), (), None)])
    tensors = observe(views(look, sights.layout(3)))
    for table, row in ((ENV_FEATURES, tensors["env"][0]), (SLOT_FEATURES, tensors["slots"][0, 0])):
        assert [f.name for f, v in zip(table, row.tolist(), strict=True) if math.isnan(v) and not f.optional] == []
    assert math.isnan(float(tensors["env"][0, names(ENV_FEATURES).index("gain")]))
    assert explain(views(look, sights.layout(3))[0])["gain"] is None


def test_statistics_leave_out_what_is_not_finite_and_what_is_not_normal():
    normal = RunningNormal([True, True, False])
    normal.update(torch.tensor([[1.0, math.nan, 5.0], [3.0, 10.0, 5.0], [math.inf, 14.0, 5.0]]))
    row = normal(torch.tensor([[4.0, math.nan, 2.5]]))[0].tolist()
    assert row == pytest.approx([2.0, 0.0, 2.5])  # (4 − 2)/1; unmeasured; as it is


@given(st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=6), min_size=1, max_size=5))
def test_merging_samples_is_taking_them_at_once(parts):
    merged, whole = RunningNormal([True]), RunningNormal([True])
    for part in parts:
        merged.update(torch.tensor(part, dtype=torch.float64)[:, None])
    whole.update(torch.tensor([x for part in parts for x in part], dtype=torch.float64)[:, None])
    assert float(merged.mean) == pytest.approx(float(whole.mean), abs=1e-9)
    assert float(merged.square) == pytest.approx(float(whole.square), abs=1e-7)
