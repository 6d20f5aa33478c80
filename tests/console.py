"""The program as a person uses it: in its own process, or quickly in this one."""

import contextlib
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import esper_tui

ROOT = Path(esper_tui.__file__).parents[1]
TINY = """
description = "A run of a second."
[run]
envs = 2
epochs = 4
[data]
train_images = 64
val_images = 64
test_images = 40
image_size = 8
[host]
blocks = 2
pools = 2
[growth]
slots = ["r0c0", "r1c0"]
[optim]
batch = 16
[engine]
device = "cpu"
chunk = 4
threads = 1
"""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """The environment of a process of ours: this source tree, one thread."""
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "120"} | more


def python(*words: str, cwd: Path = ROOT, **more: str) -> Result:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=cwd, env=environment(**more), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return Result(done.returncode, done.stdout, done.stderr)


def start(*words: str, cwd: Path, **more: str) -> subprocess.Popen:
    """``esper …`` in its own process, still running."""
    return subprocess.Popen(
        [sys.executable, "-m", "esper_tui", *words],
        cwd=cwd, env=environment(**more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(process: subprocess.Popen) -> Result:
    out, err = process.communicate(timeout=120)
    return Result(process.returncode, out, err)


def esper(*words: str) -> Result:
    """``esper …`` in this process: what it prints, what it exits with.  A defect is raised."""
    from esper_tui.cli import main

    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["esper", *words]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Result(code, out.getvalue(), err.getvalue())


def tiny_preset(folder: Path, name: str = "tiny", more: str = "") -> Path:
    """A preset that runs in a second; ``more`` is appended."""
    path = folder / f"{name}.toml"
    path.write_text(TINY + more)
    return path


def assert_refused(done: Result, code: int, sentence: str) -> None:
    """One sentence on stderr, nothing on stdout, the right exit code."""
    assert done.code == code, done
    assert re.search(sentence, done.err), done.err
    assert done.err.startswith("esper: ")
    assert len(done.err.splitlines()) == 1
    assert done.out == ""
