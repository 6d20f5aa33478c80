"""What the command line does not take: one sentence each, before anything is done."""

import pytest

from esper_tui.cli import screen as module
from esper_tui.runtime.lock import RunLock
from esper_tui.runtime.runs import all_runs
from esper_tui.sanctum import app as sanctum
from esper_tui.sanctum.app import AppExit
from tests import console

MANUAL = 'tamiyo.policy="manual"'


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """A working directory with the preset ``tiny``."""
    monkeypatch.chdir(tmp_path)
    console.tiny_preset(tmp_path)


def refused(*words: str) -> str:
    """The one sentence that a command line is refused with."""
    done = console.esper(*words)
    assert (done.code, done.out) == (2, ""), done
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("esper: ")
    return done.err.removeprefix("esper: ").strip()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("run", "--foo"), "no such option: --foo; `esper run --help` shows what there is"),
        (("run", "a", "b"), "got unexpected extra argument(s) (b); `esper run --help` shows what there is"),
        (("runs", "rm"), "missing argument 'runs'; `esper runs rm --help` shows what there is"),
        (("runs", "lits"), "no such command 'lits', did you mean 'list'; `esper runs --help` shows what there is"),
        (("--hz",), "option '--hz' requires an argument; `esper --help` shows what there is"),
        (
            ("bench", "growth", "procedural", "--set", "run.envs=2"),
            "--set run.envs=2: --pairs, the sweep and the twins of this bench decide about it",
        ),
        (("run", "tiny", "--run-dir", ""), "--run-dir names no folder; write one, for example --run-dir ./first"),
    ],
)
def test_what_is_typed_wrong_is_said_in_one_sentence(words, sentence):
    assert refused(*words) == sentence


def test_a_value_that_is_no_number_is_named_with_its_option():
    assert refused("run", "--seed", "x").startswith("invalid value for '--seed': ")


def test_a_group_without_a_command_shows_its_help():
    done = console.esper("runs")
    assert done.code == 2
    assert "All runs, the newest first" in done.out + done.err


def test_of_runs_to_delete_those_that_go_on_are_refused_before_any_question(tmp_path, finished_run):
    (tmp_path / "x").mkdir()
    done = console.esper("run", "tiny", "--no-ui", "--run-dir", "x", "--set", "run.epochs=1")
    assert done.code == 0
    lock = RunLock(tmp_path / "x")
    try:
        done = console.esper("runs", "rm", str(finished_run.folder), "x")
    finally:
        lock.release()
    assert (done.code, done.out) == (9, ""), "nothing was asked"
    assert finished_run.folder.is_dir()


def test_nobody_decides_where_there_is_no_screen():
    sentence = refused("run", "tiny", "--no-ui", "--set", MANUAL)
    assert sentence.startswith("tamiyo.policy = manual: a person decides on the screen, and there is none here; ")
    assert all_runs() == []


def test_on_the_screen_a_person_gets_the_first_word(monkeypatch):
    seen = []

    def show(launcher, session, *, settings, readonly=False, player=None):
        while session.progress().state != "paused":
            session.thread.join(0.005)
        seen.append(session.progress().epoch)
        session.abort()
        return AppExit("abandon", session)

    monkeypatch.setattr(module, "has_terminal", lambda: True)
    monkeypatch.setattr(sanctum, "run_app", show)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("CI", raising=False)
    console.esper("run", "tiny", "--set", MANUAL, "--set", "run.epochs=50")
    assert seen == [1], "at the first boundary, before anything is decided"
