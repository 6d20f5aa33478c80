"""``esper bench``: figures about speed and about what growth buys, measured on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from esper_tui.cli.options import Set

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


@app.command()
def ablations(windows: Windows = 31) -> None:
    """Eight ablation subsets in one sweep against eight passes."""
    from esper_tui.bench.ablations import bench_ablations

    bench_ablations(typer.echo, windows)


@app.command()
def slots(windows: Windows = 31) -> None:
    """A host with three dormant slots against the same host without slots."""
    from esper_tui.bench.slots import bench_slots

    bench_slots(typer.echo, windows)


@app.command()
def data(
    seeds: Annotated[int, typer.Option(min=2, help="Hosts of each size.")] = 8,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of training.")] = 30,
) -> None:
    """How fast the procedural images are drawn, and how much headroom the task has."""
    from esper_tui.bench.data import bench_data

    bench_data(typer.echo, seeds, epochs)


@app.command()
def policy(
    seeds: Annotated[int, typer.Option(min=1, help="Policies trained from different seeds.")] = 5,
    steps: Annotated[int, typer.Option(min=640, help="Steps of the surrogate per policy.")] = 20_000,
    tabulate: Annotated[
        Path | None, typer.Option(help="Only measure the table of curves anew and write it to this file.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="A table that --tabulate wrote, in place of the shipped one.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Keep the trained policies in this folder.")] = None,
) -> None:
    """PPO and random search at equal steps on a surrogate of real curves whose optimum is known."""
    if tabulate is not None:
        from esper_tui.bench.tabulate import tabulate as measure

        measure(typer.echo, tabulate)
        return
    from esper_tui.bench.policy import bench_policy
    from esper_tui.leyline.config import Ppo

    bench_policy(typer.echo, seeds, steps, Ppo(), table, save)


@app.command()
def foresight(
    policy: Annotated[str, typer.Argument(help="A learned policy: its name, RUN:NAME, or the path of its file.")],
    preset: Annotated[str, typer.Option(help="Preset whose task is played.")] = "learn_quickstart",
    episodes: Annotated[int, typer.Option("-n", "--episodes", min=3, help="Held-out instances to play.")] = 32,
    overrides: Set = None,
) -> None:
    """How much of an episode's end the critic foresees, and the ceiling that the noise of training sets."""
    from esper_tui.bench.foresight import bench_foresight
    from esper_tui.runtime.presets import resolve

    bench_foresight(typer.echo, policy, resolve(preset, overrides).config, episodes)


@app.command()
def share(
    preset: Annotated[str, typer.Option(help="Learning preset that is played.")] = "learn_quickstart",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds after the first one.")] = 4,
    overrides: Set = None,
) -> None:
    """How much of a learning run's wall time goes to Tamiyo and not to the networks."""
    from esper_tui.bench.share import bench_share

    bench_share(typer.echo, preset, overrides or [], rounds)


@app.command()
def ui(
    windows: Windows = 31,
    keys: Annotated[int, typer.Option(min=20, help="Keys that are pressed while a run trains.")] = 100,
) -> None:
    """What the screen costs training, how soon it answers and starts, how much it writes."""
    from esper_tui.bench.ui import bench_ui

    bench_ui(typer.echo, windows, keys)


@app.command()
def arms(windows: Windows = 31) -> None:
    """Six arms of eight seeds in one stacked engine against the same networks one by one."""
    from esper_tui.bench.arms import bench_arms

    bench_arms(typer.echo, windows)


PresetOption = Annotated[str, typer.Option("--preset", help="Preset whose task is played.")]
Pairs = Annotated[int, typer.Option("--pairs", min=3, help="Paired seeds.")]


@app.command()
def insertion(preset: PresetOption = "quickstart", pairs: Pairs = 8, overrides: Set = None) -> None:
    """Accuracy right before and after planting and every tick of a ramp, on the same weights, per blueprint."""
    from esper_tui.bench.insertion import bench_insertion

    bench_insertion(typer.echo, preset, overrides or [], pairs)


@app.command()
def incubation(preset: PresetOption = "quickstart", pairs: Pairs = 8, overrides: Set = None) -> None:
    """Gain, dependence and gradients of seeds that incubate for 0, 1, 2 and 5 epochs."""
    from esper_tui.bench.incubation import bench_incubation

    bench_incubation(typer.echo, preset, overrides or [], pairs)


@app.command()
def faults(
    parts: Annotated[
        list[str] | None, typer.Argument(help="kills, writes, signals, poison, fuzz, cost, growth; without any, all.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few of each, in minutes; too few for the figures.")] = False,
    kills: Annotated[int, typer.Option("-n", "--kills", min=1, help="Runs to kill, and writes to cut short.")] = 50,
    inputs: Annotated[int, typer.Option(min=100, help="Broken files and messages.")] = 10_000,
    pairs: Annotated[int, typer.Option(min=6, help="Neighbouring epochs with and without a checkpoint.")] = 30,
    epochs: Annotated[int, typer.Option(min=40, help="Length of the run whose memory is watched.")] = 1000,
    cycles: Annotated[int, typer.Option(min=8, help="Attachments to it.")] = 100,
) -> None:
    """What becomes of a run when processes die, signals come, networks go wrong and files break."""
    from esper_tui.bench.faults import PARTS, QUICK, Effort, bench_faults
    from esper_tui.leyline.errors import UsageError
    from esper_tui.runtime.presets import nearest

    for name in parts or []:
        if name not in PARTS:
            raise UsageError(f"there is no part {name!r}{nearest(name, list(PARTS))}; choose from {', '.join(PARTS)}")
    effort = QUICK if quick else Effort(kills, inputs, pairs, epochs, cycles)
    bench_faults(typer.echo, parts or list(PARTS), effort)


@app.command()
def growth(
    tasks: Annotated[
        list[str] | None, typer.Argument(help="procedural, cifar10, cifar10_blind; without any, all.")
    ] = None,
    pairs: Annotated[int, typer.Option(min=3, help="Paired seeds.")] = 8,
    histories: Annotated[int, typer.Option(min=0, help="Simulated histories of null seeds; 0 leaves them out.")] = 200,
    overrides: Set = None,
) -> None:
    """What the heuristic buys against control twins; how often a seed that does nothing is kept."""
    from esper_tui.bench.growth import TASKS, bench_growth
    from esper_tui.bench.null_seeds import bench_null_seeds
    from esper_tui.leyline.errors import UsageError
    from esper_tui.runtime.presets import nearest

    for name in tasks or []:
        if name not in TASKS:
            raise UsageError(f"there is no task {name!r}{nearest(name, list(TASKS))}; choose from {', '.join(TASKS)}")
    for word in overrides or []:
        if word.partition("=")[0].strip() in ("run.envs", "optim.lr", "reward.control"):
            raise UsageError(f"--set {word}: --pairs, the sweep and the twins of this bench decide about it")
    bench_growth(typer.echo, tasks or list(TASKS), pairs, overrides or [])
    if histories:
        bench_null_seeds(typer.echo, histories, replicas=16)
