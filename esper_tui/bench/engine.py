"""``esper bench engine``: N stacked networks against a loop over the same networks."""

from collections.abc import Callable

import torch

from esper_tui.bench.rivals import PlainLoop, ShardedLoop
from esper_tui.bench.timing import Target, interleave, judge, machine, milliseconds
from esper_tui.kasmina.host import CnnSpec
from esper_tui.tolaria.bank import Recipe
from esper_tui.tolaria.chunk import Chunk, Shape
from esper_tui.tolaria.engine import split_rows
from esper_tui.tolaria.probe import cpu_count, format_of, host_width, least_rows, probe, synthetic
from esper_tui.tolaria.stack import Placement
from esper_tui.tolaria.training import Training
from esper_tui.tolaria.workers import Workers

SPEC = CnnSpec(blocks=3, channels=8, kernel=3, pools=3, image_size=32)
SLOTS = ("r0c0", "r0c1", "r0c2")


def bench_shape(spec: CnnSpec = SPEC, slots: tuple[str, ...] = SLOTS, device: str = "cpu") -> Shape:
    where = torch.device(device)
    layout = format_of("auto", where)
    recipe = Recipe("sgd", 0.9, 5e-4, clip=5.0, average_steps=16)
    return Shape(spec, slots, Placement(where, torch.float32, layout, least_rows(where, layout, torch.float32)), recipe, recipe)


class StackedNetworks:
    """N networks in chunks, with averaged weights, clipping and per-network metrics; one step of all."""

    def __init__(self, shape: Shape, count: int, batch: int, chunk: int, threads: int):
        self.workers = Workers(threads)
        g = torch.Generator().manual_seed(0)
        spans = [len(span) for span in split_rows(count, chunk, threads)]
        starts = [torch.randn(rows, host_width(shape), generator=g) * 0.05 for rows in spans]
        self.work = [(Training(Chunk(shape, start)), synthetic(shape, len(start), batch)) for start in starts]

    def step(self) -> None:
        self.workers.map(self._run, self.work)

    @staticmethod
    def _run(item) -> None:
        training, (images, labels) = item
        training.step(images, labels, 0.05)


def bench_engine(say: Callable[[str], None], windows: int, count: int, batch: int) -> None:
    """Prints medians and ratios: the usual load, and the launch-bound one."""
    say(machine())
    torch_threads = torch.get_num_threads()
    shape, threads = bench_shape(), cpu_count()
    chunk, used, _ = probe(shape, count, batch, 0, 0)
    torch.set_num_threads(torch_threads)
    say(f"\nN={count}, batch {batch}, 32x32, host 8-16-32; engine: chunks of {chunk}, {used} threads, averaged weights,")
    say("clipping and per-network metrics on; no controls; the loops have none of these")
    stacked = StackedNetworks(shape, count, batch, chunk, used)
    torch.set_num_threads(torch_threads)
    cases = {
        "loop, torch's default threads": PlainLoop(SPEC, count, batch).step,
        "loop, channels_last, one thread per shard": ShardedLoop(SPEC, count, batch, threads).step,
        "stacked": stacked.step,
    }
    times = interleave(cases, windows)
    for line in milliseconds(times):
        say(line)
    for target in (
        Target("against the loop", "stacked", "loop, torch's default threads", 1.4, 1.75),
        Target("against the best loop", "stacked", "loop, channels_last, one thread per shard", 0.95, 1.05),
    ):
        say(f"{target.what:<24} {judge(times, target).text()}")
    _bench_launches(say, windows, torch_threads)


def _bench_launches(say: Callable[[str], None], windows: int, torch_threads: int) -> None:
    count, batch = 8, 8
    shape = bench_shape()
    chunk, used, _ = probe(shape, count, batch, 0, 0)
    torch.set_num_threads(torch_threads)
    say(f"\nlaunch-bound: N={count}, batch {batch}; engine: chunks of {chunk}, {used} threads")
    stacked = StackedNetworks(shape, count, batch, chunk, used)
    torch.set_num_threads(torch_threads)
    times = interleave({"loop": PlainLoop(SPEC, count, batch).step, "stacked": stacked.step}, windows, warmup=5)
    for line in milliseconds(times):
        say(line)
    say(f"{'against the loop':<24} {judge(times, Target('', 'stacked', 'loop', 4.0, 6.0)).text()}")
