"""What the launch screen is told: presets with what they need, problems with their lines, runs at a glance."""

import json
import shutil
from pathlib import Path

import pytest

from esper_tui.data import catalogue
from esper_tui.evidence.examine import examine
from esper_tui.karn.replay import Player
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import ConfigError, DataMissing, UsageError
from esper_tui.leyline.folder import MAX_PRESET_BYTES, RUN_FILE, events_file
from esper_tui.leyline.launcher import Launcher, Problem
from esper_tui.leyline.session import Step
from esper_tui.runtime import run_info
from esper_tui.runtime.launcher import LocalLauncher
from esper_tui.runtime.lock import RunLock
from esper_tui.runtime.presets import resolve, shipped_folder, user_folder
from esper_tui.runtime.runs import all_runs, runs_folder
from esper_tui.runtime.watch import WatchSession
from tests import console


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def launcher() -> Launcher:
    return LocalLauncher(examine)


def keep(name: str, text: str) -> Path:
    """A preset of the user's own."""
    user_folder().mkdir(parents=True, exist_ok=True)
    path = user_folder() / f"{name}.toml"
    path.write_text(text)
    return path


# --- presets -------------------------------------------------------------------------------------------------------


def test_every_preset_is_listed_with_what_it_does(launcher):
    path = keep("mine", 'description = "My own."\n[run]\nepochs = 30\n')
    cards = {card.name: card for card in launcher.presets()}
    assert {p.stem for p in shipped_folder().glob("*.toml")} | {"mine"} == set(cards)
    assert (cards["mine"].origin, cards["mine"].path, cards["mine"].description) == ("yours", path, "My own.")
    assert (cards["quickstart"].data, cards["quickstart"].needs, cards["quickstart"].problem) == ("procedural", "", "")


def test_data_that_is_missing_is_needed(launcher, monkeypatch):
    monkeypatch.setattr(catalogue, "has_files", lambda name: None)
    cards = {card.name: card for card in launcher.presets()}
    assert "esper data fetch cifar10" in cards["cifar10"].needs
    monkeypatch.setattr(catalogue, "has_files", lambda name: Path("/there"))
    assert {card.name: card.needs for card in launcher.presets()}["cifar10"] == ""


def test_a_broken_preset_is_listed_with_its_problem(launcher):
    keep("broken", "[run]\nepochs = 0\n")
    card = next(card for card in launcher.presets() if card.name == "broken")
    assert "run.epochs = 0: must be from 1 to 10000" in card.problem
    assert "\n" not in card.problem


def test_the_text_of_a_preset_is_that_of_its_file(launcher):
    assert launcher.preset_text("quickstart") == (shipped_folder() / "quickstart.toml").read_text()
    with pytest.raises(UsageError, match="did you mean 'quickstart'"):
        launcher.preset_text("quickstrat")


# --- checking ------------------------------------------------------------------------------------------------------


def test_a_text_is_checked_as_its_file_would_be(launcher):
    text = launcher.preset_text("quickstart")
    checked = launcher.check("quickstart", text)
    resolved = resolve("quickstart")
    assert (checked.config, checked.problems, checked.differences) == (resolved.config, (), ())
    assert checked.origins == resolved.origins


def test_differences_are_those_to_the_shipped_preset(launcher):
    text = launcher.preset_text("quickstart") + '\n[reward]\ncontrol = "none"\n'
    assert launcher.check("quickstart", text).differences == (("reward.control", "twin", "none"),)


def test_differences_of_an_own_preset_are_those_to_the_defaults(launcher):
    epochs = RunConfig().run.epochs
    assert launcher.check("mine", f"[run]\nepochs = {epochs + 5}\n").differences == (
        ("run.epochs", epochs, epochs + 5),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[run]\nepochs = 30\nenvz = 3\n", Problem("unknown key run.envz, did you mean 'envs'", 3, "run.envz")),
        ("\n[run]\nepochs = 0\n", Problem("run.epochs = 0: must be from 1 to 10000", 3, "run.epochs")),
        ("[run\nepochs = 3\n", Problem("not valid TOML: Expected ']' at the end of a table declaration", 1, None)),
        ("[ruin]\nepochs = 3\n", Problem("unknown section [ruin], did you mean 'run'", 1, None)),
        ("[host]\nblocks = 2\npools = 3\n", Problem("host.pools: 3 is more than host.blocks = 2", 3, "host.pools")),
        ("extends = 3\n", Problem("extends must be the name of one preset", 1, None)),
    ],
)
def test_a_problem_stands_at_its_line(launcher, text, problem):
    checked = launcher.check("mine", text)
    assert checked.config is None
    assert checked.problems == (problem,)


