"""Operations against counts by hand and against what PyTorch counts when it runs them."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from esper_tui.evidence.compare.flops import Account, Costs, seed_forward
from esper_tui.evidence.compare.setting import area
from esper_tui.kasmina.host import CnnSpec
from esper_tui.kasmina.lifecycle import Slot, plant
from esper_tui.kasmina.network import Network, Planted
from esper_tui.leyline.choices import Form
from esper_tui.leyline.stages import Stage
from tests import worlds

SPEC = CnnSpec(blocks=2, channels=4, kernel=3, pools=2, image_size=8)
SLOTS = ("r0c0", "r0c1")
COSTS = Costs(SPEC, SLOTS)
FIRST = 2 * 3 * 4 * 9 * 64
SECOND = 2 * 4 * 8 * 9 * 16
HEAD = 2 * 8 * 10
LIGHT = {"r0c0": 2 * 4 * 4 * 9 * 64, "r0c1": 2 * 8 * 8 * 9 * 16}
"""CONV_LIGHT is one 3x3 convolution from C to C channels, on maps of 8x8 and 4x4."""


def test_the_host_by_hand():
    assert COSTS.segments == [FIRST, SECOND, HEAD]
    assert COSTS.host == FIRST + SECOND + HEAD
    assert COSTS.host_step == 3 * (FIRST + SECOND + HEAD) - FIRST  # nobody asks for the gradient of the images


@pytest.mark.parametrize("slot", SLOTS)
def test_a_seed_by_hand(slot):
    assert COSTS.seed(slot, "CONV_LIGHT", Form.ADD) == LIGHT[slot]
    channels = {"r0c0": 4, "r0c1": 8}[slot]
    gate = 2 * (channels * 8 + 8) + 2 * (8 + 1)  # its biases are products with 1
    assert COSTS.seed(slot, "CONV_LIGHT", Form.GATED) == LIGHT[slot] + gate


@pytest.mark.parametrize(("blueprint", "form"), [("CONV_LIGHT", Form.ADD), ("CONV_HEAVY", Form.ADD)])
def test_training_as_pytorch_counts_it(blueprint, form):
    """Forward and backward of a whole network without depthwise layers, which PyTorch's counter overstates."""
    seeds = [Planted(slot, blueprint, form) for slot in SLOTS]
    network = Network(SPEC, seeds)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(network(torch.randn(2, 3, 8, 8)), torch.tensor([0, 1])).backward()
    bias = 2 * 2 * 10  # the head's is a product with 1, forward and backward; as an addition it does not count
    assert counter.get_total_flops() / 2 == COSTS.network_step(seeds) + bias


def test_a_depthwise_seed_by_hand():
    """A 3x3 filter per channel on 8x8, then 4 x 4 channels."""
    assert seed_forward(SPEC, SLOTS, 0, "DEPTHWISE", Form.ADD) == 2 * (4 * 9 * 64 + 4 * 4 * 64)


def slots(stage: Stage) -> list[Slot]:
    """A fossil in the second slot, and a seed of a stage in the first."""
    found = [Slot("r0c0"), Slot("r0c1")]
    for uid, slot in enumerate(found, 1):
        slot.germinate(plant(worlds.germinate(slot.name), uid, 10, 5))
    found[0].stage, found[1].stage, found[1].alpha.value = stage, Stage.FOSSILIZED, 1.0
    return found


def account() -> Account:
    return Account(COSTS, images=10, val_images=4)


def test_an_epoch_with_an_incubating_seed():
    """Its own three passes, and twice everything behind it; the network is trained as if it were not there."""
    spent = account()
    spent.train(slots(Stage.TRAINING))
    behind = SECOND + HEAD + LIGHT["r0c1"]
    assert spent.spent.training == 10 * (COSTS.host_step + 3 * LIGHT["r0c1"])
    assert spent.spent.incubation == 10 * (3 * LIGHT["r0c0"] + 2 * behind)
    assert spent.seeds == {1: spent.spent.incubation, 2: 10 * 3 * LIGHT["r0c1"]}
    assert spent.wasted([2]) == spent.spent.incubation
    assert spent.wasted([1, 2]) == 0.0
    assert spent.wasted(uid for uid in (1, 2)) == 0.0  # however the kept ones are handed over


@pytest.mark.parametrize(("stage", "seeds"), [(Stage.GERMINATED, 1), (Stage.BLENDING, 2), (Stage.HOLDING, 2)])
def test_an_epoch_without_incubation(stage, seeds):
    spent = account()
    spent.train(slots(stage))
    living = [LIGHT["r0c1"], LIGHT["r0c0"]][:seeds]
    assert spent.spent.incubation == 0.0
    assert spent.spent.training == 10 * (COSTS.host_step + 3 * sum(living))


def test_measuring_shares_what_is_in_front():
    """Four networks: both on, none, one each.  The first segment runs once, the second for seed 1 on and off."""
    both = slots(Stage.HOLDING)
    both[0].alpha.value = 1.0
    spent = account()
    coalitions = [frozenset(s) for s in ((), ("r0c0",), ("r0c1",), ("r0c0", "r0c1"))]
    spent.measure(both, coalitions, [])
    seen = FIRST + LIGHT["r0c0"] + 2 * (SECOND + LIGHT["r0c1"]) + 4 * HEAD
    assert spent.spent.ablation == 4 * seen
    assert spent.spent.control == 10 * COSTS.host_step + 4 * COSTS.host
    assert spent.spent.total == spent.spent.ablation + spent.spent.control


def test_an_incubating_seed_is_measured_beside_the_network():
    spent = account()
    spent.measure(slots(Stage.TRAINING), [], ["r0c0"])
    assert spent.spent.ablation == 4 * (FIRST + LIGHT["r0c0"] + 2 * (SECOND + LIGHT["r0c1"] + HEAD))


def test_accuracy_is_averaged_over_operations_not_epochs():
    """Ten operations from chance to 0.2, ten on to 0.4, twenty at 0.4."""
    assert area([0.2, 0.4, 0.4], [10.0, 20.0, 40.0], 0.1) == pytest.approx((10 * 0.15 + 10 * 0.3 + 20 * 0.4) / 40)
    assert area([], [], 0.1) is None


def test_a_curve_of_every_epoch_has_the_area_of_the_same_curve_measured_now_and_then():
    """22 epochs: every third one and the last."""
    curve, work = [0.8 - 0.7 / e for e in range(1, 23)], [2.0 * e for e in range(1, 23)]
    at = [2, 5, 8, 11, 14, 17, 20, 21]
    assert area(curve, work, 0.1) == area([curve[i] for i in at], [work[i] for i in at], 0.1)
