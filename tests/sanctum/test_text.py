"""Numbers as text: hand-worked, and never wider than they are given room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from esper_tui.sanctum import text
from esper_tui.sanctum.ink import fitted, line, plain, spread, width_of


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (text.percent(0.6123), "61.2"),
        (text.percent(None), "–"),
        (text.percent(-0.013, sign=True), "-1.3"),
        (text.fixed("NaN"), "NaN"),
        (text.fixed("-Infinity"), "-inf"),
        (text.short(0.123, 3, sign=True), "+.123"),
        (text.short(10.5, 1), "10.5"),
        (text.short(-0.04), "-.04"),
        (text.plus_minus(0.1234, 0.004), "+.123±.004"),
        (text.plus_minus(0.1234, None), "+.123"),
        (text.plus_minus(None, None), "–"),
        (text.si(950), "950"),
        (text.si(18400), "18.4k"),
        (text.si(2_500_000), "2.5M"),
        (text.size(512), "512B"),
        (text.size(9.2 * 2**30), "9.2G"),
        (text.duration(4.21), "4.2s"),
        (text.duration(58.4), "58s"),
        (text.duration(187), "3:07"),
        (text.duration(4360), "1:12:40"),
        (text.duration(None), "–"),
        (text.stale(35, 47), "(12 ep old)"),
        (text.stale(47, 47), ""),
        (text.fit("abcdef", 4), "abc…"),
        (text.fit("ab", 4, ">"), "  ab"),
        (text.fit("ab", 0), ""),
    ],
)
def test_hand_worked(shown, wanted):
    assert shown == wanted


def test_a_column_that_was_not_measured_is_none():
    columns = {"a": [1.0, [2.0, None]]}
    assert text.column(columns, "a", 0) == 1.0
    assert text.column(columns, "a", 1, 0) == 2.0
    assert text.column(columns, "a", 1, 1) is None
    assert text.column(columns, "a", 7) is None
    assert text.column(columns, "b", 0) is None


@given(st.text(max_size=30), st.integers(0, 30), st.sampled_from("<>^"))
def test_text_is_fitted_to_exactly_so_many_cells(content, width, align):
    content = content.replace("\n", " ").replace("\t", " ")
    if cell_len(content) == len(content):  # characters of one cell: what is drawn here
        assert cell_len(text.fit(content, width, align)) == width


WORDS = st.text(alphabet="abc ·±", max_size=12)


@given(st.lists(st.tuples(WORDS, st.just("")), max_size=5), st.integers(0, 40), st.sampled_from("<>"))
def test_lines_are_fitted_to_exactly_so_many_cells(pieces, width, align):
    content = line(*pieces)
    shown = fitted(content, width, align)
    assert width_of(shown) == width
    if width_of(content) <= width:
        assert plain(content) in plain(shown)


@given(WORDS, WORDS, st.integers(0, 40))
def test_two_ends_of_a_line(left, right, width):
    assert width_of(spread(line(left), line(right), width)) == width
