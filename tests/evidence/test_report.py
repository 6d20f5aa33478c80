"""``esper report``: its tables are the events, foreign text stays text, the page needs nothing but itself."""

import copy
import json
import random
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.evidence.report.escape import clean, for_html, for_markdown
from esper_tui.evidence.report.facts import read_facts
from esper_tui.evidence.report.html import to_html
from esper_tui.evidence.report.lives import seed_lives
from esper_tui.evidence.report.markdown import to_markdown
from esper_tui.evidence.report.run_pages import run_report
from esper_tui.evidence.report.terminal import to_lines
from esper_tui.evidence.report.write import make_report
from esper_tui.leyline.errors import EsperError, Incompatible, UsageError
from esper_tui.leyline.events import to_line
from esper_tui.sanctum.ink import plain
from tests import console
from tests.evidence.browser import find_browser, visit

RECORDINGS = Path(__file__).parents[1] / "sanctum" / "recordings"
GOLDEN = Path(__file__).with_name("quick_report.md")
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=http://evil.test/x onerror=alert(1)>', "'-alert(1)-'",
    "[here](javascript:alert(1))", "![x](http://evil.test/x.png)", "a | b | c", "`code` **bold** _x_", "# head",
    "two\nlines\r\n\x1b[31mred\x00", "\u202eright to left", "</title></style></textarea>", "&lt;b&gt;", "```\nfence",
)  # fmt: skip