def test_a_text_that_breaks_off_is_wrong_in_its_last_line(launcher):
    (problem,) = launcher.check("mine", '[run]\nepochs = 30\n[data]\nname = "proc').problems
    assert problem.text.startswith("not valid TOML: ")
    assert problem.line == 4


def test_all_problems_come_at_once(launcher):
    checked = launcher.check("mine", "[run]\nepochs = 0\nenvs = 0\n[optim]\nlr = -1.0\n")
    assert sorted((p.line, p.key) for p in checked.problems) == [(2, "run.epochs"), (3, "run.envs"), (5, "optim.lr")]


def test_a_problem_of_the_preset_below_names_its_file(launcher):
    path = keep("base", "[run]\nepochs = 0\n")
    (problem,) = launcher.check("mine", 'extends = "base"\n[run]\nenvs = 2\n').problems
    assert problem.line is None
    assert str(path) in problem.text
    assert "line 2" in problem.text


def test_a_draft_may_extend_the_shipped_preset_of_its_own_name(launcher):
    keep("quickstart", "[run]\nepochs = 30\n")
    checked = launcher.check("quickstart", 'extends = "quickstart"\n[run]\nepochs = 31\n')
    assert (checked.problems, checked.differences) == ((), (("run.epochs", 30, 31),))


def test_the_preset_below_that_is_not_there_is_a_problem(launcher):
    (problem,) = launcher.check("mine", 'extends = "quickstrat"\n').problems
    assert "did you mean 'quickstart'" in problem.text
    assert problem.line == 1


# --- saving --------------------------------------------------------------------------------------------------------


def test_a_saved_preset_is_found_again(launcher):
    path = launcher.save("mine", "[run]\nepochs = 31\n")
    assert path == user_folder() / "mine.toml"
    assert resolve("mine").config.run.epochs == 31
    launcher.save("mine", "[run]\nepochs = 32\n")
    assert resolve("mine").config.run.epochs == 32
    assert [p.name for p in user_folder().iterdir()] == ["mine.toml"], "nothing temporary is left"


def test_values_out_of_range_may_be_kept_to_go_on_later(launcher):
    launcher.save("mine", "[run]\nepochs = 0\n")
    assert "must be from" in next(c for c in launcher.presets() if c.name == "mine").problem


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "mine.toml", "-x", "x" * 65, "é", "a\n"])
def test_a_name_that_cannot_be_a_files_is_refused(launcher, name):
    with pytest.raises(UsageError, match="cannot be a preset's name"):
        launcher.save(name, "[run]\nepochs = 30\n")
    assert not user_folder().exists()


def test_a_shipped_preset_is_shadowed_only_on_purpose(launcher):
    text = "[run]\nepochs = 31\n"
    with pytest.raises(UsageError, match="is a shipped preset"):
        launcher.save("quickstart", text)
    launcher.save("quickstart", text, shadow=True)
    assert launcher.preset_text("quickstart") == text
    launcher.save("quickstart", text)  # from now on it is one's own


def test_a_preset_that_would_not_be_found_is_refused(launcher, tmp_path):
    console.tiny_preset(tmp_path, "mine")
    with pytest.raises(UsageError, match="goes before your own"):
        launcher.save("mine", "[run]\nepochs = 31\n")


