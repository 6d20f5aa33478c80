"""Charts and sparklines: extremes survive, ticks are round, letters tell lines apart without colour."""

import math

from hypothesis import given
from hypothesis import strategies as st

from esper_tui.sanctum.glyphs import ASCII, BLOCK, UNICODE
from esper_tui.sanctum.ink import plain, width_of
from esper_tui.sanctum.widgets.chart import Mark, Plot, Series, chart_lines
from esper_tui.sanctum.widgets.raster import PLOTTERS, Window, decimated, drawn, nice_ticks, smoothed
from esper_tui.sanctum.widgets.spark import sparkline

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(FINITE, min_size=1, max_size=400), st.integers(1, 40))
def test_decimation_keeps_the_extremes_and_at_most_two_points_per_column(values, columns):
    points = list(enumerate(values))
    kept = decimated(points, columns)
    assert len(kept) <= max(2 * columns, 0) or len(points) <= 2 * columns
    assert {min(values), max(values)} <= {y for _, y in kept}
    assert kept == sorted(kept)
    assert set(kept) <= set(points)


def test_a_rising_line_in_braille_worked_by_hand():
    # 2 cells x 1 row = 4 x 4 dots; the points (0,0) and (3,3) are the corners, the line is the diagonal:
    # bottom left of cell 0 is dot 7 (0x40), then dot 6 (0x20); cell 1: dot 2 (0x02), then dot 4 (0x08)
    cells = drawn([(0, 0), (3, 3)], Window(0, 3, 0, 3), 2, 1, PLOTTERS["braille"])
    assert cells == {(0, 0): 0x40 | 0x20, (1, 0): 0x02 | 0x08}


def test_nan_interrupts_a_line():
    cells = drawn([(0, 0), (1, math.nan), (2, 0)], Window(0, 2, 0, 1), 9, 1, PLOTTERS["ascii"])
    assert sorted(x for x, _ in cells) == [0, 8]


def test_ticks_are_round_and_inside():
    assert nice_ticks(54, 73, 4) == [55, 60, 65, 70]
    assert nice_ticks(0, 1, 5) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert nice_ticks(3, 3, 4) == [3]


@given(FINITE, st.floats(1e-3, 1e6), st.integers(1, 12))
def test_ticks_stay_in_the_range(low, span, count):
    high = low + span
    ticks = nice_ticks(low, high, count)
    assert len(ticks) <= count + 2
    assert all(low - 1e-6 * span <= t <= high + 1e-6 * span for t in ticks)


LINES = Plot(
    (
        Series("control", "c", ((1, 50.0), (10, 50.0)), "series-1"),
        Series("environment", "e", ((1, 50.0), (10, 60.0)), "series-0"),
    ),
    (Mark(1, "G"), Mark(10, "F")),
)


def test_a_chart_in_plain_ascii():
    text = [plain(content) for content in chart_lines(LINES, 20, 8, "ascii")]
    assert text == [
        "60 ┤              ee",
        "   │           eee  ",
        "55 ┤        eee     ",
        "   │     eee        ",
        "   │  eee           ",
        "50 ┤eecccccccccccccc",
        "ep         5      10",
        "    G              F",
    ]


@given(
    st.lists(st.lists(FINITE | st.just(math.nan) | st.just(math.inf), max_size=60), max_size=3),
    st.integers(1, 120),
    st.integers(1, 30),
    st.sampled_from(["braille", "block", "ascii"]),
    st.booleans(),
)
def test_any_series_gives_lines_that_fit(values, width, height, kind, log):
    series = tuple(Series(str(i), "abc"[i], tuple(enumerate(v)), "series-0") for i, v in enumerate(values))
    lines = chart_lines(Plot(series, (Mark(0, "G"),), log=log), width, height, kind)
    assert len(lines) <= max(1, height)
    if len(lines) > 1:
        assert all(width_of(content) <= width for content in lines)


def test_a_logarithmic_axis_is_labelled_with_the_values_themselves():
    plot = Plot((Series("loss", "l", ((1, 0.01), (2, 1.0), (3, 100.0), (4, -1.0)), "series-0"),), log=True)
    text = "\n".join(plain(content) for content in chart_lines(plot, 40, 12, "braille"))
    assert "0.01" in text
    assert "100" in text


def test_nothing_measured_is_said():
    assert plain(chart_lines(Plot(), 40, 10, "braille")[0]) == "nothing measured yet"


def test_moving_means_leave_gaps_as_they_are():
    assert smoothed([1.0, 3.0, None, 5.0, 7.0], 2) == [1.0, 2.0, None, 4.0, 6.0]
    assert smoothed([1.0, None], 1) == [1.0, None]


def test_sparklines_worked_by_hand():
    assert sparkline([0, 1, 2, 3], 2, UNICODE) == "⡠⠊", "levels 0 1 | 2 3"
    assert sparkline([0, 7], 2, BLOCK) == "▁█"
    assert sparkline([0, 6], 3, ASCII) == " _#"
    assert sparkline([None, 1, "NaN", 2], 4, ASCII) == " _ #"
    assert sparkline([], 3, UNICODE) == "   "
    assert sparkline([5, 5], 1, UNICODE) == "⣀"


@given(st.lists(st.none() | st.floats() | st.just("NaN"), max_size=200), st.integers(0, 40))
def test_a_sparkline_has_exactly_its_width(values, width):
    for glyphs in (UNICODE, BLOCK, ASCII):
        assert len(sparkline(values, width, glyphs)) == width
