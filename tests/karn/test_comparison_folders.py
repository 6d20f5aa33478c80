"""Comparisons as they are found: whole, gone, damaged, huge, foreign."""

import json
import os
import socket
import subprocess
import sys
import time

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.karn.comparisons import MAX_BYTES, list_comparisons, read_card, read_table
from esper_tui.karn.writer import lives
from esper_tui.leyline.comparison import ComparisonProgress, comparisons_folder

PLAN = {"preset": "quickstart", "arms": ["A0", "A7"], "config": {"run": {"epochs": 30}}}


def progress(**values) -> dict:
    base = {"state": "playing", "unit": "0000-0004-grown", "epoch": 3, "epochs": 30, "done": 1, "of": 4, "eta_s": 60.0,
            "seeds": 5, "pid": os.getpid(), "host": socket.gethostname(),
            "started": psutil.Process().create_time(), "written": time.time()}  # fmt: skip
    return base | values


def made(name="quickstart-1234", told=None, table=None, folder=None):
    folder = folder or comparisons_folder() / name
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(PLAN))
    if told is not None:
        (folder / "progress.json").write_text(json.dumps(told))
    if table is not None:
        (folder / "table.md").write_text(table)
    return folder


def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_there_are_none_where_nothing_was_compared():
    assert list_comparisons() == []


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({}, "playing"),
        ({"written": 0.0}, "playing"),  # an epoch may take long; its process lives
        ({"started": 1.0}, "stopped"),  # another process has the number now
        ({"state": "done"}, "done"),
        ({"state": "interrupted", "pid": 1}, "interrupted"),
        ({"host": "elsewhere"}, "playing"),
        ({"host": "elsewhere", "written": time.time() - 61}, "stopped"),
    ],
)
def test_what_became_of_it(told, state):
    card = read_card(made(told=progress(**told)))
    assert (card.state, card.preset, card.arms) == (state, "quickstart", ("A0", "A7"))
    assert card.progress == ComparisonProgress(**progress(**told) | {"started": card.progress.started,
                                                                    "written": card.progress.written})  # fmt: skip


def test_a_killed_one_is_stopped():
    assert read_card(made(told=progress(pid=gone()))).state == "stopped"


def test_only_the_process_that_is_meant_lives():
    started = psutil.Process().create_time()
    assert lives(os.getpid(), started)
    assert not lives(os.getpid(), started - 100)
    assert not lives(-1, started)
    assert not lives(10**30, started)


def test_one_without_progress_is_listed():
    assert read_card(made()).state == "unknown"


def test_what_is_played_is_first_then_the_newest_and_only_so_many_are_listed(monkeypatch):
    folders = [made(f"c-{number}", progress(state="playing" if number == 0 else "done")) for number in range(4)]
    for age, folder in zip((40, 20, 5, 10), folders, strict=True):
        os.utime(folder / "plan.json", (1e9 - age, 1e9 - age))
    assert [card.folder.name for card in list_comparisons()] == ["c-0", "c-2", "c-3", "c-1"]
    monkeypatch.setattr("esper_tui.karn.comparisons.MAX_LISTED", 2)
    assert [card.folder.name for card in list_comparisons()] == ["c-2", "c-3"]


def test_pointers_are_followed_and_those_into_nothing_are_left_out(tmp_path):
    folder = made(folder=tmp_path / "mine", told=progress(state="done"))
    (tmp_path / "empty").mkdir()
    pointers = {"a": f"{folder}\n", "again": str(folder), "b": f"{tmp_path / 'gone'}\n", "c": f"{tmp_path / 'empty'}",
                "d": "mine\n", "e": "", "f": "/" + "x" * 5000, "g": "/a\0b", "h": "/" + "x" * 300}  # fmt: skip
    comparisons_folder().mkdir(parents=True)
    for name, text in pointers.items():
        (comparisons_folder() / f"{name}.folder").write_text(text)
    (comparisons_folder() / "i.folder").write_bytes(b"/\xff\xfe\n")
    (comparisons_folder() / "letter.txt").write_text("dear")
    (comparisons_folder() / "empty").mkdir()
    assert [(card.folder, card.state) for card in list_comparisons()] == [(folder, "done")]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"state": "playing"}', json.dumps(progress(state="odd")), json.dumps(progress(epoch=-1)),
     json.dumps(progress(eta_s=float("nan"))), "[" * 100_000, " " * (MAX_BYTES + 1) + json.dumps(progress())],
)  # fmt: skip
def test_a_damaged_or_huge_file_says_so(text):
    folder = made()
    (folder / "progress.json").write_text(text)
    card = read_card(folder)
    assert (card.state, card.preset, card.progress) == ("damaged", "quickstart", None)
    (folder / "plan.json").write_text(text)
    card = read_card(folder)
    assert (card.state, card.preset) == ("damaged", folder.name)


def test_a_pipe_is_not_waited_for():
    folder = made(told=None)
    os.mkfifo(folder / "progress.json")
    os.mkfifo(folder / "table.md")
    assert read_card(folder).state == "damaged"
    assert read_table(folder) == []


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("wild")
    for name in ("plan.json", "progress.json", "table.md"):
        (folder / name).write_bytes(data)
    assert read_card(folder).state == "damaged"
    assert all(line.isprintable() for line in read_table(folder))


def test_the_table_comes_without_orders_to_the_terminal():
    assert read_table(made(table="| A0 | – |\n\x1b[2Jred\n")) == ["| A0 | – |", " [2Jred"]
    assert read_table(made("huge", table="x" * (MAX_BYTES + 1))) == []
    assert read_table(made("none")) == []


@pytest.mark.parametrize("values", [{"done": 10**400}, {"of": 10**400}, {"epoch": 10**400}, {"pid": 10**400}])
def test_numbers_that_nobody_wrote_make_it_damaged(values):
    assert read_card(made(told=progress(**values))).state == "damaged"


def test_what_a_terminal_would_obey_is_not_shown():
    card = read_card(made(told=progress(unit="\x1b[2Jgrown")))
    assert card.progress.unit == " [2Jgrown"
