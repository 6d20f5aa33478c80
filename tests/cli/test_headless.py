"""A run from the command to its receipt, and the command lines, folders, devices and data that are refused."""

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from esper_tui.karn.read import read_run_file
from esper_tui.leyline.folder import LOCK_FILE, events_file
from esper_tui.runtime import headless
from esper_tui.runtime.runs import all_runs, runs_folder
from tests import console
from tests.console import assert_refused

EPOCH_LINE = re.compile(
    r"ep=\d+/\d+ acc=\d+\.\d best=\d+\.\d gain=[+-]\d\.\d{4} seeds=\S+ img/s=\S+ eta=\S+ mem=\d+\.\d\dG"
)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """A working directory with the preset ``tiny``."""
    monkeypatch.chdir(tmp_path)
    console.tiny_preset(tmp_path, more='[tamiyo]\npolicy = "wait"\n')


# --- the output --------------------------------------------------------------------------------------------------


def test_the_json_output_is_the_log(tmp_path):
    done = console.finish(console.start("run", "tiny", "--json", "--run-dir", "x", cwd=tmp_path))
    assert (done.code, done.err) == (0, "")
    assert done.out == events_file(tmp_path / "x", 0).read_text()
    types = [json.loads(line)["type"] for line in done.out.splitlines()]
    assert types[0] == "RunStarted"
    assert types.count("EpochMeasured") == 4
    assert types[-1] == "RunEnded"
    assert "TestMeasured" in types


def test_the_text_output_is_a_line_per_epoch_and_a_receipt():
    done = console.esper("run", "tiny", "--seed", "5", "--set", "run.envs=3", "--no-ui")
    (folder,) = all_runs()
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines[:4]] == [f"ep={i}/4" for i in range(1, 5)]
    assert all(EPOCH_LINE.fullmatch(line) for line in lines[:4])
    assert lines[4].startswith("done in ")
    rows = [line.split()[0] for line in lines if re.match(r" +\d", line)]
    assert rows == ["0", "1", "2"]
    assert any(line.startswith("growth bought +0.00 points of test accuracy, 95 % interval") for line in lines)
    assert f"run   {folder}" in lines
    assert folder.name in lines[-1]
    assert not (folder / LOCK_FILE).exists()
    shown = console.esper("runs", "show", folder.name)
    assert shown.out == "\n".join(lines[4:]) + "\n"


def test_the_run_file_says_what_ran(tmp_path):
    assert console.esper("--preset", "tiny", "--seed", "5", "--device", "cpu", "--run-dir", "x").code == 0
    document = read_run_file(tmp_path / "x")
    assert document["preset"] == "tiny"
    assert document["config"]["run"]["seed"] == 5
    assert document["engine_choice"]["chunk"] == 4
    assert {"esper", "python", "torch", "data", "device"} <= document["provenance"].keys()


def test_run_without_a_name_means_the_quickstart(monkeypatch):
    (Path.cwd() / "quickstart.toml").write_text(console.TINY)
    done = console.esper("run")
    assert done.code == 0
    assert "shadows the shipped one" in done.err
    assert "-quickstart-" in all_runs()[0].name


def test_a_run_elsewhere_is_named_by_its_path(tmp_path):
    done = console.esper("run", "tiny", "--run-dir", "some where")
    assert f"'{tmp_path}/some where'" in done.out.splitlines()[-1]
    assert all_runs() == []


def test_a_dry_run_estimates_and_writes_nothing(tmp_path):
    before = sorted(tmp_path.rglob("*"))
    done = console.esper("run", "tiny", "--dry-run", "--run-dir", "x")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["networks", "time", "memory", "disk"]
    found = json.loads(console.esper("run", "tiny", "--dry-run", "--json").out)
    assert {"seconds", "memory", "disk", "log"} <= found.keys()
    assert found["networks"] == 4
    assert sorted(tmp_path.rglob("*")) == before
    assert not runs_folder().exists()


def test_a_dry_run_says_that_the_data_are_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("ESPER_DATA_DIR", str(tmp_path / "data"))
    small = ["data.train_images=64", "data.val_images=64", "data.image_size=8", "data.name=cifar10"]
    done = console.esper("run", "tiny", "--dry-run", *(f"--set={text}" for text in small))
    assert done.code == 0
    assert "cifar10 is not here" in done.out


# --- words that make no sense ------------------------------------------------------------------------------------

