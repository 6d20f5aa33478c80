"""``esper data``: data sets, where they are, fetching them."""

from typing import Annotated

import typer

app = typer.Typer(help="List, fetch and check data sets.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="A data set's name.")]


def _known(name: str) -> None:
    from esper_tui.data.catalogue import DATA_SETS
    from esper_tui.leyline.errors import UsageError
    from esper_tui.runtime.presets import nearest

    names = [d.name for d in DATA_SETS]
    if name not in names:
        raise UsageError(f"there is no data set {name!r}{nearest(name, names)}; `esper data list` shows all")


@app.command("list")
def list_() -> None:
    """All data sets, and whether their files are here."""
    from esper_tui.data.catalogue import DATA_SETS, has_files

    for entry in DATA_SETS:
        where = has_files(entry.name)
        state = "built in" if not entry.needs_files else f"in {where}" if where else f"missing ({entry.fetch_size})"
        typer.echo(f"{entry.name:<12} {entry.what}; {state}")


@app.command()
def fetch(name: Name) -> None:
    """Download a data set into ESPER_DATA_DIR or the user's cache."""
    from esper_tui.data.catalogue import fetch_folder, has_files

    _known(name)
    if name == "procedural":
        typer.echo("procedural is made in the program; nothing to fetch")
        return
    if where := has_files(name):
        typer.echo(f"{name} is already in {where}; `esper data check {name}` verifies it")
        return
    from esper_tui.data import cifar

    cifar.fetch(fetch_folder())
    typer.echo(f"{name} is in {fetch_folder()}")


@app.command()
def check(name: Name) -> None:
    """Verify the checksums of a data set's files."""
    from esper_tui.data.catalogue import has_files, missing_message
    from esper_tui.leyline.errors import DataMissing

    _known(name)
    if name == "procedural":
        typer.echo("procedural: nothing to check")
        return
    folder = has_files(name)
    if folder is None:
        raise DataMissing(missing_message(name))
    from esper_tui.data import cifar

    damaged = cifar.check(folder)
    if damaged:
        raise DataMissing(cifar.damaged_message(folder, damaged))
    typer.echo(f"{name}: all files in {folder} are sound")
