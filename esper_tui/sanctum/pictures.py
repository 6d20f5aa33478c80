"""The screen as SVG and as text."""

import os
from pathlib import Path
from typing import Any

from textual._context import visible_screen_stack
from textual.app import App


def screen_text(app: App[Any]) -> str:
    """What the screen shows as text, one line per row; below a dialog what is behind it."""
    visible_screen_stack.set([*app._background_screens])
    strips = app.screen._compositor.render_strips()  # Textual has no public way to the cells of a screen
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def save_screen(app: App[Any], folder: Path, name: str) -> list[Path]:
    """The screen as SVG and as text.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [folder / f"{name}.svg", folder / f"{name}.txt"]
    for path, content in zip(pictures, (app.export_screenshot(), screen_text(app)), strict=True):
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_text(content, encoding="utf-8")
        beside.replace(path)
    return pictures
