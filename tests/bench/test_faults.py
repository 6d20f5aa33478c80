"""Short forms of the bench of faults; the long ones, which are its figures, run with ``-m long``."""

import random
import signal

import pytest
import torch

from esper_tui.bench.children import Child, workshop
from esper_tui.bench.faults import PARTS, Effort, bench_faults
from esper_tui.bench.faults_table import Finding, Tally
from esper_tui.bench.fuzz import bench_fuzz
from esper_tui.bench.kills import bench_kills, bench_writes
from esper_tui.bench.mutations import BROKEN, broken_lines, mangled
from esper_tui.bench.poison import CHOICE, Dose, disturbed, play
from esper_tui.bench.signal_matrix import ENDLESS, ENDS, PLAYS
from esper_tui.bench.soak import Growth, Sample
from esper_tui.bench.tiny_runs import End
from tests import worlds


def quiet(text: str) -> None:
    return None


@pytest.fixture(scope="module")
def work():
    with workshop() as folder:
        yield folder


def assert_good(*found: Finding) -> None:
    for finding in found:
        assert finding.problems == []
        assert finding.word != "missed"


# --- what is counted -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tries", "bad", "word"),
    [(3, 0, "too few tries"), (50, 0, "floor reached"), (200, 0, "goal reached"), (200, 1, "missed"), (3, 1, "missed")],
)
def test_all_must_succeed_and_be_enough(tries, bad, word):
    tally = Tally("kills", 50, 200)
    for number in range(tries):
        tally.check("lost" if number < bad else "")
    found = tally.finding()
    assert (found.measured, found.word) == (f"{tries - bad} of {tries}", word)


def test_a_difference_of_one_bit_or_event_is_found():
    end = End([{"type": "A", "epoch": 1}], {"x": b"1"}, {"w": torch.tensor([0.0, float("nan")])})
    assert end.difference(End(end.events, {"x": b"1"}, {"w": torch.tensor([0.0, float("nan")])})) == ""
    assert end.difference(End(end.events, {"x": b"1"}, {"w": torch.tensor([-0.0, float("nan")])})) == "w differs"
    assert end.difference(End(end.events, {"x": b"2"}, end.tensors)) == "x differs"
    assert "0 events instead of 1" in end.difference(End([], end.files, end.tensors))
    assert "event 0" in end.difference(End([{"type": "A", "epoch": 2}], end.files, end.tensors))


def test_a_leak_is_seen_and_wandering_is_none():
    flat = [Sample(i, 1000 + 3 * (i % 2), 7, 4) for i in range(100)]
    leaking = [Sample(i, 1000 + 90.0 * i, 7 + i // 10, 4) for i in range(100)]
    assert Growth.of(flat).problems(100) == []
    problems = Growth.of(leaking).problems(4096)
    assert len(problems) == 2
    assert "KiB of memory" in problems[0]
    assert problems[1].endswith("open files")


def test_broken_inputs_are_others_and_the_same_for_the_same_seed():
    data, document = bytes(range(256)) * 4, {"a": [1, {"b": "c"}], "d": 2.5}
    for mutate in BROKEN:
        assert any(mutate(data, random.Random(seed)) != data for seed in range(5))
        assert mutate(data, random.Random(7)) == mutate(data, random.Random(7))
    assert sum(mangled(document, random.Random(seed)) != document for seed in range(50)) > 40
    assert document == {"a": [1, {"b": "c"}], "d": 2.5}
    assert broken_lines([b'{"a":1}\n', b'{"b":2}\n'], random.Random(3)) != b'{"a":1}\n{"b":2}\n'


# --- short forms ---------------------------------------------------------------------------------------------------


def test_killed_at_random_moments_it_goes_on_to_the_same_end(work):
    assert_good(*bench_kills(quiet, 3, work, ("twins",)))


def test_killed_while_it_writes_a_checkpoint_a_sound_one_is_found(work):
    assert_good(*bench_writes(quiet, 3, work, seed=2))


@pytest.mark.parametrize("name", ["HUP", "USR1"])
def test_a_signal_to_a_run_without_a_screen(work, name):
    (work / "endless.toml").write_text(ENDLESS)
    assert PLAYS["headless"](work, work / f"headless-{name}", name, ENDS[name]) == ""


@pytest.mark.parametrize("name", ["HUP", "TERM"])
def test_a_signal_to_a_run_on_its_screen_restores_the_terminal(work, name):
    (work / "endless.toml").write_text(ENDLESS)
    assert PLAYS["screen"](work, work / f"screen-{name}", name, ENDS[name]) == ""


def test_broken_inputs_are_read_or_refused(work, finished_run):
    (work / "fuzz").mkdir()
    assert_good(bench_fuzz(quiet, 400, finished_run.folder, work / "fuzz", seed=11))


@pytest.mark.parametrize("value", ["NaN", "divergence"])
def test_poison_in_a_seed_that_incubates_stays_where_it_is(value):
    config = worlds.tiny_config(run={"envs": 3, "epochs": 22}, reward={"control": "none"})
    calm = play(config)
    epoch, slot = next((e, envs[1].index("TRAINING")) for e, envs in calm.stages.items() if "TRAINING" in envs[1])
    dose = Dose(1, epoch, slot, "TRAINING", value)
    spoilt = play(config, dose)
    assert disturbed(calm, spoilt, dose) == ""
    assert disturbed(calm, spoilt, Dose(0, epoch, slot, "TRAINING", value)) != "", "the victim itself is another"
    assert CHOICE.chunk >= 3, "or else they do not share a chunk"


def test_a_child_is_the_program_with_its_exit_code_and_dies_when_killed(work):
    child = Child(["--version"], work)
    assert child.end() == 0
    assert child.text.startswith("esper ")
    refused = Child(["run", "nosuch"], work)
    assert refused.end() == 2
    assert "there is no preset 'nosuch'" in refused.text
    killed = Child(["run", "quickstart", "--no-ui", "--run-dir", "killed"], work)
    assert killed.kill()
    assert killed.process.exitcode == -signal.SIGKILL
    assert not killed.kill()


# --- long forms ----------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("part", PARTS)
def test_the_figures(part, capsys):
    with capsys.disabled():
        found = bench_faults(print, [part], Effort())
    assert_good(*found)
