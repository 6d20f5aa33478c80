"""The program on a real pseudo-terminal: drawn, driven, resized, left in order, whatever the terminal is."""

import json
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from fake import QUICK
from terminal import PATIENCE_S, Terminal

pytest.importorskip("pexpect")

TINY = """
description = "tiny"
[run]
envs = 2
epochs = {epochs}
[data]
train_images = 64
val_images = 64
test_images = 40
[host]
blocks = 2
pools = 2
[growth]
slots = ["r0c0", "r1c0"]
[tamiyo]
slot_order = ["r0c0"]
[optim]
batch = 16
[engine]
device = "cpu"
chunk = 4
threads = 1
"""
NOISE = """
import ctypes, os, sys, threading, time
def shout():
    while True:
        if not os.isatty(2):
            ctypes.CDLL(None).dprintf(2, b"NOISE from C\\n")
            os.write(1, b"NOISE on stdout\\n")
        time.sleep(0.02)
threading.Thread(target=shout, daemon=True).start()
from esper_tui.cli import main
main()
"""
BROKEN = """
from esper_tui.sanctum.views.events import EventsView
def show(self, record): raise ZeroDivisionError("a defect of the screen")
EventsView.show = show
from esper_tui.cli import main
main()
"""
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l")
"""The screen of before, the cursor, no mouse, no bracketed paste."""
COLOR = re.compile(rb"\x1b\[[0-9;]*(?<![0-9])[34]8;[25];")


def assert_restored(raw: bytes) -> None:
    for sequence in RESTORED:
        assert sequence in raw, sequence
    assert raw.rindex(b"\x1b[?1049l") > raw.rindex(b"\x1b[?1049h")
    assert raw.rindex(b"\x1b[?25h") > raw.rindex(b"\x1b[?25l")
    assert raw.rindex(b"\x1b[?1000l") > raw.rindex(b"\x1b[?1000h")


@pytest.fixture
def recorded(tmp_path) -> str:
    folder = tmp_path / "20260102-030405-quickstart-b3f1"
    folder.mkdir()
    shutil.copy(QUICK, folder / "events-000.jsonl")
    return str(folder)


@pytest.fixture
def tiny(tmp_path):
    """Arguments that run a tiny preset of so many epochs."""

    def arguments(epochs: int) -> list[str]:
        (tmp_path / "tiny.toml").write_text(TINY.format(epochs=epochs))
        return ["run", str(tmp_path / "tiny.toml"), "--run-dir", str(tmp_path / "run")]

    return arguments


def states(folder: Path) -> list[str]:
    """What the session went through, and how the run ended, as the log tells."""
    events = [json.loads(line) for line in (folder / "events-000.jsonl").read_text().splitlines()]
    return [e.get("state") or e["status"] for e in events if e["type"] in ("SessionChanged", "RunEnded")]


def test_a_replay_is_driven_resized_and_left(recorded):
    with Terminal("replay", recorded) as terminal:
        before = terminal.attributes()
        terminal.wait("quickstart b3f1", "ep 30/30", "82.3")
        terminal.press("5")
        terminal.wait("round 0 ended: best is env 2")
        terminal.press("y")
        terminal.wait("copied event-95, kept as exports/event-95.json")
        assert b"\x1b]52;c;" in terminal.raw
        terminal.press("?")
        terminal.wait("view events", "type to search")
        terminal.press("\x1b")
        terminal.resize(40, 12)
        terminal.wait_until(lambda: "66 of 66" in terminal.text and "type to search" not in terminal.text, "40x12")
        assert "run done" in terminal.text
        terminal.resize(80, 24)
        terminal.wait("growth bought +6.58 points")
        terminal.press("[")
        terminal.wait("ep 29/30")
        terminal.press("q")
        assert terminal.end() == 0
        assert_restored(terminal.raw)
        assert terminal.left == before


def test_without_utf8_only_ascii_is_drawn(recorded):
    with Terminal("replay", recorded, TERM="screen-256color", LC_ALL="POSIX", PYTHONUTF8="0") as terminal:
        terminal.wait("ep 30/30", "82.3")
        assert terminal.text.isascii()
        terminal.press("q")
        assert terminal.end() == 0
        assert_restored(terminal.raw)


def test_without_colours_letters_say_it_all(recorded):
    with Terminal("replay", recorded, TERM="linux", NO_COLOR="1") as terminal:
        terminal.wait("ep 30/30", "F convL")
        assert COLOR.search(terminal.raw) is None
        terminal.press("q")
        assert terminal.end() == 0


@pytest.mark.parametrize("args", [["run", "quickstart"], ["replay"]])
def test_a_dumb_terminal_is_refused_with_what_works_there(args, recorded):
    args = [*args, recorded] if args == ["replay"] else args
    with Terminal(*args, TERM="dumb") as terminal:
        assert terminal.end() == 2
        said = " ".join(terminal.text.split())
        assert "TERM=dumb" in said
        assert "--no-ui" in said
        assert b"\x1b[?1049h" not in terminal.raw


def test_a_request_to_end_restores_the_terminal(recorded):
    with Terminal("replay", recorded) as terminal:
        terminal.wait("ep 30/30", "82.3")
        terminal.child.kill(signal.SIGTERM)
        assert terminal.end() == 143
        assert_restored(terminal.raw)


def test_a_defect_of_the_screen_restores_the_terminal_and_is_told(recorded):
    with Terminal("replay", recorded, program=[sys.executable, "-c", BROKEN]) as terminal:
        terminal.wait("ep 30/30", "82.3")
        terminal.press("5")
        assert terminal.end() == 1
        assert_restored(terminal.raw)
        after = terminal.raw[terminal.raw.rindex(b"\x1b[?1049l") :]
        assert b"ZeroDivisionError: a defect of the screen" in after


def test_a_run_is_paused_stepped_and_ended_while_others_make_noise(tiny, tmp_path):
    with Terminal(*tiny(4000), program=[sys.executable, "-c", NOISE]) as terminal:
        terminal.wait("RUN ep")
        terminal.press("p")
        terminal.wait("PAUSED")
        paused = re.search(r"PAUSED ep (\d+)\|", terminal.text)
        terminal.press("s")
        terminal.wait(f"PAUSED ep {int(paused[1]) + 1}|")
        terminal.press("q")
        terminal.wait("keep training without this screen")
        terminal.press("c")
        assert terminal.end() == 10
        assert_restored(terminal.raw)
        shown, told = terminal.raw[: terminal.raw.rindex(b"\x1b[?1049l")], terminal.text
        assert b"NOISE" not in shown
        assert "NOISE from C" in (tmp_path / "run" / "log.txt").read_text()
        assert "esper replay" in told
        assert states(tmp_path / "run")[-2:] == ["stopping", "stopped"]


@pytest.mark.parametrize("heard", [True, False])
def test_a_run_survives_the_end_of_its_terminal(tiny, tmp_path, heard):
    """Whether SIGHUP tells of it or, where that is ignored, the terminal that takes nothing any more."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL if heard else signal.SIG_IGN)
    try:
        terminal = Terminal(*tiny(24))
    finally:
        signal.signal(signal.SIGHUP, before)
    with terminal:
        terminal.wait("RUN ep")
        terminal.hang_up()
        until = time.monotonic() + PATIENCE_S
        while "done" not in states(tmp_path / "run"):
            assert time.monotonic() < until, states(tmp_path / "run")
            time.sleep(0.1)
        assert terminal.child.wait() == 0
