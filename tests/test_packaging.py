"""The shipped presets come along, whichever way the program is installed."""

import zipfile

import pytest
from hatchling.build import build_wheel

from tests import console

SHIPPED = {"quickstart", "cifar10", "cifar10_deep", "cifar10_blind"}
WHERE = "from esper_tui.runtime.presets import *; print(shipped_folder()); print(*(p.name for p in find_presets()))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(console.ROOT)
        return folder / build_wheel(str(folder))


def test_a_checkout_finds_the_presets_beside_the_package(tmp_path):
    done = console.python("-c", WHERE, cwd=tmp_path)
    folder, names = done.out.splitlines()
    assert folder == str(console.ROOT / "presets"), done.err
    assert set(names.split()) >= SHIPPED


def test_a_wheel_carries_the_presets_and_finds_them(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    assert {path.stem for path in (tmp_path / "esper_tui" / "presets").glob("*.toml")} >= SHIPPED
    done = console.python("-c", WHERE, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    folder, names = done.out.splitlines()
    assert folder == str(tmp_path / "esper_tui" / "presets"), done.err
    assert set(names.split()) >= SHIPPED


def test_a_wheel_holds_the_program_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        points = next(name for name in names if name.endswith("entry_points.txt"))
        assert b"esper = esper_tui.cli:main" in archive.read(points)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"esper_tui"}
    packaged = {name for name in names if name.startswith("esper_tui/") and name.endswith(".py")}
    written = {str(path.relative_to(console.ROOT)) for path in (console.ROOT / "esper_tui").rglob("*.py")}
    assert packaged == written
