"""``esper presets``: what can be run."""

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from esper_tui.cli.options import Json, Set, preset_names

if TYPE_CHECKING:
    from esper_tui.runtime.presets import Resolved

app = typer.Typer(help="List, show, check and compare presets.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="A preset's name or a TOML file.", autocompletion=preset_names)]


def _say_notes(resolved: "Resolved") -> None:
    for note in resolved.notes:
        typer.echo(f"esper: {note}", err=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """Every preset by name, with what it does and where it is."""
    from esper_tui.leyline.errors import EsperError
    from esper_tui.runtime.presets import find_presets, resolve

    rows = []
    for preset in find_presets():
        try:
            text = resolve(str(preset.path)).description
        except EsperError as error:  # a broken file must not hide the others
            text = f"broken: {' '.join(str(error).split())}"
        rows.append({"name": preset.name, "origin": preset.origin, "path": str(preset.path), "description": text})
    if json:
        typer.echo(jsonlib.dumps(rows, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['name']:<16} {row['origin']:<8} {row['description']}")


@app.command()
def show(name: Name, overrides: Set = None, json: Json = False) -> None:
    """Every setting of a preset, its value and where the value comes from."""
    from esper_tui.runtime.presets import flat, resolve

    resolved = resolve(name, overrides)
    values = flat(resolved.config)
    if json:
        rows = {k: {"value": v, "origin": resolved.origins.get(k, "default")} for k, v in values.items()}
        typer.echo(jsonlib.dumps(rows, indent=1))
        return
    _say_notes(resolved)
    typer.echo(resolved.description)
    section = ""
    for key, value in values.items():
        if key.split(".")[0] != section:
            section = key.split(".")[0]
            typer.echo(f"\n[{section}]")
        text = f"{key.split('.')[1]} = {jsonlib.dumps(value)}"
        typer.echo(f"{text:<60} # {resolved.origins.get(key, 'default')}")


@app.command()
def validate(
    names: Annotated[list[str], typer.Argument(help="Presets or TOML files.", autocompletion=preset_names)],
) -> None:
    """Check presets; every problem of a file is reported at once."""
    from esper_tui.leyline.errors import EsperError, ExitCode
    from esper_tui.runtime.presets import resolve

    broken = False
    for name in names:
        try:
            resolved = resolve(name)
            _say_notes(resolved)
            typer.echo(f"{name}: valid, {resolved.config.run.envs} environments, {resolved.config.run.epochs} epochs")
        except EsperError as error:
            broken = True
            typer.echo(f"{name}: {error}", err=True)
    if broken:
        raise typer.Exit(int(ExitCode.USAGE))


@app.command()
def diff(a: Name, b: Name) -> None:
    """Settings in which two presets differ."""
    from esper_tui.runtime.presets import differences, resolve

    left, right = resolve(a), resolve(b)
    for resolved in (left, right):
        _say_notes(resolved)
    found = differences(left.config, right.config)
    for key, before, after in found:
        typer.echo(f"{key:<28} {jsonlib.dumps(before)}  ->  {jsonlib.dumps(after)}")
    if not found:
        typer.echo("no differences")


@app.command()
def path(
    name: Annotated[
        str | None, typer.Argument(help="A preset; without one, all folders.", autocompletion=preset_names)
    ] = None,
) -> None:
    """Where a preset's file is, or where presets are looked for."""
    from esper_tui.runtime.presets import find_preset, shipped_folder, user_folder

    if name is not None:
        typer.echo(find_preset(name).path.resolve())
        return
    typer.echo(f"{Path.cwd()}  (here)\n{user_folder()}  (yours)\n{shipped_folder()}  (shipped)")
