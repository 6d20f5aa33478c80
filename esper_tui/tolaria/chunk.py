"""A chunk: k hosts stacked into one, and the seeds in their slots.

Tensor shapes carry a legend: B images, k rows of the chunk, S slots, P parameters.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from esper_tui.kasmina.blending import Seed
from esper_tui.kasmina.blueprints import REGISTRY
from esper_tui.kasmina.host import CnnSpec, build_segments
from esper_tui.kasmina.layers import reset_statistics
from esper_tui.leyline.choices import Form
from esper_tui.tolaria.bank import Bank, Recipe, Row, new_row
from esper_tui.tolaria.stack import Build, Placement, Stacked, add_rows, decay_columns, select_rows

Kind = tuple[str, Form]
"""What seeds of one group share: blueprint and blend form."""
Place = Literal["resting", "nursery", "grafts"]
"""Not learning yet, in the shadow pass, in the host's forward pass."""
Key = tuple[int, int]
"""A seed's place in a chunk: (row, slot index)."""


@dataclass(frozen=True)
class Shape:
    """What every chunk of an engine has in common."""

    spec: CnnSpec
    slots: tuple[str, ...]
    place: Placement
    host: Recipe
    seed: Recipe
    seed_lr: float = 1.0
    warmup_steps: int = 50

    def host_build(self) -> Build:
        return partial(build_segments, self.spec, self.slots)

    def segment_build(self, index: int) -> Build:
        return partial(_build_segment, self.spec, self.slots, index)

    def seed_build(self, slot: int, kind: Kind) -> Build:
        return seed_build(self.spec, self.slots, slot, kind)


def _build_segment(spec: CnnSpec, slots: tuple[str, ...], index: int, rows: int):
    return build_segments(spec, slots, rows)[index]


def seed_build(spec: CnnSpec, slots: tuple[str, ...], slot: int, kind: Kind) -> Build:
    channels = spec.enabled(slots)[slot].channels
    return partial(Seed, REGISTRY[kind[0]], kind[1], channels)


class SeedGroup:
    """All seeds of one kind that sit in one slot of a chunk and train the same way."""

    def __init__(self, build: Build, shape: Shape):
        self.build, self.shape = build, shape
        self.members: list[int] = []
        self.alphas: list[float] = []
        probe = Stacked(build, 1, shape.place, trainable=False)
        self.bank = Bank(shape.seed, decay_columns(probe).to(shape.place.device, shape.place.dtype))
        self.stacked = probe

    def insert(self, member: int, row: Row) -> None:
        self.members.append(member)
        self.alphas.append(0.0)
        self.bank.append(row)
        self._rebuild()

    def remove(self, member: int) -> Row:
        index = self.members.index(member)
        self.members.pop(index)
        self.alphas.pop(index)
        row = self.bank.pop(index)
        self._rebuild()
        return row

    def adopt(self, members: list[int], alphas: list[float]) -> None:
        """Takes over the rows that were put into the bank, in their order."""
        self.members, self.alphas = members, alphas
        self._rebuild()

    def set_alpha(self, member: int, alpha: float) -> None:
        self.alphas[self.members.index(member)] = alpha
        self.alpha = self._blend_alpha()

    def _blend_alpha(self) -> Tensor | None:
        """Alphas ``[R]`` for the blend; None where all are 1 and there is nothing to multiply."""
        return None if all(a == 1.0 for a in self.alphas) else self.shape.place.vector(self.alphas)

    def _rebuild(self) -> None:
        place = self.shape.place
        self.index = torch.tensor(self.members, device=place.device, dtype=torch.long)
        self.alpha = self._blend_alpha()
        if self.members:
            self.stacked = Stacked(self.build, len(self.members), place, trainable=True)
            self.stacked.load(self.bank.weight)

    def step(self, gradient: Tensor, lr: float) -> Tensor:
        """One update with gradients ``[R, P]``; the learning rate of a seed rises over its first steps."""
        warm = torch.clamp((self.bank.tensors["steps"] + 1) / self.shape.warmup_steps, max=1.0)
        norms = self.bank.step(gradient, warm * (lr * self.shape.seed_lr))
        self.stacked.load(self.bank.weight)
        return norms


