"""The same configuration and seed give the same run, bit for bit, whoever computes and whoever watches."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
import torch

from esper_tui.leyline.events import is_deterministic
from esper_tui.leyline.stages import GRAFTED, Stage
from esper_tui.nissa.hub import Hub
from esper_tui.runtime.session import Ending, LocalSession
from esper_tui.tolaria.engine import Engine
from tests import recorded, worlds
from tests.tolaria.test_stacking import everything

CHOICES = {
    "one chunk": worlds.CHOICE,
    "two chunks": replace(worlds.CHOICE, chunk=2, threads=1),
    "two chunks at once": replace(worlds.CHOICE, chunk=2, threads=2),
    "chunks of one": replace(worlds.CHOICE, chunk=1, threads=2),
}


@dataclass(frozen=True)
class Played:
    """A run that ended: its deterministic events without number and time, and every tensor of the engine."""

    events: list[dict[str, Any]]
    tensors: dict[str, torch.Tensor]
    ending: Ending

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]


def deterministic(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What two logs are compared by."""
    return [{k: v for k, v in e.items() if k not in ("seq", "t")} for e in events if is_deterministic(e)]


def finish(session: LocalSession) -> Played:
    session.start()
    ending = session.join()
    return Played(deterministic(session.poll()[1]), clones(session.parts.engine), ending)


def clones(engine: Engine) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in everything(engine).items()}


@cache
def play(choice: str = "one chunk", dtype: str = "float32", decisions: str = "acted") -> Played:
    parts = worlds.tiny_parts(
        replace(CHOICES[choice], dtype=dtype),
        run=recorded.GROWING["run"], engine={"dtype": dtype}, telemetry={"decisions": decisions},
    )  # fmt: skip
    return finish(LocalSession(parts, None, Hub(None), None))


def assert_same_tensors(a: Played, b: Played) -> None:
    assert a.tensors.keys() == b.tensors.keys()
    assert [name for name in a.tensors if not torch.equal(a.tensors[name], b.tensors[name])] == []


def test_the_run_that_is_compared_shows_growth():
    """Otherwise nothing that follows means much."""
    targets = {change["target"] for change in play().of("StageChanged")}
    assert {"GERMINATED", "TRAINING", "BLENDING", "HOLDING"} <= targets
    assert play().ending.status == "done"


def test_the_same_seed_gives_the_same_run_recorded_or_not(tmp_path):
    parts = worlds.tiny_parts(run=recorded.GROWING["run"])
    recording = recorded.record(tmp_path / "x", parts)
    events = [e for e in deterministic(recording.events) if e["type"] != "TestMeasured"]
    assert events == play().events
    assert_same_tensors(Played(events, clones(parts.engine), recording.ending), play())


def test_another_seed_gives_another_run():
    parts = worlds.tiny_parts(run={"envs": 2, "epochs": 2, "seed": 2})
    other = finish(LocalSession(parts, None, Hub(None), None))
    assert other.of("RoundStarted") != play().of("RoundStarted")
    for mine, theirs in zip(other.of("EpochMeasured")[0]["columns"]["val/loss"], first_losses(), strict=True):
        assert mine != theirs


def first_losses() -> list[float]:
    return play().of("EpochMeasured")[0]["columns"]["val/loss"]


def test_threads_do_not_change_an_event_in_single_precision():
    assert play("two chunks").events == play("two chunks at once").events
    assert_same_tensors(play("two chunks"), play("two chunks at once"))


def test_chunks_do_not_change_a_weight_in_single_precision():
    assert_same_tensors(play("two chunks"), play("one chunk"))


def test_threads_and_chunks_do_not_change_an_event_in_double_precision():
    assert play("chunks of one", "float64").events == play("one chunk", "float64").events


class Mute(LocalSession):
    """A session whose loop tells nobody anything."""

    def _emit(self, event):
        return None


def test_telemetry_does_not_change_a_weight():
    mute = finish(Mute(worlds.tiny_parts(run=recorded.GROWING["run"]), None, Hub(None), None))
    assert mute.events == []
    assert mute.ending.status == "done"
    assert_same_tensors(mute, play())
    assert_same_tensors(play(decisions="full"), play())


def test_full_telemetry_records_the_waits_and_changes_nothing_else():
    acted, full = play(), play(decisions="full")
    waits = [e for e in full.of("DecisionTaken") if e["decision"]["op"] == "WAIT"]
    assert len(full.of("DecisionTaken")) == 2 * 23
    assert [e for e in full.events if e not in waits] == acted.events


# --- one environment goes wrong ----------------------------------------------------------------------------------


@cache
def play_poisoned(victim: int | None) -> Played:
    """Three environments; the weights of one are NaN after epoch 9, when seeds are blending in."""
    parts = worlds.tiny_parts(run={"envs": 3, "epochs": 24})
    train = parts.engine.train_epoch

    def train_and_poison(epoch, tick):
        report = train(epoch, tick)
        if epoch == 9 and victim is not None:
            chunk, row = parts.engine.place(victim)
            chunk.bank.weight[row] = chunk.bank.average[row] = float("nan")
            chunk.load()
        return report

    parts.engine.train_epoch = train_and_poison
    return finish(LocalSession(parts, None, Hub(None), None))


