"""``esper bench data``: how fast the procedural images are drawn, and how much headroom the task has."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from esper_tui.bench.timing import machine
from esper_tui.data import procedural
from esper_tui.data.images import Splits
from esper_tui.data.load import load_splits
from esper_tui.evidence.stats import mean_interval
from esper_tui.leyline.config import RunConfig
from esper_tui.runtime.build import Parts, build_parts
from esper_tui.runtime.delivery import score
from esper_tui.runtime.seeding import generator, grow_instances


@dataclass(frozen=True)
class HostKind:
    """A host to be tried, as overrides of ``[host]``."""

    name: str
    host: dict[str, int]


HOSTS = (
    HostKind("blind host (1x1 kernels)", {"kernel": 1}),
    HostKind("small host 8-16-32", {}),
    HostKind("twice as wide 16-32-64", {"channels": 16}),
    HostKind("large host 32-64-128", {"channels": 32}),
)


def bench_data(say: Callable[[str], None], seeds: int, epochs: int) -> None:
    """Prints drawing speed, then the test accuracy of hosts of four sizes that are never grown."""
    say(machine())
    began = time.perf_counter()
    procedural.draw(4000, 16, generator("bench"))
    say(f"\n4,000 images of 16x16 drawn in {time.perf_counter() - began:.2f} s")
    say(f"\nhosts alone, test accuracy, mean and 95 % interval over {seeds} seeds, {epochs} epochs of 2,000 images")
    splits = load_splits(host_config({}, seeds, epochs).data, generator)
    for kind in HOSTS:
        config = host_config(kind.host, seeds, epochs)
        began = time.perf_counter()
        parts = train_hosts(config, splits)
        found = [100 * a for a in test_accuracies(parts)]
        interval = mean_interval(found)
        assert interval is not None
        seconds = time.perf_counter() - began
        text = f"{interval.value:5.1f} % [{interval.low:.1f}, {interval.high:.1f}]"
        say(f"  {kind.name:<28} {parts.host_params:>8,} parameters  {text}  {seconds:.0f} s")


def host_config(host: dict[str, int], seeds: int, epochs: int) -> RunConfig:
    return RunConfig.model_validate(
        {
            "run": {"envs": seeds, "epochs": epochs},
            "host": host,
            "reward": {"control": "none"},
            "tamiyo": {"policy": "wait"},
        }
    )


def train_hosts(config: RunConfig, splits: Splits) -> Parts:
    """Trains hosts to the end of an episode, without seeds and without measuring on the way."""
    parts = build_parts(config, splits)
    parts.engine.reset(grow_instances(config.run.seed, config.run.envs))
    for epoch in range(1, config.run.epochs + 1):
        parts.engine.train_epoch(epoch)
    return parts


def test_accuracies(parts: Parts) -> list[float]:
    """Test accuracy of every delivered network; closes the engine."""
    batches = parts.source.measuring(parts.splits.test)
    found = [score(parts.engine.deliver(env), batches).acc for env in range(len(parts.engine.envs))]
    parts.engine.close()
    return found
