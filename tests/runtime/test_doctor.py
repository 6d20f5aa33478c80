"""The check-up of a machine, and what it knows from the probe."""

import json
from collections import namedtuple

import pytest

from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import ExitCode
from esper_tui.leyline.folder import checkpoint_files
from esper_tui.runtime import doctor, probe_cache
from esper_tui.runtime.build import build_shape
from esper_tui.runtime.estimate import checkpoint_bytes, estimate, measure_estimate
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.probe_cache import cache_file, cached_step_seconds, choose_engine
from esper_tui.runtime.start import prepare_session
from esper_tui.tolaria.probe import EngineChoice
from tests import console, worlds

CHECKS = ["python", "platform", "torch", "cuda", "memory", "disk", "data", "terminal", "engine"]
Memory = namedtuple("Memory", "available total")


@pytest.fixture
def quick(monkeypatch):
    """No probe of seconds; returns how often one was asked for."""
    asked = []

    def probe(shape, rows, batch, chunk, threads):
        asked.append(rows)
        return chunk or 4, threads or 2, 0.05

    monkeypatch.setattr(probe_cache, "is_quiet", lambda: True)
    monkeypatch.setattr(probe_cache, "probe", probe)
    monkeypatch.setattr(probe_cache, "check_isolation", lambda shape, batch: "exact")
    return asked


def lines_by_check(done: console.Result) -> dict[str, str]:
    return {line.split()[1]: line for line in done.out.splitlines()}


def test_a_sound_machine_gets_a_line_per_check_and_code_zero(quick):
    done = console.esper("doctor")
    assert done.code == 0, done.out
    assert list(lines_by_check(done)) == CHECKS
    assert all(line.startswith("ok ") for line in done.out.splitlines())
    assert "chunks of 4, 2 threads, isolation exact" in lines_by_check(done)["engine"]


def test_doctor_says_why_cuda_is_not_used(quick, monkeypatch):
    monkeypatch.setattr("esper_tui.tolaria.probe.cuda_problem", lambda: "the driver is too old")
    assert "not used: the driver is too old" in lines_by_check(console.esper("doctor"))["cuda"]


