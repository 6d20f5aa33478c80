"""What the engine is compared with: the same networks as plain PyTorch modules, trained one after the other."""

import time
from concurrent.futures import ThreadPoolExecutor

import torch
import torch.nn.functional as F
from torch import nn

from esper_tui.kasmina.host import CnnSpec
from esper_tui.tolaria.probe import PROBE_LR, PROBE_STEPS


def plain_host(spec: CnnSpec) -> nn.Sequential:
    """The host as anyone would write it."""
    layers: list[nn.Module] = []
    for i in range(spec.blocks):
        c_in = spec.width(i - 1) if i else spec.image_channels
        layers += [
            nn.Conv2d(c_in, spec.width(i), spec.kernel, padding=spec.kernel // 2, bias=False),
            nn.BatchNorm2d(spec.width(i)),
            nn.ReLU(inplace=True),
        ]
        if i < spec.pools:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(spec.width(spec.blocks - 1), spec.classes)
    )


class PlainNetwork:
    """One network with its optimiser and one fixed batch."""

    def __init__(self, spec: CnnSpec, batch: int, channels_last: bool):
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.model = plain_host(spec).to(memory_format=layout)
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=PROBE_LR, momentum=0.9, weight_decay=5e-4)
        size = spec.image_size
        self.images = torch.randn(batch, 3, size, size).contiguous(memory_format=layout)
        self.labels = torch.randint(0, spec.classes, (batch,))

    def steps(self) -> None:
        for _ in range(PROBE_STEPS):
            self.optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(self.model(self.images), self.labels).backward()
            self.optimiser.step()


class PlainLoop:
    """N networks, one after the other, with torch's own threads."""

    def __init__(self, spec: CnnSpec, count: int, batch: int, channels_last: bool = False):
        self.networks = [PlainNetwork(spec, batch, channels_last) for _ in range(count)]
        self.threads = torch.get_num_threads()

    def seconds(self) -> float:
        previous = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        began = time.perf_counter()
        for network in self.networks:
            network.steps()
        seconds = time.perf_counter() - began
        torch.set_num_threads(previous)
        return seconds / PROBE_STEPS


class ShardedLoop:
    """The best plain loop on a CPU: channels_last, networks shared out over threads of one core each."""

    def __init__(self, spec: CnnSpec, count: int, batch: int, threads: int):
        networks = [PlainNetwork(spec, batch, channels_last=True) for _ in range(count)]
        self.shards = [networks[i::threads] for i in range(threads)]
        self.pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))

    def seconds(self) -> float:
        began = time.perf_counter()
        list(self.pool.map(self._run, self.shards))
        return (time.perf_counter() - began) / PROBE_STEPS

    @staticmethod
    def _run(shard: list[PlainNetwork]) -> None:
        for network in shard:
            network.steps()
