"""The root command and the list of subcommands."""

import difflib
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import esper_tui
from esper_tui.cli import (
    bench,
    compare,
    ctl,
    data,
    doctor,
    export,
    policies,
    presets,
    replay,
    report,
    runs,
    screenshots,
    steer,
)
from esper_tui.cli.options import (
    Device,
    DryRun,
    Glyphs,
    Hz,
    Json,
    NoMouse,
    NoUi,
    ReadOnly,
    RunDir,
    SeedNumber,
    Set,
    Theme,
    preset_names,
)
from esper_tui.cli.screen import Look, examine, open_launch, open_screen, wants_screen
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
app.add_typer(policies.app, name="policies")
app.command(name="doctor")(doctor.doctor)
app.command(name="screenshots")(screenshots.screenshots)
app.command(name="export")(export.export)
app.command(name="retrain")(export.retrain)
app.command(name="report")(report.report)
app.command(name="evaluate")(policies.evaluate)
app.command(name="compare")(compare.compare)


app.command(name="replay")(replay.replay)
app.command(name="watch")(replay.watch)
app.command(name="rerun")(replay.rerun)
app.command(name="resume")(steer.resume)
app.command(name="attach")(steer.attach)
app.add_typer(ctl.app, name="ctl")
PresetName = Annotated[str, typer.Argument(help="Preset to run: a name or a TOML file.", autocompletion=preset_names)]
PresetOption = Annotated[
    str | None, typer.Option(help="Preset to run: a name or a TOML file.", autocompletion=preset_names)
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"esper {esper_tui.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    preset: PresetOption = None,
    no_ui: NoUi = False,
    overrides: Set = None,
    seed: SeedNumber = None,
    device: Device = None,
    run_dir: RunDir = None,
    json: Json = False,
    dry_run: DryRun = False,
    theme: Theme = None,
    glyphs: Glyphs = None,
    hz: Hz = None,
    no_mouse: NoMouse = False,
    readonly: ReadOnly = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Grow neural networks while they train.

    Alone it opens the launch screen.  `esper run quickstart` runs a preset, with --no-ui in plain lines;
    `esper presets list` shows what there is.
    """
    look = Look(theme, glyphs, hz, no_mouse, readonly)
    asked = any((preset is not None, no_ui, overrides, seed is not None, device is not None, run_dir, json, dry_run))
    if ctx.invoked_subcommand is not None:
        if asked or look != Look():
            raise UsageError(f"options before `{ctx.invoked_subcommand}` belong to no command; write them behind it")
        return
    if preset is not None:
        raise typer.Exit(
            _start(preset, [*(overrides or []), *_extra(seed, device)], run_dir, no_ui, json, dry_run, look)
        )
    if asked:
        raise UsageError("nothing to run: name a preset with --preset, for example --preset quickstart")
    raise typer.Exit(open_launch(look))


@app.command()
def run(
    preset: PresetName = "quickstart",
    no_ui: NoUi = False,
    overrides: Set = None,
    seed: SeedNumber = None,
    device: Device = None,
    run_dir: RunDir = None,
    json: Json = False,
    dry_run: DryRun = False,
    theme: Theme = None,
    glyphs: Glyphs = None,
    hz: Hz = None,
    no_mouse: NoMouse = False,
    readonly: ReadOnly = False,
) -> None:
    """Run a preset; the same as `esper --preset PRESET`.  The screen shows it where there is a terminal."""
    look = Look(theme, glyphs, hz, no_mouse, readonly)
    raise typer.Exit(_start(preset, [*(overrides or []), *_extra(seed, device)], run_dir, no_ui, json, dry_run, look))


def _extra(seed: int | None, device: str | None) -> list[str]:
    """Options that are settings of their own."""
    words = [f"run.seed={seed}"] if seed is not None else []
    return words + ([f'engine.device="{device}"'] if device is not None else [])


def _start(
    preset: str, overrides: list[str], run_dir: Path | None, no_ui: bool, json: bool, dry_run: bool, look: Look
) -> int:
    """Runs a preset, on the screen where there is one to be had; returns the exit code."""
    from esper_tui.runtime.presets import resolve

    resolved, on_hangup = resolve(preset, overrides), look.settings().on_hangup
    if dry_run:
        from esper_tui.runtime.estimate import estimate

        typer.echo(estimate(resolved.config, json))
        _say_notes(resolved)
        return 0
    shown = wants_screen(no_ui or json)
    if shown:
        typer.echo(f"preparing {resolved.name} …", err=True)
    elif resolved.config.tamiyo.policy == "manual":
        raise UsageError(
            "tamiyo.policy = manual: a person decides on the screen, and there is none here; "
            "run it in a terminal without --no-ui, or choose tamiyo.policy = wait"
        )
    from esper_tui.runtime.headless import run_headless
    from esper_tui.runtime.start import prepare_session

    def prepare() -> Any:
        session = prepare_session(resolved, run_dir, examine)
        _say_notes(resolved)
        return session

    return open_screen(look, prepare) if shown else run_headless(prepare, json, on_hangup)


def _say_notes(resolved: Any) -> None:
    """What is odd about a configuration, said once nothing else is wrong."""
    for note in resolved.notes:
        typer.echo(f"esper: {note}", err=True)
