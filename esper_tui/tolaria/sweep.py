"""Sweeps: many variants of a chunk's networks in one forward pass.

A *variant* is one row of a chunk with an alpha for every slot.  Variants with the same row and the same alphas so
far are one *node*; nodes split only where their alphas start to differ, so shared prefixes run once.  Every node is
a row of the stacked modules, which gives each variant its own normalisation statistics over the batch.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from esper_tui.kasmina.layers import set_statistics
from esper_tui.tolaria.chunk import Chunk, Key, SeedGroup
from esper_tui.tolaria.stack import Stacked, add_rows, select_rows

Source = Literal["weight", "average"]


@dataclass(frozen=True)
class Variant:
    """One network to be measured: a row of the chunk, and an alpha per slot (0 switches a seed off)."""

    row: int
    alphas: tuple[float, ...]


class SeedCall:
    """Seeds of one group, run for some nodes at one slot with given alphas."""

    def __init__(self, chunk: Chunk, group: SeedGroup, uses: list[tuple[int, int, float]], slot: int):
        """``uses``: (node, chunk row, alpha)."""
        place = chunk.shape.place
        self.group = group
        self.nodes = torch.tensor([node for node, _, _ in uses], device=place.device)
        self.picks = torch.tensor([group.members.index(row) for _, row, _ in uses], device=place.device)
        self.alpha = place.vector([alpha for _, _, alpha in uses])
        self.keys: list[Key] = [(row, slot) for _, row, _ in uses]
        self.stacked = Stacked(group.build, len(uses), place, trainable=False)

    def load(self, source: Source) -> None:
        self.stacked.load(self.group.bank.tensors[source][self.picks])


class Stage:
    """One segment for a set of nodes, the split into the next nodes, and the seeds that run there."""

    def __init__(self, chunk: Chunk, index: int, rows: list[int]):
        place = chunk.shape.place
        self.rows = torch.tensor(rows, device=place.device)
        self.first = sum(chunk.columns[:index])
        self.width = chunk.columns[index]
        self.stacked = Stacked(chunk.shape.segment_build(index), len(rows), place, trainable=False)
        set_statistics(self.stacked.module, "batch")
        self.parents: Tensor | None = None
        self.count = len(rows)
        self.calls: list[SeedCall] = []

    def load(self, chunk: Chunk, source: Source) -> None:
        weights = chunk.bank.tensors[source][self.rows, self.first : self.first + self.width]
        self.stacked.load(weights)
        for call in self.calls:
            call.load(source)


class Sweep:
    """A prepared forward pass over variants.  ``load`` once per set of weights, ``run`` once per batch.

    Attributes:
        power: mean squares of (blended residual, activations) of incubating seeds, one pair per batch.
    """

    def __init__(self, chunk: Chunk, variants: list[Variant], start: int = 0):
        """``start``: the first segment to run; before it there is one node per variant."""
        self.chunk, self.variants = chunk, variants
        self.power: dict[Key, list[Tensor]] = {}
        self.stages: list[Stage] = []
        nodes: list[tuple] = [(v.row, v.alphas[:start]) for v in variants]
        if start == 0:
            nodes = list(dict.fromkeys(nodes))
        self.entry = torch.tensor([row for row, _ in nodes], device=chunk.shape.place.device)
        for index in range(start, len(chunk.segments)):
            stage = Stage(chunk, index, [row for row, _ in nodes])
            self.stages.append(stage)
            if index < len(chunk.shape.slots):
                nodes = self._split(stage, index, nodes)
        self.leaf = [nodes.index((v.row, v.alphas)) for v in variants]

    def _split(self, stage: Stage, slot: int, nodes: list[tuple]) -> list[tuple]:
        """Nodes after a slot, in the order of first use; notes their parents and the seeds that are on."""
        children = list(dict.fromkeys((v.row, v.alphas[: slot + 1]) for v in self.variants))
        parents = [nodes.index((row, alphas[:-1])) for row, alphas in children]
        if parents != list(range(len(nodes))):
            stage.parents = torch.tensor(parents, device=self.chunk.shape.place.device)
        stage.count = len(children)
        for where in (self.chunk.grafts, self.chunk.nursery):
            for group in where[slot].values():
                uses = [(i, r, a[-1]) for i, (r, a) in enumerate(children) if a[-1] > 0 and r in group.members]
                if uses:
                    stage.calls.append(SeedCall(self.chunk, group, uses, slot))
        return children

    def load(self, source: Source) -> "Sweep":
        with torch.no_grad():
            for stage in self.stages:
                stage.load(self.chunk, source)
        return self

    def run(self, h: Tensor) -> Tensor:
        """Logits ``[B, V, classes]`` from activations of the entry nodes ``[B, nodes·C, H, W]``."""
        for stage in self.stages:
            before = len(stage.rows)
            h = stage.stacked(h)
            if stage.parents is not None:
                h = select_rows(h, stage.parents, before)
            for call in stage.calls:
                h = self._blend(h, stage, call)
        by_node = h.unflatten(1, (self.stages[-1].count, -1))
        if self.leaf == list(range(self.stages[-1].count)):
            return by_node
        return by_node[:, self.leaf]

    def _blend(self, h: Tensor, stage: Stage, call: SeedCall) -> Tensor:
        own = select_rows(h, call.nodes, stage.count)
        residual = call.stacked(own, call.alpha)
        if any(call.group is g for by_kind in self.chunk.nursery for g in by_kind.values()):
            self._note_power(call, residual, own)
        return add_rows(h, call.nodes, residual, stage.count)

    def _note_power(self, call: SeedCall, residual: Tensor, own: Tensor) -> None:
        shape = (len(call.keys), -1)
        pairs = torch.stack([t.detach().unflatten(1, shape).square().mean((0, 2, 3, 4)) for t in (residual, own)], 1)
        for key, pair in zip(call.keys, pairs, strict=True):
            self.power.setdefault(key, []).append(pair)