@pytest.mark.parametrize("text", ["[run", "# long" * (MAX_PRESET_BYTES // 6) + "\n[run]\n"])
def test_what_could_not_be_read_again_is_not_kept(launcher, text):
    with pytest.raises(ConfigError):
        launcher.save("mine", text)
    assert not user_folder().exists()


# --- runs ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def recorded(finished_run) -> Path:
    """The recorded run, where runs are looked for."""
    runs_folder().mkdir(parents=True)
    return Path(shutil.copytree(finished_run.folder, runs_folder() / finished_run.folder.name))


def test_a_finished_run_at_a_glance(launcher, recorded, finished_run):
    (card,) = launcher.runs()
    ended = finished_run.events[-1]
    rows = next(e for e in finished_run.events if e["type"] == "RoundEnded")
    test = next(e for e in finished_run.events if e["type"] == "TestMeasured")
    assert (card.id, card.path, card.preset, card.state) == (recorded.name, recorded, "tiny", "done")
    assert card.text == f"{ended['seconds']:.0f} s"
    assert (card.started, card.epochs, card.assisted) == (finished_run.events[0]["t"], 24, 0)
    assert card.best == rows["rows"][rows["best"]]["acc"]
    assert card.gain == 100 * test["summary"]["mean"]
    assert card.size > events_file(recorded, 0).stat().st_size


def test_a_run_that_crashed_says_how_far_it_came(launcher, recorded):
    lines = events_file(recorded, 0).read_bytes().splitlines(keepends=True)
    cut = next(i for i, line in enumerate(lines) if b'"EpochMeasured"' in line and json.loads(line)["epoch"] == 9)
    events_file(recorded, 0).write_bytes(b"".join(lines[: cut + 1]) + b'{"torn')
    (card,) = launcher.runs()
    assert (card.state, card.text, card.epochs, card.best, card.gain) == ("crashed", "epoch 9", 9, None, None)


def test_the_summary_is_found_however_long_what_follows_is(launcher, recorded, monkeypatch):
    monkeypatch.setattr(run_info, "TAIL_BYTES", 64)
    (card,) = launcher.runs()
    assert card.best is not None


@pytest.mark.parametrize("damage", [RUN_FILE, "events-000.jsonl"])
def test_a_damaged_run_does_not_hide_the_others(launcher, recorded, damage):
    other = shutil.copytree(recorded, recorded.with_name("20260102-000000-other-abcd"))
    (other / damage).write_bytes(b"\xff\x00rubbish\n")
    assert [card.id for card in launcher.runs()] == [other.name, recorded.name]


def test_a_tag_is_added_and_taken_away(launcher, recorded):
    assert launcher.tag(recorded.name, "keep") == ("keep",)
    assert launcher.runs()[0].tags == ("keep",)
    assert launcher.tag(recorded.name, "keep") == ()


def test_a_finished_run_is_opened_as_a_recording(launcher, recorded):
    opened = launcher.open(recorded.name)
    assert isinstance(opened, Player)
    assert (opened.role, opened.path) == ("replay", recorded)


def test_a_running_run_is_opened_to_watch(launcher, recorded):
    lock = RunLock(recorded)
    try:
        opened = launcher.open("2026")
        assert isinstance(opened, WatchSession)
        assert (opened.role, opened.path) == ("watch", recorded)
    finally:
        lock.release()


def test_a_run_that_is_not_there_cannot_be_opened(launcher):
    with pytest.raises(UsageError, match="there is no run"):
        launcher.open("nosuch")


# --- starting ------------------------------------------------------------------------------------------------------


def test_a_text_is_started_as_it_stands(tmp_path):
    folders = []
    launcher = LocalLauncher(examine, folders.append)
    launcher.warm_up()
    session = launcher.start("mine", console.TINY.replace("epochs = 4", "epochs = 3"))
    assert session.join().status == "done"
    assert folders == [session.path] == all_runs()
    assert launcher.started == [session]
    assert json.loads(events_file(session.path, 0).read_text().splitlines()[0])["config"]["run"]["epochs"] == 3


def test_with_the_policy_manual_the_person_gets_the_first_word():
    session = LocalLauncher(examine).start("mine", console.TINY + '[tamiyo]\npolicy = "manual"\n')
    while session.progress().state != "paused":
        session.thread.join(0.002)
    assert session.progress().epoch == 1
    session.submit(Step(10))
    assert session.join().status == "done"


def test_what_is_wrong_is_said_before_anything_is_made(launcher, monkeypatch):
    with pytest.raises(ConfigError, match=r"run\.epochs"):
        launcher.start("mine", "[run]\nepochs = 0\n")
    monkeypatch.setattr("esper_tui.data.cifar.has_files", lambda name: None)
    with pytest.raises(DataMissing):
        launcher.start("mine", console.TINY.replace("[data]", '[data]\nname = "cifar10"'))
    assert all_runs() == []


def test_an_estimate_is_a_few_lines(launcher):
    lines = launcher.estimate("mine", console.TINY).splitlines()
    assert [line.split()[0] for line in lines] == ["networks", "time", "memory", "disk"]
    with pytest.raises(ConfigError):
        launcher.estimate("mine", "[run]\nepochs = 0\n")
