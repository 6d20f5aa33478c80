"""``esper bench engine``: N stacked networks against a loop over the same networks."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median

import torch

from esper_tui.bench.rivals import PlainLoop, ShardedLoop
from esper_tui.bench.timing import Target, interleave, judge, machine, milliseconds
from esper_tui.kasmina.host import CnnSpec
from esper_tui.tolaria.bank import Recipe
from esper_tui.tolaria.chunk import Shape
from esper_tui.tolaria.probe import Candidate, cpu_count, format_of, least_rows, probe
from esper_tui.tolaria.stack import Placement
from esper_tui.tolaria.workers import keep_freed_memory

SPEC = CnnSpec(blocks=3, channels=8, kernel=3, pools=3, image_size=32)
SLOTS = ("r0c0", "r0c1", "r0c2")


def bench_shape(spec: CnnSpec = SPEC, slots: tuple[str, ...] = SLOTS, device: str = "cpu") -> Shape:
    where = torch.device(device)
    layout = format_of("auto", where)
    recipe = Recipe("sgd", 0.9, 5e-4, clip=5.0, average_steps=16)
    return Shape(
        spec, slots, Placement(where, torch.float32, layout, least_rows(where, layout, torch.float32)), recipe, recipe
    )


def bench_engine(say: Callable[[str], None], windows: int, count: int, batch: int) -> None:
    """Prints medians and ratios: the usual load, and the launch-bound one."""
    say(machine())
    torch_threads = torch.get_num_threads()
    keep_freed_memory()  # for the rivals too
    shape, threads = bench_shape(), cpu_count()
    chunk, used, _ = probe(shape, count, batch, 0, 0)
    torch.set_num_threads(torch_threads)
    say(
        f"\nN={count}, batch {batch}, 32x32, host 8-16-32; engine: chunks of {chunk}, {used} threads, averaged weights,"
    )
    say("clipping and per-network metrics on; no controls; the loops have none of these")
    stacked = Candidate(shape, count, chunk, used, batch)
    torch.set_num_threads(torch_threads)
    cases = {
        "loop, torch's default threads": PlainLoop(SPEC, count, batch).seconds,
        "loop, channels_last, one thread per shard": ShardedLoop(SPEC, count, batch, threads).seconds,
        "stacked": stacked.seconds,
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
    """Tiny batches: what a step costs beside arithmetic.  The smaller the images, the less arithmetic is left."""
    count, batch = 8, 8
    say(f"\nlaunch-bound: N={count}, batch {batch}, by image size")
    for size in (8, 16, 32):
        spec = replace(SPEC, image_size=size)
        shape = bench_shape(spec)
        chunk, used, _ = probe(shape, count, batch, 0, 0)
        stacked = Candidate(shape, count, chunk, used, batch)
        torch.set_num_threads(torch_threads)
        times = interleave(
            {"loop": PlainLoop(spec, count, batch).seconds, "stacked": stacked.seconds}, windows, warmup=5
        )
        verdict = judge(times, Target("", "stacked", "loop", 4.0, 6.0))
        what = f"{size}x{size}, chunks of {chunk}, {used} threads"
        say(
            f"{what:<32} {median(times['loop']) * 1e3:6.2f} ms -> {median(times['stacked']) * 1e3:5.2f} ms  "
            f"{verdict.text()}"
        )
