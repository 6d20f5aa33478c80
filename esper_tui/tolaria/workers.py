"""Cuts rows into chunks, and runs the chunks: over Python threads on a CPU, one after the other on a GPU."""

import ctypes
import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import TypeVar

import torch

Result = TypeVar("Result")


def prepare_thread() -> None:
    """Settings of a thread that computes: no OpenMP beside it, and no denormals, which are many times slower."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


@cache
def keep_freed_memory() -> bool:
    """Asks glibc to keep freed memory and to use one heap for all threads; False where there is no glibc.

    By default tensors of some megabytes go back to the kernel when they are freed and come back as pages that must
    be zeroed again, and heaps of other threads than the first end at 64 MB.  Together that costs a fifth of a step.
    """
    mmap_threshold, trim_threshold, arena_max = -3, -1, -8  # names of mallopt(3)
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return all((mallopt(arena_max, 1), mallopt(mmap_threshold, 32 * 2**20 - 1), mallopt(trim_threshold, 2**30)))


class Workers:
    """A small pool.  Every thread computes single-threaded: OpenMP's barriers cost far more than they give when
    anything else wants a core, and sums over several threads would not be reproducible."""

    def __init__(self, threads: int):
        self.threads = threads
        keep_freed_memory()
        prepare_thread()
        self.pool = ThreadPoolExecutor(threads, "chunk", initializer=prepare_thread) if threads > 1 else None

    def map(self, task: Callable[..., Result], items: Iterable) -> list[Result]:
        """Results in the order of the items; the first exception is raised once all have ended."""
        if self.pool is None:
            return [task(item) for item in items]
        futures = [self.pool.submit(task, item) for item in items]
        errors = [e for e in (f.exception() for f in futures) if e is not None]
        if errors:
            raise errors[0]
        return [f.result() for f in futures]

    def close(self) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=True)


def split_rows(rows: int, chunk: int, threads: int) -> list[range]:
    """Row ranges of even size, at most ``chunk`` rows each, as many as fill the threads evenly."""
    count = math.ceil(rows / chunk)
    count = min(rows, math.ceil(count / threads) * threads)
    edges = [round(i * rows / count) for i in range(count + 1)]
    return [range(a, b) for a, b in pairwise(edges)]
