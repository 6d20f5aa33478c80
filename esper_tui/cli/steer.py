"""``esper resume`` and ``esper attach``: going on with a run, and showing one that another process trains."""

from functools import partial
from typing import Annotated

import typer

from esper_tui.cli.options import Glyphs, Hz, NoMouse, NoUi, ReadOnly, Run, Theme
from esper_tui.cli.screen import Look, examine, need_screen, open_screen, wants_screen

Drop = Annotated[bool, typer.Option("--drop-interventions", help="Leave out what people asked for after it.")]
TakeOver = Annotated[
    bool, typer.Option("--take-over", help="Take it from a process on another host that was silent for a minute.")
]


def resume(
    run: Run,
    no_ui: NoUi = False,
    drop_interventions: Drop = False,
    take_over: TakeOver = False,
    theme: Theme = None,
    glyphs: Glyphs = None,
    hz: Hz = None,
    no_mouse: NoMouse = False,
    readonly: ReadOnly = False,
) -> None:
    """Go on with a run from its newest sound checkpoint."""
    from esper_tui.runtime.runs import find_run

    folder, shown = find_run(run), wants_screen(no_ui)
    look = Look(theme, glyphs, hz, no_mouse, readonly)
    on_hangup = look.settings().on_hangup
    from esper_tui.runtime.headless import run_headless
    from esper_tui.runtime.resume import prepare_resume

    prepare = partial(prepare_resume, folder, examine, drop_interventions, take_over)
    raise typer.Exit(open_screen(look, prepare) if shown else run_headless(prepare, False, on_hangup))


def attach(run: Run, theme: Theme = None, glyphs: Glyphs = None, hz: Hz = None, no_mouse: NoMouse = False) -> None:
    """Show and steer a run that another process of yours is training on this host."""
    from esper_tui.leyline.errors import Busy
    from esper_tui.runtime.lock import holder, socket_of
    from esper_tui.runtime.remote import RemoteSession, author
    from esper_tui.runtime.run_info import standing
    from esper_tui.runtime.runs import find_run

    folder = find_run(run)
    if holder(folder) is None:
        raise Busy(standing(folder))
    path = socket_of(folder)
    need_screen("`esper attach`", f"`esper ctl status {run}` prints where it is")
    prepare = partial(RemoteSession, folder, path, author())
    raise typer.Exit(open_screen(Look(theme, glyphs, hz, no_mouse), prepare))