class Chunk:
    """k hosts that train as one module.  Slots without living seeds run nothing."""

    def __init__(self, shape: Shape, weights: Tensor):
        """``weights`` ``[k, P]``: the start of every row."""
        self.shape, self.rows = shape, len(weights)
        place = shape.place
        self.host = Stacked(shape.host_build(), self.rows, place, trainable=True)
        reset_statistics(self.host.module)
        self.segments = list(self.host.module.children())
        self.columns = [sum(p.numel() for p in s.parameters()) // self.host.size for s in self.segments]
        self.bank = Bank(shape.host, decay_columns(self.host).to(place.device, place.dtype))
        for weight in weights.to(place.device, place.dtype):
            self.bank.append(new_row(shape.host, weight))
        self.resting: dict[Key, tuple[Kind, Row]] = {}
        self.nursery: list[dict[Kind, SeedGroup]] = [{} for _ in shape.slots]
        self.grafts: list[dict[Kind, SeedGroup]] = [{} for _ in shape.slots]
        self.load()

    # --- seeds -------------------------------------------------------------------------------------------------

    def plant(self, key: Key, kind: Kind, weight: Tensor) -> None:
        """A new seed that does nothing yet; weight ``[P]``."""
        place = self.shape.place
        self.resting[key] = (kind, new_row(self.shape.seed, weight.to(place.device, place.dtype)))

    def incubate(self, key: Key) -> None:
        """The seed learns in the shadow pass from now on."""
        kind, row = self._uproot(key)
        self._group(self.nursery, key[1], kind).insert(key[0], row)

    def graft(self, key: Key) -> None:
        """The seed joins the host's forward pass, at alpha 0 until told otherwise."""
        kind, row = self._uproot(key)
        self._group(self.grafts, key[1], kind).insert(key[0], row)

    def remove(self, key: Key) -> None:
        self._uproot(key)

    def set_alpha(self, key: Key, alpha: float) -> None:
        _, group = self._find(self.grafts, key)
        group.set_alpha(key[0], alpha)

    def seed_row(self, key: Key) -> tuple[Kind, Row]:
        """Kind and row of a grafted seed."""
        kind, group = self._find(self.grafts, key)
        return kind, group.bank.row(group.members.index(key[0]))

    def copy_seed(self, key: Key) -> tuple[Place, Kind, Row]:
        """Where a living seed is, its kind, and a copy of its row."""
        if key in self.resting:
            kind, row = self.resting[key]
            return "resting", kind, {name: tensor.clone() for name, tensor in row.items()}
        where: Place = "grafts" if any(key[0] in g.members for g in self.grafts[key[1]].values()) else "nursery"
        kind, group = self._find(getattr(self, where), key)
        return where, kind, group.bank.row(group.members.index(key[0]))

    def adopt_seed(self, key: Key, where: Place, kind: Kind, row: Row) -> None:
        """Takes over a seed that lived in another chunk."""
        if where == "resting":
            self.resting[key] = (kind, row)
        else:
            self._group(getattr(self, where), key[1], kind).insert(key[0], row)

    def write_seed(self, key: Key, saved: Row) -> None:
        """Overwrites the row of a grafted seed."""
        _, group = self._find(self.grafts, key)
        group.bank.write(group.members.index(key[0]), saved)
        group.stacked.load(group.bank.weight)

    def alphas(self, row: int) -> tuple[float, ...]:
        """Present blend strength of a row's grafted seeds, one per slot; 0 where there is none."""
        found = [0.0] * len(self.shape.slots)
        for slot, by_kind in enumerate(self.grafts):
            for group in by_kind.values():
                if row in group.members:
                    found[slot] = group.alphas[group.members.index(row)]
        return tuple(found)

    def groups(self) -> list[tuple[int, SeedGroup]]:
        """Every group of living seeds with its slot index."""
        return [
            (slot, g) for where in (self.grafts, self.nursery) for slot, by in enumerate(where) for g in by.values()
        ]

    def _group(self, where: list[dict[Kind, SeedGroup]], slot: int, kind: Kind) -> SeedGroup:
        if kind not in where[slot]:
            where[slot][kind] = SeedGroup(self.shape.seed_build(slot, kind), self.shape)
        return where[slot][kind]

    def _find(self, where: list[dict[Kind, SeedGroup]], key: Key) -> tuple[Kind, SeedGroup]:
        return next((kind, group) for kind, group in where[key[1]].items() if key[0] in group.members)

    def _uproot(self, key: Key) -> tuple[Kind, Row]:
        if key in self.resting:
            return self.resting.pop(key)
        for where in (self.nursery, self.grafts):
            for kind, group in where[key[1]].items():
                if key[0] in group.members:
                    row = group.remove(key[0])
                    if not group.members:
                        del where[key[1]][kind]
                    return kind, row
        raise KeyError(f"no seed in row {key[0]}, slot {self.shape.slots[key[1]]}")

    # --- the forward pass --------------------------------------------------------------------------------------

    def forward(self, images: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """Logits ``[B, k·classes]``, and the detached activations before every slot in which a seed incubates."""
        h, taps = images, {}
        for slot, segment in enumerate(self.segments[:-1]):
            h = self.host(h, part=segment)
            if self.nursery[slot]:
                taps[slot] = h.detach()
            if self.grafts[slot]:
                h = self._blend(h, list(self.grafts[slot].values()))
        return self.host(h, part=self.segments[-1]), taps

    def _blend(self, h: Tensor, groups: list[SeedGroup]) -> Tensor:
        if len(groups) == 1 and groups[0].members == list(range(self.rows)):
            return h + groups[0].stacked(h, groups[0].alpha)
        parts = [g.stacked(select_rows(h, g.index, self.rows), g.alpha) for g in groups]
        if len(parts) == 1:
            return add_rows(h, groups[0].index, parts[0], self.rows)
        return add_rows(h, torch.cat([g.index for g in groups]), torch.cat(parts, dim=1), self.rows)

    def load(self) -> None:
        """Copies the bank's weights into the modules."""
        self.host.load(self.bank.weight)


def row_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of every image and row: logits ``[B, k·classes]``, labels ``[B, k]`` to ``[B, k]``."""
    by_row = logits.unflatten(1, (labels.shape[1], -1))
    return F.cross_entropy(by_row.flatten(0, 1), labels.flatten(), reduction="none").view_as(labels)
