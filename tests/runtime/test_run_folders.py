"""Run folders: making, finding, describing, tagging and removing them."""

import errno
import io
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from esper_tui.karn.read import read_run_file
from esper_tui.leyline.errors import Busy, CannotWrite, Incompatible, UsageError
from esper_tui.leyline.folder import (
    LOCK_FILE,
    MAX_EVENT_LINE,
    RUN_FILE,
    RUN_ID,
    SUBFOLDERS,
    checkpoint_files,
    events_file,
)
from esper_tui.runtime.folder import RunFolder
from esper_tui.runtime.lock import RunLock
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.run_info import describe_run, end_of_log
from esper_tui.runtime.runs import (
    all_runs,
    find_run,
    folder_size,
    new_run_folder,
    removable_runs,
    remove_run,
    run_id,
    runs_folder,
    tag_run,
    write_atomically,
)
from tests import console, worlds


@pytest.fixture
def runs(finished_run) -> list[Path]:
    """Three runs, the newest first; the newest one was cut off."""
    names = ["20260103-000000-cifar10-aaa3", "20260102-000000-tiny-aaa2", "20260101-000000-tiny-aaa1"]
    made = [Path(shutil.copytree(finished_run.folder, runs_folder() / name)) for name in names]
    log = events_file(made[0], 0)
    log.write_bytes(log.read_bytes()[:-30])
    return made


def resolved() -> Resolved:
    return Resolved("tiny", worlds.tiny_config(), "A run of a second.")


# --- making them -------------------------------------------------------------------------------------------------


def test_an_id_says_when_and_what_and_is_new_every_time():
    ids = {run_id("quickstart") for _ in range(50)}
    assert len(ids) > 45
    assert all(RUN_ID.match(name) for name in ids)
    assert RUN_ID.match(run_id("a b/ç" * 100))
    assert re.match(r"\d{8}-\d{6}-a-b--a-b-", run_id("a b/ç" * 100))


def test_a_new_folder_lies_where_runs_live_and_has_its_parts():
    folder, made = new_run_folder("tiny", None)
    assert folder.parent == runs_folder()
    assert {path.name for path in folder.iterdir()} == set(SUBFOLDERS)
    assert made[0] == folder


def test_a_folder_that_holds_a_run_is_refused(runs):
    with pytest.raises(Busy, match="already holds a run; choose another --run-dir or remove it with `esper runs rm"):
        new_run_folder("tiny", runs[0])


def test_a_file_in_the_way_is_one_sentence(tmp_path):
    (tmp_path / "x").write_text("")
    for place in (tmp_path / "x", tmp_path / "x" / "y"):
        with pytest.raises(CannotWrite, match=r"cannot create .*choose another --run-dir or ESPER_RUNS_DIR"):
            new_run_folder("tiny", place)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_folder_that_could_not_be_finished_is_taken_away_again(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / SUBFOLDERS[-1]).write_text("in the way")
    with pytest.raises(CannotWrite):
        new_run_folder("tiny", tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == [SUBFOLDERS[-1]]


def test_giving_up_leaves_what_was_there_before(tmp_path):
    (tmp_path / "old" / "reports").mkdir(parents=True)
    (tmp_path / "old" / "mine.txt").write_text("mine")
    for place in (tmp_path / "old", tmp_path / "new"):
        RunFolder(resolved(), place).discard()
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} == {"old", "old/reports", "old/mine.txt"}


def test_a_run_that_came_and_went_since_the_first_look_is_not_touched(runs, tmp_path, monkeypatch):
    looked = iter([False, True])
    monkeypatch.setattr("esper_tui.runtime.runs.is_run", lambda folder: next(looked))
    before = {path: path.read_bytes() for path in runs[1].rglob("*") if path.is_file()}
    with pytest.raises(Busy, match="already holds a run"):
        RunFolder(resolved(), runs[1])
    assert {path: path.read_bytes() for path in runs[1].rglob("*") if path.is_file()} == before


