"""``esper doctor``: is this machine ready, and if not, why not."""

import typer


def doctor() -> None:
    """Check Python, torch, devices, memory, disk, data, terminal and engine; the exit code tells."""
    from esper_tui.runtime.doctor import examine_machine

    lines, code = examine_machine()
    for line in lines:
        typer.echo(line)
    if code:
        raise typer.Exit(code)
