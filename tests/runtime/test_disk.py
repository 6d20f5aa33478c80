"""A disk that fills: an alert, a thinner log that says so and counts, a checkpoint and a rest; never a silent loss."""

from collections import namedtuple
from pathlib import Path

import pytest

from esper_tui.karn.read import ReadReport, read_records, read_run
from esper_tui.leyline.errors import CannotWrite, ExitCode
from esper_tui.leyline.events import DecisionTaken, EpochMeasured
from esper_tui.leyline.folder import checkpoint_files
from esper_tui.leyline.session import Resume
from esper_tui.nissa.thinning import Thinner
from esper_tui.runtime.disk import LIMITS, DiskWatch, Room
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.session import LocalSession
from esper_tui.runtime.start import prepare_session
from tests import worlds

Usage = namedtuple("Usage", "total used free")
GIB, MIB = 2**30, 2**20
HUGE = 100 * 2**40


class Disk:
    """A disk of 100 GiB that has as much room as the test says."""

    def __init__(self, free: float):
        self.free, self.total = free, 100 * GIB

    def __call__(self, folder: Path) -> Usage:
        return Usage(self.total, self.total - int(self.free), int(self.free))


@pytest.mark.parametrize(
    ("free", "room"),
    [(50 * GIB, Room.PLENTY), (5.1 * GIB, Room.PLENTY), (4.9 * GIB, Room.LOW), (1.1 * GIB, Room.LOW),
     (1023 * MIB, Room.SCARCE), (257 * MIB, Room.SCARCE), (255 * MIB, Room.FULL), (0, Room.FULL)],
)  # fmt: skip
def test_levels_of_a_disk_of_100_gib(tmp_path, free, room):
    watch = DiskWatch(tmp_path, Disk(free))
    watch.look()
    assert watch.room is room


def limits(total: int, checkpoint: int) -> dict[Room, float]:
    return {room: limit.of(total, checkpoint) for room, limit in LIMITS.items()}


def test_on_a_huge_disk_bytes_count_and_on_a_small_one_shares():
    huge, small = limits(HUGE, 0), limits(GIB, 0)
    assert huge == {Room.FULL: 256 * MIB, Room.SCARCE: GIB, Room.LOW: 10 * GIB}
    assert small == {Room.FULL: 0.005 * GIB, Room.SCARCE: 0.02 * GIB, Room.LOW: 0.05 * GIB}


def test_checkpoints_that_are_large_need_room_beforehand():
    assert limits(HUGE, GIB) == {Room.FULL: 256 * MIB + 2 * GIB, Room.SCARCE: 5 * GIB, Room.LOW: 10 * GIB}


def test_a_level_is_left_with_some_room_to_spare_and_told_once(tmp_path):
    disk = Disk(900 * MIB)
    watch = DiskWatch(tmp_path, disk)
    assert watch.look()
    assert not watch.look()
    disk.free = 1100 * MIB
    assert not watch.look(), "a little more is not enough"
    disk.free = 1300 * MIB
    assert watch.look()
    assert watch.room is Room.LOW


def test_a_disk_that_does_not_answer_changes_nothing(tmp_path):
    def gone(folder):
        raise OSError

    watch = DiskWatch(tmp_path, gone)
    assert not watch.look()
    assert watch.room is Room.PLENTY


# --- the log -------------------------------------------------------------------------------------------------------


def decision(**more) -> DecisionTaken:
    return DecisionTaken(
        **({"decision": {"op": "WAIT"}, "by": "tamiyo", "trace": [{"rule": "x"}], "closed": []} | more)
    )


