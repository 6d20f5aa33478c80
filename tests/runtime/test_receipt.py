"""The text a run ends with."""

import copy
from pathlib import Path

import pytest

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.runtime.headless import seed_letters
from esper_tui.runtime.receipt import receipt
from esper_tui.runtime.runs import runs_folder


def fold(events) -> RunRecord:
    record = RunRecord()
    for event in events:
        reduce(record, event)
    return record


@pytest.fixture
def record(finished_run) -> RunRecord:
    return copy.deepcopy(fold(finished_run.events))


def test_a_receipt_has_a_row_per_environment_with_what_growth_bought(record, finished_run):
    text = receipt(record, finished_run.folder)
    row, test = record.rounds[0].rows[0], record.test[0]
    line = next(line for line in text.splitlines() if line.startswith("  0  "))
    extra = row["params"] - row["host_params"]
    assert line.split()[1:3] == [f"{100 * test['control_acc']:.1f}", f"{100 * test['acc']:.1f}"]
    assert f"{row['gain']:+.4f} ± {row['gain_se']:.4f}" in line
    assert f"{row['host_params']:,} + {extra:,}" in line
    mean, n = 100 * record.test_summary["mean"], record.test_summary["n"]
    assert f"growth bought {mean:+.2f} points of test accuracy" in text
    assert f"{n} paired environments" in text
    assert f"best is env {record.rounds[0].best}, validation loss" in text


def test_two_kept_seeds_fit_into_a_line_and_more_go_below(record):
    rows = record.rounds[0].rows
    rows[0]["kept"] = [{"slot": f"r0c{i}", "blueprint": "BOTTLENECK"} for i in range(2)]
    rows[1] |= {"kept": [{"slot": f"r0c{i}", "blueprint": "CONV_HEAVY"} for i in range(3)], "assisted": 2}
    lines = receipt(record, None).splitlines()
    assert all(len(line) <= 120 for line in lines)
    at = next(i for i, line in enumerate(lines) if line.startswith("  0  "))
    assert lines[at].endswith("  r0c0 BOTTLENECK, r0c1 BOTTLENECK")
    assert lines[at + 1].endswith("  r0c0 CONV_HEAVY, r0c1 CONV_HEAVY,")
    assert lines[at + 2].strip() == "r0c2 CONV_HEAVY ASSISTED(2)"


def test_a_run_without_a_control_speaks_of_dependence_only(record):
    record.rounds[0].control, record.test_summary = "none", {}
    for row in record.rounds[0].rows:
        row |= {"gain": None, "gain_se": None}
    record.test = [row | {"control_acc": None} for row in record.test]
    text = receipt(record, None)
    assert "dependence only: without a control nothing can be said about what growth bought" in text
    assert "points of test accuracy" not in text
    assert "± " not in text.split("kept\n")[1]


def test_what_left_the_finite_numbers_is_said_and_not_calculated_with(record):
    record.rounds[0].rows[0] |= {"loss": None, "acc": None, "gain": None, "gain_se": None, "params": None}
    record.rounds[0].rows[1] |= {"loss": "NaN", "gain": "NaN", "gain_se": "NaN"}
    record.rounds[0].best = 1
    record.test = [row | {"acc": "NaN"} for row in record.test]
    text = receipt(record, None)
    assert text.count("lost: its loss is not finite") == 2
    assert "best is" not in text


def test_a_run_that_never_began_has_a_receipt_all_the_same(tmp_path):
    assert receipt(RunRecord(), tmp_path).startswith("not finished\n")
    assert receipt(RunRecord(), None) == "not finished"


def test_every_beginning_of_a_run_has_a_receipt(finished_run):
    for end in range(len(finished_run.events)):
        assert receipt(fold(finished_run.events[:end]), finished_run.folder)


def test_the_next_command_names_the_run_so_that_it_is_found(record):
    assert "esper runs show 20260101-000000-tiny-abcd" in receipt(record, runs_folder() / "20260101-000000-tiny-abcd")
    assert "esper runs show '/some where/x'" in receipt(record, Path("/some where/x"))


def test_seeds_are_counted_by_stage():
    assert seed_letters([[1, 1], [1, 1]]) == "–"
    assert seed_letters([[3, 1, 4], [7, 4, 6], [7, 7, 8]]) == "T1B2H1F3P1"
