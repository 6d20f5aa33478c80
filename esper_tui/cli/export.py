"""``esper export``, ``esper retrain``: take the grown network away as ordinary PyTorch, and train it from scratch."""

from pathlib import Path
from typing import Annotated

import typer

from esper_tui.cli.options import Device, Run
from esper_tui.leyline.errors import UsageError


def export(
    run: Run,
    env: Annotated[
        str, typer.Option(metavar="best|NUMBER", help="Whose network: the best one, or that of an environment.")
    ] = "best",
    to: Annotated[Path | None, typer.Option("--to", help="New folder for it; else one in exports/ of the run.")] = None,
) -> None:
    """Write a grown network as plain PyTorch: weights, architecture, loader, torch.export program."""
    from esper_tui.evidence.take_home import take_home
    from esper_tui.runtime.runs import find_run

    taken = take_home(find_run(run), to, environment(env))
    for line in taken.lines():
        typer.echo(line)
    typer.echo(f'use it with: python -c "from esper_tui import load_grown; print(load_grown({str(taken.folder)!r}))"')


def environment(text: str) -> int | None:
    """The number of an environment, None for the best one.

    Raises:
        UsageError: for anything else.
    """
    if text == "best":
        return None
    if text.isascii() and text.isdigit() and len(text) < 5:
        return int(text)
    raise UsageError(f"--env {text[:40]!r} is neither best nor the number of an environment")


def retrain(
    folder: Annotated[Path, typer.Argument(metavar="EXPORT", help="A folder that `esper export` wrote.")],
    to: Annotated[Path | None, typer.Option("--to", help="New folder; else EXPORT-retrained beside it.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs; as many as the run had, unless given.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=256, help="Networks to train, each from weights of its own.")] = 1,
    device: Device = None,
) -> None:
    """Train the architecture that was found from new weights, and compare it with the grown network."""
    from esper_tui.evidence.retrain import retrain as train

    def done(epoch: int, whole: int) -> None:
        typer.echo(f"epoch {epoch} of {whole}", err=True)

    for line in train(folder, to, epochs, seeds, done, device).lines():
        typer.echo(line)
