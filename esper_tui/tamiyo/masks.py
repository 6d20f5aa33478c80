"""What is open, as boolean tensors: made from ``Legality``, the same object that gives a person the reasons.

Dimensions: E environments, S slots in the host's order, C choices in the order of ``HEAD_CHOICES``.  The heads are
asked in the order op → slot → the others, each mask given the choices before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from esper_tui.leyline.choices import HEAD_CHOICES, LIVE_HEADS, Head, Op
from esper_tui.leyline.legality import Legality, Table

LIVE = torch.tensor([[head in LIVE_HEADS[op] for head in Head] for op in Op])
"""The causal mask ``[6, 8]``: whether a head counts for an operation."""


@dataclass(frozen=True)
class Masks:
    """True where a choice is open, that is, where the reason against it is None.

    Attributes:
        op: ``[E, 6]``; WAIT is always open.
        slot: ``[E, 6, S]`` given the operation; nothing for WAIT, which has no slot.
        blueprint: ``[E, S, 13]`` given the slot of a GERMINATE.
        style, alpha_target: ``[E, S, 4]`` and ``[E, S, 3]`` given the slot, for GERMINATE, where an empty slot leaves
            everything open, and for SET_ALPHA_TARGET.
    """

    op: Tensor
    slot: Tensor
    blueprint: Tensor
    style: Tensor
    alpha_target: Tensor

    def given(self, head: Head, op: Tensor, slot: Tensor) -> Tensor:
        """Choices of a head ``[E, C]`` after open operations and slots (indices ``[E]``) were chosen.

        No row is empty: where the head does not count for the operation, nothing is closed.
        """
        rows = torch.arange(len(op), device=op.device)
        if head is Head.OP:
            return self.op
        if head is Head.SLOT:
            asked = self.slot[rows, op]
        elif head in (Head.BLUEPRINT, Head.STYLE, Head.ALPHA_TARGET):
            asked = getattr(self, head)[rows, slot]
        else:
            asked = torch.ones(len(rows), len(HEAD_CHOICES[head]), dtype=torch.bool, device=op.device)
        return asked | ~LIVE.to(op.device)[op, list(Head).index(head)][:, None]


def build_masks(legal: Sequence[Legality]) -> Masks:
    """The masks of E environments with the same slots."""
    none = [False] * len(legal[0].blueprints)
    slot = torch.tensor([[none if op is Op.WAIT else _open(one.ops[op]) for op in Op] for one in legal])
    op = slot.any(2)
    op[:, Op.WAIT] = True
    return Masks(
        op, slot,
        blueprint=_given_slot([one.blueprints for one in legal]),
        style=_given_slot([one.styles for one in legal]),
        alpha_target=_given_slot([one.targets for one in legal]),
    )  # fmt: skip


def _given_slot(tables: list[dict[str, Table]]) -> Tensor:
    return torch.tensor([[_open(table) for table in by_slot.values()] for by_slot in tables])


def _open(table: Table) -> list[bool]:
    return [reason is None for reason in table.values()]
