"""Foreign text stays text in a report, damage costs a section, the page needs nothing but itself."""

import copy
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.evidence.report.escape import clean, for_html, for_markdown
from esper_tui.evidence.report.facts import read_facts
from esper_tui.evidence.report.html import to_html
from esper_tui.evidence.report.markdown import to_markdown
from esper_tui.evidence.report.run_pages import run_report
from esper_tui.evidence.report.terminal import to_lines
from esper_tui.leyline.errors import EsperError
from esper_tui.sanctum.ink import plain
from tests.evidence.browser import find_browser, visit
from tests.evidence.reported import HOSTILE, Page, hostile_run, load, page_of, with_people, write_run


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


def test_the_page_asks_for_nothing(tmp_path):
    text = to_html(run_report(read_facts(write_run(tmp_path / "run", load("quick")))))
    style = re.search(r"<style>(.*?)</style>", text, re.S)[1]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in text
    assert "script" not in {tag for tag, _ in Page(text).elements}


def test_chromium_opens_it_without_an_error_and_without_a_request(tmp_path):
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
