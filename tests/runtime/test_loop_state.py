"""A loop that was captured at a boundary and restored goes on bit for bit, through the file."""

import json
from pathlib import Path

import pytest
import torch

from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.events import is_deterministic, to_record
from esper_tui.leyline.session import Override
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.loop_state import capture_loop, restore_loop
from esper_tui.runtime.overrides import Overrides
from tests import learning, worlds

PRUNE = Decision(op=Op.PRUNE, slot="r0c0", alpha_speed="FAST", alpha_curve="LINEAR")


class Recorder:
    """A boundary that captures after some epochs, as JSON and tensors, and asks for things in between."""

    def __init__(self, capture: set[tuple[int, int]] = frozenset(), asks: dict | None = None):
        self.capture, self.asks, self.records, self.states = capture, asks or {}, [], {}
        self.overrides, self.path = Overrides(self.emit), None
        self.loop: Loop | None = None

    def emit(self, event) -> None:
        record = to_record(event, len(self.records), 0.0)
        if is_deterministic(record):
            self.records.append({k: v for k, v in record.items() if k not in ("seq", "t")})

    def tick(self) -> None: ...

    def phase(self, name: str, epoch: int) -> None: ...

    def rest(self, epoch: int) -> bool:
        place = (self.loop.round, epoch)
        for ask in self.asks.get(place, []):
            self.overrides.queue(epoch, ask)
        if place in self.capture:
            tensors, document = capture_loop(self.loop)
            self.states[place] = (tensors, json.loads(json.dumps(document)), len(self.records))
        return False


def make(boundary: Recorder, **sections) -> Loop:
    parts = worlds.tiny_parts(**sections)
    boundary.loop = Loop(parts, boundary.emit, lambda sync=False: None, boundary)
    return boundary.loop


def final_weights(loop: Loop) -> torch.Tensor:
    return torch.cat([c.bank.tensors[name] for c in loop.engine.chunks for name in ("weight", "average")])


def assert_goes_on_alike(places: list[tuple[int, int]], asks: dict | None = None, **sections) -> Recorder:
    whole = Recorder(set(places), asks)
    first = make(whole, **sections)
    first.play({})
    for place in places:
        tensors, document, told = whole.states[place]
        again = Recorder(asks={p: a for p, a in (asks or {}).items() if p > place})
        second = make(again, **sections)
        restore_loop(second, tensors, document)
        second.play({}, done=place[1])
        assert again.records == whole.records[told:]
        assert torch.equal(final_weights(second), final_weights(first))
    return whole


def test_a_grow_run_with_seeds_in_every_stage():
    whole = assert_goes_on_alike([(0, e) for e in (6, 13, 30)], run={"envs": 2, "epochs": 30})
    assert {e["target"] for e in whole.records if e["type"] == "StageChanged"} >= {"TRAINING", "BLENDING", "HOLDING"}


def test_the_queue_of_interventions_goes_on():
    asks = {
        (0, 3): [Override(0, PRUNE, "when_legal"), Override(1, Decision(op=Op.WAIT), hold=5)],
        (0, 9): [Override(0, PRUNE, at_epoch=14)],
    }
    whole = assert_goes_on_alike([(0, 5), (0, 10)], asks, run={"envs": 2, "epochs": 20})
    assert any(e["type"] == "DecisionTaken" and e["by"] == "human" for e in whole.records)


@pytest.mark.parametrize("policy", ["wait", "random", "schedule"])
def test_other_policies(policy):
    step = {"epoch": 6, "decision": worlds.germinate("r0c0").named()}
    assert_goes_on_alike([(0, 8)], run={"epochs": 12}, tamiyo={"policy": policy, "schedule": [step]})


def test_a_learn_run_goes_on_in_the_middle_of_a_round():
    sections = learning.SMALL | {
        "run": {"mode": "learn", "envs": 2, "epochs": 8, "rounds": 3, "instances": 3},
        "ppo": learning.SMALL["ppo"] | {"episodes": 2, "clone_rounds": 1},
    }
    assert_goes_on_alike([(0, 5), (1, 8), (2, 3)], **sections)


def test_another_configuration_is_refused():
    whole = Recorder({(0, 2)})
    make(whole, run={"epochs": 3}).play({})
    tensors, document, _ = whole.states[0, 2]
    with pytest.raises(Incompatible):
        restore_loop(make(Recorder(), run={"epochs": 3}, host={"channels": 16}), tensors, document)


def test_a_document_that_was_tampered_with_is_refused(tmp_path: Path):
    whole = Recorder({(0, 2)})
    make(whole, run={"epochs": 3}).play({})
    tensors, document, _ = whole.states[0, 2]
    document["state"]["v"][0][1] = {"!": "subprocess.Popen", "v": ["true"]}
    with pytest.raises(Incompatible, match="does not know"):
        restore_loop(make(Recorder(), run={"epochs": 3}), tensors, document)
