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
from esper_tui.tolaria.stack import Stacked, select_rows

Source = Literal["weight", "average"]


@dataclass(frozen=True)
class Variant:
    """One network to be measured: a row of the chunk, and an alpha per slot (0 switches a seed off)."""

    row: int
    alphas: tuple[float, ...]


Node = tuple[int, tuple[float, ...]]
"""A row of the chunk and its alphas so far."""


class Pick:
    """Some rows of activations, in an order; all of them in their order cost nothing."""

    def __init__(self, positions: list[int], chunk: Chunk):
        self.count = len(positions)
        self.ordered = positions == list(range(self.count))
        self.index = torch.tensor(positions, device=chunk.shape.place.device, dtype=torch.long)

    def of(self, h: Tensor, rows: int) -> Tensor:
        return h if self.ordered and self.count == rows else select_rows(h, self.index, rows)


class SeedCall:
    """Seeds of one group that are on: run on some nodes before a slot, they make the first nodes after it."""

    def __init__(self, chunk: Chunk, group: SeedGroup, children: list[Node], parents: list[int], slot: int):
        """``children``: the nodes after the slot; ``parents``: for each, the position of the node before it."""
        self.group = group
        self.parents = Pick(parents, chunk)
        place = chunk.shape.place
        self.picks = torch.tensor([group.members.index(row) for row, _ in children], device=place.device)
        alphas = [path[-1] for _, path in children]
        self.alpha = None if all(a == 1.0 for a in alphas) else place.vector(alphas)
        self.keys: list[Key] = [(row, slot) for row, _ in children]
        self.stacked = Stacked(group.build, len(children), place, trainable=False)

    def load(self, source: Source) -> None:
        self.stacked.load(self.group.bank.tensors[source][self.picks])

    def run(self, h: Tensor, nodes: int) -> tuple[Tensor, Tensor]:
        """The activations the seeds see, and the residual they want added."""
        own = self.parents.of(h, nodes)
        return own, self.stacked(own, self.alpha)


class Stage:
    """One segment for a set of nodes, the seeds that are on behind it, and the nodes that go on without one."""

    def __init__(self, chunk: Chunk, index: int, rows: list[int]):
        place = chunk.shape.place
        self.rows = torch.tensor(rows, device=place.device)
        self.first = sum(chunk.columns[:index])
        self.width = chunk.columns[index]
        self.stacked = Stacked(chunk.shape.segment_build(index), len(rows), place, trainable=False)
        set_statistics(self.stacked.module, "batch")
        self.calls: list[SeedCall] = []
        self.bare: Pick | None = None

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
        nodes: list[Node] = [(v.row, v.alphas[:start]) for v in variants]
        if start == 0:
            nodes = list(dict.fromkeys(nodes))
        self.entry = torch.tensor([row for row, _ in nodes], device=chunk.shape.place.device)
        for index in range(start, len(chunk.segments)):
            stage = Stage(chunk, index, [row for row, _ in nodes])
            self.stages.append(stage)
            if index < len(chunk.shape.slots):
                nodes = self._divide(stage, index, nodes)
        self.leaves = Pick([nodes.index((v.row, v.alphas)) for v in variants], chunk)
        self.count = len(nodes)

    def _divide(self, stage: Stage, slot: int, nodes: list[Node]) -> list[Node]:
        """Nodes after a slot: those with a seed that is on, group by group, then those without."""
        children = list(dict.fromkeys((v.row, v.alphas[: slot + 1]) for v in self.variants))
        place = {node: position for position, node in enumerate(nodes)}
        ordered: list[Node] = []
        for where in (self.chunk.grafts, self.chunk.nursery):
            for group in where[slot].values():
                on = [(row, path) for row, path in children if path[-1] > 0 and row in group.members]
                if on:
                    parents = [place[row, path[:-1]] for row, path in on]
                    stage.calls.append(SeedCall(self.chunk, group, on, parents, slot))
                    ordered += on
        if not ordered:
            return [(row, (*path, 0.0)) for row, path in nodes]
        bare = [node for node in children if node not in ordered]
        if bare:
            stage.bare = Pick([place[row, path[:-1]] for row, path in bare], self.chunk)
        return ordered + bare

    def load(self, source: Source) -> "Sweep":
        with torch.no_grad():
            for stage in self.stages:
                stage.load(self.chunk, source)
        return self

    def run(self, h: Tensor) -> Tensor:
        """Logits ``[B, V, classes]`` from activations of the entry nodes ``[B, nodes·C, H, W]``."""
        for stage in self.stages:
            h = self._blend(stage.stacked(h), stage)
        return self.leaves.of(h, self.count).unflatten(1, (len(self.variants), -1))

    def _blend(self, h: Tensor, stage: Stage) -> Tensor:
        """Activations of the next nodes."""
        if not stage.calls:
            return h
        before, parts = len(stage.rows), []
        for call in stage.calls:
            own, residual = call.run(h, before)
            parts.append(own + residual)
            if any(call.group is group for by_kind in self.chunk.nursery for group in by_kind.values()):
                self._note_power(call, residual, own)
        if stage.bare is not None:
            parts.append(stage.bare.of(h, before))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def _note_power(self, call: SeedCall, residual: Tensor, own: Tensor) -> None:
        shape = (len(call.keys), -1)
        pairs = torch.stack([t.detach().unflatten(1, shape).square().mean((0, 2, 3, 4)) for t in (residual, own)], 1)
        for key, pair in zip(call.keys, pairs, strict=True):
            self.power.setdefault(key, []).append(pair)
