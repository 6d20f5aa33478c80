"""What the process and its machine have left; sampled at most once a second."""

import contextlib
import shutil
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pynvml

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


@cache
def _nvml() -> int:
    """How many CUDA devices the driver knows; 0 where there is none.  Asked once."""
    try:
        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError:
        return 0


def _devices() -> tuple[str, ...]:
    """A line per CUDA device: what it says of use, memory, power and temperature."""
    return tuple(_device(index) for index in range(_nvml()))


def _device(index: int) -> str:
    parts = [f"cuda:{index}"]
    for read in (_use, _memory, _power, _temperature):
        with contextlib.suppress(pynvml.NVMLError):  # not every device has every reading
            parts.append(read(pynvml.nvmlDeviceGetHandleByIndex(index)))
    return " ".join(parts)


def _use(device: Any) -> str:
    return f"{pynvml.nvmlDeviceGetUtilizationRates(device).gpu}%"


def _memory(device: Any) -> str:
    memory = pynvml.nvmlDeviceGetMemoryInfo(device)
    return f"{memory.used / 2**30:.1f}/{memory.total / 2**30:.0f}G"


def _power(device: Any) -> str:
    return f"{pynvml.nvmlDeviceGetPowerUsage(device) / 1000:.0f}W"


def _temperature(device: Any) -> str:
    return f"{pynvml.nvmlDeviceGetTemperature(device, pynvml.NVML_TEMPERATURE_GPU)}C"
