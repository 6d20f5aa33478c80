"""Banks: weights, averaged weights and optimiser state of many networks as rows ``[R, P]``.

One update is a handful of broadcast operations whatever the number of networks.  Every row has its own learning
rate, step count and gradient-norm clip, and no operation mixes rows: a row of NaN stays alone.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

Row = dict[str, Tensor]
"""One network's share of a bank: ``weight``, ``average`` and optimiser state ``[P]``, ``steps`` a scalar."""

ADAM_BETA2, ADAM_EPS = 0.999, 1e-8


@dataclass(frozen=True)
class Recipe:
    """How rows are updated.

    Attributes:
        clip: largest gradient norm per row; 0 turns clipping off.
        average_steps: steps over which the averaged weights reach back, about one epoch.
    """

    name: str
    momentum: float
    weight_decay: float
    clip: float
    average_steps: int

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("first",) if self.name == "sgd" else ("first", "second")


def new_row(recipe: Recipe, weight: Tensor) -> Row:
    """A row that has not taken a step yet; weight ``[P]``."""
    state = {name: torch.zeros_like(weight) for name in recipe.state_names}
    steps = torch.zeros((), device=weight.device, dtype=weight.dtype)
    return {"weight": weight, "average": weight.clone(), "steps": steps, **state}


class Bank:
    """Rows of networks of one shape.  Row order is the order of the module that runs them."""

    def __init__(self, recipe: Recipe, decay: Tensor):
        """``decay`` ``[P]`` is 1 where weight decay applies."""
        self.recipe = recipe
        self.decay = decay
        self.tensors: Row = {}

    def __len__(self) -> int:
        return len(self.tensors["weight"]) if self.tensors else 0

    @property
    def weight(self) -> Tensor:
        return self.tensors["weight"]

    @property
    def average(self) -> Tensor:
        return self.tensors["average"]

    def append(self, row: Row) -> None:
        if not self.tensors:
            self.tensors = {name: value[None].clone() for name, value in row.items()}
            return
        self.tensors = {name: torch.cat([rows, row[name][None]]) for name, rows in self.tensors.items()}

    def pop(self, index: int) -> Row:
        """Takes a row out; the rows behind it move up."""
        row = self.row(index)
        keep = [i for i in range(len(self)) if i != index]
        self.tensors = {name: rows[keep] for name, rows in self.tensors.items()} if keep else {}
        return row

    def row(self, index: int) -> Row:
        return {name: rows[index].clone() for name, rows in self.tensors.items()}

    def write(self, index: int, row: Row) -> None:
        for name, value in row.items():
            self.tensors[name][index] = value

    @torch.no_grad()
    def step(self, gradient: Tensor, lr: Tensor) -> Tensor:
        """One update with gradients ``[R, P]`` and learning rates ``[R]``; returns norms ``[R]`` before clipping."""
        recipe, weight, steps = self.recipe, self.weight, self.tensors["steps"]
        norm = torch.linalg.vector_norm(gradient, dim=1)
        if recipe.clip:
            gradient = gradient * (recipe.clip / (norm + 1e-6)).clamp(max=1.0)[:, None]
        steps += 1
        if recipe.name == "sgd":
            self._sgd(gradient, lr)
        else:
            self._adamw(gradient, lr)
        reach = torch.clamp((1 + steps) / (10 + steps), max=1.0 - 1.0 / max(2, recipe.average_steps))
        self.average.lerp_(weight, (1.0 - reach)[:, None])
        return norm

    def _sgd(self, gradient: Tensor, lr: Tensor) -> None:
        """SGD with momentum and coupled weight decay: m ← μm + g + λw, w ← w − η m."""
        gradient = torch.addcmul(gradient, self.weight, self.decay, value=self.recipe.weight_decay)
        first = self.tensors["first"].mul_(self.recipe.momentum).add_(gradient)
        self.weight.addcmul_(first, lr[:, None], value=-1.0)

    def _adamw(self, gradient: Tensor, lr: Tensor) -> None:
        """AdamW (Loshchilov and Hutter 2019) with one step count per row."""
        beta1, steps = self.recipe.momentum, self.tensors["steps"][:, None]
        first = self.tensors["first"].lerp_(gradient, 1 - beta1)
        second = self.tensors["second"].mul_(ADAM_BETA2).addcmul_(gradient, gradient, value=1 - ADAM_BETA2)
        self.weight.mul_(1 - lr[:, None] * self.recipe.weight_decay * self.decay)
        direction = first / (1 - beta1**steps) / ((second / (1 - ADAM_BETA2**steps)).sqrt() + ADAM_EPS)
        self.weight.addcmul_(direction, lr[:, None], value=-1.0)
