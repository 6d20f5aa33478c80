"""``esper compare``: does growing pay on a task, against which rival, and by how much?"""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from esper_tui.cli.options import Device, Json, SeedNumber, Set, preset_names

if TYPE_CHECKING:
    from esper_tui.evidence.compare.tuning import Found

Preset = Annotated[
    str, typer.Argument(help="Preset whose task is played: a name or a TOML file.", autocompletion=preset_names)
]
Arms = Annotated[
    str | None, typer.Option("--arms", help="Arms, for example A0,A2,A7; without it all that are affordable.")
]
SEEDS, LEAST_FORKS = 20, 4
QUIET_S = 60.0
"""So long a unit may go on where nobody watches before it says how far it is."""
Policy = Annotated[list[str] | None, typer.Option("--policy", help="A learned policy for A8; may be repeated.")]


class Lines:
    """Says what is finished, a line each; also how far the present one is: on a terminal always, else every minute."""

    def __init__(self) -> None:
        self.live, self.said = sys.stderr.isatty(), time.monotonic()

    def epoch(self, unit: str, epoch: int, epochs: int) -> None:
        if self.live:
            typer.echo(f"\r\033[K{unit}: epoch {epoch} of {epochs}", err=True, nl=False)
        elif time.monotonic() - self.said >= QUIET_S:
            typer.echo(f"{unit:<24} epoch {epoch} of {epochs}", err=True)
            self.said = time.monotonic()

    def unit(self, unit: str, seconds: float, done: int, of: int | None, eta_s: float | None) -> None:
        if self.live:
            typer.echo("\r\033[K", err=True, nl=False)
        which = f"{done}/{of}" if of is not None else str(done)
        typer.echo(f"{unit:<24} {seconds:6.0f} s  done={which} eta={_left(eta_s)}", err=True)
        self.said = time.monotonic()

    def found(self, found: "Found") -> None:
        from esper_tui.evidence.compare.table import tuned

        for line in tuned(found):
            typer.echo(line, err=True)


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds:.0f}s" if seconds < 600 else f"{seconds / 60:.0f}min"


def compare(
    preset: Preset = "quickstart",
    arms: Arms = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, help="Paired seeds; 20 unless --minutes is given.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.1, help="As many seeds as fit into this time.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Folder; what it holds already is not played again.")] = None,
    policy: Policy = None,
    match: Annotated[str, typer.Option("--match", help="Grown arm whose size and cost A1 to A4b get.")] = "A7",
    forks: Annotated[int, typer.Option("--forks", min=0, help="Forks per kept seed, 4 or more for its precision.")] = 0,
    sweep: Annotated[bool, typer.Option("--sweep", help="Look for the host's learning rate first.")] = False,
    episodes: Annotated[int, typer.Option("--episodes", min=12, help="Episodes that A7s is looked for with.")] = 48,
    horizon: Annotated[int, typer.Option("--horizon", min=1, help="Epochs that A10 looks ahead.")] = 8,
    overrides: Set = None,
    seed: SeedNumber = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Compare growing with its rivals on paired seeds; repeat the command to go on where it was."""
    from esper_tui.evidence.compare.plan import make_plan
    from esper_tui.evidence.compare.run import compare as play
    from esper_tui.evidence.compare.summary import SUMMARY
    from esper_tui.evidence.compare.table import table
    from esper_tui.runtime.presets import resolve

    _check(seeds, minutes, forks)
    resolved = resolve(preset, [*(overrides or []), *_settings(seed, device)])
    options = {"match": match, "sweep": sweep, "episodes": episodes, "horizon": horizon}
    names = _names(arms)
    plan = make_plan(resolved.name, resolved.config, names, policy or [], **options)
    folder = to or plan.default_folder()
    typer.echo(f"arms {' '.join(plan.arms)} into {folder}", err=True)
    try:
        found = play(plan, folder, None if minutes is not None else seeds or SEEDS, minutes, forks, Lines())
    except KeyboardInterrupt:
        typer.echo(f"\nesper: what is finished is in {folder}; the same command goes on from there", err=True)
        raise
    typer.echo((folder / SUMMARY).read_text() if json else "\n".join([*table(found), "", str(folder)]))


def _check(seeds: int | None, minutes: float | None, forks: int) -> None:
    """Raises ``UsageError`` for options that do not go together."""
    from esper_tui.leyline.errors import UsageError

    if seeds is not None and minutes is not None:
        raise UsageError("--seeds and --minutes both say when to stop; give one of them")
    if 0 < forks < LEAST_FORKS:
        raise UsageError(
            f"--forks {forks}: two standard errors over fewer than {LEAST_FORKS} forks say little; give {LEAST_FORKS} "
            "or more, or 0"
        )


def _names(arms: str | None) -> list[str]:
    """Arms of a list with commas or blanks; none without a list."""
    from esper_tui.leyline.errors import UsageError

    names = (arms or "").replace(",", " ").split()
    if arms is not None and not names:
        raise UsageError(f"--arms {arms!r} names no arm; write for example A0,A2,A7, or leave it out")
    return names


def _settings(seed: int | None, device: str | None) -> list[str]:
    """Options that are settings of their own."""
    words = [f"run.seed={seed}"] if seed is not None else []
    return words + ([f'engine.device="{device}"'] if device is not None else [])
