"""What a run will cost: time from measured steps, memory, disk and log size from the configuration."""

import json as jsonlib
import math
import shutil
from dataclasses import asdict, dataclass

import psutil

from esper_tui.data.catalogue import is_missing, missing_message
from esper_tui.leyline.config import RunConfig
from esper_tui.runtime.build import build_shape
from esper_tui.runtime.memory import memory_of
from esper_tui.runtime.probe_cache import cached_step_seconds, choose_engine
from esper_tui.runtime.runs import runs_folder
from esper_tui.tolaria.cost import segment_costs
from esper_tui.tolaria.stack import count_params

SEED_OVERHEAD = 1.45
"""Living seeds, shadow passes and ablations, relative to training hosts alone; measured on the quickstart."""
VALIDATION = 1.0 / 3.0
"""A forward pass relative to a training step, per image."""
BYTES_PER_SLOT_EPOCH, BYTES_PER_ENV_EPOCH = 60, 190
"""Bytes of the log per epoch, measured."""
ROW_STATE, GROWN = 4.6, 1.5
"""What a checkpoint keeps of a network, in units of its weights, measured; how much larger it is with seeds in it."""
MEASURED_BYTES = 30
"""What a checkpoint keeps for a validation image of an environment, measured: losses of both and windows of gain."""


@dataclass(frozen=True)
class Estimate:
    """Seconds and bytes."""

    seconds: float
    memory: int
    device_memory: int
    disk: int
    log: int
    checkpoints: int
    artefacts: int
    networks: int
    host_params: int


def measure_estimate(config: RunConfig) -> Estimate:
    """Probes the machine (a few seconds the first time) and extrapolates."""
    shape = build_shape(config)
    choice = choose_engine(shape, config)
    step = cached_step_seconds(shape, config) or 0.0
    epoch = step * config.steps_per_epoch * SEED_OVERHEAD
    epoch += step * config.data.val_images / config.optim.batch * VALIDATION
    width, memory = count_params(shape.host_build()), memory_of(config, choice)
    log = (
        config.run.rounds
        * config.run.epochs
        * config.run.envs
        * (BYTES_PER_ENV_EPOCH + len(config.growth.slots) * BYTES_PER_SLOT_EPOCH)
    )
    kept = checkpoint_bytes(config, width) * (config.checkpoint.keep + 2)  # the best one, and the one being written
    networks = int((config.run.rounds + config.run.envs) * width * 4 * GROWN)
    return Estimate(
        epoch * config.run.epochs * _rounds(config), memory.process, memory.device,
        log + kept + networks + 20_000, log, kept, networks, config.rows, width,
    )  # fmt: skip


def checkpoint_bytes(config: RunConfig, width: int) -> int:
    """Size of one checkpoint of networks of ``width`` parameters; good to a factor of two."""
    rows = config.rows * width * 4 * ROW_STATE * GROWN
    return int(rows + config.run.envs * config.data.val_images * MEASURED_BYTES)


def _rounds(config: RunConfig) -> int:
    """Rounds that are played, those of the controls of a pool included."""
    controls = math.ceil(config.run.instances / config.run.envs) if config.run.mode == "learn" else 0
    return config.run.rounds + controls


def estimate(config: RunConfig, json: bool) -> str:
    """The estimate as text or JSON."""
    found = measure_estimate(config)
    if json:
        return jsonlib.dumps(asdict(found), indent=1)
    available = psutil.virtual_memory().available
    shape = build_shape(config)
    costs = sum(segment_costs(shape.spec, shape.slots))
    lines = [
        f"networks  {found.networks} of {found.host_params:,} parameters ({config.run.envs} environments, "
        f"control {config.reward.control}), {costs / 1e6:.2f} M multiply-adds per image",
        f"time      about {_duration(found.seconds)}: {_rounds(config) * config.run.epochs} epochs of "
        f"{config.images_per_epoch:,} images",
        f"memory    about {found.memory / 2**30:.1f} GiB of {available / 2**30:.1f} GiB free"
        + (f", {found.device_memory / 2**30:.1f} GiB on the device" if found.device_memory else ""),
        f"disk      about {_mib(found.disk)} of {_mib(_disk_free())} free: log {_mib(found.log)}, at most "
        f"{config.checkpoint.keep + 2} checkpoints {_mib(found.checkpoints)}, networks {_mib(found.artefacts)}",
    ]
    if is_missing(config.data.name):
        lines.append(f"data      {missing_message(config.data.name)}")
    return "\n".join(lines)


def _mib(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count < 2**30 else f"{count / 2**30:.1f} GiB"


def _disk_free() -> int:
    """Bytes that are left where runs are written."""
    folder = runs_folder()
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    return shutil.disk_usage(there).free


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{minutes:.0f} min" if minutes < 90 else f"{hours:.1f} h"
