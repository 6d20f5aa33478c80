"""``esper export`` and ``esper retrain``, from the command line to the folders they write."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pytest

from esper_tui import load_grown
from esper_tui.evidence.origin import ORIGIN, read_origin
from esper_tui.evidence.retrain import FRESH, Retrained, retrain, scratch_instances
from esper_tui.leyline.errors import EsperError, Incompatible, UsageError
from esper_tui.leyline.state import Instance
from tests import console


@pytest.fixture(scope="module")
def exported(finished_run, tmp_path_factory):
    """The folder of environment 1, and what was printed."""
    folder = tmp_path_factory.mktemp("taken") / "net"
    done = console.esper("export", str(finished_run.folder), "--env", "1", "--to", str(folder))
    assert done.code == 0, done.err
    return folder, done.out


def test_the_sizes_that_are_told_agree(exported, finished_run):
    folder, out = exported
    row = next(e for e in finished_run.events if e["type"] == "RoundEnded")["rows"][1]
    now = sum(p.numel() for p in load_grown(folder).parameters())
    told = f"{now:,} parameters ({row['params']:,} in the run, where batch norms were not yet folded)"
    assert told in out
    assert told in (folder / "README.txt").read_text()


def test_the_architecture_is_a_line_per_layer(exported):
    lines = (exported[0] / "architecture.json").read_text().splitlines()
    layers = [json.loads(line.rstrip(",")) for line in lines if line.startswith("  {")]
    assert layers == json.loads("\n".join(lines))["layers"]


def test_the_origin_names_run_environment_and_recipe(exported, finished_run):
    origin = read_origin(exported[0])
    assert (origin.run, origin.env) == (finished_run.folder.name, 1)
    assert origin.config.model_dump(mode="json") == finished_run.events[0]["config"]


def test_without_a_folder_it_goes_into_the_run(finished_run, tmp_path):
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    done = console.esper("export", str(run), "--env", "0")
    folder = run / "exports" / "r000-e0024-env-000"
    assert done.out.startswith(f"{folder}  ")
    assert read_origin(folder).env == 0
    again = console.esper("export", str(run), "--env", "0")
    assert again.code == 8
    assert "is not an empty folder; choose another --to" in again.err


@pytest.mark.parametrize("env", ["", "worst", "-1", "1.5", "²", "99999"])
def test_an_environment_that_is_none(finished_run, tmp_path, env):
    done = console.esper("export", str(finished_run.folder), f"--env={env}", "--to", str(tmp_path / "x"))
    assert done.code == 2
    assert "neither best nor the number of an environment" in done.err
    assert not (tmp_path / "x").exists()


def test_retraining_writes_networks_and_an_interval(exported, tmp_path):
    folder, to = exported[0], tmp_path / "again"
    done = console.esper("retrain", str(folder), "--to", str(to), "--epochs", "2", "--seeds", "2")
    assert done.code == 0, done.err
    assert re.search(r"^grown\s+[\d.]+ % \[[\d.]+, [\d.]+\]", done.out, re.M)
    assert re.search(r"^from scratch .* 2 x 2 epochs$", done.out, re.M)
    found = json.loads((to / "retrain.json").read_text())
    assert [row["seed"] for row in found["rows"]] == [0, 1]
    weights = [load_grown(to / f"seed-{i}").state_dict()["1.weight"] for i in (0, 1)]
    assert not weights[0].equal(weights[1])
    assert weights[0].shape == load_grown(folder).state_dict()["1.weight"].shape


def test_the_first_new_network_starts_where_the_grown_one_did(exported):
    origin = read_origin(exported[0])
    assert scratch_instances(origin, 3) == [Instance(1, 1), Instance(1, FRESH), Instance(1, FRESH + 1)]
    unknown = dataclasses.replace(origin, env=-1)
    assert scratch_instances(unknown, 1) == [Instance(1, FRESH)]


def test_one_network_is_compared_by_image_and_several_by_network():
    grown, a, b = (np.array(hits, dtype=bool) for hits in ([1, 1, 1, 0], [1, 0, 1, 0], [0, 0, 1, 0]))
    one, two = Retrained(None, 3, grown, [a]), Retrained(None, 3, grown, [a, b])
    assert one.gap().value == pytest.approx(0.25)
    assert one.gap().n == 4
    assert two.gap().value == pytest.approx(0.375)  # the mean of 0.25 and 0.5, with one degree of freedom
    assert two.gap().high - two.gap().value == pytest.approx(12.7062 * 0.125, rel=1e-4)
    assert "--seeds 5 trains more" in "\n".join(one.lines())
    assert "--seeds 5" not in "\n".join(two.lines())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"network": 3}, "not one that its recipe can train"),
        ({"network": {"spec": {}, "seeds": []}}, "not one that its recipe can train"),
        ({"config": {"run": {"epochs": -1}}}, "damaged or of another version"),
        ({"config": {"host": {"blocks": 4}, "data": {"image_size": 16}}}, "not one that its recipe can train"),
    ],
)
def test_a_foreign_origin_is_checked_before_it_is_believed(exported, tmp_path, change, sentence):
    document = json.loads((exported[0] / ORIGIN).read_text())
    (tmp_path / ORIGIN).write_text(json.dumps(document | change))
    with pytest.raises(Incompatible, match=sentence):
        read_origin(tmp_path)


def test_seeds_that_do_not_exist(exported, tmp_path):
    document = json.loads((exported[0] / ORIGIN).read_text())
    seed = {"slot": "r0c0", "blueprint": "CONV_LIGHT", "form": "ADD"}
    for seeds in (
        [seed | {"slot": "r9c9"}],
        [seed, seed],
        [seed | {"blueprint": "os.system"}],
        ["x"],
        [seed | {"form": 1}],
    ):
        (tmp_path / ORIGIN).write_text(json.dumps(document | {"network": document["network"] | {"seeds": seeds}}))
        with pytest.raises(Incompatible):
            read_origin(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "9" * 6000, "{}", " " * (2**20 + 1)])
def test_an_origin_that_is_none(tmp_path, text):
    (tmp_path / ORIGIN).write_text(text)
    with pytest.raises(Incompatible):
        read_origin(tmp_path)


def test_a_folder_without_origin_or_weights(exported, tmp_path):
    with pytest.raises(UsageError, match=r"has no origin\.json"):
        retrain(tmp_path)
    (tmp_path / ORIGIN).write_bytes((exported[0] / ORIGIN).read_bytes())
    with pytest.raises(EsperError, match="not a whole export"):
        retrain(tmp_path)
