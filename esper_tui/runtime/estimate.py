"""What a run will cost: time from measured steps, memory, disk and log size from the configuration."""

import json as jsonlib
import math
from dataclasses import asdict, dataclass

import psutil

from esper_tui.data.catalogue import is_missing, missing_message
from esper_tui.leyline.config import RunConfig
from esper_tui.runtime.build import build_shape
from esper_tui.runtime.probe_cache import cached_step_seconds, choose_engine
from esper_tui.tolaria.cost import segment_costs
from esper_tui.tolaria.stack import count_params

SEED_OVERHEAD = 1.45
"""Living seeds, shadow passes and ablations, relative to training hosts alone; measured on the quickstart."""
VALIDATION = 1.0 / 3.0
"""A forward pass relative to a training step, per image."""
BYTES_PER_SLOT_EPOCH, BYTES_PER_ENV_EPOCH = 60, 190
"""Bytes of the log per epoch, measured."""
PROCESS_BYTES = 650 * 2**20
"""Interpreter and torch, before anything is computed; measured."""
LIVE_ACTIVATIONS = 6.0
"""Tensors of a block's size that a training step keeps for the backward pass."""


@dataclass(frozen=True)
class Estimate:
    """Seconds and bytes."""

    seconds: float
    memory: int
    device_memory: int
    disk: int
    log: int
    networks: int
    host_params: int


def measure_estimate(config: RunConfig) -> Estimate:
    """Probes the machine (a few seconds the first time) and extrapolates."""
    shape = build_shape(config)
    choice = choose_engine(shape, config)
    step = cached_step_seconds(shape, config) or 0.0
    epoch = step * config.steps_per_epoch * SEED_OVERHEAD
    epoch += step * config.data.val_images / config.optim.batch * VALIDATION
    width = count_params(shape.host_build())
    tensors = choice.threads * _activation_bytes(config, min(choice.chunk, config.rows))
    images = (config.data.train_images + config.data.val_images) * 3 * config.data.image_size**2
    computing = tensors + images * 2 + config.rows * width * 4 * 4
    log = (
        config.run.rounds
        * config.run.epochs
        * config.run.envs
        * (BYTES_PER_ENV_EPOCH + len(config.growth.slots) * BYTES_PER_SLOT_EPOCH)
    )
    on_gpu = choice.device.startswith("cuda")
    return Estimate(
        epoch * config.run.epochs * _rounds(config),
        PROCESS_BYTES + (0 if on_gpu else computing), computing if on_gpu else 0,
        log + width * 4 + 20_000, log, config.rows, width,
    )  # fmt: skip


def _rounds(config: RunConfig) -> int:
    """Rounds that are played, those of the controls of a pool included."""
    controls = math.ceil(config.run.instances / config.run.envs) if config.run.mode == "learn" else 0
    return config.run.rounds + controls


def _activation_bytes(config: RunConfig, rows: int) -> int:
    """Activations that one training step of a chunk keeps, in bytes."""
    host, size = config.host, config.data.image_size
    per_image = sum(
        host.channels * 2**i * (size >> min(i, host.pools)) ** 2 for i in range(host.blocks)
    )  # fmt: skip
    width = 8 if config.engine.dtype == "float64" else 4
    return math.ceil(rows * config.optim.batch * per_image * LIVE_ACTIVATIONS * width)


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
        f"disk      about {found.disk / 2**20:.1f} MiB, of which the log {found.log / 2**20:.1f} MiB",
    ]
    if is_missing(config.data.name):
        lines.append(f"data      {missing_message(config.data.name)}")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{minutes:.0f} min" if minutes < 90 else f"{hours:.1f} h"
