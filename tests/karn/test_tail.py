"""Following a log while it is written: nothing is lost, nothing is seen twice, nothing that is torn is seen at all."""

import json
import os
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.karn import tail as module
from esper_tui.karn.read import read_records
from esper_tui.karn.tail import Tail
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.events import SCHEMA
from esper_tui.leyline.folder import MAX_EVENT_LINE, events_file


def line(number: int, **more) -> bytes:
    return json.dumps({"seq": number, "t": 1.0, "type": "SessionChanged"} | more).encode() + b"\n"


class Writer:
    """Another process that writes a log."""

    def __init__(self, folder):
        self.folder, self.segment = folder, 0

    def write(self, data: bytes) -> None:
        with events_file(self.folder, self.segment).open("ab") as file:
            file.write(data)

    def take_back(self, size: int) -> None:
        os.truncate(events_file(self.folder, self.segment), size)


@pytest.fixture
def writer(tmp_path) -> Writer:
    return Writer(tmp_path)


def numbers(records) -> list[int]:
    return [record["seq"] for record in records]


def test_a_folder_without_a_log_has_nothing_yet(tmp_path):
    tail = Tail(tmp_path)
    assert tail.read() == []
    assert Tail(tmp_path / "gone").read() == []
    Writer(tmp_path).write(line(0))
    assert numbers(tail.read()) == [0]


def test_lines_come_once(writer):
    tail = Tail(writer.folder)
    writer.write(line(0) + line(1))
    assert numbers(tail.read()) == [0, 1]
    assert tail.read() == []
    writer.write(line(2))
    assert numbers(tail.read()) == [2]


def test_a_torn_line_is_waited_for(writer):
    tail, whole = Tail(writer.folder), line(1, text="é" * 50)
    writer.write(line(0) + whole[:40])
    assert numbers(tail.read()) == [0]
    assert tail.read() == []
    writer.write(whole[40:-1])
    assert tail.read() == []
    writer.write(whole[-1:])
    assert numbers(tail.read()) == [1]
    assert tail.report.damaged == 0


def test_a_torn_line_that_is_taken_back_does_no_harm(writer):
    tail = Tail(writer.folder)
    writer.write(line(0))
    writer.write(b'{"seq":1,"t":1.0,"type":"Half')
    assert numbers(tail.read()) == [0]
    writer.take_back(len(line(0)))
    assert tail.read() == []
    writer.write(line(1) + line(2))
    assert numbers(tail.read()) == [1, 2]
    assert tail.report.damaged == 0


def test_a_new_segment_is_followed_after_the_old_one(writer):
    tail = Tail(writer.folder)
    writer.write(line(0))
    tail.read()
    writer.write(line(1) + b'{"torn')
    writer.segment = 1
    writer.write(line(2))
    assert numbers(tail.catch_up()) == [1, 2]
    assert tail.report.damaged == 1, "the torn end of the old segment"
    writer.write(line(3))
    assert numbers(tail.read()) == [3]


def test_damaged_lines_are_counted_and_left_out(writer):
    writer.write(line(0) + b"not json\n" + b'["no event"]\n' + b'{"type":"NoTime"}\n' + b"\n" + line(1))
    tail = Tail(writer.folder)
    assert numbers(tail.catch_up()) == [0, 1]
    assert (tail.report.lines, tail.report.damaged) == (2, 4)


