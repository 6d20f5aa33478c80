"""``esper ctl``: steering a run from a script."""

import json as jsonlib
import textwrap
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from esper_tui.cli.options import Json, Run
from esper_tui.leyline.errors import Busy
from esper_tui.leyline.heads import described, offered, read_decision

if TYPE_CHECKING:
    from esper_tui.leyline.session import Ack, Command, Override, Progress
    from esper_tui.runtime.remote import RemoteSession

PATIENCE_S = 2.0
"""How long a script waits to be told that its command was taken."""
LEAST_WAIT_S, FIRST_WAIT_S, WAIT_EPOCHS = 10.0, 60.0, 2.0
"""How long for what becomes of an override, unless told: so many epochs, but at least; before one was measured."""
LOOK_S = 0.02


class Verbs(TyperGroup):
    """``esper ctl VERB RUN``, and ``esper ctl RUN VERB`` for those who think of the run first."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = [self.get_command(ctx, word) is not None for word in args[:2]]
        if known == [False, True]:
            args = [args[1], args[0], *args[2:]]
        return super().resolve_command(ctx, args)


app = typer.Typer(cls=Verbs, help="Steer a run from a script: esper ctl VERB RUN, or RUN VERB.", no_args_is_help=True)


@app.command()
def status(run: Run, json: Json = False) -> None:
    """Where a run is, or how it ended and what can be done with it."""
    from esper_tui.runtime.lock import holder
    from esper_tui.runtime.run_info import standing
    from esper_tui.runtime.runs import find_run

    folder = find_run(run)
    if holder(folder) is None:
        text = standing(folder)
        typer.echo(jsonlib.dumps({"run": folder.name, "state": "ended", "text": text}) if json else text)
        return
    session = _connect(folder)
    _wait(session, lambda: session.latest.epochs > 0, PATIENCE_S)
    found = session.progress()
    session.close()
    typer.echo(jsonlib.dumps({"run": folder.name, **asdict(found)}) if json else _where(folder, found))


def _where(folder: Path, found: "Progress") -> str:
    eta = f", {found.eta_s:.0f} s left" if found.eta_s is not None else ""
    place = f"{folder.name}: {found.state} ({found.phase}), round {found.round + 1}, epoch {found.epoch}"
    seen = found.visitors
    refused = (
        f", {seen.refused} messages refused, {seen.dropped} clients dropped" if seen.refused + seen.dropped else ""
    )
    return f"{place} of {found.epochs}{eta}{refused}"


@app.command()
def pause(
    run: Run,
    at: Annotated[
        Literal["epoch", "batch"], typer.Option(help="Rest after the epoch, or sooner between two batches.")
    ] = "epoch",
) -> None:
    """Rest at the next boundary."""
    from esper_tui.leyline.session import Pause

    _give(run, Pause(at))


@app.command("resume")
def go_on(run: Run) -> None:
    """Go on after a pause."""
    from esper_tui.leyline.session import Resume

    _give(run, Resume())


@app.command()
def step(run: Run, epochs: Annotated[int, typer.Argument(min=1, help="Epochs to run.")] = 1) -> None:
    """Run some epochs, then rest again."""
    from esper_tui.leyline.session import Step

    _give(run, Step(epochs))


@app.command()
def checkpoint(run: Run) -> None:
    """Write a checkpoint at the next boundary."""
    from esper_tui.leyline.session import Checkpoint

    _give(run, Checkpoint())


@app.command()
def stop(run: Run) -> None:
    """End the run at the next boundary, with a checkpoint and its receipt."""
    from esper_tui.leyline.session import Stop

    _give(run, Stop())


@app.command()
def cancel(run: Run, number: Annotated[int, typer.Argument(min=1, help="Number of the override.")]) -> None:
    """Take an override back, or end one that is held."""
    from esper_tui.leyline.session import Cancel

    _give(run, Cancel(number))


def _override_help() -> str:
    lines = [part for text in described(offered()) for part in textwrap.wrap(text, 76, subsequent_indent="    ")]
    return "\n".join(["Decide in Tamiyo's place, at the next boundary or when it is legal.", "", "\b", *lines])


@app.command(help=_override_help())
def override(
    run: Run,
    env: Annotated[int, typer.Argument(min=0, help="Environment.")],
    heads: Annotated[
        list[str] | None, typer.Argument(help="The decision, head by head: op=PRUNE slot=r0c1 …; see above.")
    ] = None,
    when_legal: Annotated[bool, typer.Option("--when-legal", help="Wait until it is legal.")] = False,
    wait_epochs: Annotated[int, typer.Option(min=0, help="Boundaries to wait; 0 means to the end.")] = 0,
    hold: Annotated[int, typer.Option(min=0, help="Boundaries it is in force; 0 until cancelled.")] = 1,
    wait: Annotated[
        float | None,
        typer.Option(
            min=0.0, metavar="S", help="Seconds to wait for what becomes of it; about two epochs if not said."
        ),
    ] = None,
) -> None:
    from esper_tui.runtime.runs import find_run

    folder = find_run(run)
    session = _connect(folder)
    command = _request(folder, env, heads or [], "when_legal" if when_legal else "now", hold, wait_epochs)
    session.tail.catch_up()  # what is there already tells nothing of this command
    number = _taken(session, command).intervention
    fate = None if when_legal and wait is None else _fate(session, number, wait)
    session.close()
    typer.echo(_told(number, fate, session.progress()))


def _request(
    folder: Path, env: int, heads: list[str], when: Literal["now", "when_legal"], hold: int, wait_epochs: int
) -> "Override":
    """The override that is asked for.

    Raises:
        ConfigError: if the heads are no decision that this run knows.
        Busy: if the run has no such environment.
    """
    from esper_tui.karn.read import read_run_file
    from esper_tui.leyline.session import Override
    from esper_tui.runtime.overrides import problem_with
    from esper_tui.runtime.remote import author

    config = read_run_file(folder).get("config", {})
    growth, envs = config.get("growth", {}), config.get("run", {}).get("envs", env + 1)
    slots = tuple(growth.get("slots", ()))
    choices = offered(slots, growth["blueprints"]) if "blueprints" in growth else offered(slots)
    decision = read_decision(heads, choices)
    command = Override(env, decision, when, hold=hold, wait_epochs=wait_epochs, author=author())
    if problem := problem_with(command, envs, slots or (decision.slot or "",)):
        raise Busy(f"override was refused: {problem}")
    return command


def _fate(session: "RemoteSession", number: int | None, wait: float | None) -> dict[str, Any] | None:
    """The event that says what became of an override; None if that is not known in time.

    A run that rests will not tell before it goes on: unless told to, nobody waits for that.
    """
    found: list[dict[str, Any]] = []

    def known() -> bool:
        found.extend(e for e in session.poll()[1] if e["type"] == "InterventionChanged")
        found[:] = [e for e in found if e["intervention"]["id"] == number and e["fate"] != "queued"]
        return bool(found) or session.ended or (wait is None and session.progress().state in ("paused", "ended"))

    epoch_s = session.progress().epoch_s
    usual = max(LEAST_WAIT_S, WAIT_EPOCHS * epoch_s) if epoch_s else FIRST_WAIT_S
    _wait(session, known, usual if wait is None else wait)
    return found[0] if found else None


def _told(number: int | None, fate: dict[str, Any] | None, progress: "Progress") -> str:
    """What became of an override.

    Raises:
        Busy: if it was not carried out.
    """
    if fate is None:
        rests = "; the run rests, it applies when the run goes on" if progress.state == "paused" else ""
        return f"override: queued as #{number}{rests}"
    if fate["fate"] != "applied":
        raise Busy(f"override #{number} was {fate['fate']} at epoch {fate['epoch']}: {fate['reason']}")
    return f"override: #{number} applied at epoch {fate['epoch']}"


# --- talking to the run --------------------------------------------------------------------------------------------


def _connect(folder: Path) -> "RemoteSession":
    """A connection to the process that trains a run.

    Raises:
        Busy: if it is over, with how it ended and what can be done with it.
    """
    from esper_tui.runtime.lock import holder, socket_of
    from esper_tui.runtime.remote import RemoteSession
    from esper_tui.runtime.run_info import standing

    if holder(folder) is None:
        raise Busy(standing(folder))
    return RemoteSession(folder, socket_of(folder))


def _give(run: str, command: "Command") -> None:
    """Gives a command and prints what became of it as far as that is known at once."""
    from esper_tui.runtime.runs import find_run

    session = _connect(find_run(run))
    ack = _taken(session, command)
    session.close()
    later = "accepted, for the end of this epoch"
    typer.echo(f"{_verb(command)}: {f'applied at epoch {ack.epoch}' if ack.state == 'applied' else later}")


def _taken(session: "RemoteSession", command: "Command") -> "Ack":
    """The last that is heard of a command within ``PATIENCE_S``.

    Raises:
        Busy: if it was refused, or nobody answers.
    """
    session.submit(command)
    acks: list[Ack] = []

    def answered() -> bool:
        acks.extend(session.acks.popleft() for _ in range(len(session.acks)))
        return bool(acks) and acks[-1].state != "accepted"

    _wait(session, answered, PATIENCE_S)
    if not acks:
        raise Busy(f"{_verb(command)}: the run did not answer within {PATIENCE_S:g} s; `esper ctl status` tells more")
    if acks[-1].state in ("rejected", "too late"):
        session.close()
        raise Busy(f"{_verb(command)} was refused: {acks[-1].reason}")
    return acks[-1]


def _verb(command: "Command") -> str:
    return type(command).__name__.lower()


def _wait(session: "RemoteSession", seen: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not seen() and time.monotonic() < until and not session.ended:
        time.sleep(LOOK_S)
