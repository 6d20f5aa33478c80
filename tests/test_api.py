"""What a notebook uses: the block of the README, and the edges of every function."""

import contextlib
import json
import re
import threading

import pytest

import esper_tui
from esper_tui.leyline.errors import ConfigError, EsperError, ExitCode, UsageError
from tests import console

README = (console.ROOT / "README.md").read_text(encoding="utf-8")
SECTION = re.search(r"^## In a notebook$(.*?)^## ", README, re.M | re.S)


def tiny(**run):
    """A checked preset that runs in a second."""
    return esper_tui.load_preset("tiny", run={"epochs": 3} | run)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory in which quickstart and tiny take a second."""
    for name in ("quickstart", "tiny"):
        console.tiny_preset(tmp_path, name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_block_of_the_readme_reaches_a_result(here, capsys):
    assert SECTION is not None
    block = re.search(r"```python\n(.*?)```", SECTION[1], re.S)[1]
    assert len(block.strip().splitlines()) <= 11
    names: dict = {}
    exec(block, names)
    out = capsys.readouterr().out
    assert "growth bought" in out
    assert out.rstrip().endswith("report.html")
    assert names["page"].is_file()
    assert len(names["table"]) == 2 * 24
    assert names["done"].status == "done"


def test_importing_costs_nothing(here):
    code = "import sys, esper_tui; dir(esper_tui); print({'torch', 'pydantic', 'numpy', 'textual'} & set(sys.modules))"
    assert console.python("-c", code).out.strip() == "set()"


def test_a_table_of_a_run_needs_no_torch(finished_run):
    code = f"import sys, esper_tui; esper_tui.read_run({str(finished_run.folder)!r}); print('torch' in sys.modules)"
    assert console.python("-c", code).out.strip() == "False"


def test_what_it_offers_is_there_and_nothing_else():
    assert set(esper_tui.__all__) <= set(dir(esper_tui))
    assert all(getattr(esper_tui, name).__doc__ for name in esper_tui.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nosuch'"):
        _ = esper_tui.nosuch


def test_settings_go_by_section(here):
    schedule = [{"epoch": 2, "decision": {"op": "ADVANCE", "slot": "r0c0"}}]
    preset = esper_tui.load_preset(
        "tiny", tamiyo={"policy": "schedule", "schedule": schedule}, data={"augment": "none"}
    )
    assert preset.config.tamiyo.schedule[0].decision == {"op": "ADVANCE", "slot": "r0c0"}
    assert preset.config.data.augment == "none"
    with pytest.raises(ConfigError, match="did you mean 'epochs'"):
        esper_tui.load_preset("tiny", run={"epoch": 3})
    with pytest.raises(UsageError, match="must be a dictionary"):
        esper_tui.load_preset("tiny", run=3)
    with pytest.raises(UsageError, match="there is no preset"):
        esper_tui.load_preset("nosuch")


def test_the_table_is_what_was_measured(finished_run):
    rows = esper_tui.read_run(finished_run.folder)
    epochs = [e for e in finished_run.events if e["type"] == "EpochMeasured"]
    assert [(row["epoch"], row["env"]) for row in rows] == [(e["epoch"], env) for e in epochs for env in (0, 1)]
    for event in epochs:
        own = [row for row in rows if row["epoch"] == event["epoch"]]
        assert [row["val/acc"] for row in own] == event["columns"]["val/acc"]
        gains = event["columns"]["seed/gain"]
        assert [[row["seed/gain/r0c0"], row["seed/gain_se/r0c0"]] for row in own] == [
            g[0] or [None, None] for g in gains
        ]
    assert {row["stage/r0c0"] for row in rows} > {"DORMANT", "TRAINING"}
    assert len({tuple(row) for row in rows}) == 1, "every row has the same columns"
    json.dumps(rows)


def test_every_event_is_handed_on_as_it_is_logged(here):
    seen = []
    done = esper_tui.run(tiny(), on_event=seen.append, run_dir=here / "mine")
    assert done.folder == here / "mine"
    assert [e["type"] for e in seen].count("EpochMeasured") == 3
    assert (seen[0]["type"], seen[-1]["type"]) == ("RunStarted", "RunEnded")
    assert [json.loads(line)["seq"] for line in (done.folder / "events-000.jsonl").open()] == [e["seq"] for e in seen]
    assert done.rows[0].keys() >= {"acc", "kept", "test_acc", "test_control_acc"}
    assert done.gain["n"] == 2
    assert "growth bought" in str(done)


def test_what_a_callback_raises_ends_the_run(here):
    def complain(event):
        if event["type"] == "EpochMeasured":
            raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        esper_tui.run(tiny(epochs=200), on_event=complain, run_dir=here / "mine")
    assert not [t for t in threading.enumerate() if t.name == "loop"]


def test_an_interrupt_ends_it_after_the_epoch_and_keeps_what_was_reached(here):
    once = iter([KeyboardInterrupt])

    def interrupt(event):
        if event["type"] == "EpochMeasured":
            with contextlib.suppress(StopIteration):
                raise next(once)

    done = esper_tui.run(tiny(epochs=500), on_event=interrupt)
    assert done.status == "stopped"
    assert done.record.epoch.number < 500
    assert done.rows[0]["test_acc"] is not None


def test_a_comparison_is_what_its_folder_says(here):
    found = esper_tui.compare(tiny(), seeds=1, arms=["A0"], to=here / "out")
    assert [arm["arm"] for arm in found["arms"]] == ["A0"]
    assert len(found["rows"]) == found["seeds"] == 1
    assert esper_tui.report(found["folder"]) == here / "out" / "report.html"


def test_a_run_that_fails_is_an_error_with_its_code(here):
    preset = esper_tui.load_preset(
        "tiny", optim={"lr": 10.0, "clip": 0.0}, data={"augment": "none"}, run={"epochs": 40}
    )
    broken = preset.config.model_copy(update={"optim": preset.config.optim.model_copy(update={"lr": 1e30})})
    with pytest.raises(EsperError, match="went wrong for good") as caught:
        esper_tui.run(esper_tui.api.Resolved("broken", broken, ""))
    assert caught.value.code == ExitCode.DIVERGED
