"""``esper bench``: figures about speed and about what growth buys, measured on this machine."""

import typer

app = typer.Typer(help="Measure speed and what growth buys, on this machine.", no_args_is_help=True)
