"""Checkpoint files: whole or absent, the newest sound one is found, the newest few stay."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch

from esper_tui.leyline.errors import CannotWrite, Incompatible
from esper_tui.leyline.folder import CHECKPOINTS
from esper_tui.runtime import checkpoints as module
from esper_tui.runtime.checkpoints import CheckpointWriter, checkpoint_file, checkpoint_files, newest_checkpoint


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / CHECKPOINTS).mkdir()
    return tmp_path


def state(value: float) -> tuple[dict, dict]:
    return {"x": torch.full((100,), value)}, {"value": value}


def write(folder: Path, epochs: list[int], keep: int = 3) -> CheckpointWriter:
    writer = CheckpointWriter(folder, keep)
    for epoch in epochs:
        writer.submit((0, epoch), *state(epoch))
        assert writer.wait(10.0)
    writer.close()
    return writer


def test_the_newest_few_stay(folder):
    write(folder, [1, 2, 9, 10, 11])
    assert [place for place, _ in checkpoint_files(folder)] == [(0, 11), (0, 10), (0, 9)]
    path, tensors, document, problems = newest_checkpoint(folder)
    assert path == checkpoint_file(folder, 0, 11)
    assert tensors["x"][0] == 11.0
    assert document == {"value": 11}
    assert problems == []


def test_the_best_one_stays_as_well(folder):
    """Of epochs 1 to 6 the second has the lowest score; another process, which only reads the files, keeps it too."""
    scores = {1: 0.9, 2: 0.1, 3: 0.5, 4: 0.4, 5: None, 6: 0.3}
    for epochs in ([1, 2, 3, 4], [5, 6]):
        writer = CheckpointWriter(folder, 2)
        for epoch in epochs:
            writer.submit((0, epoch), {}, {"score": scores[epoch]})
            assert writer.wait(10.0)
        writer.close()
    assert [epoch for (_, epoch), _ in checkpoint_files(folder)] == [6, 5, 2]


def test_without_a_score_none_is_the_best(folder):
    writer = CheckpointWriter(folder, 1)
    for epoch in (1, 2, 3):
        writer.submit((0, epoch), {}, {"score": None})
        writer.wait(10.0)
    writer.close()
    assert [epoch for (_, epoch), _ in checkpoint_files(folder)] == [3]


def test_what_a_dead_writer_left_half_written_is_removed(folder):
    left = folder / CHECKPOINTS / ".r000-e0007.safetensors.123.tmp"
    left.write_bytes(b"half")
    write(folder, [8])
    assert not left.exists()


def test_rounds_go_before_epochs(folder):
    writer = CheckpointWriter(folder, 5)
    for place in ((2, 1), (10, 0), (9, 30)):
        writer.submit(place, *state(0.0))
        writer.wait()
    writer.close()
    assert [place for place, _ in checkpoint_files(folder)] == [(10, 0), (9, 30), (2, 1)]


def test_a_damaged_one_is_passed_over_and_named(folder):
    write(folder, [1, 2, 3])
    newest, middle = checkpoint_file(folder, 0, 3), checkpoint_file(folder, 0, 2)
    newest.write_bytes(newest.read_bytes()[:-7])
    body = bytearray(middle.read_bytes())
    body[-5] ^= 0x10
    middle.write_bytes(body)
    path, _, _, problems = newest_checkpoint(folder)
    assert path == checkpoint_file(folder, 0, 1)
    assert len(problems) == 2
    assert newest.name in problems[0]
    assert middle.name in problems[1]


def test_none_is_one_sentence(folder):
    with pytest.raises(Incompatible, match="no usable checkpoint"):
        newest_checkpoint(folder)


def test_a_newer_one_replaces_one_that_waits(folder, monkeypatch):
    gate = threading.Event()
    real = module.save_state
    monkeypatch.setattr(module, "save_state", lambda *args: (gate.wait(5.0), real(*args)))
    writer = CheckpointWriter(folder, 5)
    writer.submit((0, 1), *state(1))
    while not writer.busy:
        time.sleep(0.001)
    for epoch in (2, 3, 4):
        writer.submit((0, epoch), *state(epoch))
    gate.set()
    writer.close()
    assert [saved.path.name for saved in writer.drain()] == ["r000-e0001.safetensors", "r000-e0004.safetensors"]


def test_a_write_that_fails_is_reported_and_nothing_is_lost(folder, monkeypatch):
    write(folder, [1])

    def full(*args):
        raise CannotWrite("no space left")

    monkeypatch.setattr(module, "save_state", full)
    saved = write(folder, [2]).drain()
    assert saved[0].problem == "no space left"
    assert newest_checkpoint(folder)[0] == checkpoint_file(folder, 0, 1)


def _write_for_ever(folder: Path) -> None:
    writer = CheckpointWriter(folder, 2)
    for epoch in range(1, 10_000):
        writer.submit((0, epoch), {"x": torch.full((50_000,), float(epoch))}, {"epoch": epoch})
        writer.wait()


def test_killed_while_writing_leaves_a_sound_one(folder):
    process = multiprocessing.get_context("fork").Process(target=_write_for_ever, args=(folder,))
    process.start()
    until = time.monotonic() + 20.0
    while len(checkpoint_files(folder)) < 2 and time.monotonic() < until:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    _, tensors, document, problems = newest_checkpoint(folder)
    assert problems == []
    assert tensors["x"].eq(document["epoch"]).all()
