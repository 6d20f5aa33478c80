"""``esper bench arms``: six arms of eight seeds in one stacked engine, against the same networks one by one."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch

from esper_tui.bench.engine import SLOTS, bench_shape
from esper_tui.bench.timing import Target, interleave, judge, machine, milliseconds
from esper_tui.kasmina.host import CnnSpec
from esper_tui.kasmina.network import fresh_weights
from esper_tui.leyline.choices import Form
from esper_tui.tolaria.chunk import Chunk, Shape
from esper_tui.tolaria.probe import PROBE_LR, PROBE_STEPS, cpu_count, host_width, probe, synthetic
from esper_tui.tolaria.training import Training
from esper_tui.tolaria.workers import Workers, keep_freed_memory, split_rows

SEEDS, BATCH = 8, 128
SPEC = CnnSpec(blocks=3, channels=8, kernel=3, pools=3, image_size=16)


@dataclass(frozen=True)
class Life:
    """What lives in the slots of an arm's networks: slot index → blueprint, blended in or incubating."""

    name: str
    blended: dict[int, str]
    incubating: dict[int, str]


LIVES = (
    Life("host alone", {}, {}),
    Life("final network from scratch", {1: "CONV_LIGHT"}, {}),
    Life("all slots filled", {0: "CONV_LIGHT", 1: "CONV_HEAVY", 2: "CONV_LIGHT"}, {}),
    Life("random, a seed incubates", {}, {0: "BOTTLENECK"}),
    Life("heuristic, a seed is blended in", {1: "CONV_HEAVY"}, {}),
    Life("schedule, a second seed incubates", {1: "CONV_LIGHT"}, {2: "DEPTHWISE"}),
)


def trained(shape: Shape, lives: Sequence[Life]) -> Training:
    """A chunk with a row per entry, ready to take steps."""
    start = torch.randn(len(lives), host_width(shape), generator=torch.Generator().manual_seed(0)) * 0.05
    chunk = Chunk(shape, start)
    for row, life in enumerate(lives):
        for slot, blueprint in [*life.blended.items(), *life.incubating.items()]:
            kind = (blueprint, Form.ADD)
            weights = fresh_weights(shape.seed_build(slot, kind)(1), torch.Generator().manual_seed(row))
            chunk.plant((row, slot), kind, weights)
            if slot in life.incubating:
                chunk.incubate((row, slot))
            else:
                chunk.graft((row, slot))
                chunk.set_alpha((row, slot), 1.0)
    return Training(chunk)


class Case:
    """Some chunks and their images; ``seconds`` of a training step of all of them."""

    def __init__(self, shape: Shape, lives: Sequence[Life], spans: Sequence[range]):
        self.work = [
            (trained(shape, [lives[i] for i in span]), *synthetic(shape, len(span), BATCH))
            for span in spans
        ]  # fmt: skip

    @staticmethod
    def step(item: tuple[Training, torch.Tensor, torch.Tensor]) -> None:
        training, images, labels = item
        for _ in range(PROBE_STEPS):
            training.step(images, labels, PROBE_LR)

    def seconds(self, run: Callable[[], object]) -> float:
        began = time.perf_counter()
        run()
        return (time.perf_counter() - began) / PROBE_STEPS


Timed = Callable[[], float]


def rivals(shape: Shape, lives: Sequence[Life], default_threads: int) -> dict[str, Timed]:
    """One network after the other: with torch's own threads, and as many at a time as there are cores."""
    lone = replace(shape, place=replace(shape.place, min_rows=1))  # nothing is padded where nobody compares bits
    single, pool = Case(lone, lives, [range(i, i + 1) for i in range(len(lives))]), ThreadPoolExecutor(cpu_count())

    def one_by_one() -> float:
        torch.set_num_threads(default_threads)
        return single.seconds(lambda: [Case.step(item) for item in single.work])

    def sharded() -> float:
        torch.set_num_threads(1)
        return single.seconds(lambda: list(pool.map(Case.step, single.work)))

    return {"one by one, torch's default threads": one_by_one, "one by one, a thread each": sharded}


def bench_arms(say: Callable[[str], None], windows: int) -> None:
    """Prints medians and the ratios to both ways of training one network after the other."""
    say(machine())
    default_threads = torch.get_num_threads()
    keep_freed_memory()
    lives = [life for life in LIVES for _ in range(SEEDS)]
    shape = bench_shape(SPEC, SLOTS)
    chunk, threads, _ = probe(shape, len(lives), BATCH, 0, 0)
    stacked, workers = Case(shape, lives, split_rows(len(lives), chunk, threads)), Workers(threads)

    def together() -> float:
        torch.set_num_threads(1)
        return stacked.seconds(lambda: workers.map(Case.step, stacked.work))

    cases = rivals(shape, lives, default_threads) | {"stacked": together}
    size = f"batch {BATCH}, {SPEC.image_size}x{SPEC.image_size}; chunks of {chunk}, {threads} threads"
    say(f"\n{len(LIVES)} arms x {SEEDS} seeds, {size}")
    times = interleave(cases, windows)
    workers.close()
    for line in milliseconds(times):
        say(line)
    ordinary, sharded = list(cases)[:2]
    say(f"against one by one        {judge(times, Target('', 'stacked', ordinary, 1.5, 2.0)).text()}")
    say(f"against a thread each     {judge(times, Target('', 'stacked', sharded, 1.0, 1.0)).measured()}")
