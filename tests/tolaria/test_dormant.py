"""A slot that is empty costs nothing."""

from collections import Counter

import pytest
from torch.utils._python_dispatch import TorchDispatchMode

from esper_tui.kasmina.host import CnnSpec
from esper_tui.leyline.choices import Decision, Op
from tests import worlds

SPEC = CnnSpec(blocks=3, channels=4, pools=3, image_size=8)
SLOTS = ("r0c0", "r0c1", "r0c2")


class Count(TorchDispatchMode):
    """Counts the operations that are dispatched."""

    def __init__(self):
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.seen[str(function)] += 1
        return function(*args, **(kwargs or {}))


def epoch_of(made, epoch: int) -> Counter[str]:
    """The operations of one training epoch."""
    with Count() as count:
        worlds.train(made, epoch)
    return count.seen


def fresh(slots: tuple[str, ...], twins: bool = False):
    made = worlds.engine(envs=3, twins=twins, slots=slots, spec=SPEC)
    worlds.train(made, 1)
    return made


@pytest.mark.parametrize("twins", [False, True])
def test_dormant_slots_dispatch_the_operations_of_the_bare_host(twins):
    bare, slotted = epoch_of(fresh((), twins), 2), epoch_of(fresh(SLOTS, twins), 2)
    assert sum(bare.values()) > 50
    assert slotted == bare


def test_the_count_sees_a_seed_and_its_slot_is_as_cheap_again_once_it_is_gone():
    made = fresh(SLOTS)
    before = epoch_of(made, 2)
    made.apply(0, worlds.germinate("r0c1"), 2)
    worlds.train(made, 3)
    made.apply(0, worlds.advance("r0c1"), 3)
    assert sum(epoch_of(made, 4).values()) > sum(before.values())
    made.apply(0, Decision(op=Op.PRUNE, slot="r0c1", alpha_speed="INSTANT", alpha_curve="LINEAR"), 4)
    assert epoch_of(made, 5) == before
