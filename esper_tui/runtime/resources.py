"""What the process and its machine have left; sampled at most once a second."""

import shutil
import threading
import time
from pathlib import Path

import psutil

from esper_tui.leyline.session import Resources

EVERY_S = 1.0


class Sampler:
    """Latest readings.  A reading that is not to be had is left out, never guessed."""

    def __init__(self, folder: Path | None):
        self.folder, self.process = folder, psutil.Process()
        self.lock, self.taken, self.latest = threading.Lock(), -EVERY_S, Resources()
        self.process.cpu_percent()

    def read(self) -> Resources:
        with self.lock:
            if time.monotonic() - self.taken >= EVERY_S:
                self.latest, self.taken = self._sample(), time.monotonic()
            return self.latest

    def _sample(self) -> Resources:
        disk = shutil.disk_usage(self.folder).free if self.folder is not None and self.folder.exists() else 0
        return Resources(
            self.process.cpu_percent(), self.process.memory_info().rss, psutil.virtual_memory().available, disk,
            _devices(),
        )  # fmt: skip


def _devices() -> tuple[str, ...]:
    """A line per CUDA device: use, memory, power, temperature, from NVML; nothing where there is no driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    lines = []
    for index in range(pynvml.nvmlDeviceGetCount()):
        device = pynvml.nvmlDeviceGetHandleByIndex(index)
        memory = pynvml.nvmlDeviceGetMemoryInfo(device)
        use = pynvml.nvmlDeviceGetUtilizationRates(device).gpu
        lines.append(f"cuda:{index} {use}% {memory.used / 2**30:.1f}/{memory.total / 2**30:.0f}G")
    return tuple(lines)