def test_what_happened_stays_and_what_explains_goes():
    thinner = Thinner()
    assert thinner(decision()) == decision(), "nothing is left out while there is room"
    thinner.on = True
    assert thinner(decision()) is None
    pruned = thinner(decision(decision={"op": "PRUNE", "slot": "r0c0"}, closed=[["FOSSILIZE", "r0c0"]]))
    assert (pruned.decision["op"], pruned.trace, pruned.closed) == ("PRUNE", [], [])
    assert thinner(decision(by="human")).by == "human"
    keys = ("stages", "alphas", "targets", "ramps", "ages", "in_stage", "clocks", "params", "verdicts", "waits")
    row = {"env": 0, "values": {"r0c0": (1.0, 0.1)}, "pairs": [1], "subsets": [2]}
    epoch = EpochMeasured(**{key: [] for key in keys}, columns={"val/loss": [1.0]}, shapley=[row])
    kept = thinner(epoch)
    assert kept.columns == epoch.columns
    assert kept.shapley == [row | {"pairs": [], "subsets": []}]
    assert thinner.counted() == "1 decisions to wait were left out, 3 events lost their reasons"


# --- the run -------------------------------------------------------------------------------------------------------


class Filling:
    """A disk whose room depends on how often it was looked at: once after every epoch."""

    def __init__(self, *free: float):
        self.free, self.looks = free, 0

    def __call__(self, folder: Path) -> Usage:
        self.looks += 1
        free = int(self.free[min(self.looks, len(self.free)) - 1])
        return Usage(100 * GIB, 100 * GIB - free, free)


def begin(folder: Path, disk: Filling, watched: bool) -> LocalSession:
    config = worlds.tiny_config(run={"epochs": 8}, checkpoint={"every_epochs": 0}, telemetry={"decisions": "full"})
    session = prepare_session(Resolved("tiny", config, ""), folder, None, choice=worlds.CHOICE)
    assert session.disk is not None
    session.disk.measure, session.rests_when_full = disk, watched
    session.start()
    return session


def told(folder: Path) -> list[tuple[int, str]]:
    """What was said of the disk, by epoch."""
    kinds = {"AlertRaised": "alert", "AlertCleared": "cleared"}
    found = []
    for event in read_records(folder):
        if event.get("rule") == "disk":
            found.append((event["epoch"], kinds[event["type"]]))
        elif event["type"] == "SessionChanged" and event["state"] in ("thinned", "complete", "paused"):
            found.append((event["epoch"], event["state"]))
    return found


def test_with_room_again_everything_is_told_and_counted(tmp_path):
    folder = tmp_path / "run"
    begin(folder, Filling(50 * GIB, 3 * GIB, 900 * MIB, 900 * MIB, 50 * GIB), watched=False).join()
    assert told(folder) == [(2, "alert"), (3, "thinned"), (5, "cleared"), (5, "complete")]
    waits = [e["epoch"] for e in read_records(folder) if e["type"] == "DecisionTaken"]
    assert {3, 4}.isdisjoint(waits), "left out after epochs 3 and 4"
    assert {2, 5} <= set(waits)
    (counted,) = (e["text"] for e in read_records(folder) if e.get("state") == "complete")
    assert "4 decisions to wait were left out" in counted
    report = ReadReport()
    assert [e.number for e in read_run(folder, report).rounds[0].epochs] == list(range(1, 9))
    assert report.problems == []


def test_nobody_there_it_ends_with_code_eight_and_a_checkpoint(tmp_path):
    folder = tmp_path / "run"
    ending = begin(folder, Filling(50 * GIB, 100 * MIB), watched=False).join()
    assert ending.code == ExitCode.CANNOT_WRITE == CannotWrite.code
    assert "100 MiB (0.1 %) are left on the disk" in ending.error
    assert "ended after epoch 2; free some space, then `esper resume run`" in ending.error
    assert [place for place, _ in checkpoint_files(folder)] == [(0, 2)]
    assert told(folder)[:2] == [(2, "alert"), (2, "thinned")]


def test_somebody_there_it_rests_with_a_checkpoint_until_told_to_go_on(tmp_path):
    folder = tmp_path / "run"
    session = begin(folder, Filling(50 * GIB, 100 * MIB), watched=True)
    while session.progress().state != "paused":
        session.thread.join(0.002)
    assert session.epoch == 2
    session.submit(Resume())
    assert session.join().status == "done", "it does not rest again while nothing has changed"
    assert [place for place, _ in checkpoint_files(folder)] == [(0, 2)]
    assert told(folder)[:3] == [(2, "alert"), (2, "thinned"), (2, "paused")]
    assert told(folder)[-1][1] == "complete", "what was left out is counted at the end, too"
