"""A run with interventions, made again: the same events, the same network; and how a difference is named."""

import json
import shutil
from pathlib import Path

import pytest

from esper_tui.evidence.examine import examine
from esper_tui.karn.read import read_run
from esper_tui.leyline.choices import WAIT, Decision, Op
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.folder import ARTEFACTS, RUN_FILE, events_file
from esper_tui.leyline.session import Abandon, Breakpoint, Cancel, Override, Pause, Resume, Stop
from esper_tui.runtime.artefacts import KIND
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.receipt import receipt
from esper_tui.runtime.rerun import compare_runs, load_recording, prepare_rerun, script_of
from esper_tui.runtime.run_info import describe_run
from esper_tui.runtime.session import LocalSession
from esper_tui.runtime.start import prepare_session
from esper_tui.runtime.statefile import load_state, save_state
from tests import worlds
from tests.worlds import advance, germinate

SEED = 1
"""Number of the first seed of an environment."""
PRUNE = Decision(op=Op.PRUNE, slot="r0c0", alpha_speed="FAST", alpha_curve="LINEAR")


def prepare(folder: Path, script=None, **sections) -> LocalSession:
    config = worlds.tiny_config(**{"run": {"envs": 2, "epochs": 24}} | sections)
    return prepare_session(Resolved("tiny", config, "Once."), folder, examine, script, worlds.CHOICE)


def finish(session: LocalSession) -> str:
    session.start()
    return session.join().status


@pytest.fixture(scope="module")
def assisted(tmp_path_factory) -> Path:
    """A run in which a person did everything that can be done, the first of it between two batches."""
    folder = tmp_path_factory.mktemp("assisted") / "20260101-000000-tiny-aaaa"
    script = {
        (0, 2): [Override(1, WAIT, hold=3, author="ann@box", note="let it settle")],
        (0, 3): [Override(0, germinate("r0c0"), at_epoch=5), Override(1, germinate("r1c0"), "when_legal")],
        (0, 4): [Override(0, advance("r1c0")), Override(0, WAIT, hold=0), Override(0, WAIT)],
        (0, 5): [Cancel(7), Cancel(6)],
        (0, 6): [
            Override(0, PRUNE, "when_legal", wait_epochs=9, expect=SEED),
            Override(0, PRUNE, expect=SEED + 1),
            Override(1, advance("r0c0"), "when_legal", wait_epochs=2),
        ],
    }
    session = prepare(folder, script, tamiyo={"policy": "heuristic", "germinate_by": 6})
    session.submit(Pause("batch"))
    session.submit(Override(0, WAIT, note="between two batches"))
    session.submit(Resume())
    assert finish(session) == "done"
    return folder


@pytest.fixture
def copy(assisted, tmp_path) -> Path:
    return shutil.copytree(assisted, tmp_path / "copy")


def again(folder: Path, to: Path) -> Path:
    session = prepare_rerun(load_recording(folder), to, examine)
    finish(session)
    return to


def test_the_recording_shows_every_fate(assisted):
    fates = {e["fate"] for e in read_run(assisted).rounds[0].interventions.values()}
    assert fates == {"applied", "rejected", "cancelled", "expired"}


def test_a_repetition_is_identical(assisted, tmp_path):
    made = again(assisted, tmp_path / "again")
    assert compare_runs(load_recording(assisted), made) == ""
    (old, _), (new, _) = (load_state(next((f / ARTEFACTS).glob("*.safetensors")), KIND) for f in (assisted, made))
    assert old.keys() == new.keys()
    assert all(old[name].numpy().tobytes() == new[name].numpy().tobytes() for name in old)


def test_without_the_interventions_it_is_not(assisted, tmp_path):
    recording = load_recording(assisted)
    session = prepare_session(recording.resolved, tmp_path / "alone", examine, {}, recording.choice)
    finish(session)
    assert compare_runs(recording, tmp_path / "alone").startswith("event ")


def test_a_stopped_run_is_stopped_again_where_it_was(tmp_path):
    script = {(0, 4): [Override(0, WAIT), Stop()]}
    session = prepare(tmp_path / "stopped", script)
    assert finish(session) == "stopped"
    recording = load_recording(tmp_path / "stopped")
    assert script_of(recording.events) == script
    again(tmp_path / "stopped", tmp_path / "again")
    assert compare_runs(recording, tmp_path / "again") == ""


def test_of_a_run_that_was_abandoned_the_beginning_is_compared(tmp_path):
    session = prepare(tmp_path / "abandoned", {(0, 3): [Override(0, WAIT)]}, run={"envs": 1, "epochs": 8})
    session.submit(Breakpoint("op", "WAIT"))
    session.start()
    while session.progress().state != "paused":
        session.thread.join(0.002)
    session.submit(Abandon())
    assert session.join().status == "abandoned"
    recording = load_recording(tmp_path / "abandoned")
    again(tmp_path / "abandoned", tmp_path / "again")
    assert compare_runs(recording, tmp_path / "again") == ""


