"""``esper export``: take the grown network away as ordinary PyTorch."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[str, typer.Argument(help="A run's id, a unique part of it, a path, or `last`.")],
    to: Annotated[Path, typer.Option("--to", help="New folder for the network.")],
) -> None:
    """Write the best network of a run as plain PyTorch: weights, architecture, loader, torch.export program."""
    from esper_tui.evidence.export import write_export
    from esper_tui.leyline.errors import UsageError
    from esper_tui.runtime.artefacts import best_artefact, load_network, pixel_statistics
    from esper_tui.runtime.runs import find_run

    folder = find_run(run)
    path = best_artefact(folder)
    if path is None:
        raise UsageError(f"{folder.name} has no finished round, so no network to export")
    network = load_network(path)
    typer.echo(f"{write_export(network, *pixel_statistics(path), to)}  {network.parameter_count():,} parameters")
    typer.echo(f'use it with: python -c "from esper_tui import load_grown; print(load_grown({str(to)!r}))"')