def test_a_folder_whose_process_ended_before_the_first_epoch_says_so(tmp_path):
    (tmp_path / "early").mkdir()
    (tmp_path / "early" / LOCK_FILE).write_text("{}")
    with pytest.raises(UsageError, match=r"early holds no run: its process ended before the first epoch; start it"):
        find_run(str(tmp_path / "early"))


def test_a_folder_in_which_a_run_is_only_being_prepared_says_so(tmp_path):
    (tmp_path / "new").mkdir()
    lock = RunLock(tmp_path / "new")
    with pytest.raises(UsageError, match=r"new is only being prepared; try again"):
        find_run(str(tmp_path / "new"))
    lock.release()


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "run.toml"
    write_atomically(path, b"old")

    def full(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("esper_tui.runtime.runs.os.fsync", full)
    with pytest.raises(CannotWrite, match=r"cannot write .*run.toml: No space left on device; free some space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# --- finding them ------------------------------------------------------------------------------------------------


def test_a_run_is_found_by_id_unique_part_path_or_as_the_last_one(runs):
    for name in (runs[1].name, "20260102", "aaa2", str(runs[1]), str(runs[1]) + "/"):
        assert find_run(name) == runs[1]
    assert find_run("last") == runs[0]


def test_a_name_that_fits_several_runs_lists_them(runs):
    with pytest.raises(UsageError, match=r"'2026' fits 3 runs: .*cifar10-aaa3.*; write more of the id"):
        find_run("2026")


@pytest.mark.parametrize("name", ["nosuch", "x" * 5000, "~nobody-here", "20260102 "])
def test_a_run_that_is_not_there(runs, name):
    with pytest.raises(UsageError, match="there is no run"):
        find_run(name)


@pytest.mark.parametrize("name", ["/", "..", "~"])
def test_a_folder_that_is_no_run_says_so(runs, name):
    with pytest.raises(UsageError, match=f"{name} is a folder, but not that of a run"):
        find_run(name)


def test_runs_are_listed_the_newest_first_and_other_folders_not_at_all(runs):
    (runs_folder() / "notes").mkdir()
    (runs_folder() / "file").write_text("")
    assert all_runs() == runs


def test_a_missing_folder_of_runs_is_empty():
    assert all_runs() == []
    assert "no runs in" in console.esper("runs", "list").out


# --- describing them ---------------------------------------------------------------------------------------------


def test_a_run_at_a_glance(runs):
    done, cut = describe_run(runs[1]), describe_run(runs[0])
    assert (done.preset, done.state, done.tags) == ("tiny", "done", ())
    assert re.fullmatch(r"\d+ s", done.text)
    assert done.size == sum(path.stat().st_size for path in runs[1].rglob("*") if path.is_file()) > 10_000
    assert (cut.state, cut.text) == ("crashed", "epoch 24")


def test_the_last_record_is_found_behind_a_long_torn_line(runs):
    log = events_file(runs[1], 0)
    with log.open("ab") as file:
        file.write(b'{"type": "EpochMeasured", "columns": "' + b"x" * 200_000)
    assert end_of_log(runs[1])[""]["type"] == "RunEnded"


def test_the_last_record_is_found_when_it_is_long_itself(runs):
    record = {"seq": 99, "t": 1.0, "type": "EpochMeasured", "epoch": 77, "columns": {"x": "x" * 1_000_000}}
    log = events_file(runs[1], 0)
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]) + json.dumps(record).encode() + b"\n")
    assert (describe_run(runs[1]).state, describe_run(runs[1]).text) == ("crashed", "epoch 77")


RUBBISH = [
    b"",
    b"\n",
    b"\0" * 9000,
    b"x" * (2 * MAX_EVENT_LINE + 9),
    b'{"type":"RunEnded"}\n',
    b'{"type":"RunEnded","seconds":"NaN","t":[]}\n{"type":"TestMeasured","summary":3}\n',
    b'{"type":"RoundEnded","rows":[{"assisted":"x"},3],"best":[]}\n{"type":"RunEnded","status":null}\n',
    b'{"type":"RoundEnded","rows":7,"epoch":"x"}\n{"type":"RunEnded"}\n',
]


