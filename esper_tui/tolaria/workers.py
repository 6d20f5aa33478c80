"""Runs the chunks of an epoch: over Python threads on a CPU, one after the other on a GPU."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Result = TypeVar("Result")


class Workers:
    """A small pool.  Every thread computes single-threaded: OpenMP's barriers cost far more than they give when
    anything else wants a core, and sums over several threads would not be reproducible."""

    def __init__(self, threads: int):
        self.threads = threads
        torch.set_num_threads(1)
        self.pool = ThreadPoolExecutor(threads, "chunk", initializer=self._start) if threads > 1 else None

    @staticmethod
    def _start() -> None:
        torch.set_num_threads(1)

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
