"""What was typed after ``:`` before, kept in the user's state folder.  Pure."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import platformdirs

LIMIT = 200


def history_path() -> Path:
    return Path(platformdirs.user_state_dir("esper")) / "history"


def load_history(path: Path | None = None) -> list[str]:
    """Lines that were typed before, the newest last; none where there is no file that can be read."""
    try:
        lines = (path or history_path()).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip()][-LIMIT:]


def save_history(lines: Sequence[str], path: Path | None = None) -> None:
    """Keeps the newest lines.  A history that cannot be written is nobody's trouble."""
    path = path or history_path()
    kept = [" ".join(line.split()) for line in lines if line.strip()][-LIMIT:]
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8", errors="replace")
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
