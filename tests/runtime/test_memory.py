"""Memory: an estimate before the start that refuses what cannot fit, and an ending that says what to change."""

import pytest
import torch

from esper_tui.leyline.errors import ExitCode, OutOfMemory
from esper_tui.leyline.folder import checkpoint_files
from esper_tui.runtime import memory as module
from esper_tui.runtime.memory import check_memory, memory_of
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.start import prepare_session
from tests import worlds

MACHINE = 2**30


@pytest.fixture
def small_machine(monkeypatch):
    monkeypatch.setattr(module, "memory_limit", lambda: MACHINE)


def test_more_than_the_machine_has_is_refused_before_anything_is_made(tmp_path, small_machine):
    config = worlds.tiny_config(run={"envs": 256}, optim={"batch": 64}, host={"channels": 128})
    assert memory_of(config, worlds.CHOICE).process > MACHINE
    with pytest.raises(
        OutOfMemory, match=r"needs about .* GiB, this machine has 1.0 GiB; lower run.envs \(256\), optim"
    ):
        prepare_session(Resolved("large", config, ""), tmp_path / "run", None, choice=worlds.CHOICE)
    assert not (tmp_path / "run").exists()


def test_more_than_is_free_now_is_a_warning(monkeypatch):
    free = type("Memory", (), {"available": 1, "total": 2**40})
    monkeypatch.setattr(module.psutil, "virtual_memory", lambda: free)
    assert "0.0 GiB are free; lower run.envs (2)" in check_memory(worlds.tiny_config(), worlds.CHOICE)


def test_what_fits_says_nothing():
    assert check_memory(worlds.tiny_config(), worlds.CHOICE) == ""


def test_a_control_group_may_allow_less_than_the_machine_has(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "CGROUP", tmp_path / "memory.max")
    whole = module.memory_limit()
    (tmp_path / "memory.max").write_text("max\n")
    assert module.memory_limit() == whole
    (tmp_path / "memory.max").write_text("12345\n")
    assert module.memory_limit() == 12345


@pytest.mark.parametrize(
    "error",
    [MemoryError(), torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: not enough")],
    ids=lambda error: type(error).__name__,
)
def test_running_out_of_it_ends_with_code_four_and_what_to_change(tmp_path, monkeypatch, error):
    config = worlds.tiny_config(checkpoint={"every_epochs": 2})
    session = prepare_session(Resolved("tiny", config, ""), tmp_path / "run", None, choice=worlds.CHOICE)
    train = session.loop.engine.train_epoch

    def fails(epoch, tick):
        if epoch == 6:
            raise error
        return train(epoch, tick)

    monkeypatch.setattr(session.loop.engine, "train_epoch", fails)
    session.start()
    ending = session.join()
    assert ending.code == ExitCode.OUT_OF_MEMORY
    assert ending.error.startswith("out of memory (`esper resume run` goes on after epoch 4): the estimate was about ")
    assert "GiB are free now; lower run.envs (2), optim.batch (16), engine.chunk (4)" in ending.error
    assert checkpoint_files(tmp_path / "run")[0][0] == (0, 4), "written before the end"


def test_a_look_that_finds_no_memory_is_refused_and_the_run_goes_on(tmp_path, monkeypatch):
    from esper_tui.leyline.session import Look, Pause, Resume

    config = worlds.tiny_config(run={"epochs": 4})
    session = prepare_session(Resolved("tiny", config, ""), tmp_path / "run", None, choice=worlds.CHOICE)

    def fails(env):
        raise MemoryError

    monkeypatch.setattr(session.loop, "look", fails)
    session.submit(Pause())
    session.start()
    while session.progress().state != "paused":
        session.thread.join(0.002)
    number = session.submit(Look(0))
    session.submit(Resume())
    assert session.join().status == "done"
    assert "not enough memory" in next(a.reason for a in session.poll()[0] if a.id == number and a.state == "rejected")
