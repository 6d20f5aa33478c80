"""``esper resume``, ``esper attach``, ``esper ctl``: going on with a run, and steering one from another process."""

import json as jsonlib
import time
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from esper_tui.cli.options import Glyphs, Hz, Json, NoMouse, NoUi, ReadOnly, Run, Theme
from esper_tui.cli.screen import Look, examine, need_screen, open_screen, wants_screen

if TYPE_CHECKING:
    from esper_tui.leyline.session import Command
    from esper_tui.runtime.remote import RemoteSession

PATIENCE_S = 2.0
"""How long a script waits to be told that its command was taken."""

Drop = Annotated[bool, typer.Option("--drop-interventions", help="Leave out what people asked for after it.")]


def resume(
    run: Run,
    no_ui: NoUi = False,
    drop_interventions: Drop = False,
    theme: Theme = None,
    glyphs: Glyphs = None,
    hz: Hz = None,
    no_mouse: NoMouse = False,
    readonly: ReadOnly = False,
) -> None:
    """Go on with a run from its newest sound checkpoint."""
    from esper_tui.runtime.runs import find_run

    folder, shown = find_run(run), wants_screen(no_ui)
    from esper_tui.runtime.headless import run_headless
    from esper_tui.runtime.resume import prepare_resume

    prepare = partial(prepare_resume, folder, examine, drop_interventions)
    look = Look(theme, glyphs, hz, no_mouse, readonly)
    raise typer.Exit(open_screen(look, prepare) if shown else run_headless(prepare, json=False))


def attach(run: Run, theme: Theme = None, glyphs: Glyphs = None, hz: Hz = None, no_mouse: NoMouse = False) -> None:
    """Show and steer a run that another process of yours is training on this host."""
    from esper_tui.runtime.lock import socket_of
    from esper_tui.runtime.remote import RemoteSession
    from esper_tui.runtime.runs import find_run

    folder = find_run(run)
    path = socket_of(folder)
    need_screen("`esper attach`", f"`esper ctl status {run}` prints where it is")
    raise typer.Exit(open_screen(Look(theme, glyphs, hz, no_mouse), partial(RemoteSession, folder, path)))


ctl = typer.Typer(help="Steer a running run from a script.", no_args_is_help=True)


@ctl.command()
def status(run: Run, json: Json = False) -> None:
    """Where a running run is."""
    session = _connect(run)
    until = time.monotonic() + PATIENCE_S
    while not session.latest.epochs and time.monotonic() < until:
        time.sleep(0.02)
    found = session.progress()
    session.close()
    if json:
        typer.echo(jsonlib.dumps(asdict(found)))
        return
    eta = f", {found.eta_s:.0f} s left" if found.eta_s is not None else ""
    typer.echo(f"{found.state} ({found.phase}), round {found.round + 1}, epoch {found.epoch} of {found.epochs}{eta}")


@ctl.command()
def pause(run: Run) -> None:
    """Rest at the next boundary."""
    from esper_tui.leyline.session import Pause

    _give(run, Pause())


@ctl.command("resume")
def go_on(run: Run) -> None:
    """Go on after a pause."""
    from esper_tui.leyline.session import Resume

    _give(run, Resume())


@ctl.command()
def step(run: Run, epochs: Annotated[int, typer.Argument(min=1, help="Epochs to run.")] = 1) -> None:
    """Run some epochs, then rest again."""
    from esper_tui.leyline.session import Step

    _give(run, Step(epochs))


@ctl.command()
def checkpoint(run: Run) -> None:
    """Write a checkpoint at the next boundary."""
    from esper_tui.leyline.session import Checkpoint

    _give(run, Checkpoint())


@ctl.command()
def stop(run: Run) -> None:
    """End the run at the next boundary, with a checkpoint and its receipt."""
    from esper_tui.leyline.session import Stop

    _give(run, Stop())


Heads = Annotated[list[str], typer.Argument(help="Heads of the decision, for example op=PRUNE slot=r0c1 …")]


@ctl.command()
def override(
    run: Run,
    env: Annotated[int, typer.Argument(min=0, help="Environment.")],
    heads: Heads,
    when_legal: Annotated[bool, typer.Option(help="Wait until it is legal.")] = False,
    wait_epochs: Annotated[int, typer.Option(min=0, help="Boundaries to wait; 0 means to the end.")] = 0,
    hold: Annotated[int, typer.Option(min=0, help="Boundaries it is in force; 0 until cancelled.")] = 1,
) -> None:
    """Decide in Tamiyo's place, at the next boundary or when it is legal."""
    from esper_tui.leyline.errors import UsageError
    from esper_tui.leyline.wire import BadMessage, load_command
    from esper_tui.runtime.remote import author

    decision = dict(head.partition("=")[::2] for head in heads)
    document = {
        "name": "Override", "env": env, "decision": decision, "when": "when_legal" if when_legal else "now",
        "wait_epochs": wait_epochs, "hold": hold, "author": author(),
    }  # fmt: skip
    try:
        command = load_command(document)
    except BadMessage as problem:
        raise UsageError(str(problem)) from None
    _give(run, command)


def _connect(run: str) -> "RemoteSession":
    from esper_tui.runtime.lock import socket_of
    from esper_tui.runtime.remote import RemoteSession
    from esper_tui.runtime.runs import find_run

    folder = find_run(run)
    return RemoteSession(folder, socket_of(folder))


def _give(run: str, command: "Command") -> None:
    """Gives a command and prints what became of it as far as that is known at once.

    Raises:
        Busy: if it was refused.
    """
    from esper_tui.leyline.errors import Busy

    session = _connect(run)
    session.submit(command)
    state, until = "sent", time.monotonic() + PATIENCE_S
    while state == "sent" and time.monotonic() < until:
        for ack in session.poll()[0]:
            if ack.state in ("rejected", "too late"):
                session.close()
                raise Busy(f"{type(command).__name__.lower()} was refused: {ack.reason}")
            number = f" as #{ack.intervention}" if ack.intervention is not None else ""
            state = f"{ack.state}{number}" + (f" at epoch {ack.epoch}" if ack.epoch is not None else "")
        time.sleep(0.02)
    session.close()
    typer.echo(f"{type(command).__name__.lower()}: {state}")