@pytest.mark.parametrize("victim", [0, 1])
def test_a_poisoned_environment_leaves_the_others_bit_identical(victim):
    clean, sick = play_poisoned(None), play_poisoned(victim)
    assert sick.ending.status == "done"
    rows = (f"/{2 * victim}", f"/{2 * victim + 1}")
    others = [name for name in clean.tensors if not name.endswith(rows)]
    assert len(others) == len(clean.tensors) * 2 // 3
    assert any(e["target"] == "BLENDING" and e["epoch"] < 9 for e in clean.of("StageChanged"))
    assert [name for name in others if not torch.equal(clean.tensors[name], sick.tensors[name])] == []
    for before, after in zip(clean.of("EpochMeasured"), sick.of("EpochMeasured"), strict=True):
        for key, column in before["columns"].items():
            for env in {0, 1, 2} - {victim}:
                assert after["columns"][key][env] == column[env], (key, env, before["epoch"])
    for env in {0, 1, 2} - {victim}:
        for kind in ("StageChanged", "DecisionTaken"):
            assert [e for e in sick.of(kind) if e["env"] == env] == [e for e in clean.of(kind) if e["env"] == env]


def test_a_poisoned_environment_raises_an_alert_and_the_receipt_says_nothing_false():
    sick = play_poisoned(1)
    alarms = [(e["env"], e["epoch"]) for e in sick.of("AlertRaised") if e["rule"] == "rollback"]
    assert alarms == [(1, 9)]
    assert not [e for e in play_poisoned(None).of("AlertRaised") if e["rule"] in ("rollback", "nan")]
    rows = sick.of("RoundEnded")[0]["rows"]
    assert all(isinstance(rows[env]["loss"], float) for env in (0, 2))
    assert sick.of("RoundEnded")[0]["best"] != 1 or isinstance(rows[1]["loss"], float)


def test_a_poisoned_control_costs_its_environment_and_nobody_else():
    parts = worlds.tiny_parts(run={"envs": 3, "epochs": 6})
    train = parts.engine.train_epoch

    def train_and_poison(epoch, tick):
        report = train(epoch, tick)
        if epoch == 3:
            chunk, row = parts.engine._place_row(3)
            chunk.bank.weight[row] = chunk.bank.average[row] = float("nan")
            chunk.load()
        return report

    parts.engine.train_epoch = train_and_poison
    sick = finish(LocalSession(parts, None, Hub(None), None))
    assert {e["env"] for e in sick.of("AlertRaised") if e["rule"] == "nan"} == {1}
    assert all(isinstance(sick.of("RoundEnded")[0]["rows"][env]["gain"], float) for env in (0, 2))


# --- a control is the environment that was never grown -----------------------------------------------------------


def differing(engine: Engine) -> set[int]:
    """Environments that differ from their control in any bit of weight, momentum, average or statistics."""
    found = everything(engine)
    names = {name.rsplit("/", 1)[0] for name in found if not name.startswith("seed")}
    return {
        env
        for env in range(len(engine.envs))
        if any(not torch.equal(found[f"{name}/{2 * env}"], found[f"{name}/{2 * env + 1}"]) for name in names)
    }


def test_a_control_and_its_environment_are_the_same_until_the_first_seed_leaves_training():
    parts = worlds.tiny_parts(run=recorded.GROWING["run"])
    train, seen = parts.engine.train_epoch, []

    def train_and_compare(epoch, tick):
        stages = [{slot.stage for slot in env.slots} for env in parts.engine.envs]
        report = train(epoch, tick)
        seen.append((stages, differing(parts.engine)))
        return report

    parts.engine.train_epoch = train_and_compare
    played = finish(LocalSession(parts, None, Hub(None), None))
    grown: set[int] = set()
    for stages, different in seen:
        grown |= {env for env, own in enumerate(stages) if own & GRAFTED}
        assert different == grown, "different from the first epoch of blending on, and never before"
    incubated = {env for stages, _ in seen for env, own in enumerate(stages) if Stage.TRAINING in own}
    assert grown == incubated == {0, 1}, "every environment must have lived through incubation and blending"
    assert_gain_is_exactly_zero_before(played)


def assert_gain_is_exactly_zero_before(played: Played) -> None:
    left = {0: 1000, 1: 1000}
    for change in played.of("StageChanged"):
        if change["source"] == "TRAINING":
            left[change["env"]] = min(left[change["env"]], change["epoch"])
    for event in played.of("EpochMeasured"):
        columns = event["columns"]
        for env in (0, 1):
            same = columns["val/loss"][env] == columns["control/loss"][env] and columns["gain/loss"][env] == 0.0
            if event["epoch"] <= left[env]:
                assert same, (event["epoch"], env)
            elif event["epoch"] > left[env] + 1:
                assert not same, (event["epoch"], env)
