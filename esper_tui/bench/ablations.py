"""``esper bench ablations``: eight ablation subsets in one sweep against eight passes."""

import time
from collections.abc import Callable
from itertools import product
from statistics import median

import torch

from esper_tui.bench.engine import bench_shape
from esper_tui.bench.timing import Target, interleave, judge, machine
from esper_tui.kasmina.network import fresh_weights
from esper_tui.leyline.choices import Form
from esper_tui.tolaria.chunk import Chunk, Kind
from esper_tui.tolaria.probe import host_width, synthetic
from esper_tui.tolaria.sweep import Sweep, Variant
from esper_tui.tolaria.workers import keep_freed_memory, prepare_thread

ROWS, BATCH = 2, 128
BLUEPRINTS = ("ATTENTION", "DEPTHWISE", "CONV_LIGHT")
PLACES = {"after the pools": ("r1c0", "r1c1", "r1c2"), "before the pools": ("r0c0", "r0c1", "r0c2")}


def seeded_chunk(slots: tuple[str, ...], kind: Kind) -> Chunk:
    """Networks with a seed at full strength in every slot."""
    shape, g = bench_shape(slots=slots), torch.Generator().manual_seed(0)
    chunk = Chunk(shape, torch.randn(ROWS, host_width(shape), generator=g) * 0.05)
    for key in product(range(ROWS), range(len(shape.slots))):
        chunk.plant(key, kind, fresh_weights(shape.seed_build(key[1], kind)(1), g))
        chunk.graft(key)
        chunk.set_alpha(key, 1.0)
    return chunk


def timed(sweeps: list[Sweep], images: torch.Tensor) -> float:
    began = time.perf_counter()
    with torch.no_grad():
        for sweep in sweeps:
            sweep.run(images.repeat(1, len(sweep.entry), 1, 1).contiguous(memory_format=torch.channels_last))
    return time.perf_counter() - began


def bench_ablations(say: Callable[[str], None], windows: int) -> None:
    say(machine())
    keep_freed_memory()
    prepare_thread()
    say(
        f"\n{ROWS} networks, three seeds each, {BATCH} images of 32x32, one thread; subsets of one sweep against passes"
    )
    for where, slots in PLACES.items():
        for blueprint in BLUEPRINTS:
            times = interleave(eight_subsets(slots, (blueprint, Form.ADD)), windows)
            verdict = judge(times, Target("", "one sweep", "eight passes", 3.0, 4.0))
            passes, sweep = (median(times[name]) * 1e3 for name in ("eight passes", "one sweep"))
            say(f"  {blueprint:<11} {where:<17} {passes:6.1f} ms -> {sweep:5.1f} ms  {verdict.text()}")


def eight_subsets(slots: tuple[str, ...], kind: Kind) -> dict[str, Callable[[], float]]:
    """All subsets of three seeds, measured one pass each and in one sweep."""
    chunk = seeded_chunk(slots, kind)
    images, _ = synthetic(chunk.shape, 1, BATCH)
    subsets = list(product((1.0, 0.0), repeat=3))
    whole = [Sweep(chunk, [Variant(row, subset) for row in range(ROWS) for subset in subsets]).load("average")]
    separate = [Sweep(chunk, [Variant(row, subset) for row in range(ROWS)]).load("average") for subset in subsets]
    return {"eight passes": lambda: timed(separate, images), "one sweep": lambda: timed(whole, images)}
