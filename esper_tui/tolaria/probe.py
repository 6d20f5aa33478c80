"""Which device, how many networks to a chunk, how many threads: measured once per machine and shape, then kept."""

import os
import time
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch

from esper_tui.leyline.errors import NoSuchDevice
from esper_tui.tolaria.chunk import Chunk, Shape
from esper_tui.tolaria.stack import count_params
from esper_tui.tolaria.training import Training
from esper_tui.tolaria.workers import Workers, split_rows

CHUNKS = (2, 4, 8, 16)
PROBE_WINDOWS, PROBE_STEPS, PROBE_LR = 7, 2, 1e-4


@dataclass(frozen=True)
class EngineChoice:
    """How a run computes.  Written to ``run.toml``; a resume uses it again.

    Attributes:
        isolation: exact if a row's bits were seen not to depend on its companions, else approximate.
    """

    device: str
    chunk: int
    threads: int
    memory_format: str
    dtype: str
    isolation: str

    def document(self) -> dict[str, Any]:
        return asdict(self)


def pick_device(wanted: str) -> torch.device:
    """The device of ``engine.device``.

    Raises:
        NoSuchDevice: for a CUDA device that is not there or does not work; the sentence says why.
    """
    if wanted == "cpu":
        return torch.device("cpu")
    problem = cuda_problem()
    if wanted == "auto":
        return torch.device("cpu") if problem else torch.device("cuda:0")
    if problem:
        raise NoSuchDevice(f"no CUDA device for engine.device = {wanted}: {problem}; use --device cpu")
    index = int(wanted.split(":")[1]) if ":" in wanted else 0
    if index >= torch.cuda.device_count():
        raise NoSuchDevice(
            f"{wanted} does not exist: {torch.cuda.device_count()} CUDA devices are here; use --device auto"
        )
    return torch.device("cuda", index)


def cuda_problem() -> str:
    """Why CUDA cannot be used; empty if it can."""
    if not torch.backends.cuda.is_built():
        return "this torch was built without CUDA"
    if not torch.cuda.is_available():
        return "torch sees no CUDA device or no working driver"
    try:
        torch.zeros(1, device="cuda") + 1
    except RuntimeError as error:
        return f"the device does not work ({str(error).splitlines()[0]})"
    return ""


def request_kernels(device: torch.device, deterministic: bool) -> None:
    """Asks CUDA for kernels that give the same bits in every run, or for the fastest; must precede the first product.

    For a few operations PyTorch has no such kernel; it warns of those it meets (``use_deterministic_algorithms``).
    """
    if device.type != "cuda":
        return
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    torch.backends.cudnn.deterministic = deterministic


def format_of(name: str, device: torch.device) -> torch.memory_format:
    """auto: channels_last on a CPU, where grouped convolutions are fastest in it; contiguous on a GPU."""
    if name == "auto":
        name = "channels_last" if device.type == "cpu" else "contiguous"
    return torch.channels_last if name == "channels_last" else torch.contiguous_format


def least_rows(device: torch.device, layout: torch.memory_format, dtype: torch.dtype) -> int:
    """Rows below which a group is padded: lone rows take other kernels, in NCHW pairs do as well."""
    if dtype == torch.float64:
        return 1
    return 2 if layout == torch.channels_last else 3


def cpu_count() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_per_core() -> float:
    """What was computed here during the last minute, this process included; 1 is all cores busy."""
    return os.getloadavg()[0] / cpu_count()


def synthetic(shape: Shape, rows: int, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images and labels of the right shape; values do not matter for speed."""
    place, size = shape.place, shape.spec.image_size
    g = torch.Generator().manual_seed(0)
    images = torch.randn(batch, rows * 3, size, size, generator=g).to(place.device, place.dtype)
    labels = torch.randint(0, shape.spec.classes, (batch, rows), generator=g).to(place.device)
    return images.contiguous(memory_format=place.memory_format), labels


class Candidate:
    """``rows`` networks in chunks over threads, ready to be timed."""

    def __init__(self, shape: Shape, rows: int, chunk: int, threads: int, batch: int):
        self.workers = Workers(threads)
        self.device = shape.place.device
        self.work = []
        for span in split_rows(rows, chunk, threads):
            start = torch.randn(len(span), host_width(shape), generator=torch.Generator().manual_seed(0)) * 0.05
            self.work.append((Training(Chunk(shape, start)), *synthetic(shape, len(span), batch)))

    def seconds(self) -> float:
        """Time of one training step of all rows; like an epoch, a chunk takes its steps one after the other."""
        began = time.perf_counter()
        self.workers.map(self._step, self.work)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return (time.perf_counter() - began) / PROBE_STEPS

    @staticmethod
    def _step(item: tuple[Training, torch.Tensor, torch.Tensor]) -> None:
        training, images, labels = item
        for _ in range(PROBE_STEPS):
            training.step(images, labels, PROBE_LR)


def host_width(shape: Shape) -> int:
    return count_params(shape.host_build())


def probe(shape: Shape, rows: int, batch: int, chunk: int, threads: int) -> tuple[int, int, float]:
    """The fastest (chunk, threads) for so many rows, and its seconds per step.  A value other than 0 is kept."""
    on_cpu = shape.place.device.type == "cpu"
    chunks = [chunk] if chunk else [min(c, rows) for c in CHUNKS] if on_cpu else [min(rows, 64), rows]
    many = [threads] if threads else sorted({1, cpu_count()}) if on_cpu else [1]
    candidates = {(c, t): Candidate(shape, rows, c, t, batch) for c in dict.fromkeys(chunks) for t in many}
    times: dict[tuple[int, int], list[float]] = {setting: [] for setting in candidates}
    for window in range(PROBE_WINDOWS):
        for setting, candidate in candidates.items():
            seconds = candidate.seconds()
            if window:  # the first one warms up
                times[setting].append(seconds)
    for candidate in candidates.values():
        candidate.workers.close()
    best = min(times, key=lambda setting: median(times[setting]))
    return *best, median(times[best])


@torch.no_grad()
def check_isolation(shape: Shape, batch: int) -> str:
    """Trains the same row among two and among five companions and compares bits: exact or approximate."""
    found = []
    for rows in (2, 3, 5):
        width = host_width(shape)
        start = torch.randn(5, width, generator=torch.Generator().manual_seed(1)) * 0.05
        chunk = Chunk(shape, start[:rows])
        images, labels = synthetic(shape, 5, batch)
        with torch.enable_grad():
            training = Training(chunk)
            for _ in range(2):
                training.step(
                    images[:, : rows * 3].contiguous(memory_format=shape.place.memory_format),
                    labels[:, :rows],
                    PROBE_LR,
                )
        found.append(chunk.bank.weight[1].cpu())
    return "exact" if all(torch.equal(found[0], other) for other in found) else "approximate"
