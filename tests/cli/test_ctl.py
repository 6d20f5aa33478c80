"""``esper ctl`` and ``esper attach`` from outside: what a script is told, and with which exit code."""

import json
import time
from pathlib import Path

import pytest
from typer.main import get_command

from esper_tui.cli import screen as screen_module
from esper_tui.cli.app import app
from esper_tui.karn.read import read_records
from esper_tui.leyline.choices import HEAD_CHOICES, Head
from esper_tui.leyline.session import Resume, Stop
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.start import prepare_session
from esper_tui.sanctum import app as sanctum
from esper_tui.sanctum.app import AppExit
from tests import console, worlds

PATIENCE_S = 30.0


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of this process that rests after its first epoch, and its socket."""
    (tmp_path / "sockets").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "sockets"))
    monkeypatch.chdir(tmp_path)
    config = worlds.tiny_config(run={"epochs": 4000}, tamiyo={"policy": "wait"}, checkpoint={"every_epochs": 0})
    session = prepare_session(Resolved("tiny", config, ""), tmp_path / "run", None, choice=worlds.CHOICE)
    session.until = 0
    session.start()
    rests(session)
    yield session
    session.abort()
    session.join()


def rests(session) -> None:
    until = time.monotonic() + PATIENCE_S
    while session.progress().state != "paused":
        assert time.monotonic() < until
        time.sleep(0.002)


def ctl(*words: str) -> console.Result:
    return console.esper("ctl", *words)


def test_status_names_the_run_and_says_where_it_is(run):
    done = ctl("status", "run")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("run: paused (boundary), round 1, epoch 1 of 4000")
    found = json.loads(ctl("status", "run", "--json").out)
    assert (found["run"], found["state"], found["visitors"]["refused"]) == ("run", "paused", 0)


def test_run_and_verb_may_change_places(run):
    assert ctl("run", "status").out == ctl("status", "run").out
    assert ctl("run", "step", "2").code == 0
    rests(run)
    assert run.epoch == 3


def test_what_was_refused_is_shown(run):
    run.server.counters.refused, run.server.counters.dropped = 3, 1
    assert "3 messages refused, 1 clients dropped" in ctl("status", "run").out


def test_a_checkpoint_on_demand(run):
    assert ctl("checkpoint", "run").out == "checkpoint: applied at epoch 1\n"
    assert ctl("resume", "run").code == 0
    assert ctl("resume", "run").code == 9


# --- overrides -----------------------------------------------------------------------------------------------------


def test_an_environment_that_does_not_exist_is_refused_at_once(run):
    done = ctl("override", "run", "7", "op=WAIT")
    assert (done.code, done.out) == (9, "")
    assert done.err == "esper: override was refused: there is no environment 7, only 0 to 1\n"


def test_heads_that_are_wrong_are_all_named_with_what_is_permitted(run):
    done = ctl("override", "run", "0", "op=GERMINATE", "slot=r5c5", "tempo=QUICK")
    assert (done.code, done.out) == (2, "")
    said = ["slot=r5c5 does not exist here; choose from r0c0, r1c0", "GERMINATE needs blueprint; choose from CONV"]
    said += ["GERMINATE needs style", "tempo=QUICK does not exist here; choose from FAST", "for example op="]
    assert [text for text in said if text not in done.err] == []
    assert "op is missing" in ctl("override", "run", "0").err


def test_the_help_shows_what_every_head_may_be():
    ctx = get_command(app).make_context("esper", ["ctl"], resilient_parsing=True)
    text = get_command(app).get_command(ctx, "ctl").get_command(ctx, "override").help
    for head, choices in HEAD_CHOICES.items():
        assert str(head) in text
        assert all(choice in text for choice in choices if head is not Head.BLUEPRINT)


def test_while_the_run_rests_an_override_is_queued_and_nobody_waits(run):
    done = ctl("override", "run", "0", "op=PRUNE", "slot=r0c0", "alpha_speed=FAST", "alpha_curve=LINEAR")
    assert (done.code, done.out) == (0, "override: queued as #1; the run rests, it applies when the run goes on\n")
    assert ctl("cancel", "run", "1").code == 0


def test_what_is_not_legal_now_ends_with_code_nine_and_the_reason(run):
    run.submit(Resume())
    done = ctl("override", "run", "0", "op=PRUNE", "slot=r0c0", "alpha_speed=FAST", "alpha_curve=LINEAR")
    assert (done.code, done.out) == (9, "")
    assert "override #1 was rejected at epoch" in done.err
    assert "WRONG_STAGE: r0c0 is DORMANT" in done.err


def test_what_is_legal_is_told_with_its_epoch(run):
    run.submit(Resume())
    done = ctl("override", "run", "1", "op=wait")
    assert done.code == 0
    assert done.out.startswith("override: #1 applied at epoch ")
    words = ("op=germinate", "slot=r1c0", "blueprint=norm", "style=gated", "tempo=fast", "alpha_target=full")
    later = ctl("override", "run", "0", *words, "--when-legal", "--wait", "30")
    assert later.out.startswith("override: #2 applied at epoch "), later


# --- afterwards ----------------------------------------------------------------------------------------------------


def test_a_run_that_has_ended_says_how_and_what_can_be_done(finished_run):
    done = ctl("status", str(finished_run.folder))
    assert done.code == 0
    assert "has ended after epoch" in done.out
    assert "esper runs show" in done.out
    assert "esper replay" in done.out
    assert "resume" not in done.out
    assert json.loads(ctl("status", str(finished_run.folder), "--json").out)["state"] == "ended"
    for words in (["pause"], ["override"]):
        refused = ctl(*words, str(finished_run.folder), *(["0", "op=WAIT"] if words == ["override"] else []))
        assert (refused.code, refused.out) == (9, "")
        assert "has ended after epoch" in refused.err


def test_a_run_that_was_stopped_says_from_where_it_goes_on(run):
    run.submit(Stop())
    run.join()
    done = ctl("status", "run")
    assert done.out.startswith("run ended (stopped) after epoch 1; `esper resume ") or "resume" in done.out
    assert done.out.rstrip().endswith("goes on after epoch 1")


def test_attaching_and_detaching_leaves_a_line_and_the_run_running(run, monkeypatch):
    monkeypatch.setattr(screen_module, "has_terminal", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sanctum, "run_app", lambda launcher, session, **_: AppExit("detach", session))
    done = console.esper("attach", "run")
    assert done.code == 0
    assert done.out.count("\n") == 1
    assert "goes on in process " in done.out
    assert "`esper attach " in done.out
    assert run.thread.is_alive()
    run.submit(Stop())
    run.join()
    told = [e["text"] for e in read_records(Path("run")) if e.get("state") == "attached"]
    assert told
    assert told[0].endswith(" attached")
    refused = console.esper("attach", "run")
    assert (refused.code, "goes on after epoch 1" in refused.err) == (9, True)
