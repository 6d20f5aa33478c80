"""``esper report``: its tables are the events, its Markdown a golden file; the command and what it writes."""

import re
import shutil
from pathlib import Path

import pytest

from esper_tui.evidence.report.facts import read_facts
from esper_tui.evidence.report.html import to_html
from esper_tui.evidence.report.lives import seed_lives
from esper_tui.evidence.report.markdown import to_markdown
from esper_tui.evidence.report.run_pages import run_report
from esper_tui.evidence.report.write import make_report
from esper_tui.leyline.errors import Incompatible, UsageError
from tests import console
from tests.evidence.reported import Page, load, page_of, with_people, write_run

GOLDEN = Path(__file__).with_name("quick_report.md")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("report") / "quick", load("quick"))


# --- what it says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["quick", "slower", "explore"])
def test_the_test_figures_are_those_of_the_event(tmp_path, name):
    events = load(name)
    rows = page_of(write_run(tmp_path / name, events)).table("host %", "grown %", "kept")
    test = next(e for e in events if e["type"] == "TestMeasured")
    ended = next(e for e in events if e["type"] == "RoundEnded")
    assert len(rows) == len(test["rows"]) == len(ended["rows"])
    for shown, measured, row in zip(rows, test["rows"], ended["rows"], strict=True):
        assert shown["env"] == str(measured["env"])
        assert shown["host %"] == f"{100 * measured['control_acc']:.1f}"
        assert shown["grown %"] == f"{100 * measured['acc']:.1f}"
        assert shown["Δ"] == f"{100 * (measured['acc'] - measured['control_acc']):+.1f}"
        low, high = row["gain"] - 2 * row["gain_se"], row["gain"] + 2 * row["gain_se"]
        assert shown["validation gain, nat"] == f"{row['gain']:+.4f} [{low:+.4f}, {high:+.4f}]"
        assert [shown["planted"], shown["pruned"]] == [str(row["planted"]), str(row["pruned"])]
        assert shown["kept"] == (", ".join(f"{k['slot']} {k['blueprint']}" for k in row["kept"]) or "–")


def test_the_lead_is_the_summary_of_the_test_split(quick):
    text = "".join(page_of(quick).text)
    assert "Growth bought +6.58 points of test accuracy, 95 % interval [+2.49, +10.67], 6 environments paired" in text


@pytest.mark.parametrize("name", ["slower", "explore"])
def test_every_seed_is_told_from_birth_to_end(tmp_path, name):
    events = load(name)
    rows = page_of(write_run(tmp_path / name, events)).table("seed", "fate", "what decided")
    changes = [e for e in events if e["type"] == "StageChanged"]
    born = sorted((e["env"], e["slot"], e["epoch"]) for e in changes if e["target"] == "GERMINATED")
    shown = sorted((int(r["seed"].split()[1]), r["seed"].split()[2], int(r["epochs"].split()[0])) for r in rows)
    assert shown == born
    for fate, target in (("kept", "FOSSILIZED"), ("pruned", "PRUNED")):
        ends = sorted(e["epoch"] for e in changes if e["target"] == target)
        assert sorted(int(r["epochs"].split()[-1]) for r in rows if r["fate"] == fate) == ends


def test_a_seed_is_measured_in_its_own_life_only(tmp_path):
    events = load("explore")
    facts = read_facts(write_run(tmp_path / "explore", events))
    lives = seed_lives(facts.round)
    slots = facts.round.slots
    for life in lives:
        own = [
            e["columns"]["seed/dependence"][life.env][slots.index(life.slot)]
            for e in events
            if e["type"] == "EpochMeasured" and e["epoch"] > life.born
            and (life.fate != "pruned" or e["epoch"] <= life.end)
        ]  # fmt: skip
        known = [value for value in own if value is not None]
        assert life.dependence == (tuple(known[-1]) if known else (None, None))


def test_decisions_are_counted(quick):
    rows = page_of(quick).table("decision", "by", "times")
    events = [e for e in load("quick") if e["type"] == "DecisionTaken"]
    assert sum(int(row["times"]) for row in rows) == len(events)
    germinations = sum(e["decision"]["op"] == "GERMINATE" for e in events)
    assert next(row["times"] for row in rows if row["decision"] == "GERMINATE") == str(germinations)


def test_people_and_alerts_are_told(tmp_path):
    page = page_of(write_run(tmp_path / "run", with_people(load("quick"))))
    assert page.table("asked for", "fate") == [
        {"epoch": "9", "env": "2", "asked for": "PRUNE r0c1", "fate": "applied", "who": "ada", "note": "it hurts",
         "reason": "–"}
    ]  # fmt: skip
    alerts = page.table("rule", "where", "until")
    assert [(a["rule"], a["where"], a["epoch"], a["until"]) for a in alerts] == [
        ("stalled", "env 2", "9", "12"), ("ransom", "env 2 r0c1", "9", "–"),
    ]  # fmt: skip
    assert page.table("when", "note")[0]["note"] == "looks odd"
    text = "".join(page.text)
    assert "ASSISTED(1)" in text
    assert "A person decided in Tamiyo's place in 1 steps" in text
    assert "epoch 9: PRUNE r0c1, by a person" in text


