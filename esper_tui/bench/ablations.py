"""``esper bench ablations``: eight ablation subsets in one sweep against eight passes, written in two ways."""

import time
from collections.abc import Callable
from itertools import product
from statistics import median

import torch
from torch import Tensor

from esper_tui.bench.engine import bench_shape
from esper_tui.bench.timing import Target, interleave, judge, machine
from esper_tui.kasmina.layers import set_statistics
from esper_tui.kasmina.network import fresh_weights
from esper_tui.leyline.choices import Form
from esper_tui.tolaria.chunk import Chunk, Kind
from esper_tui.tolaria.operations import OperationCounter
from esper_tui.tolaria.probe import host_width, synthetic
from esper_tui.tolaria.sweep import Sweep, Variant
from esper_tui.tolaria.workers import keep_freed_memory, prepare_thread

ROWS, BATCH = 2, 128
BLUEPRINTS = ("ATTENTION", "DEPTHWISE", "CONV_LIGHT")
SWEEP, SKIPPING, MASKED = "sweep", "skipping", "masked"
Subset = tuple[float, ...]
"""Alphas of one ablation subset, one per slot: 1 or 0."""
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


def seconds_of(sweeps: list[Sweep], images: Tensor) -> float:
    began = time.perf_counter()
    with torch.no_grad():
        for sweep in sweeps:
            sweep.run(images.repeat(1, len(sweep.entry), 1, 1).contiguous(memory_format=torch.channels_last))
    return time.perf_counter() - began


def masked_seconds(chunk: Chunk, subsets: list[Subset], images: Tensor) -> float:
    """Passes in which every seed is computed and an alpha of 0 is multiplied in; setting alphas is not timed."""
    seconds = 0.0
    for subset in subsets:
        for row, slot in product(range(ROWS), range(len(subset))):
            chunk.set_alpha((row, slot), subset[slot])
        began = time.perf_counter()
        with torch.no_grad():
            chunk.forward(images.repeat(1, ROWS, 1, 1).contiguous(memory_format=torch.channels_last))
        seconds += time.perf_counter() - began
    return seconds


def eight_subsets(slots: tuple[str, ...], kind: Kind) -> dict[str, Callable[[], float]]:
    """All subsets of three seeds: in one sweep, and one pass each in two ways."""
    chunk, subsets = seeded_chunk(slots, kind), list(product((1.0, 0.0), repeat=3))
    set_statistics(chunk.host.module, "batch")
    images, _ = synthetic(chunk.shape, 1, BATCH)
    whole = [Sweep(chunk, [Variant(row, subset) for row in range(ROWS) for subset in subsets]).load("average")]
    separate = [Sweep(chunk, [Variant(row, subset) for row in range(ROWS)]).load("average") for subset in subsets]
    return {
        SWEEP: lambda: seconds_of(whole, images),
        SKIPPING: lambda: seconds_of(separate, images),
        MASKED: lambda: masked_seconds(chunk, subsets, images),
    }


def operations(case: Callable[[], object]) -> int:
    """Floating-point operations of convolutions and matrix products."""
    with OperationCounter() as counter:
        case()
    return counter.total


def bench_ablations(say: Callable[[str], None], windows: int) -> None:
    say(machine())
    keep_freed_memory()
    prepare_thread()
    say(f"\n{ROWS} networks, three seeds each, {BATCH} images of 32x32, one thread; one sweep against eight passes.")
    say("Judged: passes that leave out the seeds that are off.  Beside it: passes that compute every seed and multiply")
    say("by alpha.  'arithmetic': the ratio of multiply-adds in convolutions and matrix products, a bound where they")
    say("are most of the work.")
    for where, slots in PLACES.items():
        for blueprint in BLUEPRINTS:
            _bench_place(say, windows, f"{blueprint:<11} {where:<17}", eight_subsets(slots, (blueprint, Form.ADD)))


def _bench_place(say: Callable[[str], None], windows: int, what: str, cases: dict[str, Callable[[], float]]) -> None:
    counted = {name: operations(case) for name, case in cases.items()}
    times = interleave(cases, windows)
    spent = "  ".join(f"{name} {median(seconds) * 1e3:.1f} ms" for name, seconds in times.items())
    say(f"\n  {what} {spent}")
    for rival in (SKIPPING, MASKED):
        verdict = judge(times, Target("", SWEEP, rival, 3.0, 4.0))
        text = verdict.text() if rival == SKIPPING else verdict.measured()
        say(f"    against {rival:<9} arithmetic {counted[rival] / counted[SWEEP]:.2f}x  measured {text}")
