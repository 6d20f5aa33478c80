"""A comparison from the command line: what it leaves behind, and that it goes on where it was killed."""

import csv
import json
import signal
import time

import numpy as np
import pytest

from esper_tui.evidence.compare.plan import Plan, make_plan
from esper_tui.evidence.compare.run import compare
from esper_tui.evidence.compare.setting import Row
from esper_tui.evidence.compare.summary import COLUMNS, Comparison, document, waste
from esper_tui.evidence.compare.table import grid, table
from esper_tui.evidence.compare.tuning import Found
from esper_tui.evidence.stats import iqm_interval, nested_iqm_interval, nested_p, signed_rank_p
from esper_tui.leyline.errors import CannotWrite, DataMissing
from tests import console, worlds

RESULTS = ("rows.csv", "table.md", "comparison.json")
MORE = """
[gates]
min_gain = 0.0
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A command, all but the folder: 2 seeds, three units."""
    folder = tmp_path_factory.mktemp("compared")
    preset = console.tiny_preset(folder, more=MORE)
    preset.write_text(preset.read_text().replace("epochs = 4", "epochs = 20").replace("= 64", "= 48"))
    return folder, ["compare", str(preset), "--arms", "A2,A4,A5,A7", "--seeds", "2", "--to"]


@pytest.fixture(scope="module")
def whole(asked):
    folder, words = asked
    done = console.esper(*words, str(folder / "whole"))
    assert done.code == 0, done.err
    return folder / "whole", done


def test_what_is_left_behind(whole):
    folder, done = whole
    found = json.loads((folder / "comparison.json").read_text())
    assert [arm["arm"] for arm in found["arms"]] == ["A0", "A2", "A4", "A5", "A7"]
    assert found["seeds"] == 2
    lines = list(csv.DictReader((folder / "rows.csv").open()))
    assert tuple(lines[0]) == COLUMNS
    assert [(line["arm"], line["seed"]) for line in lines[:4]] == [("A0", "0"), ("A0", "1"), ("A7", "0"), ("A7", "1")]
    assert len(lines) == len(found["rows"]) == 10
    for line, row in zip(lines, found["rows"], strict=True):
        assert float(line["test_acc"]) == row["test_acc"]
    assert (folder / "table.md").read_text().strip() in done.out
    assert "0000-0001-grown" in done.err


def test_killed_half_way_it_goes_on_to_the_same_result(asked, whole):
    folder, words = asked
    part = folder / "part"
    first = part / "units" / "0000-0001-grown.json"
    process = console.start(*words, str(part), cwd=folder)
    until = time.monotonic() + 100
    while not first.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    console.finish(process)
    assert not (part / "rows.csv").exists(), "it was to be killed before its end"
    written = first.stat().st_mtime_ns
    again = console.esper(*words, str(part))
    assert again.code == 0, again.err
    assert first.stat().st_mtime_ns == written
    assert "grown" not in again.err
    for name in RESULTS:
        one, other = ((folder / name).read_text().replace(str(folder), "FOLDER") for folder in (part, whole[0]))
        assert one == other, name


def test_the_same_command_again_plays_nothing(asked, whole):
    before = {path: path.stat().st_mtime_ns for path in (whole[0] / "units").iterdir()}
    again = console.esper(*asked[1], str(whole[0]))
    assert again.out == whole[1].out
    assert {path: path.stat().st_mtime_ns for path in (whole[0] / "units").iterdir()} == before


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--set", "optim.lr=0.3"], 9, "another comparison (not the same: optim.lr)"),
        (["--match", "A0"], 2, "--match A0: other arms are made equal to one of A7"),
        (["--arms", ",,"], 2, "names no arm"),
        (["--minutes", "1"], 2, "give one of them"),
        (["--forks", "2"], 2, "4 or more"),
        (["--policy", "nobody"], 2, "no policy 'nobody'"),
    ],
)
def test_bad_input_is_one_sentence(asked, whole, words, code, sentence):
    done = console.esper(*asked[1], str(whole[0]), *words)
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err.splitlines()[-1]


def test_the_oracle_is_found_stored_and_played(tmp_path):
    config = worlds.tiny_config(
        run={"epochs": 20}, data={"train_images": 32, "val_images": 32, "test_images": 20},
        growth={"slots": ["r0c0"], "blueprints": ["NORM", "CONV_LIGHT"]},
        tamiyo={"rotation": ["NORM"], "slot_order": []},
    )  # fmt: skip
    plan = make_plan("tiny", config, ["A9", "A7"], [])
    first = compare(plan, tmp_path, seeds=1)
    assert [row.arm for row in first.rows] == ["A0", "A7", "A9"]
    epoch, planting = first.found.oracle[0]
    assert (epoch, planting["op"], planting["slot"]) == (5, "GERMINATE", "r0c0")
    (oracle,) = first.of("A9")
    assert [step for step in oracle.decisions if step[1]["op"] == "GERMINATE"] == [[epoch, planting]]
    assert any(line.startswith(f"A9 plants r0c0 {planting['blueprint']} at 5") for line in table(first))
    again = compare(plan, tmp_path, seeds=1)
    assert (again.rows, again.found, again.made) == (first.rows, first.found, first.made)
    assert len(first.made) == 1


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(CannotWrite, match=r"holds other files"):
        compare(make_plan("tiny", worlds.tiny_config(), ["A0"], []), tmp_path, seeds=1)
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_without_its_data_no_folder_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("ESPER_DATA_DIR", str(tmp_path / "nothing"))
    config = worlds.tiny_config(data={"name": "cifar10", "image_size": 16})
    with pytest.raises(DataMissing, match="cifar10 is not here"):
        compare(make_plan("tiny", config, ["A0"], []), tmp_path / "new", seeds=1)
    assert not (tmp_path / "new").exists()


