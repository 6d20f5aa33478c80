"""An environment that goes wrong is put back; the others never notice, the run goes on."""

import math

import pytest
import torch

from esper_tui.leyline.errors import Diverged
from esper_tui.runtime.loop import Loop
from tests import worlds
from tests.runtime.test_loop_state import Recorder, final_weights

VICTIM = 1


class Poisoner(Recorder):
    """Spoils the weights of one environment before some epochs."""

    def __init__(self, epochs: set[int], value: float = math.nan, row: int = 0):
        super().__init__()
        self.epochs, self.value, self.row = epochs, value, row

    def phase(self, name: str, epoch: int) -> None:
        if name == "training" and epoch in self.epochs:
            chunk, row = self.loop.engine._place_row(2 * VICTIM + self.row)
            chunk.bank.weight[row] = self.value
            chunk.load()


def play(boundary: Recorder, **sections) -> Recorder:
    parts = worlds.tiny_parts(run={"envs": 3, "epochs": 22}, **sections)
    boundary.loop = Loop(parts, boundary.emit, lambda sync=False: None, boundary)
    boundary.loop.play({})
    return boundary


@pytest.fixture(scope="module")
def calm() -> Recorder:
    return play(Recorder())


def of(boundary: Recorder, kind: str) -> list[dict]:
    return [e for e in boundary.records if e["type"] == kind]


def others(boundary: Recorder) -> list[tuple]:
    """What was decided and changed in the environments that were left alone."""
    return [
        (e["type"], e["epoch"], e["env"], e.get("decision"), e.get("target"))
        for e in boundary.records
        if e["type"] in ("DecisionTaken", "StageChanged") and e["env"] != VICTIM
    ]


def healthy_rows(boundary: Recorder) -> torch.Tensor:
    """Weights of all rows but the victim's and its control's."""
    engine = boundary.loop.engine
    own = {2 * VICTIM, 2 * VICTIM + 1}
    rows = [
        (c, i) for c, span in zip(engine.chunks, engine.spans, strict=True) for i, r in enumerate(span) if r not in own
    ]
    return torch.stack([chunk.bank.weight[i] for chunk, i in rows])


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e4], ids=["nan", "inf", "diverged"])
@pytest.mark.parametrize("epoch", [2, 8, 10, 20])
def test_one_environment_spoilt_at_any_stage(calm, epoch, value):
    spoilt = play(Poisoner({epoch}, value))
    acted = of(spoilt, "GovernorActed")
    assert [e["env"] for e in acted] == [VICTIM]
    assert "rolled back to epoch" in acted[0]["done"]
    assert acted[0]["epoch"] == epoch
    assert others(spoilt) == others(calm)
    assert torch.equal(healthy_rows(spoilt), healthy_rows(calm))
    assert final_weights(spoilt.loop).isfinite().all()
    row = of(spoilt, "RoundEnded")[0]["rows"][VICTIM]
    assert row["loss"] is not None
    if epoch not in (1, 22):
        assert spoilt.loop.scoring.books[VICTIM].terms["governor"] == -1.0


def test_a_developing_seed_is_pruned_and_the_slot_goes_through_its_embargo():
    spoilt = play(Poisoner({10}))
    changes = [e for e in of(spoilt, "StageChanged") if e["env"] == VICTIM and e["epoch"] >= 10]
    assert (changes[0]["target"], changes[0]["cause"]) == ("PRUNED", "governor")
    assert changes[1]["target"] == "EMBARGOED"


def test_past_help_it_waits_until_the_end(calm):
    spoilt = play(Poisoner({3, 4, 5, 6}), governor={"max_rollbacks": 2})
    assert len(of(spoilt, "GovernorActed")) == 3
    assert "waits until its episode ends" in of(spoilt, "GovernorActed")[-1]["done"]
    assert not spoilt.loop.healthy[VICTIM]
    assert [e["rule"] for e in of(spoilt, "AlertRaised") if e["env"] == VICTIM] == ["rollback", "nan"]
    assert of(spoilt, "RoundEnded")[0]["rows"][VICTIM]["loss"] is None
    assert others(spoilt) == others(calm)


def test_a_lost_control_ends_the_environment(calm):
    spoilt = play(Poisoner({5}, row=1))
    assert not spoilt.loop.healthy[VICTIM]
    assert others(spoilt) == others(calm)


def test_all_past_help_ends_the_run():
    boundary = Poisoner(set(range(1, 9)))
    parts = worlds.tiny_parts(run={"envs": 2, "epochs": 9}, governor={"max_rollbacks": 0})
    boundary.loop = Loop(parts, boundary.emit, lambda sync=False: None, boundary)

    def spoil_all(name: str, epoch: int) -> None:
        if name == "training":
            for chunk in boundary.loop.engine.chunks:
                chunk.bank.weight[:] = math.nan
                chunk.load()

    boundary.phase = spoil_all
    with pytest.raises(Diverged, match="every environment went wrong"):
        boundary.loop.play({})
