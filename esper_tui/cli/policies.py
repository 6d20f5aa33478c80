"""``esper policies`` and ``esper evaluate``: what Tamiyo has learnt, and what it is worth."""

import json as jsonlib
from typing import Annotated

import typer

from esper_tui.cli.options import Json, Set

app = typer.Typer(help="List, show and delete policy files.", no_args_is_help=True)
Policy = Annotated[str, typer.Argument(help="A policy: its name, RUN:NAME, or the path of its file.")]


@app.command("list")
def list_(json: Json = False) -> None:
    """All policy files: those of the policies folder, then those that runs saved."""
    from esper_tui.leyline.errors import Incompatible
    from esper_tui.runtime.policy_file import all_policies, describe_policy, policies_folder

    rows = []
    for name, path in all_policies():
        try:
            document = describe_policy(path)
            rows.append({"name": name, "path": str(path), **document["progress"], **document["origin"]})
        except (Incompatible, KeyError) as error:
            rows.append({"name": name, "path": str(path), "problem": str(error)})
    if json:
        typer.echo(jsonlib.dumps(rows, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['name']:<52} {row.get('problem') or _progress(row)}")
    if not rows:
        typer.echo(f"no policies in {policies_folder()} nor in any run; `esper run learn_quickstart` trains one")


def _progress(row: dict) -> str:
    best = row.get("best")
    return (
        f"{row.get('episodes', 0):>6} episodes {row.get('updates', 0):>5} updates  "
        f"best return {f'{best:+.2f}' if best is not None else '–'}  {row.get('data', '?')}, {row.get('reward', '?')}"
    )


@app.command()
def show(policy: Policy) -> None:
    """Everything a policy file says about itself, as JSON."""
    from esper_tui.runtime.policy_file import describe_policy, policy_path

    path = policy_path(policy)
    typer.echo(jsonlib.dumps({"path": str(path)} | describe_policy(path), indent=1))


@app.command()
def rm(
    policies: Annotated[list[str], typer.Argument(help="Policies by name, RUN:NAME or path.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete policy files."""
    from esper_tui.runtime.policy_file import policy_path

    for path in [policy_path(name) for name in policies]:
        if yes or typer.confirm(f"delete {path}?"):
            path.unlink()
            typer.echo(f"removed {path}")


def evaluate(
    policies: Annotated[
        list[str],
        typer.Argument(
            metavar="POLICIES...", help="Policies by name, RUN:NAME or path; several are taken as trained alike."
        ),
    ],
    preset: Annotated[str, typer.Option(help="Preset whose task is played.")] = "learn_quickstart",
    episodes: Annotated[int, typer.Option("-n", "--episodes", min=1, help="Held-out instances to play.")] = 20,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="Another policy on the same instances; may be repeated.  matched: random decisions that plant and "
            "prune as often as POLICIES."
        ),
    ] = None,
    sampled: Annotated[
        bool, typer.Option("--sampled", help="Play POLICIES a second time with their decisions drawn.")
    ] = False,
    overrides: Set = None,
    json: Json = False,
) -> None:
    """Play policies greedily on instances outside the training pool, each against its control."""
    from esper_tui.evidence.evaluate import evaluate as play
    from esper_tui.evidence.evaluate import report
    from esper_tui.runtime.presets import resolve

    def done(name: str, count: int) -> None:
        typer.echo(f"{name}: {count} of {episodes} episodes", err=True)

    named, others = (list(dict.fromkeys(names)) for names in (policies, against or []))
    outcome = play(resolve(preset, overrides).config, named, others, episodes, done, sampled)
    if json:
        typer.echo(jsonlib.dumps([e.document() for e in outcome.all], indent=1))
        return
    for line in report(outcome):
        typer.echo(line)
