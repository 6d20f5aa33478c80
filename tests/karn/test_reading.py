"""Reading what a run wrote, whole or damaged."""

import json
import shutil
from pathlib import Path

import pytest

from esper_tui.karn.read import ReadReport, read_records, read_run, read_run_file
from esper_tui.karn.record import RunRecord, reduce
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.events import SCHEMA, from_record, is_deterministic
from esper_tui.leyline.folder import MAX_EVENT_LINE, RUN_FILE, events_file
from tests import console


@pytest.fixture
def folder(finished_run, tmp_path) -> Path:
    """A copy of the recorded run."""
    return shutil.copytree(finished_run.folder, tmp_path / finished_run.folder.name)


def log_lines(folder: Path) -> list[bytes]:
    return events_file(folder, 0).read_bytes().splitlines(keepends=True)


def rewrite(folder: Path, lines: list[bytes]) -> None:
    events_file(folder, 0).write_bytes(b"".join(lines))


def read(folder: Path) -> tuple[RunRecord, ReadReport]:
    report = ReadReport()
    return read_run(folder, report), report


def test_the_log_folds_to_the_same_record_as_the_live_events(finished_run):
    live = RunRecord()
    for event in finished_run.events:
        reduce(live, event)
    from_log, report = read(finished_run.folder)
    assert from_log == live
    assert list(read_records(finished_run.folder)) == finished_run.events
    assert (report.lines, report.damaged, report.problems) == (len(finished_run.events), 0, [])
    assert live.status == "done"
    assert len(live.rounds[0].epochs) == 24
    assert any(row["planted"] for row in live.rounds[0].rows), "the recording must show growth"


def test_every_record_is_an_event_again(finished_run):
    events = [from_record(record) for record in finished_run.events]
    assert all(event is not None for event in events)
    assert {event.type for event in events} >= {"RunStarted", "EpochMeasured", "StageChanged", "RunEnded"}
    assert [event.DETERMINISTIC for event in events] == [is_deterministic(record) for record in finished_run.events]


def test_numbers_and_times_only_rise(finished_run):
    assert [event["seq"] for event in finished_run.events] == list(range(len(finished_run.events)))
    times = [event["t"] for event in finished_run.events]
    assert times == sorted(times)


@pytest.mark.parametrize("left", [1, 30, 300, -1])
def test_a_torn_last_line_is_skipped_and_counted(folder, left):
    lines = log_lines(folder)
    rewrite(folder, [*lines[:-2], lines[-2][:left]])
    record, report = read(folder)
    assert (report.lines, report.damaged) == (len(lines) - 2, 1)
    assert report.problems == [f"events-000.jsonl line {len(lines) - 1} is damaged and was skipped"]
    assert len(record.rounds[0].epochs) == 24
    assert record.status == ""


DAMAGE = {
    "half of it": lambda line: line[: len(line) // 2] + b"\n",
    "not an object": lambda line: b"[1, 2]\n",
    "without a type": lambda line: b'{"seq": 3}\n',
    "a type that is a number": lambda line: b'{"type": 3}\n',
    "bytes that are no text": lambda line: b'{"type": "\xff\xfe"}\n',
    "zeros": lambda line: b"\0" * 100 + b"\n",
    "nested too deeply": lambda line: b'{"type": "X", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    "a giant integer": lambda line: b'{"type": "X", "a": ' + b"9" * 10_000 + b"}\n",
    "too long": lambda line: b'{"type": "X", "a": "' + b"a" * (3 * MAX_EVENT_LINE) + b'"}\n',
    "empty": lambda line: b"\n",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_line_costs_itself_and_nothing_else(folder, kind):
    lines = log_lines(folder)
    rewrite(folder, [*lines[:20], DAMAGE[kind](lines[20]), *lines[21:]])
    record, report = read(folder)
    assert (report.lines, report.damaged) == (len(lines) - 1, 1)
    assert report.problems[0] == "events-000.jsonl line 21 is damaged and was skipped"
    assert record.status == "done"


def test_a_missing_event_is_noticed_by_the_numbers(folder):
    lines = log_lines(folder)
    rewrite(folder, [*lines[:20], *lines[23:]])
    assert read(folder)[1].problems == ["events-000.jsonl line 21: 3 events before it are missing"]


def test_records_that_make_no_sense_are_counted_not_raised(folder):
    """Without its beginning, nothing of a round can be folded."""
    lines = log_lines(folder)
    rewrite(folder, [line for line in lines if b'"RoundStarted"' not in line])
    record, report = read(folder)
    assert report.damaged >= 24
    assert record.status == "done"
    rewrite(folder, [b'{"seq":0,"t":1.0,"type":"RunStarted"}\n', b'{"seq":1,"t":1.0,"type":"RunEnded","status":3}\n'])
    assert read(folder)[1].damaged == 2


def test_types_and_keys_of_a_later_program_are_counted_and_skipped(folder):
    lines = log_lines(folder)
    later = json.loads(lines[20]) | {"a_new_key": {"x": [1]}}
    new = {"seq": 21, "t": 1.0, "type": "SomethingNew", "epoch": 3, "value": 1}
    rewrite(folder, [*lines[:20], json.dumps(later).encode() + b"\n", json.dumps(new).encode() + b"\n", *lines[22:]])
    record, report = read(folder)
    assert (report.unknown, report.damaged, record.unknown) == (1, 0, 1)
    assert from_record(later) == from_record(json.loads(lines[20]))
    assert from_record(new) is None
    assert "1 unknown" in console.esper("runs", "check", str(folder)).out


@pytest.mark.parametrize("schema", [SCHEMA + 1, "two", None, [1]])
def test_a_newer_schema_is_refused(folder, schema):
    lines = log_lines(folder)
    first = json.loads(lines[0]) | {"schema": schema}
    rewrite(folder, [json.dumps(first).encode() + b"\n", *lines[1:]])
    with pytest.raises(Incompatible, match="was written by a newer program"):
        read(folder)
    for words in (["runs", "show", str(folder)], ["runs", "check", str(folder)]):
        done = console.esper(*words)
        assert (done.code, "update esper" in done.err) == (5, True)


def test_a_log_that_cannot_be_read_is_one_sentence(folder):
    events_file(folder, 0).unlink()
    events_file(folder, 0).mkdir()
    with pytest.raises(Incompatible, match=r"cannot read .*events-000.jsonl: Is a directory"):
        read(folder)


def test_segments_are_read_in_order(folder):
    lines = log_lines(folder)
    rewrite(folder, lines[:30])
    events_file(folder, 1).write_bytes(b"".join(lines[30:]))
    record, report = read(folder)
    assert (report.lines, report.problems, record.status) == (len(lines), [], "done")


@pytest.mark.parametrize("text", ["[", "", "\0", "a = " + "[" * 5000])
def test_a_run_file_that_is_damaged_reads_as_empty(folder, text):
    assert read_run_file(folder)["preset"] == "tiny"
    (folder / RUN_FILE).write_text(text)
    assert read_run_file(folder) == {}
    (folder / RUN_FILE).write_bytes(b"\xff\xfe")
    assert read_run_file(folder) == {}
