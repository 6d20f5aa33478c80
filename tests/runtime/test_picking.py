"""Any network of a run: those it left when it ended, or those of its newest checkpoint."""

import shutil
from itertools import cycle

import pytest
import torch

from esper_tui.evidence.examine import examine_exported
from esper_tui.evidence.export import plain_network
from esper_tui.evidence.scratch import plant_full
from esper_tui.kasmina.blueprints import REGISTRY
from esper_tui.kasmina.network import Planted
from esper_tui.leyline.choices import Form
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import Incompatible, UsageError
from esper_tui.leyline.folder import checkpoint_file, checkpoint_files
from esper_tui.runtime.checkpoints import KIND
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.loop_state import capture_loop
from esper_tui.runtime.picking import pick_network
from esper_tui.runtime.statefile import load_state, save_state
from esper_tui.runtime.unwatched import Unwatched
from tests import recorded, worlds


@pytest.fixture
def run(finished_run, tmp_path):
    """A copy of the finished run that a test may spoil."""
    return shutil.copytree(finished_run.folder, tmp_path / finished_run.folder.name)


@pytest.fixture
def in_progress(run):
    """The same as it was after its newest checkpoint."""
    for path in run.glob("artefacts/*"):
        path.unlink()
    return run


class StopsAt(Unwatched):
    """A boundary that ends the run after an epoch."""

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch = epoch

    def rest(self, epoch: int) -> bool:
        return epoch == self.epoch


def test_every_environment_can_be_had_as_it_was_delivered(finished_run):
    config = RunConfig.model_validate(finished_run.events[0]["config"])
    rows = next(e["rows"] for e in finished_run.events if e["type"] == "TestMeasured")
    for row in rows:
        picked = pick_network(finished_run.folder, row["env"])
        assert (picked.env, picked.epoch, picked.left_out) == (row["env"], 24, ())
        plain, _ = plain_network(picked.network, picked.mean, picked.std)
        assert examine_exported([plain], config)[0].mean() == pytest.approx(row["acc"])


def test_the_best_is_the_one_that_the_round_named(finished_run):
    best = next(e["best"] for e in finished_run.events if e["type"] == "RoundEnded")
    assert pick_network(finished_run.folder).env == best
    assert pick_network(finished_run.folder).source == "artefacts/round-000-best.safetensors"


def test_a_run_in_progress_delivers_what_it_would_deliver_at_its_checkpoint(in_progress):
    (_, epoch), _ = checkpoint_files(in_progress)[0]
    loop = Loop(worlds.tiny_parts(**recorded.GROWING), lambda event: None, lambda sync=False: None, StopsAt(epoch))
    expected = loop.play({}).delivered
    for env, delivered in enumerate(expected):
        picked = pick_network(in_progress, env)
        assert (picked.epoch, picked.source) == (epoch, f"checkpoints/r000-e{epoch:04d}.safetensors")
        for name, tensor in delivered.network.state_dict().items():
            assert tensor.equal(picked.network.state_dict()[name]), name
    living = [s for s in loop.engine.envs[0].slots if s.seed is not None]
    assert pick_network(in_progress, 0).left_out == tuple(
        f"{s.name} {s.seed.blueprint} ({s.stage.name})" for s in living if s.seed
    )


SLOTS = ("r0c0", "r1c0", "r0c1", "r1c1")


def planted_loop() -> Loop:
    """Two environments that hold every blueprint and every form, all weights random, in float64."""
    parts = worlds.tiny_parts(growth={"slots": SLOTS}, engine={"dtype": "float64"})
    loop = Loop(parts, lambda event: None, lambda sync=False: None, Unwatched())
    loop.instances, loop.signals = parts.instances.draw(0), []
    loop.begin_round()
    for number, (blueprint, form) in enumerate(zip(REGISTRY, cycle(Form), strict=False)):
        plant_full(parts.engine, number // 4, Planted(SLOTS[number % 4], blueprint, form))
    g = torch.Generator().manual_seed(2)
    for chunk in parts.engine.chunks:
        for bank in (chunk.bank, *(group.bank for _, group in chunk.groups())):
            bank.average.copy_(0.3 * torch.randn(bank.average.shape, generator=g, dtype=torch.float64))
    return loop


def test_every_blueprint_comes_out_of_a_checkpoint_in_float64(tmp_path):
    loop = planted_loop()
    tensors, document = capture_loop(loop)
    about = {"epoch": 5, "after_seq": 0, "engine_choice": worlds.CHOICE.document()}
    (tmp_path / "checkpoints").mkdir()
    path = checkpoint_file(tmp_path, 0, 5)
    save_state(path, KIND, tensors, document | about | {"config": loop.config.model_dump(mode="json")})
    for env, count in ((0, 4), (1, 3)):
        picked, expected = pick_network(tmp_path, env), loop.engine.deliver(env)
        assert len(picked.network.planted) == count
        plain, _ = plain_network(picked.network, picked.mean, picked.std)
        x = torch.rand(9, 3, 8, 8, dtype=torch.float64)
        mean, std = (torch.tensor(v, dtype=torch.float64).view(1, 3, 1, 1) for v in (picked.mean, picked.std))
        torch.testing.assert_close(plain(x), expected((255 * x - mean) / std), rtol=1e-9, atol=1e-9)


def test_the_best_of_a_run_in_progress_is_chosen_on_the_reward_half(in_progress):
    assert pick_network(in_progress).env in (0, 1)


def test_a_later_round_counts_for_an_environment_and_the_ended_one_for_the_best(run):
    _, newest = checkpoint_files(run)[0]
    newest.rename(newest.with_name("r001-e0020.safetensors"))
    assert pick_network(run, 1).source == "checkpoints/r001-e0020.safetensors"
    assert pick_network(run, 1).round == 1
    assert pick_network(run).round == 0


def test_an_environment_that_does_not_exist(run):
    with pytest.raises(UsageError, match="has environments 0 to 1, not 7"):
        pick_network(run, 7)


def test_an_environment_that_was_lost(in_progress):
    _, path = checkpoint_files(in_progress)[0]
    tensors, document = load_state(path, KIND)
    tensors["engine/chunk0/host/average"][0] = torch.nan
    save_state(path, KIND, tensors, document)
    with pytest.raises(UsageError, match="lost environment 0: not all weights are finite"):
        pick_network(in_progress, 0)
    assert pick_network(in_progress).env == 1


def test_a_run_without_any_network(in_progress):
    for _, path in checkpoint_files(in_progress):
        path.unlink()
    with pytest.raises(Incompatible, match="no usable checkpoint"):
        pick_network(in_progress)
