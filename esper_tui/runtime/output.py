"""Where a run without a screen writes: standard output, standard error, and what takes their place when they go."""

import contextlib
import os
import stat
import sys
from pathlib import Path

from esper_tui.leyline.folder import LOG_FILE


def warn(text: str) -> None:
    """A line on stderr, which may be gone."""
    with contextlib.suppress(OSError):
        print(f"esper: {text}", file=sys.stderr, flush=True)


class Output:
    """Standard output.  A closed pipe, a hung-up terminal or a full disk behind it does not end the run."""

    def __init__(self) -> None:
        self.lost = False

    def say(self, text: str) -> None:
        if self.lost:
            return
        try:
            print(text, flush=True)
        except OSError as error:
            self.lost = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # takes what Python still has in its buffer
            warn(f"nobody reads the output any more ({error.strerror}); the run goes on")


def let_go(folder: Path | None) -> None:
    """The terminal is gone: what would be written there goes into the run's log, or nowhere.

    Descriptors that lead into files or pipes stay as they are.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    log = nothing
    with contextlib.suppress(OSError):
        if folder is not None:
            log = os.open(folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor, instead in ((0, nothing), (1, log), (2, log)):
        if _is_terminal(descriptor):
            os.dup2(instead, descriptor)
    for opened in {nothing, log}:
        os.close(opened)


def _is_terminal(descriptor: int) -> bool:
    """Whether it leads, or led, to a terminal; one that hung up says no to ``isatty``."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return stat.S_ISCHR(found.st_mode) and found.st_rdev != os.stat(os.devnull).st_rdev
