"""``esper replay``, ``esper watch``, ``esper rerun``: a recorded run seen again, or made again."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from esper_tui.cli.options import Glyphs, Hz, NoMouse, NoUi, ReadOnly, Run, RunDir, Theme
from esper_tui.cli.screen import Look, examine, need_screen, open_screen, wants_screen

if TYPE_CHECKING:
    from esper_tui.runtime.rerun import Recording
    from esper_tui.runtime.session import LocalSession


def replay(run: Run, theme: Theme = None, glyphs: Glyphs = None, hz: Hz = None, no_mouse: NoMouse = False) -> None:
    """Show a recorded run again: step, play, go to an epoch."""
    from esper_tui.karn.replay import Player
    from esper_tui.runtime.runs import find_run

    folder = find_run(run)
    need_screen("`esper replay`", f"`esper runs show {run}` prints the receipt")
    raise typer.Exit(open_screen(Look(theme, glyphs, hz, no_mouse), partial(Player.open, folder)))


def watch(run: Run, theme: Theme = None, glyphs: Glyphs = None, hz: Hz = None, no_mouse: NoMouse = False) -> None:
    """Follow a run that another process is writing, without touching it."""
    from esper_tui.runtime.runs import find_run
    from esper_tui.runtime.watch import WatchSession

    folder = find_run(run)
    need_screen("`esper watch`", f"`esper runs show {run}` prints what there is so far")
    raise typer.Exit(open_screen(Look(theme, glyphs, hz, no_mouse), partial(WatchSession, folder)))


def rerun(
    run: Run,
    no_ui: NoUi = False,
    run_dir: RunDir = None,
    theme: Theme = None,
    glyphs: Glyphs = None,
    hz: Hz = None,
    no_mouse: NoMouse = False,
    readonly: ReadOnly = False,
) -> None:
    """Make a run again with its recorded interventions, and say whether the same came of it."""
    from esper_tui.runtime.runs import find_run

    folder = find_run(run)
    shown = wants_screen(no_ui)
    from esper_tui.runtime.headless import run_headless
    from esper_tui.runtime.rerun import load_recording, prepare_rerun

    recording = load_recording(folder)
    made: list[LocalSession] = []

    def prepare() -> "LocalSession":
        made.append(prepare_rerun(recording, run_dir, examine))
        return made[0]

    look = Look(theme, glyphs, hz, no_mouse, readonly)
    code = open_screen(look, prepare) if shown else run_headless(prepare, False, look.settings().on_hangup)
    raise typer.Exit(_verdict(code, recording, made[0].path))


def _verdict(code: int, recording: "Recording", again: Path | None) -> int:
    """Says whether a repetition is identical; the exit code is 5 where it is not."""
    from esper_tui.leyline.errors import ExitCode
    from esper_tui.runtime.rerun import compare_runs

    assert again is not None
    if difference := compare_runs(recording, again):
        typer.echo(f"not identical: {difference}")
        return code if code not in (ExitCode.DONE, ExitCode.STOPPED) else int(ExitCode.INCOMPATIBLE)
    whole = recording.status in ("done", "stopped")
    what = "the same events, the same networks" if whole else "the same events, as far as the recording goes"
    typer.echo(f"identical: {what}")
    return int(ExitCode.DONE) if recording.status == "stopped" else code