class Page(HTMLParser):
    """Elements with their attributes, tables as lists of rows, all text."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.text: list[str] = []
        self.open = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.open = True

    def handle_endtag(self, tag):
        self.open = self.open and tag not in ("td", "th")

    def handle_data(self, data):
        self.text.append(data)
        if self.open:
            self.tables[-1][-1][-1] += data

    def table(self, *head: str) -> list[dict[str, str]]:
        """The rows of the table with these columns, by title."""
        found = next(t for t in self.tables if set(head) <= set(t[0]))
        return [dict(zip(found[0], row, strict=True)) for row in found[1:]]


def load(name: str) -> list[dict]:
    return [json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def write_run(folder: Path, events: list[dict], **document) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events-000.jsonl").write_text("".join(f"{to_line(e)}\n" for e in events), encoding="utf-8")
    (folder / "run.toml").write_bytes(
        tomli_w.dumps({"preset": "quickstart", "tags": [], "notes": []} | document).encode()
    )
    return folder


def page_of(folder: Path) -> Page:
    return Page(to_html(run_report(read_facts(folder))))


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


def with_people(events: list[dict]) -> list[dict]:
    """An override that was applied, an alert that came and went, one that stayed, a note."""
    at = next(i for i, e in enumerate(events) if e["type"] == "EpochMeasured" and e["epoch"] == 9)
    decision = {"op": "PRUNE", "slot": "r0c1", "alpha_speed": "INSTANT", "alpha_curve": "LINEAR"}
    asked = {"id": 1, "env": 2, "decision": decision, "when": "now", "at_epoch": None, "hold": 1, "expires": None,
             "expect": None, "author": "ada", "note": "it hurts"}  # fmt: skip
    head = {"t": 1.0, "round": 0, "epoch": 9, "env": 2}
    more = [
        head | {"type": "InterventionChanged", "fate": "queued", "intervention": asked, "reason": "", "left": None},
        head | {"type": "InterventionChanged", "fate": "applied", "intervention": asked, "reason": "", "left": None},
        head | {"type": "DecisionTaken", "decision": decision, "by": "human", "trace": [], "refused": None,
                "intended": {"op": "WAIT"}, "intervention": 1, "agreed": False, "closed": []},
        head | {"type": "AlertRaised", "rule": "stalled", "text": "no new low", "slot": None, "severity": "warn"},
        head | {"type": "AlertRaised", "rule": "ransom", "text": "leans", "slot": "r0c1", "severity": "warn"},
        head | {"type": "AlertCleared", "rule": "stalled", "slot": None, "epoch": 12},
        {"t": 1.0, "type": "SessionChanged", "round": None, "epoch": 9, "state": "note", "text": "looks odd"},
    ]  # fmt: skip
    return [e | {"seq": i} for i, e in enumerate(events[: at + 1] + more + events[at + 1 :])]


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
    return to_markdown(make_report(["quick"])[0])


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


# --- foreign text --------------------------------------------------------------------------------------------------


@given(st.text())
def test_text_comes_through_html_as_it_was_cleaned(text):
    page = Page(f'<p title="{for_html(text)}">{for_html(text)}</p>')
    assert [tag for tag, _ in page.elements] == ["p"]
    assert page.elements[0][1]["title"] == clean(text)
    assert "".join(page.text) == clean(text)
    assert clean(text).isprintable() or all(c.isprintable() or c.isspace() or ord(c) > 127 for c in clean(text))


@given(st.text(alphabet="ab _*`|[]()<>&#\\\n-+1.!~"))
def test_text_is_no_markdown(text):
    shown = for_markdown(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*\|", shown)
    assert not re.search(r"(?<!\\)(?:\\\\)*\](?=[(\[:])", shown)
    assert not re.match(r"\s*[#>+-](\s|$)", shown)


def hostile_run(folder: Path, word: str) -> Path:
    """Every text that a person or a foreign log can put into a run."""
    events = with_people(load("quick"))
    for event in events:
        if event["type"] == "InterventionChanged":
            event["intervention"] = event["intervention"] | {"author": word, "note": word}
            event["reason"] = word
        for key in ("text", "rule", "seen"):
            if key in event:
                event[key] = word
        if event["type"] == "StageChanged":
            event["blueprint"] = word
            event["cause"] = word
        if event["type"] == "RunStarted":
            event["provenance"] = event["provenance"] | {"git": word, "command": [word], "data": word}
            event["config"]["data"]["name"] = word
    return write_run(folder, events, preset=word, description=word, tags=[word])


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(tmp_path, word):
    report = run_report(read_facts(hostile_run(tmp_path / "run", word)))
    page = Page(to_html(report))
    harmless = page_of(hostile_run(tmp_path / "harmless", "word"))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in harmless.elements]
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#")[:1] == "#" or (tag, attributes["href"]) == ("link", "data:,")
        assert "src" not in attributes
    assert clean(word) in "".join(page.text)
    text = to_markdown(report)
    outside = re.sub(r"(?ms)^(`{3,})$.*?^\1$", "", text)
    assert "<" not in outside
    assert not re.search(r"(?<!\\)\](?=[(\[:])", outside)
    assert len({row.count("|") - row.count("\\|") for row in outside.splitlines() if row.startswith("| 9 | 2 |")}) <= 1
    shown = "".join(plain(line) for line in to_lines(report, 100, "braille"))
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", shown)


def test_a_damaged_log_costs_a_section_and_not_the_report(tmp_path):
    """Whatever key is missing or of another kind."""
    rng, events = random.Random(5), with_people(load("slower"))
    kinds = sorted({e["type"] for e in events})
    for number in range(24):
        spoilt = copy.deepcopy(events)
        kind = kinds[number % len(kinds)]
        for event in (e for e in spoilt if e["type"] == kind):
            own = sorted(event.keys() - {"seq", "t", "type"})
            event[rng.choice(own)] = rng.choice([None, 3, "x", [], {}, [[]], {"x": [1]}])
        folder = write_run(tmp_path / f"{number}", spoilt)
        try:
            report = run_report(read_facts(folder))
        except EsperError:
            continue
        to_html(report)
        to_markdown(report)
        list(to_lines(report, 80, "ascii"))


# --- the page ------------------------------------------------------------------------------------------------------


def test_the_page_asks_for_nothing(quick):
    text = to_html(run_report(read_facts(quick)))
    style = re.search(r"<style>(.*?)</style>", text, re.S)[1]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in text
    assert "script" not in {tag for tag, _ in Page(text).elements}


def test_chromium_opens_it_without_an_error_and_without_a_request(quick, tmp_path):
    browser = find_browser()
    if browser is None:
        pytest.skip("there is no Chromium here; `apt-get install chromium` brings one")
    bad = tmp_path / "bad.html"
    bad.write_text('<img src="http://example.invalid/x.png"><script>console.error("seen")</script>')
    control = visit(browser, bad)
    assert any("seen" in line for line in control.console), "the console is heard"
    assert any("example.invalid" in line for line in control.requests), "requests are seen"
    folder = hostile_run(tmp_path / "run", HOSTILE[1])
    (tmp_path / "report.html").write_text(to_html(run_report(read_facts(folder))), encoding="utf-8")
    seen = visit(browser, tmp_path / "report.html")
    assert seen.console == []
    assert seen.requests == []
    assert seen.dom.count("<svg") == 9
    assert "Growth bought +6.58 points" in seen.dom


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


def test_the_exported_modules_are_measured_on_demand(finished_run, tmp_path):
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    done = console.esper("report", str(run), "--measure", "--to", str(tmp_path / "x.html"))
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
