"""Operations are counted as PyTorch counts them, and as by hand."""

import subprocess
import sys

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from esper_tui.kasmina.blueprints import REGISTRY
from esper_tui.leyline.choices import Form
from esper_tui.tolaria.operations import OperationCounter
from tests import worlds


@pytest.mark.parametrize("name", list(REGISTRY))
@pytest.mark.parametrize("form", list(Form))
def test_every_blueprint_costs_what_pytorch_says(name, form):
    shape = worlds.shape()
    surface = shape.spec.enabled(shape.slots)[0]
    images = torch.randn(2, surface.channels, surface.size, surface.size)
    network = shape.seed_build(0, (name, form))(1)
    with FlopCounterMode(display=False) as theirs:
        network(images)
    with OperationCounter() as ours:
        network(images)
    assert ours.total == theirs.get_total_flops()


def test_a_convolution_by_hand():
    with OperationCounter() as counter:
        torch.nn.Conv2d(3, 8, 3, padding=1)(torch.zeros(2, 3, 10, 10))
    assert counter.total == 2 * 2 * 8 * 3 * 9 * 100


def test_the_compiler_is_left_alone():
    code = (
        "import sys, torch; from esper_tui.tolaria.operations import OperationCounter\n"
        "with OperationCounter() as counter: torch.nn.Linear(4, 5)(torch.zeros(3, 4))\n"
        "assert counter.total == 2 * 3 * 4 * 5 and 'torch._dynamo' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
