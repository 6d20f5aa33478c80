"""What becomes of a run when the line to its terminal drops."""

from collections.abc import Mapping
from pathlib import Path

KEEPERS = ("TMUX", "STY")
"""Variables of multiplexers, which keep a terminal although the line drops."""


def link_warning(environ: Mapping[str, str], run: Path, on_hangup: str) -> str:
    """A sentence for a terminal over SSH that nothing keeps; empty elsewhere."""
    if "SSH_CONNECTION" not in environ or any(name in environ for name in KEEPERS):
        return ""
    if on_hangup == "headless":
        short = run.name.rsplit("-", 1)[-1]
        return f"not in tmux: if the link drops, training goes on; `esper attach {short}` comes back"
    return "not in tmux: if the link drops, the run ends with a checkpoint"