# --- the summary, on rows made by hand -----------------------------------------------------------------------------


def row(arm: str, seed: int, acc: float | None, **more) -> Row:
    return Row(arm, seed, params=100, epochs=2, test_acc=acc, training=10.0, **more)


def made(**arms: list[float | None]) -> Comparison:
    plan = Plan("tiny", worlds.tiny_config(), tuple(arms))
    rows = [row(arm, seed, acc) for arm, accs in arms.items() for seed, acc in enumerate(accs)]
    return Comparison(plan, Found(), rows, seeds=4)


def test_differences_are_paired_and_leave_out_what_was_lost():
    found = made(A0=[0.1, 0.2, 0.3, 0.4], A7=[0.2, 0.3, None, 0.5])
    assert found.paired("A7", "A0") == ([0.2, 0.3, 0.5], [0.1, 0.2, 0.4])
    difference = found.difference("A7", "A0")
    assert (difference.n, difference.value) == (3, pytest.approx(0.1))
    assert difference.high - difference.low < 1e-9


def test_waste_is_of_all_training():
    rows = [row("A7", 0, 0.1, wasted=3.0, incubation=2.0), row("A7", 1, 0.1, wasted=0.0)]
    assert waste(rows) == pytest.approx(3.0 / 22.0)
    assert waste([]) is None


def test_contrasts_of_the_claimed_arm_are_adjusted_together():
    steps = [0.01, 0.02, 0.03, 0.04]
    found = made(A0=[0.1] * 4, A1=[0.1] * 4, A4=[0.1 + s for s in steps], A7=[0.2 + s for s in steps])
    contrasts = found.contrasts()
    assert [(c["a"], c["b"]) for c in contrasts] == [("A7", "A1"), ("A7", "A4")]
    assert all(c["p_holm"] == pytest.approx(min(1.0, 2 * c["p"])) for c in contrasts)


def test_learned_policies_are_claimed_together_and_the_policy_is_the_unit():
    policies = {f"A8.{i + 1}": [0.2 + 0.01 * i + s for s in (0.01, 0.02, 0.03, 0.04)] for i in range(3)}
    found = made(A0=[0.1] * 4, A6=[0.15] * 4, A7=[0.22] * 4, A7s=[0.2] * 4, **policies)
    contrasts = {c["b"]: c for c in found.contrasts()}
    assert list(contrasts) == ["A6", "A7", "A7s"]
    assert {c["a"] for c in contrasts.values()} == {"A8"}
    differences = np.array(list(policies.values())) - 0.15
    assert contrasts["A6"]["difference"] == nested_iqm_interval(differences)
    assert contrasts["A6"]["difference"].n == 3
    assert contrasts["A6"]["p_holm"] == pytest.approx(3 * nested_p(differences))
    assert any("over 3 policies" in line for line in table(found))


def test_two_learned_policies_are_compared_by_their_mean():
    found = made(A0=[0.1] * 4, A6=[0.0] * 4, **{"A8.1": [0.1, 0.2, 0.3, 0.4], "A8.2": [0.3, 0.4, 0.5, 0.8]})
    (contrast,) = found.contrasts()
    assert contrast["difference"].value == pytest.approx(iqm_interval([0.2, 0.3, 0.4, 0.6]).value)
    assert contrast["difference"].n == 4
    assert contrast["p"] == signed_rank_p([0.2, 0.3, 0.4, 0.6])


def test_precision_counts_the_seeds_that_paid():
    found = made(A0=[0.1] * 3, A7=[0.2] * 3)
    found.forks.extend({"arm": "A7", "paid": paid} for paid in (True, True, False))
    assert (found.precision("A7").value, found.precision("A7").n) == (pytest.approx(2 / 3), 3)
    assert any("67" in line and "3 kept seeds" in line for line in table(found))


def test_regret_is_told_of_the_heuristic_and_of_all_learned_policies():
    policies = {"A8.1": [0.4, 0.5, 0.6], "A8.2": [0.2, 0.3, 0.4]}
    found = made(A0=[0.1, 0.2, 0.3], A7=[0.2, 0.3, 0.4], A9=[0.5, 0.6, 0.7], **policies)
    assert {name: regret.value for name, regret in found.regrets().items()} == {
        "A7": pytest.approx(0.75),
        "A8": pytest.approx(0.5),
    }
    assert any(line.startswith("A7: regret 75 [75, 75] %") for line in table(found))
    assert made(A0=[0.1] * 3, A7=[0.2] * 3).regrets() == {}


def test_what_is_missing_says_why():
    found = document(made(A0=[0.1] * 3, A7=[0.2] * 3))
    assert "named" in found["missing"]["A8"]
    assert found["missing"]["A9"] == "not asked for"
    assert found["arms"][1]["vs"]["A0"]["difference"]["value"] == pytest.approx(0.1)
    assert found["arms"][1]["precision"] is None


def test_an_oracle_that_gains_nothing_gives_no_regret():
    lines = table(made(A0=[0.1, 0.2, 0.3], A7=[0.2, 0.3, 0.4], A9=[0.1, 0.2, 0.3]))
    assert "A7: no regret, because A9 is not surely better than A0 on the 4 seeds" in lines


def test_a_narrow_column_still_has_a_rule_that_markdown_knows():
    assert grid(["a", "b", "n"], [["x", "y", "8"]])[1] == "| -- | -- | -: |"


def test_columns_of_a_table_are_even():
    lines = grid(["a", "bb", "c"], [["long cell", "x", "1"], ["y", "z", "22"]])
    assert len({len(line) for line in lines}) == 1
    assert lines[1] == "| --------- | -- | -: |"
