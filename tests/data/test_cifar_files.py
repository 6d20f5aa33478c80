"""CIFAR-10: missing, damaged, fetched; always one sentence that helps."""

import errno
import functools
import hashlib
import http.client
import http.server
import os
import tarfile
import threading
from urllib.error import URLError

import pytest

from esper_tui.data import cifar
from esper_tui.data.catalogue import CIFAR10_FILES, CIFAR10_FOLDER, data_folders, has_files, is_missing
from esper_tui.data.load import load_splits
from esper_tui.leyline.config import Data
from esper_tui.leyline.errors import CannotWrite, DataMissing
from esper_tui.runtime.seeding import generator
from tests import console


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A data folder without anything in it; it does not exist."""
    folder = tmp_path / "data"
    monkeypatch.setenv("ESPER_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def damaged(empty):
    """All files are there; none is what it should be."""
    (empty / CIFAR10_FOLDER).mkdir(parents=True)
    for name in CIFAR10_FILES:
        (empty / CIFAR10_FOLDER / name).write_bytes(b"not a pickle")
    return empty


def assert_helpful(text: str, folder) -> None:
    """The folders, the expected files, and the preset that needs none."""
    assert str(folder / CIFAR10_FOLDER) in text
    assert str(data_folders()[1] / CIFAR10_FOLDER) in text
    assert all(name in text for name in CIFAR10_FILES)
    assert "the preset quickstart, which needs no files" in text
    assert "\n" not in text.strip()


def test_missing_files_are_one_sentence(empty):
    with pytest.raises(DataMissing) as caught:
        load_splits(Data(name="cifar10", image_size=32), generator)
    assert_helpful(str(caught.value), empty)
    assert "run `esper data fetch cifar10`, set ESPER_DATA_DIR" in str(caught.value)


@pytest.mark.parametrize("missing", CIFAR10_FILES)
def test_one_missing_file_is_missing_data(damaged, missing):
    assert has_files("cifar10") == damaged
    (damaged / CIFAR10_FOLDER / missing).unlink()
    assert has_files("cifar10") is None
    assert is_missing("cifar10")
    assert not is_missing("procedural")


def test_files_are_looked_for_in_the_cache_as_well(empty, damaged, monkeypatch):
    cache = data_folders()[1]
    cache.parent.mkdir(parents=True)
    damaged.rename(cache)
    assert has_files("cifar10") == cache
    monkeypatch.delenv("ESPER_DATA_DIR")
    assert has_files("cifar10") == cache


def test_damaged_files_are_named(damaged):
    with pytest.raises(
        DataMissing, match=r"damaged in .*data_batch_1, .*batches.meta; delete that and run `esper data f"
    ):
        cifar.load(train=True, size=32)
    done = console.esper("data", "check", "cifar10")
    assert (done.code, "data_batch_5" in done.err) == (7, True)


def test_one_damaged_file_is_the_one_that_is_named(cifar_folder, damaged):
    for name in CIFAR10_FILES[1:]:
        (damaged / CIFAR10_FOLDER / name).unlink()
        (damaged / CIFAR10_FOLDER / name).symlink_to(cifar_folder / CIFAR10_FOLDER / name)
    assert cifar.check(damaged) == [CIFAR10_FILES[0]]


def test_a_file_that_cannot_be_read_is_one_sentence(cifar_folder, damaged, monkeypatch):
    def refuse(*args, **more):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "data_batch_2")

    monkeypatch.setattr("esper_tui.data.cifar.CIFAR10", refuse)
    with pytest.raises(DataMissing, match="cannot read data_batch_2: Permission denied"):
        cifar.load(train=True, size=32)


FAILURES = {
    "no network": (URLError(OSError(-2, "Name or service not known")), DataMissing, "Name or service not known"),
    "cut off": (http.client.IncompleteRead(b"x"), DataMissing, "could not download CIFAR-10"),
    "too slow": (TimeoutError("timed out"), DataMissing, "timed out"),
    "wrong checksum": (RuntimeError("File not found or corrupted."), DataMissing, "corrupted"),
    "disk full": (
        OSError(errno.ENOSPC, "No space left on device"),
        CannotWrite,
        "No space left on device; set ESPER_DATA_DIR",
    ),
    "read only": (
        OSError(errno.EROFS, "Read-only file system"),
        CannotWrite,
        "Read-only file system; set ESPER_DATA_DIR",
    ),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_fetch_that_fails_says_why_and_leaves_nothing(kind, empty, monkeypatch):
    error, expected, words = FAILURES[kind]

    def fail(url, root, **more):
        (empty / "cifar-10-python.tar.gz").write_bytes(b"the first half")
        raise error

    monkeypatch.setattr("esper_tui.data.cifar.download_and_extract_archive", fail)
    with pytest.raises(expected) as caught:
        cifar.fetch(empty)
    assert words in str(caught.value)
    if expected is DataMissing:
        assert_helpful(str(caught.value), empty)
        assert f"put cifar-10-python.tar.gz into {empty} and repeat" in str(caught.value)
    assert not empty.exists()


def test_without_a_server_the_command_ends_with_code_seven(empty, monkeypatch):
    """Through torchvision itself; nobody listens on the discard port."""
    monkeypatch.setattr("torchvision.datasets.CIFAR10.url", "http://127.0.0.1:9/cifar-10-python.tar.gz")
    done = console.esper("data", "fetch", "cifar10")
    assert done.code == 7
    assert "Connection refused" in done.err
    assert_helpful(done.err.splitlines()[-1], empty)
    assert not empty.exists()


def test_a_folder_that_cannot_be_made_ends_with_code_eight(empty):
    empty.write_text("a file in the way")
    done = console.esper("data", "fetch", "cifar10")
    assert done.code == 8
    assert "cannot write to" in done.err
    assert empty.read_text() == "a file in the way"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """An archive like the real one but for its size, which the program takes for it; served on this machine."""
    (tmp_path / "source").mkdir()
    for name in CIFAR10_FILES:
        (tmp_path / "source" / name).write_bytes(name.encode())
    path = tmp_path / "served.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(tmp_path / "source", CIFAR10_FOLDER)
    monkeypatch.setattr("torchvision.datasets.CIFAR10.tgz_md5", hashlib.md5(path.read_bytes()).hexdigest())
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr("torchvision.datasets.CIFAR10.url", f"http://127.0.0.1:{server.server_port}/{path.name}")
        yield path
        server.shutdown()


def test_a_fetch_unpacks_the_files_and_removes_the_archive(empty, archive):
    done = console.esper("data", "fetch", "cifar10")
    assert (done.code, done.out) == (0, f"cifar10 is in {empty}\n"), done.err
    assert {path.name for path in (empty / CIFAR10_FOLDER).iterdir()} == set(CIFAR10_FILES)
    assert [path.name for path in empty.iterdir()] == [CIFAR10_FOLDER]
    assert "is already in" in console.esper("data", "fetch", "cifar10").out


def test_an_archive_that_was_put_there_by_hand_is_unpacked_without_a_network(empty, archive, monkeypatch):
    empty.mkdir()
    archive.rename(empty / "cifar-10-python.tar.gz")
    monkeypatch.setattr("torchvision.datasets.CIFAR10.url", "http://127.0.0.1:9/x")
    assert console.esper("data", "fetch", "cifar10").code == 0
    assert {path.name for path in empty.iterdir()} == {CIFAR10_FOLDER, "cifar-10-python.tar.gz"}


def test_what_is_missing_is_fetched_again(damaged, archive):
    (damaged / CIFAR10_FOLDER / "batches.meta").unlink()
    assert console.esper("data", "fetch", "cifar10").code == 0
    assert (damaged / CIFAR10_FOLDER / "batches.meta").read_bytes() == b"batches.meta"


def test_data_list_says_what_is_here(empty, damaged):
    assert f"in {damaged}" in console.esper("data", "list").out
    (damaged / CIFAR10_FOLDER / "test_batch").unlink()
    lines = console.esper("data", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["procedural", "cifar10"]
    assert lines[0].endswith("built in")
    assert lines[1].endswith("missing (170 MB)")


def test_data_commands_know_what_needs_nothing_and_what_is_not_there():
    assert console.esper("data", "fetch", "procedural").code == 0
    assert console.esper("data", "check", "procedural").code == 0
    for word in ("fetch", "check"):
        done = console.esper("data", word, "cifar")
        assert (done.code, "did you mean 'cifar10'" in done.err) == (2, True)


def test_sound_files_pass_the_check(cifar_folder):
    done = console.esper("data", "check", "cifar10")
    assert (done.code, done.out) == (0, f"cifar10: all files in {cifar_folder} are sound\n")
