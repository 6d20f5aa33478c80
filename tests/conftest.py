"""Small shapes that every test can afford, and the real data where it is there."""

import os
import signal
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
if "ESPER_DATA_DIR" not in os.environ and SHARED_DATA.is_dir():
    os.environ["ESPER_DATA_DIR"] = str(SHARED_DATA)

torch.set_num_threads(1)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever starts the suite with nohup tests the same
# How busy a machine is says nothing about the code.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


FOLDERS = {"ESPER_RUNS_DIR": "runs", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache"}


@pytest.fixture(scope="session", autouse=True)
def _own_folders_of_fixtures(tmp_path_factory):
    """What fixtures leave that live longer than a test does not meet the person's folders either."""
    home = tmp_path_factory.mktemp("fixtures")
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in FOLDERS.items():
            patch.setenv(name, str(home / folder))
        yield


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory, monkeypatch):
    """Runs, presets and caches of a test never meet those of the person who runs it."""
    home = tmp_path_factory.mktemp("home")
    for name, folder in FOLDERS.items():
        monkeypatch.setenv(name, str(home / folder))


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """A tiny run that grew something, recorded once; whoever wants to change it copies the folder."""
    from tests import recorded

    return recorded.record(tmp_path_factory.mktemp("recorded") / "20260101-000000-tiny-abcd", **recorded.GROWING)


@pytest.fixture(autouse=True)
def _denormals():
    """Engines switch denormal numbers off in the thread that runs them; Hypothesis needs them."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture
def cifar_folder() -> Path:
    from esper_tui.data.catalogue import has_files

    folder = has_files("cifar10")
    if folder is None:
        pytest.skip("the CIFAR-10 files are not here; set ESPER_DATA_DIR")
    return folder
