"""What a comparison says of itself while it is played: its progress file, and the time that is left."""

import os

import psutil
import pytest

from esper_tui.evidence.compare.plan import make_plan
from esper_tui.evidence.compare.progress import Nobody, Remaining, Reporter
from esper_tui.evidence.compare.run import compare
from esper_tui.karn.comparisons import list_comparisons
from esper_tui.leyline.comparison import ComparisonProgress, comparisons_folder, pointer_file
from tests import worlds


def written(folder) -> ComparisonProgress:
    return ComparisonProgress.model_validate_json((folder / "progress.json").read_text())


class Told(Nobody):
    """Keeps what it is told."""

    def __init__(self):
        self.units = []

    def unit(self, *told):
        self.units.append(told)


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def reporter(tmp_path, now) -> Reporter:
    return Reporter(tmp_path, Told(), None, clock=lambda: now[0])


# --- the time that is left -----------------------------------------------------------------------------------------


def test_what_was_stored_has_cost_nothing(now):
    remaining = Remaining(None, lambda: now[0])
    assert remaining.seconds(3, 10) is None, "nothing was played yet"
    remaining.begin(3)
    now[0] += 8.0
    assert remaining.seconds(4, 10) == pytest.approx(48.0)  # 8 s for one, six are left
    remaining.begin(4)
    assert remaining.seconds(4.5, 10) == pytest.approx(8 / 1.5 * 5.5)
    assert remaining.seconds(11, 10) == 0.0
    assert remaining.seconds(5, None) is None


def test_minutes_count_from_the_call(now):
    remaining = Remaining(2.0, lambda: now[0])
    now[0] += 50.0
    remaining.begin(0)
    assert remaining.seconds(0, None) == pytest.approx(70.0)
    now[0] += 100.0
    assert remaining.seconds(1, None) == 0.0


# --- the file ------------------------------------------------------------------------------------------------------


def test_from_the_first_unit_to_the_end(reporter, tmp_path, now):
    with reporter:
        assert written(tmp_path).state == "playing"
        assert (written(tmp_path).pid, written(tmp_path).started) == (os.getpid(), psutil.Process().create_time())
        reporter.expect(2)
        tell = reporter.begin("tuning-rates", counts=False)
        now[0] += 5.0
        tell(10, 20)
        assert (written(tmp_path).epoch, written(tmp_path).eta_s) == (10, None)
        reporter.finished("tuning-rates", False, 5.0)
        tell = reporter.begin("0000-0004-grown", counts=True)
        now[0] += 4.0
        tell(1, 2)
        seen = written(tmp_path)
        assert (seen.unit, seen.epoch, seen.epochs, seen.done, seen.of) == ("0000-0004-grown", 1, 2, 0, 2)
        assert seen.eta_s == pytest.approx(12.0)  # half a unit took 4 s, one and a half are left
        now[0] += 4.0
        reporter.finished("0000-0004-grown", True, 8.0)
        reporter.seeds(5)
        assert (written(tmp_path).done, written(tmp_path).seeds) == (1, 5)
        assert written(tmp_path).eta_s == pytest.approx(8.0)
        reporter.finished("0000-0004-wide", True, None)
    seen = written(tmp_path)
    assert (seen.state, seen.done, seen.of, seen.unit, seen.eta_s) == ("done", 2, 2, "", None)
    assert [told[0] for told in reporter.watcher.units] == ["tuning-rates", "0000-0004-grown"]
    assert reporter.watcher.units[1][2:] == (1, 2, pytest.approx(8.0))


def test_epochs_are_written_once_a_second_at_most(reporter, tmp_path, now):
    with reporter:
        tell = reporter.begin("unit", counts=True)
        tell(1, 20)
        now[0] += 0.9
        tell(2, 20)
        assert written(tmp_path).epoch == 0
        now[0] += 0.2
        tell(3, 20)
        assert written(tmp_path).epoch == 3
        now[0] += 0.5
        tell(4, 20)
        assert written(tmp_path).epoch == 3


def test_what_breaks_off_is_interrupted(reporter, tmp_path):
    def break_off():
        with reporter:
            reporter.begin("unit", counts=True)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert (written(tmp_path).state, written(tmp_path).unit) == ("interrupted", "unit")


def test_a_file_that_cannot_be_written_is_no_reason_to_stop(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "progress.json").mkdir()
    with Reporter(tmp_path, Nobody(), None) as reporter:
        reporter.begin("unit", counts=True)(1, 1)
        reporter.finished("unit", True, 1.0)
    assert (tmp_path / "progress.json").is_dir()


# --- a comparison that is played -----------------------------------------------------------------------------------


def test_a_comparison_elsewhere_is_found_and_its_second_call_says_the_same(tmp_path):
    plan, folder = make_plan("tiny", worlds.tiny_config(), ["A0"], []), tmp_path / "here"
    compare(plan, folder, seeds=1)
    seen = written(folder)
    assert (seen.state, seen.done, seen.of, seen.seeds) == ("done", 1, 1, 1)
    (card,) = list_comparisons()
    assert (card.folder, card.preset, card.arms, card.state) == (folder, "tiny", ("A0",), "done")
    compare(plan, folder, seeds=1)
    again = written(folder)
    assert (again.state, again.done, again.of, again.seeds) == ("done", 1, 1, 1)


def test_one_in_the_default_place_needs_no_pointer():
    plan = make_plan("tiny", worlds.tiny_config(), ["A0"], [])
    compare(plan, plan.default_folder(), seeds=1)
    assert [path.name for path in comparisons_folder().iterdir()] == [plan.default_folder().name]
    assert [card.folder for card in list_comparisons()] == [plan.default_folder()]


def test_a_pointer_has_one_line(tmp_path):
    with Reporter(tmp_path, Nobody(), None):
        pass
    assert pointer_file(tmp_path).read_text() == f"{tmp_path}\n"
