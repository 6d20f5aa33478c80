"""How much memory a run needs, by its configuration, and what to change where there is less."""

import contextlib
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import torch

from esper_tui.kasmina.host import build_segments, spec_of
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import OutOfMemory
from esper_tui.tolaria.probe import EngineChoice, pick_device
from esper_tui.tolaria.stack import count_params

PROCESS_BYTES = 650 * 2**20
"""Interpreter and torch, before anything is computed; measured."""
LIVE_ACTIVATIONS = 6.0
"""Tensors of a block's size that a training step keeps for the backward pass."""
ROW_COPIES = 8
"""Weights of a row: weight, average, momentum, gradient, and as many again for the governor and a checkpoint."""
CGROUP = Path("/sys/fs/cgroup/memory.max")
WAYS_OUT = "run.envs", "optim.batch", "engine.chunk"


@dataclass(frozen=True)
class Memory:
    """Bytes of the process, and of the device it computes on (0 where that is the CPU)."""

    process: int
    device: int

    def told(self) -> str:
        on_device = f", {_gib(self.device)} on the device" if self.device else ""
        return f"about {_gib(self.process)}{on_device}"


def memory_of(config: RunConfig, choice: EngineChoice) -> Memory:
    """What a run will take; good to a factor of two."""
    width = count_params(partial(build_segments, spec_of(config), config.growth.slots))
    tensors = choice.threads * _activation_bytes(config, min(choice.chunk, config.rows))
    images = (config.data.train_images + config.data.val_images) * 3 * config.data.image_size**2
    computing = tensors + images * 2 + config.rows * width * 4 * ROW_COPIES
    on_gpu = choice.device.startswith("cuda")
    return Memory(PROCESS_BYTES + (0 if on_gpu else computing), computing if on_gpu else 0)


def _activation_bytes(config: RunConfig, rows: int) -> int:
    """Activations that one training step of a chunk keeps, in bytes."""
    host, size = config.host, config.data.image_size
    per_image = sum(host.channels * 2**i * (size >> min(i, host.pools)) ** 2 for i in range(host.blocks))
    width = 8 if config.engine.dtype == "float64" else 4
    return math.ceil(rows * config.optim.batch * per_image * LIVE_ACTIVATIONS * width)


def memory_limit() -> int:
    """Bytes that this process may ever have: those of the machine, or of its control group."""
    whole = psutil.virtual_memory().total
    with contextlib.suppress(OSError, ValueError):  # no control group, or one without a limit ("max")
        return min(whole, int(CGROUP.read_text()))
    return whole


def device_limit(device: str) -> int:
    """Bytes of a CUDA device."""
    return torch.cuda.get_device_properties(torch.device(device)).total_memory


def check_memory(config: RunConfig, choice: EngineChoice) -> str:
    """A warning where a run may not find the memory it needs now; empty where it will.

    Raises:
        OutOfMemory: where it cannot find it however little else runs.
    """
    need = memory_of(config, choice)
    limits = [(need.process, memory_limit(), "this machine")]
    if need.device:
        limits.append((need.device, device_limit(choice.device), choice.device))
    for wanted, whole, where in limits:
        if wanted > whole:
            raise OutOfMemory(f"the run needs about {_gib(wanted)}, {where} has {_gib(whole)}; {ways_out(config)}")
    free = psutil.virtual_memory().available
    if need.process > free:
        return f"the run needs about {_gib(need.process)} of memory and {_gib(free)} are free; {ways_out(config)}"
    return ""


def refuse_hopeless(config: RunConfig) -> None:
    """Raises ``OutOfMemory`` where the smallest engine would not fit; before anything is loaded or probed."""
    engine = config.engine
    least = EngineChoice(str(pick_device(engine.device)), engine.chunk or 1, engine.threads or 1, "", engine.dtype, "")
    check_memory(config, least)


def memory_advice(config: RunConfig, choice: EngineChoice) -> str:
    """For whoever ran out of it: the estimate, what is free now, and what to change."""
    free = psutil.virtual_memory().available
    return f"the estimate was {memory_of(config, choice).told()}, {_gib(free)} are free now; {ways_out(config)}"


def ways_out(config: RunConfig) -> str:
    """What to lower, with the values that are set."""
    set_to = {name: getattr(getattr(config, name.split(".")[0]), name.split(".")[1]) for name in WAYS_OUT}
    text = ", ".join(f"{name} ({value or 'auto'})" for name, value in set_to.items())
    return f"lower {text}" + (", or set reward.control = none" if config.twins else "")


def _gib(count: float) -> str:
    return f"{count / 2**30:.1f} GiB"