REFUSED = {
    ("--seed", "3", "runs", "list"): "options before `runs` belong to no command; write them behind it",
    ("--seed", "0", "runs", "list"): "options before `runs` belong to no command",
    ("--preset", "tiny", "doctor"): "options before `doctor` belong to no command",
    ("--seed", "3"): "nothing to run: name a preset with --preset",
    ("--no-ui",): "nothing to run: name a preset with --preset",
    ("tiny",): "there is no command 'tiny'; did you mean `esper run tiny`",
    ("quickstart", "--seed", "3"): "there is no command 'quickstart'; did you mean `esper run quickstart`",
    ("quickstrt",): "there is no command 'quickstrt'; did you mean `esper run quickstart`",
    ("./tiny.toml",): "did you mean `esper run ./tiny.toml`",
    ("prests",): "there is no command 'prests'; did you mean `esper presets`",
    ("xyzzy",): "there is no command 'xyzzy'; `esper --help` lists the commands",
    ("--preset",): "requires an argument",
    ("--nosuch",): "no such option: --nosuch",
    ("run", "tiny", "more"): "unexpected extra argument",
    ("run", "tiny", "--seed", "x"): "--seed",
    ("run", "tiny", "--seed", "-1"): "command line: run.seed = -1: must be from 0 to 2147483647",
    ("run", "tiny", "--device", "gpu"): "must be auto, cpu, cuda or cuda:<number>",
    ("run", "tiny", "--device", 'cpu"'): "must be auto, cpu, cuda or cuda:<number>",
    ("presets", "nosuch"): "no such command",
    ("runs", "show"): "missing argument",
}


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_a_command_line_that_makes_no_sense_ends_with_code_two(words):
    done = console.esper(*words)
    assert done.code == 2
    assert REFUSED[words] in done.err
    assert done.out == ""
    assert not runs_folder().exists()


def test_the_bare_command_never_starts_a_run_where_there_is_no_screen():
    done = console.esper()
    assert done.code == 2
    assert "needs a terminal" in done.err
    assert "esper run quickstart --no-ui" in done.err
    assert not runs_folder().exists()


# --- folders, devices, data --------------------------------------------------------------------------------------


def test_a_folder_that_holds_a_run_is_refused_with_code_nine(finished_run):
    before = {p: p.read_bytes() for p in finished_run.folder.rglob("*") if p.is_file()}
    done = console.esper("run", "tiny", "--run-dir", str(finished_run.folder))
    assert_refused(done, 9, "already holds a run; choose another --run-dir")
    assert {p: p.read_bytes() for p in finished_run.folder.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("place", ["tiny.toml", "tiny.toml/x", "/proc/x", "/dev/null/x", "x" * 300])
def test_a_folder_that_cannot_be_made_is_refused_with_code_eight(place, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    assert_refused(console.esper("run", "tiny", "--run-dir", place), 8, "cannot create .*choose another --run-dir")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_in_place_of_the_folder_of_runs_is_refused_with_code_eight(tmp_path, monkeypatch):
    monkeypatch.setenv("ESPER_RUNS_DIR", str(tmp_path / "tiny.toml"))
    assert_refused(console.esper("run", "tiny"), 8, "cannot create .*ESPER_RUNS_DIR")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_permission_is_refused_with_code_eight(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    assert_refused(console.esper("run", "tiny", "--run-dir", "locked"), 8, "Permission denied")


def test_a_device_that_is_not_there_is_refused_with_code_six(tmp_path):
    done = console.esper("run", "tiny", "--device", "cuda:99", "--run-dir", "x")
    assert_refused(done, 6, r"cuda:99.*use --device (cpu|auto)")
    assert not (tmp_path / "x").exists()


def test_cuda_without_cuda_is_refused_with_code_six(tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    for words in (["--run-dir", "x"], ["--dry-run"]):
        done = console.esper("run", "tiny", "--device", "cuda", *words)
        assert_refused(done, 6, "no CUDA device for engine.device = cuda: .*; use --device cpu")
    assert not (tmp_path / "x").exists()


def test_missing_data_are_refused_with_code_seven(tmp_path, monkeypatch):
    monkeypatch.setenv("ESPER_DATA_DIR", str(tmp_path / "data"))
    done = console.esper("run", "cifar10", "--run-dir", "x")
    assert_refused(done, 7, "cifar10 is not here: .*the preset quickstart, which needs no files")
    assert not (tmp_path / "x").exists()


def test_a_folder_of_ones_own_survives_a_refused_run(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "notes.txt").write_text("mine")
    assert console.esper("run", "tiny", "--device", "cuda:99", "--run-dir", "own").code == 6
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["notes.txt"]


def test_the_controls_of_a_learn_run_are_announced(monkeypatch):
    """They are in no record; the line names the round that needs them."""
    phases = iter(["starting", "controls", "controls", "training", "controls", "training"])

    class Session:
        loop = SimpleNamespace(round=1, config=SimpleNamespace(run=SimpleNamespace(rounds=5, epochs=30)))
        thread = SimpleNamespace(is_alive=lambda: next(alive, False))

        @property
        def pace(self):
            return SimpleNamespace(phase_name=next(phases))

    alive, said = iter([True] * 6), []
    monkeypatch.setattr(headless, "POLL_S", 0.0)
    signals = SimpleNamespace(look=lambda: None)
    assert list(headless._until_end(Session(), signals, list, said.append)) == []
    assert said == ["round=2/5 controls: networks that never grow train for 30 epochs and are kept"] * 2
