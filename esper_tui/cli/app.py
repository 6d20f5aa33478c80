"""The root command and the list of subcommands."""

import difflib
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import esper_tui
from esper_tui.cli import bench, data, doctor, presets, runs
from esper_tui.cli.options import Device, DryRun, Json, NoUi, RunDir, SeedNumber, Set, preset_names
from esper_tui.leyline.errors import UsageError


class Commands(TyperGroup):
    """Subcommands; a word that is none of them gets the nearest, or the way to run a preset of that name."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        word = args[0]
        if self.get_command(ctx, word) is None and not word.startswith("-"):
            raise UsageError(f"there is no command {word!r}{_suggestion(word, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


def _suggestion(word: str, commands: list[str]) -> str:
    from esper_tui.runtime.presets import find_presets

    names = [preset.name for preset in find_presets()]
    if word in names or word.endswith(".toml"):
        return f"; did you mean `esper run {word}`"
    close = difflib.get_close_matches(word, [*commands, *names], n=1, cutoff=0.5)
    if not close:
        return "; `esper --help` lists the commands"
    return f"; did you mean `esper {'' if close[0] in commands else 'run '}{close[0]}`"


app = typer.Typer(
    name="esper", cls=Commands, no_args_is_help=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Grow neural networks while they train.",
)  # fmt: skip
app.add_typer(presets.app, name="presets")
app.add_typer(runs.app, name="runs")
app.add_typer(data.app, name="data")
app.add_typer(bench.app, name="bench")
app.command(name="doctor")(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"esper {esper_tui.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    preset: Annotated[
        str | None, typer.Option(help="Preset to run: a name or a TOML file.", autocompletion=preset_names)
    ] = None,
    no_ui: NoUi = False,
    overrides: Set = None,
    seed: SeedNumber = None,
    device: Device = None,
    run_dir: RunDir = None,
    json: Json = False,
    dry_run: DryRun = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Grow neural networks while they train.

    Run a preset with `esper --preset quickstart --no-ui`; `esper presets list` shows what there is.
    """
    given = [preset, no_ui, overrides, seed, device, run_dir, json, dry_run]
    if ctx.invoked_subcommand is not None:
        if any(value not in (None, False, []) for value in given):
            raise UsageError(f"options before `{ctx.invoked_subcommand}` belong to no command; write them behind it")
        return
    if preset is None:
        if any(value not in (None, False, []) for value in given):
            raise UsageError("nothing to run: name a preset with --preset, for example --preset quickstart")
        typer.echo(ctx.get_help())
        raise typer.Exit(2)
    _start(preset, no_ui, overrides, seed, device, run_dir, json, dry_run)


@app.command()
def run(
    preset: Annotated[
        str, typer.Argument(help="Preset to run: a name or a TOML file.", autocompletion=preset_names)
    ] = "quickstart",
    no_ui: NoUi = False,
    overrides: Set = None,
    seed: SeedNumber = None,
    device: Device = None,
    run_dir: RunDir = None,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Run a preset; the same as `esper --preset PRESET`."""
    _start(preset, no_ui, overrides, seed, device, run_dir, json, dry_run)


def _start(
    preset: str, no_ui: bool, overrides: list[str] | None, seed: int | None, device: str | None,
    run_dir: Path | None, json: bool, dry_run: bool,
) -> None:  # fmt: skip
    """``no_ui`` changes nothing while there is no screen: every run is headless."""
    from esper_tui.runtime.presets import resolve

    extra = [f"run.seed={seed}"] if seed is not None else []
    extra += [f'engine.device="{device}"'] if device is not None else []
    resolved = resolve(preset, [*(overrides or []), *extra])
    for note in resolved.notes:
        typer.echo(f"esper: {note}", err=True)
    if dry_run:
        from esper_tui.runtime.estimate import estimate

        typer.echo(estimate(resolved.config, json))
        return
    from esper_tui.evidence.examine import examine
    from esper_tui.runtime.headless import run_headless

    raise typer.Exit(run_headless(resolved, run_dir, json, examine))