def test_a_run_in_progress_is_told_as_far_as_it_is(tmp_path):
    events = load("quick")
    cut = next(i for i, e in enumerate(events) if e["type"] == "EpochMeasured" and e["epoch"] == 10)
    text = "".join(page_of(write_run(tmp_path / "run", events[: cut + 1])).text)
    assert "not finished" in text
    assert "The test split was not opened: the run has not come to its end." in text
    assert "The run has not come to the end of a round." in text
    with pytest.raises(UsageError, match="has not finished an epoch yet"):
        read_facts(write_run(tmp_path / "none", events[:1]))


def test_markdown_says_the_same_tables(quick):
    facts = read_facts(quick)
    page, text = page_of(quick), to_markdown(run_report(facts))
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    cells = {tuple(cell.strip() for cell in row.strip("|").split(" | ")) for row in rows}
    for table in page.tables:
        for row in table:
            assert tuple(row) in cells


def golden(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ESPER_RUNS_DIR", str(folder))
    write_run(folder / "quick", load("quick"), description="Six small networks.", tags=["baseline"])
    return to_markdown(make_report(["quick"], measure=False)[0])


def test_the_markdown_is_that_of_the_golden_file(tmp_path, monkeypatch):
    """To write it anew:  python -m tests.evidence.test_report"""
    assert golden(tmp_path, monkeypatch) == GOLDEN.read_text(encoding="utf-8")


def test_several_runs_lie_over_each_other(quick, tmp_path):
    other = write_run(tmp_path / "slower", load("slower"))
    report, home = make_report([str(quick), str(other)])
    page = Page(to_html(report))
    assert [row["run"] for row in page.table("run", "preset", "status")] == ["quick", "slower"]
    differing = {row["setting"] for row in page.table("setting", "quick", "slower")}
    ones, others = (load(name)[0]["config"] for name in ("quick", "slower"))
    expected = {
        f"{s}.{k}" for s in ones for k in ones[s] if s in others and k in others[s] and ones[s][k] != others[s][k]
    }
    assert differing == expected
    assert home == Path("report.html")
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


# --- the command ---------------------------------------------------------------------------------------------------


def test_both_files_are_written_into_the_run(quick, tmp_path):
    run = shutil.copytree(quick, tmp_path / "run")
    done = console.esper("report", str(run))
    assert done.code == 0, done.err
    assert done.out.split() == [str(run / "reports" / name) for name in ("report.html", "report.md")]
    again = console.esper("report", str(run), "--to", str(tmp_path / "new" / "my.md"))
    assert again.out.split() == [str(tmp_path / "new" / name) for name in ("my.html", "my.md")]
    assert (tmp_path / "new" / "my.md").read_text() == (run / "reports" / "report.md").read_text()


def test_in_the_terminal_nothing_is_written(quick, monkeypatch):
    monkeypatch.setenv("ESPER_GLYPHS", "unicode")
    done = console.esper("report", str(quick), "-t")
    assert done.code == 0, done.err
    assert "Growth bought +6.58 points" in done.out
    assert "The life of every seed" in done.out
    assert re.search(r"env 0 r0c1 CONV_LIGHT ······GTBBBHHHHH", done.out)
    assert not (quick / "reports").exists()


def test_what_cannot_be_measured_is_said_and_costs_nothing_else(finished_run, tmp_path):
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    for part in ("artefacts", "checkpoints"):
        shutil.rmtree(run / part)
    done = console.esper("report", str(run), "--to", str(tmp_path / "x.html"))
    assert done.code == 0, done.err
    assert "They could not be measured for this report" in (tmp_path / "x.md").read_text()
    refused = console.esper("report", str(run), "--measure", "--to", str(tmp_path / "y.html"))
    assert (refused.code, refused.out, len(refused.err.splitlines())) == (5, "", 1)
    assert console.esper("report", str(run), "--no-measure", "--to", str(tmp_path / "z.html")).code == 0
    assert "The exported modules" not in (tmp_path / "z.md").read_text()


def test_the_exported_modules_are_measured(finished_run, tmp_path):
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    done = console.esper("report", str(run), "--to", str(tmp_path / "x.html"))
    assert done.code == 0, done.err
    rows = Page((tmp_path / "x.html").read_text()).table("exported module %, [95 %]", "the run said %")
    assert len(rows) == 2
    for row in rows:
        assert row["exported module %, [95 %]"].split()[0] == row["the run said %"]


def test_a_terminal_without_unicode_gets_ascii(quick, monkeypatch):
    monkeypatch.setenv("ESPER_GLYPHS", "ascii")
    done = console.esper("report", str(quick), "-t")
    assert done.out.isascii()
    assert re.search(r"^ *env 0 +o-+\* +\+5\.0$", done.out, re.M)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["nosuch"], "there is no run"), (["{run}", "--to", "x.pdf"], r"ends in neither .html nor .md"), ([], "RUN")],
)
def test_what_cannot_be_reported(quick, words, sentence):
    done = console.esper("report", *(word.format(run=quick) for word in words))
    assert done.code == 2
    assert re.search(sentence, done.err)


def test_a_newer_log_is_refused(tmp_path):
    events = load("quick")
    events[0]["schema"] = 99
    with pytest.raises(Incompatible, match="newer program"):
        make_report([str(write_run(tmp_path / "run", events))])


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        GOLDEN.write_text(golden(Path(name), patch), encoding="utf-8")
    print(f"wrote {GOLDEN}")
