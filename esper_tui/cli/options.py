"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from esper_tui.leyline.errors import UsageError


def preset_names(incomplete: str) -> list[str]:
    """For shell completion; a file name is completed by the shell itself."""
    from esper_tui.runtime.presets import find_presets

    return [preset.name for preset in find_presets() if preset.name.startswith(incomplete)]


def run_ids(incomplete: str) -> list[str]:
    from esper_tui.runtime.runs import all_runs

    return [folder.name for folder in all_runs() if folder.name.startswith(incomplete)]


def _folder(text: str) -> Path:
    """Raises ``UsageError`` for an empty name, which would be the present folder."""
    if not text.strip():
        raise UsageError("--run-dir names no folder; write one, for example --run-dir ./first")
    return Path(text)


NoUi = Annotated[bool, typer.Option("--no-ui", help="Without the terminal screen: a line per epoch and a receipt.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one setting; may be repeated.")
]
SeedNumber = Annotated[int | None, typer.Option("--seed", help="Seed of every random number; sets run.seed.")]
Device = Annotated[
    str | None, typer.Option("--device", metavar="auto|cpu|cuda[:i]", help="Where to compute; sets engine.device.")
]
RunDir = Annotated[
    Path | None,
    typer.Option("--run-dir", parser=_folder, metavar="FOLDER",
                 help="Folder of this one run; created, must not hold a run."),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="Print events (or the answer) as JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Estimate time, memory, disk and log size; run nothing.")]
Run = Annotated[str, typer.Argument(help="A run's id, a unique part of it, a path, or `last`.", autocompletion=run_ids)]
Theme = Annotated[
    str | None, typer.Option(help="Colours of the screen: esper-dark, esper-light, cb-dark, cb-light, mono.")
]
Glyphs = Annotated[str | None, typer.Option(help="Signs that the screen draws with: unicode, block, ascii.")]
Hz = Annotated[str | None, typer.Option(help="Frames per second of the screen, 0.5 to 10.")]
NoMouse = Annotated[bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal, for its own selection.")]
ReadOnly = Annotated[bool, typer.Option("--readonly", help="Hide everything on the screen that changes the run.")]
