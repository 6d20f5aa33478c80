"""Copying: to the clipboard of the terminal, over SSH too, and into the run folder for terminals that cannot."""

import json
from typing import Any

from esper_tui.sanctum.shell import Shell

FOLDER = "exports"


def copy_json(app: Shell, name: str, document: Any) -> None:
    """Copies a value as JSON (OSC 52), and keeps it as ``exports/<name>.json`` of the run."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    app.copy_to_clipboard(text)
    app.say(f"copied {name}{_kept(app, name, text)}")


def _kept(app: Shell, name: str, text: str) -> str:
    """Where the file is; a folder that cannot be written costs only the file."""
    run = app.source.path if app.source is not None else None
    if run is None or not run.is_dir():
        return ""
    try:
        (run / FOLDER).mkdir(exist_ok=True)
        (run / FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        return f"; no file, {error.strerror.lower() if error.strerror else error}"
    return f", kept as {FOLDER}/{name}.json"