def test_doctor_ends_with_the_code_a_run_would_end_with(quick, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ESPER_RUNS_DIR", str(tmp_path / "file" / "runs"))
    done = console.esper("doctor")
    assert done.code == ExitCode.CANNOT_WRITE
    assert lines_by_check(done)["disk"].startswith("FAIL disk")
    assert "set ESPER_RUNS_DIR" in lines_by_check(done)["disk"]
    assert list(lines_by_check(done)) == CHECKS, "the other checks are made all the same"


def test_doctor_notices_too_little_memory(quick, monkeypatch):
    monkeypatch.setattr(doctor.psutil, "virtual_memory", lambda: Memory(2**29, 2**33))
    done = console.esper("doctor")
    assert done.code == ExitCode.OUT_OF_MEMORY
    assert "0.5 of 8.0 GiB free; the quickstart needs about 1.5 GiB" in lines_by_check(done)["memory"]


def test_a_check_that_breaks_is_a_finding(quick, monkeypatch):
    monkeypatch.setattr(doctor, "_terminal", lambda: 1 / 0)
    done = console.esper("doctor")
    assert done.code == ExitCode.INTERNAL
    assert "ZeroDivisionError" in lines_by_check(done)["terminal"]


def test_doctor_says_where_data_are_or_how_to_get_them(quick, tmp_path, monkeypatch):
    monkeypatch.setenv("ESPER_DATA_DIR", str(tmp_path))
    done = console.esper("doctor")
    assert done.code == 0
    assert "cifar10 not here (esper data fetch cifar10)" in lines_by_check(done)["data"]


# --- the probe's memory ------------------------------------------------------------------------------------------

CONFIG = worlds.tiny_config(engine={"chunk": 0, "threads": 0})


def test_a_configuration_is_probed_once(quick):
    shape = build_shape(CONFIG)
    first = choose_engine(shape, CONFIG)
    assert first == choose_engine(shape, CONFIG)
    assert quick == [4]
    assert cached_step_seconds(shape, CONFIG) == 0.05
    assert first == EngineChoice("cpu", 4, 2, "channels_last", "float32", "exact")


def test_what_was_probed_beside_other_load_is_probed_again_when_it_is_quiet(quick, monkeypatch):
    shape = build_shape(CONFIG)
    for quiet in (False, False, True, True, False):
        monkeypatch.setattr(probe_cache, "is_quiet", lambda quiet=quiet: quiet)
        choose_engine(shape, CONFIG)
        assert cached_step_seconds(shape, CONFIG) == 0.05  # what a run will take can be said at once
    assert len(quick) == 2


def test_load_is_told_per_core(monkeypatch):
    monkeypatch.setattr("os.getloadavg", lambda: (1.5, 0.0, 0.0))
    monkeypatch.setattr("esper_tui.tolaria.probe.cpu_count", lambda: 2)
    assert not probe_cache.is_quiet()
    monkeypatch.setattr("esper_tui.tolaria.probe.cpu_count", lambda: 4)
    assert probe_cache.is_quiet()


def test_another_configuration_is_probed_again(quick):
    for sections in ({}, {"run": {"envs": 3}}, {"optim": {"batch": 8}}, {"host": {"channels": 4}}):
        config = worlds.tiny_config(engine={"chunk": 0, "threads": 0}, **sections)
        choose_engine(build_shape(config), config)
    assert len(quick) == 4


DAMAGE = {
    "rubbish": lambda entry: "rubbish",
    "a list": lambda entry: [],
    "no choice": lambda entry: {k: v for k, v in entry.items() if k != "choice"},
    "no seconds": lambda entry: entry | {"seconds": None},
    "another entry": lambda entry: entry | {"entry": {}},
    "a key too many": lambda entry: entry | {"choice": entry["choice"] | {"more": 1}},
    "no chunk": lambda entry: entry | {"choice": entry["choice"] | {"chunk": 0}},
    "a chunk of text": lambda entry: entry | {"choice": entry["choice"] | {"chunk": "four"}},
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_memory_costs_a_probe_and_nothing_else(quick, kind):
    shape = build_shape(CONFIG)
    first = choose_engine(shape, CONFIG)
    known = json.loads(cache_file().read_text())
    cache_file().write_text(json.dumps({key: DAMAGE[kind](entry) for key, entry in known.items()}))
    assert cached_step_seconds(shape, CONFIG) is None
    assert choose_engine(shape, CONFIG) == first
    assert len(quick) == 2


@pytest.mark.parametrize("text", [b"", b"[", b"[]", b"\xff", b"[" * 100_000])
def test_a_memory_of_rubbish_is_written_anew(quick, text):
    cache_file().parent.mkdir(parents=True)
    cache_file().write_bytes(text)
    shape = build_shape(CONFIG)
    choose_engine(shape, CONFIG)
    choose_engine(shape, CONFIG)
    assert len(quick) == 1


def test_a_memory_that_cannot_be_written_is_done_without(quick):
    cache_file().mkdir(parents=True)
    shape = build_shape(CONFIG)
    assert choose_engine(shape, CONFIG) == choose_engine(shape, CONFIG)
    assert len(quick) == 2


# --- estimates ---------------------------------------------------------------------------------------------------


def test_an_estimate_grows_with_what_is_asked_for(quick):
    small = measure_estimate(CONFIG)
    sections = {"run": {"envs": 4, "epochs": 32}, "data": {"train_images": 128}}
    large = measure_estimate(worlds.tiny_config(engine={"chunk": 0, "threads": 0}, **sections))
    assert small.networks == 4
    assert large.networks == 8
    assert large.seconds > 2 * small.seconds
    assert large.log == 4 * small.log
    assert large.memory > small.memory > 0
    assert small.disk > small.log


def test_an_estimate_is_text_or_json(quick):
    assert json.loads(estimate(RunConfig(), json=True))["host_params"] == 6418
    assert "6,418 parameters" in estimate(RunConfig(), json=False)


def test_the_disk_estimate_knows_checkpoints_and_networks(tmp_path, quick):
    config = worlds.tiny_config(run={"epochs": 3}, checkpoint={"every_epochs": 1, "keep": 2})
    session = prepare_session(Resolved("tiny", config, ""), tmp_path / "run", None, choice=worlds.CHOICE)
    session.start()
    session.join()
    real = max(path.stat().st_size for _, path in checkpoint_files(tmp_path / "run"))
    thought = checkpoint_bytes(config, session.parts.host_params)
    assert real / 2 < thought < 2 * real
    found = measure_estimate(config)
    assert found.checkpoints == 4 * thought, "two kept, the best one, and the one being written"
    assert found.disk > found.log + found.checkpoints + found.artefacts
    assert found.artefacts > 0
