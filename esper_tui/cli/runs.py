"""``esper runs``: what ran before."""

import json as jsonlib
from typing import Annotated

import typer

from esper_tui.cli.options import Json, run_ids

app = typer.Typer(help="Look at and look after run folders.", no_args_is_help=True)
Run = Annotated[str, typer.Argument(help="A run's id, a unique part of it, a path, or `last`.", autocompletion=run_ids)]


def _size(count: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count //= 1024
    return f"{count} GiB"


@app.command("list")
def list_(json: Json = False) -> None:
    """All runs, the newest first, with size and how they ended."""
    from esper_tui.runtime.receipt import badge
    from esper_tui.runtime.run_info import describe_run, document_of
    from esper_tui.runtime.runs import all_runs, runs_folder

    cards = [describe_run(folder) for folder in all_runs()]
    if json:
        typer.echo(jsonlib.dumps([document_of(card) for card in cards], indent=1))
        return
    for card in cards:
        marks = [badge(card.assisted), f"[{', '.join(card.tags)}]" if card.tags else ""]
        line = f"{card.id:<44} {_size(card.size):>9}  {card.state:<10} {card.text}"
        typer.echo("  ".join([line, *(mark for mark in marks if mark)]))
    if not cards:
        typer.echo(f"no runs in {runs_folder()}; start one with `esper run quickstart`")


@app.command()
def show(run: Run) -> None:
    """The receipt of a run, finished or not."""
    from esper_tui.karn.read import ReadReport, read_run
    from esper_tui.runtime.receipt import receipt
    from esper_tui.runtime.runs import find_run

    folder = find_run(run)
    report = ReadReport()
    typer.echo(receipt(read_run(folder, report), folder))
    for problem in report.problems:
        typer.echo(f"esper: {problem}", err=True)


@app.command()
def path(run: Run) -> None:
    """The folder of a run."""
    from esper_tui.runtime.runs import find_run

    typer.echo(find_run(run))


@app.command()
def check(run: Run) -> None:
    """Verify the log and every checkpoint of a run, and say from where it can go on."""
    from esper_tui.leyline.errors import ExitCode
    from esper_tui.runtime.checkup import check_run
    from esper_tui.runtime.runs import find_run

    lines, sound = check_run(find_run(run))
    for line in lines:
        typer.echo(line)
    if not sound:
        raise typer.Exit(int(ExitCode.INCOMPATIBLE))


@app.command()
def tag(
    run: Run,
    tags: Annotated[list[str] | None, typer.Argument(help="Tags to add.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Tag to take away; may be repeated.")] = None,
) -> None:
    """Add and remove tags; tagged runs are kept by `gc`."""
    from esper_tui.runtime.runs import find_run, tag_run

    found = tag_run(find_run(run), tags or [], remove or [])
    typer.echo(", ".join(found) or "no tags")


@app.command()
def gc(
    keep: Annotated[int, typer.Option(min=0, help="Newest untagged runs to keep.")] = 20,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without it, only say what would go.")] = False,
) -> None:
    """Delete old runs that have no tag."""
    from esper_tui.runtime.runs import all_runs, folder_size, removable_runs, remove_run

    old = removable_runs(all_runs(), keep)
    for folder in old:
        size = remove_run(folder) if yes else folder_size(folder)
        typer.echo(f"{'removed' if yes else 'would remove'} {folder.name}  {_size(size)}")
    if old and not yes:
        typer.echo("nothing was removed; repeat with --yes")
    if not old:
        typer.echo("nothing to remove")


@app.command()
def rm(
    runs: Annotated[list[str], typer.Argument(help="Runs by id, unique part of it, or path.", autocompletion=run_ids)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete runs."""
    from esper_tui.runtime.runs import find_run, folder_size, refuse_writing, remove_run

    folders = list(dict.fromkeys(find_run(name) for name in runs))
    for folder in folders:
        refuse_writing(folder)
    for folder in folders:
        if not yes and not typer.confirm(f"delete {folder} ({_size(folder_size(folder))})?"):
            continue
        typer.echo(f"removed {folder.name}  {_size(remove_run(folder))}")
