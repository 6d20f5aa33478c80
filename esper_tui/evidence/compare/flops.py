"""What an arm costs in floating-point operations, counted from what really ran.

A multiply-accumulate is two operations.  Convolutions and matrix products count, forward and backward; norms,
activations and the update do not, nor does the measuring of test accuracy.  Of a layer with F operations forward, the
gradients of its weights and of its input cost F each.  So training a host costs 3F, less the input gradient of its
first layer, which nobody asks for; a seed in the host costs 3F; an incubating seed costs 3F and, for the rest of the
network in its shadow pass, 2F.

==========  =================================================================================================
training    the host and the seeds that are blended in
incubation  incubating seeds and their shadow passes
ablation    every pass over validation images that growing needs: the network itself, seeds off, incubating seeds
control     training and measuring the control that gain is measured against
==========  =================================================================================================

An arm that does not grow needs neither measurements nor a control on its way, so it pays for training alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache

import torch

from esper_tui.kasmina.host import CnnSpec
from esper_tui.kasmina.lifecycle import Slot
from esper_tui.kasmina.network import Planted
from esper_tui.leyline.choices import Form
from esper_tui.leyline.stages import Stage
from esper_tui.tolaria.chunk import seed_build
from esper_tui.tolaria.cost import segment_costs, sweep_cost
from esper_tui.tolaria.operations import OperationCounter

On = tuple[bool, ...]
"""Which slots of a measured network have their seed on."""


@lru_cache(maxsize=1024)
def seed_forward(spec: CnnSpec, slots: tuple[str, ...], index: int, blueprint: str, form: Form) -> float:
    """Operations per image of a seed's forward pass, counted by running it."""
    surface = spec.enabled(slots)[index]
    images = torch.zeros(2, surface.channels, surface.size, surface.size)  # group norm needs more than one value
    with OperationCounter() as counter, torch.no_grad():
        seed_build(spec, slots, index, (blueprint, form))(1)(images)
    return counter.total / len(images)


@dataclass
class Spent:
    """Operations by purpose."""

    training: float = 0.0
    incubation: float = 0.0
    ablation: float = 0.0
    control: float = 0.0

    @property
    def total(self) -> float:
        return sum(asdict(self).values())

    @property
    def learning(self) -> float:
        """What trained the delivered network and seeds that were to become part of it."""
        return self.training + self.incubation


@dataclass(frozen=True)
class Costs:
    """Operations per image of the networks of one shape."""

    spec: CnnSpec
    slots: tuple[str, ...]

    @property
    def segments(self) -> list[float]:
        """Forward, by segment of the host."""
        return [2 * cost for cost in segment_costs(self.spec, self.slots)]

    @property
    def host(self) -> float:
        return sum(self.segments)

    @property
    def host_step(self) -> float:
        """Training the host alone."""
        return 3 * self.host - 2 * self.spec.image_channels * self.spec.width(0) * self._taps

    @property
    def _taps(self) -> int:
        """Products per pair of channels in the first layer."""
        return self.spec.kernel**2 * self.spec.image_size**2

    def seed(self, slot: str, blueprint: str, form: Form) -> float:
        return seed_forward(self.spec, self.slots, self.slots.index(slot), blueprint, form)

    def network_step(self, seeds: Iterable[Planted]) -> float:
        """Training a host with seeds that are blended in."""
        return self.host_step + 3 * sum(self.seed(s.slot, s.blueprint, s.form) for s in seeds)

    def shadow_step(self, slot: str, others: Sequence[Planted]) -> float:
        """Training an incubating seed: forward and input gradient of all that lies behind it, the seed left out."""
        index = self.slots.index(slot)
        behind = [s for s in others if self.slots.index(s.slot) > index]
        rest = sum(self.segments[index + 1 :]) + sum(self.seed(s.slot, s.blueprint, s.form) for s in behind)
        return 2 * rest

    def sweep(self, seeds: dict[str, Planted], networks: Sequence[On]) -> float:
        """Measuring one network with different seeds on; what they have in common up to a slot runs once."""
        found = sweep_cost(self.segments, networks)
        for index, slot in enumerate(self.slots):
            prefixes = {on[: index + 1] for on in networks if on[index]}
            if prefixes:
                seed = seeds[slot]
                found += len(prefixes) * self.seed(slot, seed.blueprint, seed.form)
        return found


def planted(slot: Slot) -> Planted:
    assert slot.seed is not None
    return Planted(slot.name, slot.seed.blueprint, slot.seed.form)


@dataclass
class Account:
    """What one growing environment has cost so far; ``seeds``: by number of the seed, its own share of learning."""

    costs: Costs
    images: int
    val_images: int
    spent: Spent = field(default_factory=Spent)
    seeds: dict[int, float] = field(default_factory=dict)

    def train(self, slots: Sequence[Slot]) -> None:
        """An epoch of training; ``slots`` as they are while it runs."""
        living = [slot for slot in slots if slot.grafted]
        self.spent.training += self.images * self.costs.host_step
        for slot in slots:
            if slot.seed is None or not (slot.grafted or slot.stage is Stage.TRAINING):
                continue
            own = 3 * self.costs.seed(slot.name, slot.seed.blueprint, slot.seed.form)
            if slot.grafted:
                self.spent.training += self.images * own
            else:
                own += self.costs.shadow_step(slot.name, [planted(other) for other in living])
                self.spent.incubation += self.images * own
            self.seeds[slot.seed.uid] = self.seeds.get(slot.seed.uid, 0.0) + self.images * own

    def measure(self, slots: Sequence[Slot], coalitions: Iterable[frozenset[str]], shadows: Iterable[str]) -> None:
        """The measurements after an epoch, and an epoch of the control."""
        seeds = {slot.name: planted(slot) for slot in slots if slot.seed is not None}
        whole = [slot.name for slot in slots if slot.grafted and slot.alpha.value > 0]
        variants = [set(whole), *(set(whole) & on for on in coalitions), *({*whole, name} for name in shadows)]
        networks = list(dict.fromkeys(tuple(slot.name in on for slot in slots) for on in variants))
        self.spent.ablation += self.val_images * self.costs.sweep(seeds, networks)
        self.spent.control += self.images * self.costs.host_step + self.val_images * self.costs.host

    def wasted(self, kept: Iterable[int]) -> float:
        """Learning that went into seeds other than the kept ones."""
        paid = set(kept)
        return sum(cost for uid, cost in self.seeds.items() if uid not in paid)
