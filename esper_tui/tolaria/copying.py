"""One environment's present state in another engine of the same shape: what planning ahead begins with."""

import torch

from esper_tui.tolaria.engine import Engine
from esper_tui.tolaria.snapshot import load_slot, slot_document


@torch.no_grad()
def copy_env(source: Engine, env: int, target: Engine, place: int) -> None:
    """Puts a copy of an environment into one of a target that was just reset with the same instance.

    Weights, averages, optimiser state and normalisation statistics are copied, those of all its seeds included, so
    both go on as one would; they share nothing.
    """
    (chunk, row), (other, new) = source.place(env), target.place(place)
    other.bank.write(new, chunk.bank.row(row))
    statistics = other.host.statistics()
    statistics[new] = chunk.host.statistics()[row]
    other.host.load_statistics(statistics)
    own = source.envs[env]
    target.envs[place].planted = own.planted
    target.envs[place].slots = [load_slot(slot_document(slot)) for slot in own.slots]
    for index, slot in enumerate(own.slots):
        if slot.seed is not None:
            other.adopt_seed((new, index), *chunk.copy_seed((row, index)))
            if slot.grafted:
                other.set_alpha((new, index), slot.alpha.value)
    other.load()
