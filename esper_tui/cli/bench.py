"""``esper bench``: figures about speed and about what growth buys, measured on this machine."""

from typing import Annotated

import typer

app = typer.Typer(help="Measure speed and what growth buys, on this machine.", no_args_is_help=True)
Windows = Annotated[int, typer.Option(min=6, help="Paired windows; 30 or more for ratios near 1.")]


@app.command()
def engine(
    windows: Windows = 31,
    count: Annotated[int, typer.Option("--envs", min=2, help="Networks.")] = 16,
    batch: Annotated[int, typer.Option(min=2, help="Images per step and network.")] = 128,
) -> None:
    """N stacked networks against a loop over the same networks."""
    from esper_tui.bench.engine import bench_engine

    bench_engine(typer.echo, windows, count, batch)