@pytest.mark.parametrize("content", RUBBISH, ids=range(len(RUBBISH)))
def test_a_log_of_rubbish_is_described_all_the_same(runs, content):
    events_file(runs[1], 0).write_bytes(content)
    (runs[1] / RUN_FILE).write_bytes(b"\xff")
    assert describe_run(runs[1]).state in ("crashed", "ended")
    assert console.esper("runs", "list").code == 0
    assert console.esper("runs", "check", str(runs[1])).code == 5


def test_the_size_of_a_folder_that_is_being_written(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("12345")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    gone = tmp_path / "gone"
    monkeypatch.setattr(Path, "rglob", lambda self, pattern: iter([tmp_path / "a", gone]))
    assert folder_size(tmp_path) == 5


# --- looking after them ------------------------------------------------------------------------------------------


def test_tags_are_added_once_and_taken_away(runs):
    assert tag_run(runs[1], ["best", "paper", "best", " "], []) == ("best", "paper")
    assert tag_run(runs[1], ["new"], ["paper", "nosuch"]) == ("best", "new")
    document = read_run_file(runs[1])
    assert document["tags"] == ["best", "new"]
    assert document["preset"] == "tiny"


def test_a_damaged_run_file_is_not_written_over(runs):
    (runs[1] / RUN_FILE).write_text("damaged = [")
    with pytest.raises(Incompatible, match="is missing or damaged, so its tags cannot be changed"):
        tag_run(runs[1], ["best"], [])
    assert (runs[1] / RUN_FILE).read_text() == "damaged = ["


def test_what_may_be_removed_is_old_and_untagged_and_not_being_written(runs, monkeypatch):
    tag_run(runs[2], ["keep"], [])
    assert removable_runs(all_runs(), 0) == runs[:2]
    assert removable_runs(all_runs(), 1) == [runs[1]]
    monkeypatch.setattr("esper_tui.runtime.runs.holder", lambda folder: "busy" if folder == runs[0] else None)
    assert removable_runs(all_runs(), 0) == [runs[1]]


def test_a_run_is_removed_with_everything_it_wrote(runs):
    size = folder_size(runs[1])
    assert remove_run(runs[1]) == size
    assert not runs[1].exists()


def test_a_persons_own_files_survive_the_removal(runs):
    (runs[1] / "thesis.tex").write_text("mine")
    (runs[1] / "data").mkdir()
    remove_run(runs[1])
    assert {path.name for path in runs[1].iterdir()} == {"thesis.tex", "data"}


def test_what_is_not_a_run_is_not_removed(tmp_path):
    with pytest.raises(UsageError, match="is not a run folder; nothing was removed"):
        remove_run(tmp_path)


def test_a_run_that_is_being_written_is_not_removed(tmp_path):
    run = RunFolder(resolved(), tmp_path / "run")
    (run.path / RUN_FILE).write_text("")
    with pytest.raises(Busy, match=f"is being written by process {os.getpid()}"):
        remove_run(run.path)
    run.close()
    remove_run(run.path)


# --- the commands ------------------------------------------------------------------------------------------------


def test_runs_list_has_a_line_per_run_with_size_and_ending(runs):
    tag_run(runs[1], ["best"], [])
    lines = console.esper("runs", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == [folder.name for folder in runs]
    assert "crashed" in lines[0]
    assert "epoch 24" in lines[0]
    assert "done" in lines[1]
    assert "[best]" in lines[1]
    assert all(re.search(r"\d+ KiB", line) for line in lines)
    rows = json.loads(console.esper("runs", "list", "--json").out)
    assert [row["id"] for row in rows] == [folder.name for folder in runs]
    assert rows[1]["size"] == folder_size(runs[1])
    assert (rows[1]["state"], rows[1]["tags"]) == ("done", ["best"])


def test_runs_show_prints_the_receipt_of_a_whole_and_of_a_torn_run(runs):
    whole = console.esper("runs", "show", "aaa2")
    assert whole.out.startswith("done in ")
    assert "growth bought" in whole.out
    assert str(runs[1]) in whole.out
    assert whole.err == ""
    torn = console.esper("runs", "show", "last")
    assert torn.out.startswith("not finished, epoch 24")
    assert "is damaged and was skipped" in torn.err


def test_runs_path_and_tag(runs):
    assert console.esper("runs", "path", "aaa1").out == f"{runs[2]}\n"
    assert console.esper("runs", "tag", "aaa1", "a", "b").out == "a, b\n"
    assert console.esper("runs", "tag", "aaa1", "--remove", "a", "--remove", "b").out == "no tags\n"


def test_runs_check_says_what_is_damaged(runs):
    sound = console.esper("runs", "check", "aaa2")
    assert sound.code == 0
    log, checkpoints, outlook = sound.out.splitlines()
    assert re.fullmatch(r"log: \d+ events in 1 segment, 24 epochs, 0 damaged, 0 unknown", log)
    assert re.fullmatch(r"checkpoints: \d sound \(r000-e0020, .*\), 0 damaged", checkpoints)
    assert re.search(r"has ended after epoch 24 in \d+ s; `esper runs show .*aaa2` prints its receipt", outlook)
    assert "resume" not in outlook
    torn = console.esper("runs", "check", "aaa3")
    assert torn.code == 5
    assert "1 damaged" in torn.out
    assert re.search(r"the run was cut short after epoch 24 of 24: `esper resume .*aaa3` goes on after", torn.out)
    artefact = next(runs[2].glob("artefacts/*"))
    artefact.write_bytes(artefact.read_bytes()[:-10])
    (runs[2] / RUN_FILE).unlink()
    broken = console.esper("runs", "check", "aaa1")
    assert broken.code == 5
    assert "run.toml is missing or damaged" in broken.out
    assert f"artefacts/{artefact.name} is not a readable state file" in broken.out


def test_runs_check_says_from_where_a_run_can_go_on(runs):
    """A flipped bit in the newest checkpoint, a hole in the log, and no ending."""
    folder = runs[2]
    ((_, epoch), newest), ((_, before), _), *_ = checkpoint_files(folder)
    data = bytearray(newest.read_bytes())
    data[-5] ^= 0x10
    newest.write_bytes(data)
    lines = events_file(folder, 0).read_bytes().splitlines(keepends=True)
    hole = next(line for line in lines if b'"EpochMeasured"' in line and b'"epoch":7,' in line)
    events_file(folder, 0).write_bytes(b"".join(line for line in lines[:-1] if line != hole))
    done = console.esper("runs", "check", "aaa1")
    assert done.code == 5
    assert "1 events before it are missing" in done.out
    assert "round 0: epoch 8 follows epoch 6" in done.out
    assert f"{newest} is damaged: its checksum does not fit" in done.out
    assert f"r000-e{epoch:04d}" not in done.out.splitlines()[1]
    assert done.out.splitlines()[-1].endswith(f"`esper resume {folder.name}` goes on after epoch {before}")


def test_runs_gc_says_before_it_does(runs):
    tag_run(runs[2], ["keep"], [])
    said = console.esper("runs", "gc", "--keep", "1")
    assert f"would remove {runs[1].name}" in said.out
    assert "nothing was removed; repeat with --yes" in said.out
    assert all_runs() == runs
    assert "removed" in console.esper("runs", "gc", "--keep", "1", "--yes").out
    assert all_runs() == [runs[0], runs[2]]
    assert console.esper("runs", "gc", "--keep", "1").out == "nothing to remove\n"


def test_runs_rm_asks_unless_told(runs, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    unanswered = console.esper("runs", "rm", "aaa1")
    assert unanswered.code == 2
    assert "no answer, nothing was done" in unanswered.err
    assert all_runs() == runs
    gone = console.esper("runs", "rm", "--yes", "aaa1", "aaa2")
    assert gone.code == 0
    assert all_runs() == [runs[0]]
    assert console.esper("runs", "rm", "--yes", "aaa3", "nosuch").code == 2
    assert all_runs() == [runs[0]], "one wrong name and nothing is removed"
