"""The test images are opened once, by the receipt, after every choice was made."""

from dataclasses import dataclass

import pytest
import torch

from esper_tui.data.images import Images, Splits
from esper_tui.data.load import load_splits
from esper_tui.evidence.examine import examine
from esper_tui.nissa.hub import Hub
from esper_tui.runtime import seeding
from esper_tui.runtime.build import build_parts
from esper_tui.runtime.delivery import deliver_all
from esper_tui.runtime.session import LocalSession
from tests import worlds


class Opened(Exception):
    """The test images were looked at."""


@dataclass(frozen=True)
class Sealed(Splits):
    """Splits that notice who opens the test images."""

    def __getattribute__(self, name: str):
        if name == "test":
            raise Opened
        return super().__getattribute__(name)


CONFIG = worlds.tiny_config(run={"envs": 2, "epochs": 24}, data={"test_images": 80})


def sealed() -> Sealed:
    splits = load_splits(CONFIG.data, seeding.generator)
    return Sealed(splits.train, splits.val, splits.test)


def test_a_whole_run_with_growth_never_opens_the_test_images():
    parts = build_parts(CONFIG, splits=sealed(), choice=worlds.CHOICE)
    session = LocalSession(parts, None, Hub(None), examine=None)
    session.start()
    ending = session.join()
    assert (ending.status, ending.error) == ("done", "")
    events = session.poll()[1]
    assert any(e["type"] == "StageChanged" and e["target"] == "HOLDING" for e in events)
    assert not any(e["type"] == "TestMeasured" for e in events)
    with pytest.raises(Opened):
        examine(parts, deliver_all(parts, [True, True]))


def test_the_receipt_opens_them_once_and_last(finished_run):
    types = [event["type"] for event in finished_run.events]
    assert types.count("TestMeasured") == 1
    assert types.index("TestMeasured") > types.index("RoundEnded")
    assert "DecisionTaken" not in types[types.index("TestMeasured") :]


def test_other_test_images_change_nothing_but_the_receipt():
    """The strongest form: exchange them, and every other event stays the same."""
    splits = load_splits(CONFIG.data, seeding.generator)
    other = Images(255 - splits.test.pixels, splits.test.labels.roll(1))
    runs = []
    for test in (splits.test, other):
        parts = build_parts(CONFIG, splits=Splits(splits.train, splits.val, test), choice=worlds.CHOICE)
        session = LocalSession(parts, None, Hub(None), examine)
        session.start()
        session.join()
        runs.append([{k: v for k, v in e.items() if k != "t"} for e in session.poll()[1]])
    differing = {a["type"] for a, b in zip(*runs, strict=True) if a != b}
    assert "TestMeasured" in differing
    assert differing <= {"TestMeasured", "RunEnded"}


def test_the_engine_is_fed_with_training_and_validation_images_only():
    parts = build_parts(CONFIG, splits=sealed(), choice=worlds.CHOICE)
    assert torch.equal(parts.source.pixels, parts.splits.train.pixels)
    assert parts.source.val is parts.splits.val
    plan = parts.source.epoch(seeding.grow_instances(1, 2), 3)
    index = plan.drawn[:, 0]
    assert index.min() >= 0
    assert index.max() < len(parts.splits.train)
    assert sum(len(labels) for _, labels in parts.source.validation()) == len(parts.splits.val)


def test_the_choice_of_the_best_uses_the_reward_half(finished_run):
    ended = next(e for e in finished_run.events if e["type"] == "RoundEnded")
    losses = {row["env"]: row["loss"] for row in ended["rows"]}
    assert ended["best"] == min(losses, key=losses.__getitem__)
