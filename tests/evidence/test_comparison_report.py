"""The report on a comparison: its table, its Pareto plot, and what a damaged summary costs."""

import json
import re

import pytest

from esper_tui.evidence.report.comparison_pages import comparison_report
from esper_tui.evidence.report.html import to_html
from esper_tui.evidence.report.markdown import to_markdown
from esper_tui.evidence.report.plots import Scatter, pareto_front
from esper_tui.evidence.report.terminal import to_lines
from esper_tui.evidence.report.write import make_report
from esper_tui.leyline.errors import Incompatible, UsageError
from tests import console
from tests.evidence.compared import comparison


def write(folder, document) -> str:
    (folder / "comparison.json").write_text(json.dumps(document))
    return str(folder)


def pareto(report) -> Scatter:
    plots = [p.plot for s in report.sections for b in s.blocks for p in getattr(b, "panels", ())]
    return next(plot for plot in plots if isinstance(plot, Scatter))


def test_the_front_is_what_nothing_beats():
    points = [(10.0, 1.0), (10.0, 2.0), (20.0, 1.5), (30.0, 2.0), (30.0, 4.0), (40.0, 3.0)]
    assert pareto_front(points) == ((10.0, 2.0), (30.0, 4.0))
    assert pareto_front([]) == ()


def test_the_table_is_that_of_the_summary(tmp_path):
    text = to_markdown(comparison_report(tmp_path) if write(tmp_path, comparison()) else None)
    assert "| A7 | heuristic | 8 | 76.20 [75.30, 77.10] | – | +4.20 [+3.00, +5.40] |" in text
    assert "| A0 | host alone | 8 | 72.00 [71.10, 72.90] | -4.20 [-5.40, -3.00] | – |" in text
    assert "| A7 | 10,106 | 1.4T | 6.0 % | 1.1 of 1.4 | 88 [78, 98] % | – | 0.80 [0.60, 1.00] |" in text
    assert "+4.20 points of test accuracy, 95 % interval [+3.00, +5.40], 8 paired seeds." in text
    assert "| A7 − A4 | +1.00 [-1.00, +3.00] | 0.0312 | 0.0936 |" in text
    assert "| A7 | 3 | r0c1 | CONV_LIGHT | 16 | 4 | +2.50 | yes |" in text
    assert "| 0.1 | 73.50 |" in text
    assert "regret of A7, % of what A9 gains: 25.00 [20.00, 30.00]" in text
    assert "A10 is not there: not asked for" in text


def test_the_pareto_plot_holds_every_row_and_every_arm(tmp_path):
    document = comparison()
    report = comparison_report(tmp_path) if write(tmp_path, document) else None
    plot = pareto(report)
    assert {c.letter: c.middle for c in plot.clouds} == {
        a["arm"]: (a["params"], pytest.approx(100 * a["acc"]["value"])) for a in document["arms"]
    }
    for cloud in plot.clouds:
        own = [(r["params"], 100 * r["test_acc"]) for r in document["rows"] if r["arm"] == cloud.letter]
        assert list(cloud.points) == own
    assert [y for _, y in plot.front] == pytest.approx([72.0, 73.8, 75.1, 76.2])
    html = to_html(report)
    assert html.count('class="dot faint') == len(document["rows"])


def test_what_is_not_there_yet_is_left_out(tmp_path):
    """After the first block there are no intervals, no forks, no contrasts."""
    document = comparison() | {"contrasts": [], "forks": [], "tuning": {}, "missing": {}}
    for arm in document["arms"]:
        arm |= dict.fromkeys(("acc", "waste", "planted", "kept", "precision", "area", "drop", "epochs"))
        arm["vs"] = {base: {"difference": None, "better": None} for base in arm["vs"]}
        arm["curve"] = {"flops": [], "val_acc": []}
    report = comparison_report(tmp_path) if write(tmp_path, document) else None
    assert len(pareto(report).clouds) == 5, "the middle is the mean of the rows then"
    assert "| A0 | host alone | 8 | – | – | – |" in to_markdown(report)
    to_html(report)
    list(to_lines(report, 100, "ascii"))


def test_foreign_text_in_a_comparison(tmp_path):
    document = comparison() | {"preset": "<script>x</script>", "missing": {"<b>": "![x](http://evil.test)"}}
    document["arms"][1]["what"] = '"><img src=x onerror=y>'
    html = to_html(comparison_report(tmp_path) if write(tmp_path, document) else None)
    assert "<script" not in html
    assert "<img" not in html


@pytest.mark.parametrize(
    "change", [{"arms": 3}, {"rows": None}, {"schema": 2}, {"arms": [{}]}, {"arms": ["x"]}, {"rows": [3]}, {"forks": 7}]
)
def test_a_summary_that_is_damaged_is_one_sentence(tmp_path, change):
    with pytest.raises(Incompatible, match=r"comparison\.json"):
        make_report([write(tmp_path, comparison() | change)])


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "9" * 6000])
def test_a_summary_that_is_none(tmp_path, text):
    (tmp_path / "comparison.json").write_text(text)
    with pytest.raises(Incompatible, match=r"comparison\.json"):
        make_report([str(tmp_path)])


@pytest.mark.parametrize(("n", "sentence"), [(8, "8 paired seeds. It kept 1.1 of 1.4"), (5, "so few seeds say little")])
def test_few_seeds_decide_nothing(tmp_path, n, sentence):
    document = comparison()
    for arm in document["arms"]:
        for versus in arm["vs"].values():
            versus["difference"]["n"] = n
    report = comparison_report(tmp_path) if write(tmp_path, document) else None
    assert sentence in to_markdown(report)


def test_it_says_what_it_was_made_with(tmp_path):
    made = {"esper": "1.2", "torch": "2.3", "python": "3.4", "platform": "here", "git": "abc", "command": ["compare"]}
    text = to_markdown(comparison_report(tmp_path) if write(tmp_path, comparison() | {"made": [made]}) else None)
    for said in ("esper 1.2 torch 2.3 python 3.4", "here", "abc", "compare", "0 to 7 of run.seed"):
        assert said in text


def test_without_a_regret_it_says_why(tmp_path):
    text = to_markdown(
        comparison_report(tmp_path) if write(tmp_path, comparison() | {"regrets": {"A7": None}}) else None
    )
    assert "none: A9 is not surely better" in text


def test_a_comparison_stands_alone(tmp_path):
    folder = write(tmp_path, comparison())
    for words, measure in ([folder, "last"], False), ([folder], True):
        with pytest.raises(UsageError):
            make_report(words, measure)


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("ESPER_GLYPHS", "unicode")
    done = console.esper("report", write(tmp_path, comparison()), "-t", "--to", str(tmp_path / "out.html"))
    assert done.code == 0, done.err
    assert re.search(r"^ *A0 host alone +─+●─+ +│ +-4\.20$", done.out, re.M)
    assert (tmp_path / "out.html").is_file()
    assert (tmp_path / "out.md").is_file()