def test_a_line_that_is_too_long_is_left_out_even_if_it_comes_in_pieces(writer):
    tail = Tail(writer.folder)
    writer.write(line(0) + b'{"seq":1,"t":1.0,"type":"Long","text":"')
    tail.read()
    for _ in range(5):
        writer.write(b"x" * (MAX_EVENT_LINE // 4))
        assert tail.catch_up() == []
    writer.write(b'"}\n' + line(2))
    assert numbers(tail.catch_up()) == [2]
    assert tail.report.damaged == 1


def test_a_long_line_within_the_limit_is_read(writer):
    writer.write(line(0, text="x" * (3 * module.SLICE)) + line(1))
    assert numbers(Tail(writer.folder).catch_up()) == [0, 1]


def test_one_call_takes_a_slice_and_all_of_it_comes(writer, monkeypatch):
    monkeypatch.setattr(module, "SLICE", 200)
    writer.write(b"".join(line(n) for n in range(100)))
    tail = Tail(writer.folder)
    first = tail.read()
    assert 0 < len(first) < 100
    assert numbers(first + tail.catch_up()) == list(range(100))


def test_a_slice_of_damage_alone_does_not_end_catching_up(writer, monkeypatch):
    monkeypatch.setattr(module, "SLICE", 50)
    writer.write(b"rubbish\n" * 100 + line(0))
    assert numbers(Tail(writer.folder).catch_up()) == [0]


def test_a_newer_program_is_refused(writer):
    writer.write(line(0, type="RunStarted", schema=SCHEMA + 1))
    with pytest.raises(Incompatible, match="newer program"):
        Tail(writer.folder).read()


def test_a_finished_log_reads_as_the_reader_reads_it(finished_run):
    assert Tail(finished_run.folder).catch_up() == list(read_records(finished_run.folder))


def epoch(seq: int, epoch: int, kind: str = "EpochMeasured") -> bytes:
    return line(seq, type=kind, round=0, epoch=epoch)


def resumed(after: int) -> bytes:
    return line(after + 1, type="RunResumed", after_seq=after, round=None, epoch=None)


def shown(records) -> list[tuple[str, int | None]]:
    return [(record["type"], record.get("epoch")) for record in records]


BEFORE = [epoch(0, 1), epoch(1, 2), epoch(2, 2, "DecisionTaken"), epoch(3, 3)]
AFTER = [resumed(1), epoch(3, 2, "DecisionTaken"), epoch(4, 3), epoch(5, 4)]
WHOLE = [("EpochMeasured", 1), ("EpochMeasured", 2), ("RunResumed", None), ("DecisionTaken", 2),
         ("EpochMeasured", 3), ("EpochMeasured", 4)]  # fmt: skip


def test_of_a_run_that_went_on_from_a_checkpoint_only_what_counts_is_read(writer):
    writer.write(b"".join(BEFORE))
    writer.segment = 1
    writer.write(b"".join(AFTER))
    found = Tail(writer.folder).catch_up()
    assert shown(found) == WHOLE
    assert found == list(read_records(writer.folder))


def test_who_watches_while_a_run_goes_on_again_sees_no_epoch_twice(writer):
    tail = Tail(writer.folder)
    writer.write(b"".join(BEFORE))
    found = tail.catch_up()
    writer.segment = 1
    writer.write(b"".join(AFTER))
    found += tail.catch_up()
    epochs = [e for kind, e in shown(found) if kind == "EpochMeasured"]
    assert epochs == [1, 2, 3, 4]
    assert shown(found).count(("DecisionTaken", 2)) == 1


def test_what_was_not_read_yet_is_left_out_once_it_is_superseded(writer, monkeypatch):
    monkeypatch.setattr(module, "SLICE", len(BEFORE[0]) + 5)
    tail = Tail(writer.folder)
    writer.write(b"".join(BEFORE))
    found = tail.read()
    assert shown(found) == WHOLE[:1]
    writer.segment = 1
    writer.write(b"".join(AFTER))
    assert shown(found + tail.catch_up()) == WHOLE


@given(cuts=st.lists(st.integers(0, 600), max_size=12), size=st.integers(20, 400))
def test_however_a_log_is_cut_every_line_comes_once(tmp_path_factory, cuts, size):
    folder = tmp_path_factory.mktemp("log")
    writer, tail = Writer(folder), Tail(folder)
    data = b"".join(line(n) for n in range(10))
    places, seen = sorted({min(c, len(data)) for c in cuts} | {0, len(data)}), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SLICE", size)
        for begin, end in pairwise(places):
            writer.write(data[begin:end])
            seen += tail.catch_up()
    assert numbers(seen) == list(range(10))
