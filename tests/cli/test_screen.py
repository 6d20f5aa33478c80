"""The screen from outside: when it opens, where other output goes meanwhile, what follows when it closes."""

import os
import pty
import select
import signal
import sys
from pathlib import Path

import pytest

from esper_tui.cli import screen as module
from esper_tui.cli.screen import Look, open_screen, wants_screen
from esper_tui.karn.read import read_records, read_run
from esper_tui.karn.replay import Player
from esper_tui.leyline.errors import ConfigError, UsageError
from esper_tui.leyline.folder import LOG_FILE, checkpoint_files
from esper_tui.leyline.session import Abandon, Pause, Stop
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.runs import all_runs
from esper_tui.runtime.start import prepare_session
from esper_tui.runtime.watch import WatchSession
from esper_tui.sanctum import app as sanctum
from esper_tui.sanctum.app import AppExit
from esper_tui.sanctum.settings import Settings, settings_path
from tests import console

LONG = "run.epochs=400"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """A working directory with the preset ``tiny``."""
    monkeypatch.chdir(tmp_path)
    console.tiny_preset(tmp_path)


@pytest.fixture
def terminal(monkeypatch):
    """As if there were a terminal; what is printed is caught all the same."""
    monkeypatch.setattr(module, "has_terminal", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("CI", raising=False)


class Shown:
    """Stands in for the application: keeps what it was given and leaves as it is told."""

    def __init__(self, monkeypatch, leave):
        self.leave, self.given = leave, {}
        monkeypatch.setattr(sanctum, "run_app", self)

    def __call__(self, launcher, session, *, settings, readonly=False, player=None):
        self.given = {"launcher": launcher, "session": session, "settings": settings, "readonly": readonly,
                      "player": player}  # fmt: skip
        return self.leave(launcher, session)


def tiny(*overrides: str):
    return prepare_session(resolve("tiny", list(overrides)), None, module.examine)


# --- when it opens -------------------------------------------------------------------------------------------------


def test_a_terminal_shows_the_screen(terminal):
    assert wants_screen(no_ui=False)
    assert not wants_screen(no_ui=True)


def test_continuous_integration_gets_lines(terminal, monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert not wants_screen(no_ui=False)


def test_without_a_terminal_a_run_prints_lines(terminal, monkeypatch):
    monkeypatch.setattr(module, "has_terminal", lambda: False)
    assert not wants_screen(no_ui=False)


def test_a_dumb_terminal_is_refused_with_the_way_out(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(UsageError, match="--no-ui"):
        wants_screen(no_ui=False)
    assert not wants_screen(no_ui=True)


@pytest.mark.parametrize("words", [(), ("--theme", "mono"), ("--hz", "2", "--no-mouse")])
def test_alone_without_a_terminal_it_says_what_to_do(words):
    done = console.esper(*words)
    assert (done.code, done.out) == (2, "")
    assert "--no-ui" in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("command", ["replay", "watch"])
def test_looking_without_a_terminal_is_refused_before_anything_is_read(command, finished_run):
    done = console.esper(command, str(finished_run.folder))
    assert done.code == 2
    assert "needs a terminal" in done.err
    assert "esper runs show" in done.err


def test_a_run_that_does_not_exist_is_said_first():
    for command in ("replay", "watch", "rerun"):
        done = console.esper(command, "nosuch")
        assert (done.code, "there is no run 'nosuch'" in done.err) == (2, True)


def test_options_of_the_screen_before_a_command_belong_to_nobody():
    done = console.esper("--theme", "mono", "run", "tiny", "--no-ui")
    assert done.code == 2
    assert "belong to no command" in done.err


def test_the_command_line_goes_over_the_settings_file():
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text('theme = "cb-dark"\nhz = 1.0\n')
    assert Look().settings() == Settings(theme="cb-dark", hz=1.0)
    look = Look(theme="mono", glyphs="ascii", hz="8", no_mouse=True)
    assert look.settings() == Settings(theme="mono", glyphs="ascii", hz=8.0, mouse=False)


@pytest.mark.parametrize(
    ("look", "said"), [(Look(theme="pink"), "cb-dark"), (Look(hz="99"), "0.5"), (Look(hz="x"), "hz")]
)
def test_a_look_that_does_not_exist_is_refused_before_a_run_is_made(look, said):
    with pytest.raises(UsageError, match=said):
        open_screen(look, tiny)
    assert all_runs() == []


def test_damaged_settings_are_said_before_a_run_is_made():
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text("theme = [")
    with pytest.raises(ConfigError, match="cannot be read"):
        open_screen(Look(), tiny)
    assert all_runs() == []


# --- what it shows -------------------------------------------------------------------------------------------------


def test_alone_it_opens_the_launch_screen(terminal, monkeypatch):
    shown = Shown(monkeypatch, lambda launcher, session: AppExit("quit"))
    assert console.esper("--readonly").code == 0
    assert (shown.given["session"], shown.given["readonly"], shown.given["player"]) == (None, True, None)
    assert "tiny" in [card.name for card in shown.given["launcher"].presets()]


def test_a_recording_is_opened_as_a_player(terminal, monkeypatch, finished_run):
    shown = Shown(monkeypatch, lambda launcher, session: AppExit("quit"))
    assert console.esper("replay", str(finished_run.folder)).code == 0
    assert isinstance(shown.given["player"], Player)
    assert shown.given["session"] is None


def test_watching_opens_a_session_that_takes_no_commands(terminal, monkeypatch, finished_run):
    shown = Shown(monkeypatch, lambda launcher, session: AppExit("quit", session))
    done = console.esper("watch", str(finished_run.folder), "--theme", "cb-light")
    assert (done.code, done.out) == (0, "")
    assert isinstance(shown.given["session"], WatchSession)
    assert shown.given["settings"].theme == "cb-light"


WITHOUT_TORCH = """
import sys
from esper_tui.cli import main, screen
from esper_tui.sanctum import app

def run_app(launcher, session, *, settings, readonly=False, player=None):
    run = player or session
    print(run.role if run else "launch", len(run.poll()[1]) > 50 if run else len(launcher.presets()) > 0)
    print("torch" in sys.modules, launcher.check("new", "[run]\\nepochs = 0\\n").problems[0].line)
    return app.AppExit("quit", run)

screen.has_terminal, app.run_app = lambda: True, run_app
main()
"""


@pytest.mark.parametrize("words", [(), ("replay",), ("watch",)])
def test_looking_and_choosing_need_no_torch(words, finished_run):
    run = [str(finished_run.folder)] if words else []
    done = console.python("-c", WITHOUT_TORCH, *words, *run, TERM="xterm", CI="")
    assert (done.code, done.out) == (0, "")
    assert done.err == f"{words[0] if words else 'launch'} True\nFalse 2\n", "shown once the screen is gone"


# --- what follows --------------------------------------------------------------------------------------------------


def test_a_run_that_ended_on_the_screen_leaves_its_receipt(terminal, monkeypatch):
    def leave(launcher, session):
        session.join()
        return AppExit("quit", session)

    Shown(monkeypatch, leave)
    done = console.esper("run", "tiny")
    assert done.code == 0
    assert done.out.startswith("done in ")
    assert f"run   {all_runs()[0]}" in done.out


def test_detached_it_goes_on_in_lines_to_its_receipt(terminal, monkeypatch):
    def leave(launcher, session):
        session.submit(Pause())
        while session.progress().state != "paused":
            session.thread.join(0.002)
        session.poll()  # the screen has seen the beginning
        return AppExit("detach", session)

    Shown(monkeypatch, leave)
    done = console.esper("run", "tiny")
    first, *lines = done.out.splitlines()
    assert first == f"{all_runs()[0].name} goes on without a screen from epoch 1 of 4; ctrl+c stops it"
    assert [line.split()[0] for line in lines[:3]] == ["ep=2/4", "ep=3/4", "ep=4/4"]
    assert lines[3].startswith("done in ")
    assert done.code == 0


def test_stopped_from_the_screen_only_the_receipt_follows(terminal, monkeypatch):
    def leave(launcher, session):
        session.submit(Stop())
        return AppExit("checkpoint", session)

    Shown(monkeypatch, leave)
    done = console.esper("run", "tiny", "--set", LONG)
    assert done.code == 10
    assert "ep=" not in done.out
    assert "stopped in " in done.out


@pytest.mark.parametrize(
    ("number", "on_hangup", "code"),
    [(signal.SIGTERM, "headless", 143), (signal.SIGINT, "headless", 130), (signal.SIGUSR2, "headless", 10),
     (signal.SIGHUP, "checkpoint-exit", 129)],
)  # fmt: skip
def test_a_signal_that_closed_the_screen_ends_the_run_behind_it(number, on_hangup, code, terminal, monkeypatch):
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text(f'on_hangup = "{on_hangup}"\n')
    Shown(monkeypatch, lambda launcher, session: AppExit("detach", session, signal=number))
    done = console.esper("run", "tiny", "--set", LONG)
    assert done.code == code
    assert "stopped in " in done.out
    assert checkpoint_files(all_runs()[0])


def test_a_hang_up_on_the_screen_leaves_the_run_running_with_a_checkpoint(terminal, monkeypatch):
    Shown(monkeypatch, lambda launcher, session: AppExit("detach", session, signal=signal.SIGHUP))
    done = console.esper("run", "tiny", "--set", "checkpoint.every_epochs=0")
    assert done.code == 0
    events = list(read_records(all_runs()[0]))
    assert [e["state"] for e in events if e["type"] == "SessionChanged"] == ["running", "hangup"]
    assert [e["type"] for e in events].count("CheckpointSaved") == 1


def test_abandoned_it_ends_at_once_and_well(terminal, monkeypatch):
    def leave(launcher, session):
        session.submit(Abandon())
        return AppExit("abandon", session)

    Shown(monkeypatch, leave)
    done = console.esper("run", "tiny", "--set", LONG)
    assert done.code == 0
    assert "abandoned in " in done.out


def test_a_defect_of_the_screen_does_not_end_the_run(terminal, monkeypatch):
    Shown(monkeypatch, lambda launcher, session: 1 / 0)
    done = console.esper("run", "tiny")
    assert "ZeroDivisionError: division by zero" in done.err
    assert "goes on without a screen" in done.out
    assert read_run(all_runs()[0]).status == "done"
    assert done.code == 0


def test_a_defect_that_the_screen_hands_over_is_printed(terminal, monkeypatch):
    Shown(monkeypatch, lambda launcher, session: AppExit("crash", None, "Traceback: it broke"))
    done = console.esper()
    assert (done.code, done.err) == (1, "Traceback: it broke\n")


def test_a_run_that_was_started_from_the_launch_screen_is_stayed_with(terminal, monkeypatch):
    def leave(launcher, session):
        started = launcher.start("tiny", launcher.preset_text("tiny"))
        return AppExit("checkpoint", started)

    Shown(monkeypatch, leave)
    done = console.esper()
    assert done.code == 0
    assert read_run(all_runs()[0]).status == "done"


def test_a_run_of_the_launch_screen_outlives_a_defect_too(terminal, monkeypatch):
    def leave(launcher, session):
        launcher.start("tiny", launcher.preset_text("tiny"))
        raise RuntimeError("the screen")

    Shown(monkeypatch, leave)
    assert console.esper().code == 0
    assert read_run(all_runs()[0]).status == "done"


def test_what_ends_the_process_ends_its_runs(monkeypatch):
    def leave(launcher, session):
        raise KeyboardInterrupt

    Shown(monkeypatch, leave)
    session = tiny(LONG)
    with pytest.raises(KeyboardInterrupt):
        open_screen(Look(), lambda: session)
    assert session.join().status == "aborted"


def test_making_a_run_again_says_whether_it_is_identical(terminal, monkeypatch):
    first = console.esper("run", "tiny", "--no-ui")
    assert first.code == 0

    def leave(launcher, session):
        session.join()
        return AppExit("quit", session)

    Shown(monkeypatch, leave)
    done = console.esper("rerun", "last")
    assert done.out.splitlines()[-1] == "identical: the same events, the same networks"
    assert done.code == 0
    assert len(all_runs()) == 2


# --- the terminal --------------------------------------------------------------------------------------------------

CHILD = """
import os, shutil, sys
from pathlib import Path
from esper_tui.cli.screen import Terminal

with Terminal() as terminal:
    os.write(2, b"early noise\\n")
    print("python says")
    sys.__stderr__.write("SIZE %dx%d\\n" % shutil.get_terminal_size())
    sys.__stderr__.flush()
    terminal.send_to(Path(sys.argv[1]))
    os.write(1, b"noise 1\\n")
    os.system("echo noise of a program >&2")
    print("SCREEN", file=sys.__stderr__, flush=True)
print("RESTORED", os.isatty(1), os.isatty(2), sys.__stdout__ is sys.stdout, os.environ["COLUMNS"])
"""


def in_a_terminal(rows: int, columns: int, *words: str, **more: str) -> tuple[str, int]:
    """What a terminal of that size shows of a Python process, and its exit code."""
    import fcntl
    import struct
    import termios

    pid, fd = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, *words], console.environment(**more))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    shown = b""
    while select.select([fd], [], [], 60)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        shown += data
    os.close(fd)
    return shown.decode().replace("\r\n", "\n"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_noise_goes_to_the_log_and_never_to_the_screen(tmp_path):
    shown, code = in_a_terminal(31, 101, "-c", CHILD, str(tmp_path), COLUMNS="77")
    assert code == 0, shown
    assert shown == (
        "SIZE 101x31\n"
        "SCREEN\n"
        "early noise\npython says\n"  # what came before there was a log, once the screen is gone
        "RESTORED True True True 77\n"
    )
    assert Path(tmp_path / LOG_FILE).read_text() == "noise 1\nnoise of a program\n"


def test_a_dumb_terminal_gets_one_sentence_from_the_real_command(tmp_path):
    shown, code = in_a_terminal(
        24, 80, "-m", "esper_tui", "run", "tiny", "--set=tamiyo.policy=wait", TERM="dumb", CI=""
    )
    assert code == 2
    assert "--no-ui" in shown
    assert len(shown.splitlines()) == 1