# --- what people did -----------------------------------------------------------------------------------------------


def test_assisted_steps_are_counted_and_shown(assisted):
    record = read_run(assisted)
    steps = sum(e["agreed"] is False for e in record.rounds[0].decisions)
    assert steps > 0
    assert [row["assisted"] for row in record.rounds[0].rows] == [record.rounds[0].assisted.get(e, 0) for e in (0, 1)]
    assert sum(record.rounds[0].assisted.values()) == steps
    assert f"ASSISTED({steps})" in receipt(record, assisted).splitlines()[0]
    assert describe_run(assisted).assisted == steps


def test_a_run_without_a_person_bears_no_badge(finished_run):
    assert "ASSISTED" not in receipt(read_run(finished_run.folder), finished_run.folder)
    assert describe_run(finished_run.folder).assisted == 0


def test_with_the_policy_manual_the_person_is_the_controller(tmp_path):
    """A seed goes all the way in, because a person planted it and let it through three gates; nothing else happens."""
    script = {
        (0, 5): [Override(0, germinate("r0c0"))],
        (0, 6): [Override(0, advance("r0c0"), "when_legal")],
        (0, 7): [Override(0, advance("r0c0"), "when_legal")],
        (0, 8): [Override(0, advance("r0c0"), "when_legal")],
    }
    session = prepare(tmp_path / "manual", script, tamiyo={"policy": "manual"}, reward={"control": "none"})
    assert finish(session) == "done"
    current = read_run(tmp_path / "manual").rounds[0]
    assert [(d["by"], d["decision"]["op"], d["intended"]) for d in current.decisions] == [
        ("human", op, {"op": "WAIT"}) for op in ("GERMINATE", "ADVANCE", "ADVANCE", "ADVANCE")
    ]
    assert [c["target"] for c in current.changes if c["env"] == 0] == ["GERMINATED", "TRAINING", "BLENDING", "HOLDING"]
    assert [row["assisted"] for row in current.rows] == [4, 0]
    assert current.rows[1]["planted"] == 0


# --- how a difference is named -------------------------------------------------------------------------------------


def rewrite(folder: Path, change) -> None:
    path = events_file(folder, 0)
    events = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(e) + "\n" for e in change(events)))


def test_the_first_value_that_differs_is_named(assisted, copy):
    def change(events):
        third = [e for e in events if e["type"] == "EpochMeasured"][2]
        third["columns"]["val/acc"][1] += 0.5
        return events

    before = next(e for e in load_recording(assisted).events if e["type"] == "EpochMeasured" and e["epoch"] == 3)
    value = before["columns"]["val/acc"][1]
    rewrite(copy, change)
    said = compare_runs(load_recording(assisted), copy)
    assert said.endswith(f"EpochMeasured of epoch 3: columns.val/acc[1] was {value!r} and is now {value + 0.5!r}")


def test_an_event_too_few_is_named(assisted, copy):
    rewrite(copy, lambda events: [e for e in events if e["type"] != "TestMeasured"])
    assert "only the recording has TestMeasured" in compare_runs(load_recording(assisted), copy)


def test_times_and_pauses_make_no_difference(assisted, copy):
    rewrite(copy, lambda events: [e | {"t": e["t"] + 5.0} for e in events if e["type"] != "SessionChanged"])
    assert compare_runs(load_recording(assisted), copy) == ""


def test_a_network_that_differs_is_named_with_its_tensor(assisted, copy):
    path = next((copy / "artefacts").glob("*.safetensors"))
    tensors, document = load_state(path, KIND)
    name = next(iter(tensors))
    save_state(path, KIND, tensors | {name: tensors[name] + 0.25}, document)
    assert compare_runs(load_recording(assisted), copy) == f"{path.name}: {name} differs by up to 0.25"
    save_state(path, KIND, tensors, document | {"env": 9})
    assert compare_runs(load_recording(assisted), copy).endswith(" and is now 9")
    path.unlink()
    assert compare_runs(load_recording(assisted), copy) == f"{path.name} is missing"


@pytest.mark.parametrize("text", ["", "config = 3", "[config.run]\nenvz = 3\n[engine_choice]\n", "[config]\n"])
def test_a_damaged_run_file_is_one_sentence(copy, text):
    (copy / RUN_FILE).write_text(text)
    with pytest.raises(Incompatible, match=r"cannot be repeated: its run\.toml is damaged or of another version"):
        load_recording(copy)
