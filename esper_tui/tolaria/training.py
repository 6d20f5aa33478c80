"""The training step of a chunk: the hosts' own pass, the shadow passes of incubating seeds, one update per bank."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from esper_tui.tolaria.chunk import Chunk, Key, SeedGroup, row_losses
from esper_tui.tolaria.stack import Stacked, select_rows
from esper_tui.tolaria.sweep import Sweep, Variant


class Shadow:
    """The incubation of all seeds in one slot of a chunk: the rest of the network, seeds fully on, host unmoved.

    The seed learns from the loss the network would have with it; no host parameter takes a gradient, no running
    statistic moves.  Each seed is shadowed alone.
    """

    def __init__(self, chunk: Chunk, slot: int):
        self.chunk, self.slot = chunk, slot
        self.groups = list(chunk.nursery[slot].values())
        rows = [row for group in self.groups for row in group.members]
        self.index = torch.tensor(rows, device=chunk.shape.place.device)
        self.rest = Sweep(chunk, [Variant(row, chunk.alphas(row)) for row in rows], start=slot + 1)

    def losses(self, h: Tensor, labels: Tensor) -> Tensor:
        """Losses ``[B, seeds]`` with the seeds fully on; h are the detached activations at the slot."""
        parts = []
        for group in self.groups:
            own = select_rows(h, group.index, self.chunk.rows)
            parts.append(own + group.stacked(own))
        logits = self.rest.load("weight").run(torch.cat(parts, dim=1))
        return row_losses(logits.flatten(1), labels[:, self.index])


@dataclass
class EpochSums:
    """Sums over an epoch, kept on the device: per row, and per seed its gradient norms."""

    loss: Tensor
    correct: Tensor
    host_grad: Tensor
    images: int = 0
    steps: int = 0
    seed_grad: dict[Key, list[Tensor]] = field(default_factory=dict)


class Training:
    """One epoch of a chunk.  Which seeds live where is fixed when it is made."""

    def __init__(self, chunk: Chunk):
        self.chunk = chunk
        self.shadows = [Shadow(chunk, slot) for slot in range(len(chunk.nursery)) if chunk.nursery[slot]]
        self.groups = chunk.groups()
        self.units: list[Stacked] = [chunk.host, *(group.stacked for _, group in self.groups)]
        self.params = [p for unit in self.units for p in unit.params]
        place = chunk.shape.place
        zeros = torch.zeros(chunk.rows, device=place.device, dtype=place.dtype)
        self.sums = EpochSums(zeros, zeros.clone(), zeros.clone())

    def step(self, images: Tensor, labels: Tensor, lr: float) -> None:
        """One step: images ``[B, k·3, H, W]``, labels ``[B, k]``, the host's learning rate."""
        logits, taps = self.chunk.forward(images)
        losses = row_losses(logits, labels)
        every = [losses, *(shadow.losses(taps[shadow.slot], labels) for shadow in self.shadows)]
        # the sum over rows of the mean over images, without computing it
        weights = [torch.full_like(each, 1.0 / len(labels)) for each in every]
        self._update(torch.autograd.grad(every, self.params, weights), lr)
        with torch.no_grad():
            self.sums.loss += losses.sum(0)
            self.sums.correct += (logits.unflatten(1, (labels.shape[1], -1)).argmax(2) == labels).sum(0)
        self.sums.images += len(labels)
        self.sums.steps += 1

    def _update(self, gradients: tuple[Tensor, ...], lr: float) -> None:
        chunk, flow = self.chunk, iter(gradients)
        host, *seeds = [unit.as_rows([next(flow) for _ in unit.params]) for unit in self.units]
        self.sums.host_grad += chunk.bank.step(host, host.new_full((chunk.rows,), lr))
        chunk.load()
        for (slot, group), gradient in zip(self.groups, seeds, strict=True):
            self._update_seeds(slot, group, gradient, lr)

    def _update_seeds(self, slot: int, group: SeedGroup, gradient: Tensor, lr: float) -> None:
        for member, norm in zip(group.members, group.step(gradient, lr).unbind(), strict=True):
            self.sums.seed_grad.setdefault((member, slot), []).append(norm)
