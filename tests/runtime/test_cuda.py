"""What a CUDA device is asked for, and what it promises then."""

import os
import time
from pathlib import Path

import pytest
import torch

from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.session import LocalSession
from esper_tui.runtime.start import prepare_session
from esper_tui.tolaria.probe import EngineChoice, request_kernels
from tests import worlds
from tests.runtime.test_resume import assert_identical, finish

needs_cuda = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
]


@pytest.fixture
def asked(monkeypatch):
    """What torch is asked for, without asking it."""
    found = {}
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(
        torch, "use_deterministic_algorithms", lambda on, warn_only: found.update(on=on, warn=warn_only)
    )
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    return found


@pytest.mark.parametrize("wanted", [True, False])
def test_a_cuda_device_is_asked_for_kernels_that_repeat_if_that_is_wanted(asked, monkeypatch, wanted):
    request_kernels(torch.device("cuda", 0), wanted)
    assert asked == {"on": wanted, "warn": True}
    assert torch.backends.cudnn.deterministic is wanted
    assert os.environ.get("CUBLAS_WORKSPACE_CONFIG") == (":4096:8" if wanted else None)


def test_a_cpu_is_asked_for_nothing(asked):
    request_kernels(torch.device("cpu"), True)
    assert asked == {}
    assert not torch.backends.cudnn.deterministic


class TestOnTheDevice:
    pytestmark = needs_cuda

    DEVICE = "cuda:0"

    def started(self, folder: Path) -> LocalSession:
        sections = {"device": self.DEVICE, "deterministic": True}
        config = worlds.tiny_config(run={"envs": 2, "epochs": 16}, engine=sections, checkpoint={"every_epochs": 1})
        choice = EngineChoice(self.DEVICE, 16, 1, "contiguous", "float32", "exact")
        session = prepare_session(Resolved("tiny", config, ""), folder, None, choice=choice)
        session.start()
        return session

    def test_the_same_seed_gives_the_same_run_and_so_does_a_run_that_was_cut_off(self, tmp_path):
        one, other, cut = (tmp_path / name for name in ("one", "other", "cut"))
        for folder in (one, other):
            assert self.started(folder).join().status == "done"
        session = self.started(cut)
        while session.epoch < 8:
            time.sleep(0.001)
        session.abort()
        assert session.join().status == "aborted"
        finish(cut)
        assert_identical(other, one)
        assert_identical(cut, one)
