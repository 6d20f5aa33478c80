"""What ran before: the list, marks, tags; runs laid over each other."""

import json
from dataclasses import replace

import pytest
from fake_launcher import FakeLauncher, card, shows, until

from esper_tui.leyline.events import to_line
from esper_tui.sanctum.compare_lines import config_lines, summary_lines
from esper_tui.sanctum.curves import Curves, config_differences, fold_curves, metrics_of, plot_of
from esper_tui.sanctum.ink import plain, width_of
from esper_tui.sanctum.pictures import screen_text
from esper_tui.sanctum.widgets.bigplot import BigPlot
from esper_tui.sanctum.widgets.chart import Chart, Plot, Series
from esper_tui.sanctum.widgets.grid import Grid

SIZES = [(80, 24), (120, 40), (200, 60)]


def event(type_, t, **keys):
    return {"seq": 0, "t": t, "type": type_, "round": 0, "epoch": keys.pop("epoch", None)} | keys


def config(**optim):
    return {"run": {"envs": 2, "images_per_epoch": 0}, "data": {"train_images": 100},
            "optim": {"batch": 32, "lr": 0.1} | optim}  # fmt: skip


def a_run(number, accuracies, pause=0.0, **optim) -> Curves:
    """Epochs of 10 s each; before the second one it is paused."""
    events, t = [event("RunStarted", 100.0, config=config(**optim))], 100.0
    for epoch, row in enumerate(accuracies, 1):
        if epoch == 2 and pause:
            events += [event("SessionChanged", t, state="paused"), event("SessionChanged", t + pause, state="running")]
            t += pause
        t += 10.0
        events.append(event("EpochMeasured", t, epoch=epoch, columns={"val/acc": row, "seed/gain": [[0.1], [None]]}))
    events.append(event("TestMeasured", t, summary={"mean": 0.02, "low": 0.01, "high": 0.03}))
    return fold_curves(card(number), events)


# --- curves --------------------------------------------------------------------------------------------------------


def test_where_the_epochs_of_a_run_are():
    run = a_run(1, [[0.1, 0.3], [0.5, None], [None, None]], pause=500.0)
    assert run.x == {"epoch": [1, 2, 3], "wall": [10, 20, 30], "steps": [4, 8, 12]}  # ceil(100 / 32) = 4 steps
    assert run.means("val/acc") == [0.2, 0.5, None]
    assert run.last("val/acc") == [0.5]
    assert run.best("val/acc") == 0.5
    assert metrics_of([run]) == ["val/acc"]  # values of slots are not laid over each other
    assert run.means("val/loss") == []


def test_values_that_are_not_finite_are_left_out():
    run = a_run(1, [[0.2, "NaN"], ["Infinity", "-Infinity"]])
    assert run.means("val/acc") == [0.2, None]


def test_a_plot_is_a_line_per_run_smoothed_and_in_percent():
    plot = plot_of([a_run(1, [[0.1, 0.3], [0.5, 0.5]]), a_run(2, [[0.4, 0.4]])], "val/acc", "wall", False, 5)
    assert [(s.letter, s.style, s.points) for s in plot.series] == [
        ("A", "series-0", ((10.0, pytest.approx(20.0)), (20.0, pytest.approx(35.0)))),
        ("B", "series-1", ((10.0, pytest.approx(40.0)),)),
    ]
    assert plot.x_name == "seconds"


def test_what_a_policy_learnt_by_stands_where_it_was_learnt():
    run = a_run(1, [[0.1], [0.2], [0.3]])
    taught = a_run(2, [[0.1]])
    for done, kl in ((0, "NaN"), (2, 0.02), (3, 0.01)):
        run.learnt.append((done, {"ppo/kl": kl, "return/mean": 5.0 * done}))
    assert metrics_of([taught, run]) == ["val/acc", "ppo/kl", "return/mean"]
    plot = plot_of([taught, run], "ppo/kl", "wall", False, 1)
    assert [series.points for series in plot.series] == [(), ((20.0, 0.02), (30.0, 0.01))]
    assert run.last("return/mean") == [15.0]
    cells = [plain(one).split() for one in summary_lines([run, taught], "return/mean", 110)]
    assert cells[1][3:6] == ["–", "15.0000", "–"]  # no environments, hence no spread
    events = [event("EpochMeasured", 1.0, epoch=1, columns={}), event("PolicyUpdated", 1.0, metrics={"ppo/kl": 0.5})]
    assert fold_curves(card(1), events).learnt == [(1, {"ppo/kl": 0.5})]


def test_only_settings_that_differ_are_listed():
    runs = [a_run(1, []), a_run(2, [], lr=0.2), a_run(3, [], momentum=0.9)]
    assert config_differences(runs) == [("optim.lr", [0.1, 0.2, 0.1])]  # an older run that lacks a key is no difference
    shown = [plain(one).rstrip() for one in config_lines(config_differences(runs), 60)]
    assert [line.split() for line in shown] == [["A", "B", "C"], ["optim.lr", "0.1", "0.2", "0.1"]]
    assert "same settings" in plain(config_lines([], 60)[0])


def test_the_table_has_mean_and_spread_of_each_run_and_over_the_runs():
    runs = [a_run(1, [[0.50, 0.70]]), a_run(2, [[0.70, 0.70]])]
    lines = [plain(one) for one in summary_lines(runs, "val/acc", 110)]
    assert lines[1].split() == ["A", "quickstart", "0001", "2", "60.0", "±14.1", "60.0", "+2.0", "[+1.0,", "+3.0]",
                                "10s", "done"]  # fmt: skip
    assert lines[3].split() == ["over", "the", "runs", "65.0", "±7.1"]  # of 60 and 70
    assert all(width_of(one) <= 60 for one in summary_lines(runs, "val/acc", 60))


# --- the list ------------------------------------------------------------------------------------------------------

CARDS = [
    card(1, tags=("keep",), best=0.80),
    card(2, state="crashed", best=None, gain=None, text="epoch 12"),
    card(3, assisted=4, best=0.60),
    card(4, state="running", best=0.70, preset="cifar10"),
]


@pytest.mark.parametrize("size", SIZES)
async def test_runs_are_listed_with_state_badge_and_tags(size, make_app):
    app = make_app(launcher=FakeLauncher(CARDS))
    async with app.run_test(size=size) as pilot:
        await pilot.press("6")
        text = await shows(pilot, app, "quickstart 0004")
        for told in ("ASSISTED(4)", "#keep", "crashed", "running", "80.0"):
            assert told in text
        assert ("folder" in text) == (size[1] > 24)


@pytest.mark.parametrize(
    ("typed", "left"),
    [("state=crashed", [2]), ("best>65", [1, 4]), ("tag:keep", [1]), ("assisted>0", [3]), ("cifar10", [4])],
)
async def test_the_list_can_be_filtered(typed, left, make_app):
    app = make_app(launcher=FakeLauncher(CARDS))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        await shows(pilot, app, "quickstart 0004")
        grid = app.view.query_one(Grid)
        grid.action_filter(typed)
        assert [row.key for row in grid.shown] == [CARDS[n - 1].id for n in left]


async def test_the_list_can_be_sorted_and_a_run_pinned(make_app):
    app = make_app(launcher=FakeLauncher(CARDS))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        await shows(pilot, app, "quickstart 0004")
        grid = app.view.query_one(Grid)
        grid.action_sort("best")
        assert [row.key for row in grid.shown] == [CARDS[n].id for n in (2, 3, 0, 1)]  # unmeasured is last
        grid.action_sort()
        grid.move(2)
        await pilot.press("P")
        assert grid.shown[0].key == CARDS[2].id
        assert "* quickstart 0003" in screen_text(app)


async def test_letters_stay_with_the_runs_that_were_marked(make_app):
    app = make_app(launcher=FakeLauncher(CARDS))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        await shows(pilot, app, "quickstart 0004")
        await pilot.press("G", "space", "g", "space")
        text = await shows(pilot, app, "2 marked, c compares")
        told = {line[3:5].strip(): "0004" in line for line in text.splitlines() if line[1:2] == "+"}
        assert told == {"A": True, "B": False}
        await pilot.press("G", "space")
        await shows(pilot, app, "1 marked")
        assert app.view.marked == [CARDS[0].id]
        await pilot.press("c")
        assert "mark 2 to 6 runs" in screen_text(app)


async def test_a_run_is_tagged_and_copied(make_app, monkeypatch):
    launcher = FakeLauncher(CARDS)
    app = make_app(launcher=launcher)
    copied = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        await shows(pilot, app, "quickstart 0004")
        await pilot.press("t", *"best", "enter")
        await until(pilot, app, lambda: ("tag", str(CARDS[0].path), "best") in launcher.calls)
        await pilot.press("y")
        assert json.loads(copied[0])["id"] == CARDS[0].id


async def test_the_list_is_read_again_while_a_run_is_alive(make_app):
    launcher = FakeLauncher(CARDS)
    now = [100.0]
    app = make_app(launcher=launcher)
    app.clock = lambda: now[0]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6")
        await shows(pilot, app, "quickstart 0004")
        before = launcher.calls.count(("runs",))
        app.frame()
        assert launcher.calls.count(("runs",)) == before
        now[0] += 11.0
        await until(pilot, app, lambda: launcher.calls.count(("runs",)) == before + 1)


# --- compare -------------------------------------------------------------------------------------------------------


@pytest.fixture
def recorded(tmp_path, quick_events):
    """Two runs that differ in a learning rate."""
    cards = []
    for number, lr in ((1, 0.1), (2, 0.05)):
        one = card(number, path=tmp_path / card(number).id, assisted=number - 1)
        one.path.mkdir()
        first = quick_events[0] | {"config": quick_events[0]["config"] | {"optim": {"batch": 128, "lr": lr}}}
        lines = "".join(to_line(event) + "\n" for event in [first, *quick_events[1:]])
        (one.path / "events-000.jsonl").write_text(lines, encoding="utf-8")
        cards.append(one)
    return cards


async def compared(pilot, app):
    await pilot.press("6")
    await shows(pilot, app, "quickstart 0002")
    await pilot.press("g", "space", "space", "c")
    return await shows(pilot, app, "over the runs")


@pytest.mark.parametrize("size", SIZES)
async def test_a_comparison_fits_every_size(size, make_app, recorded):
    app = make_app(launcher=FakeLauncher(recorded))
    async with app.run_test(size=size) as pilot:
        text = await compared(pilot, app)
        assert "compare 2 runs" in text
        for told in ("val/acc", "A quickstart 0001", "B quickstart 0002", "ASSISTED(1)", "epoch", "┤"):
            assert told in text
        if size[1] == 24:
            await pilot.press("d")
            await pilot.pause()
        assert screen_text(app).count("optim.lr") == 1
        assert "0.05" in screen_text(app)


async def test_keys_change_what_is_compared(make_app, recorded):
    app = make_app(launcher=FakeLauncher(recorded))
    async with app.run_test(size=(120, 40)) as pilot:
        await compared(pilot, app)
        await pilot.press("x", ".", "comma", "m")
        text = await shows(pilot, app, "x wall")
        assert "seconds" in text
        for told in (". log", ", smooth 5", "val/reward_loss"):
            assert told in text
        await pilot.press("escape")
        await pilot.pause()
        assert app.view.scope == "runs"
        assert len(app.screen_stack) == 1


async def test_a_run_that_goes_on_is_followed_to_its_end(make_app, recorded):
    log = recorded[0].path / "events-000.jsonl"
    whole = log.read_bytes().splitlines(keepends=True)
    half = next(i for i, line in enumerate(whole) if b'"EpochMeasured"' in line and b'"epoch":12' in line)
    log.write_bytes(b"".join(whole[:half]))
    recorded[0] = replace(recorded[0], state="running")
    app, now = make_app(launcher=FakeLauncher(recorded)), [100.0]
    app.clock = lambda: now[0]
    async with app.run_test(size=(120, 40)) as pilot:
        await compared(pilot, app)
        following = app.screen.followed[0]
        assert (len(following.curves.x["epoch"]), following.grows) == (11, True)
        log.write_bytes(b"".join(whole))
        app.frame()
        assert not app.screen.reading  # it was read just now
        now[0] += 2.5
        await until(pilot, app, lambda: not following.grows)
        assert len(following.curves.x["epoch"]) == 30
        assert "running" not in screen_text(app)
        now[0] += 2.5
        app.frame()
        assert not app.screen.reading


async def test_a_run_that_cannot_be_read_is_told(make_app, recorded):
    (recorded[1].path / "events-000.jsonl").write_text('{"seq":0,"t":1,"type":"RunStarted","schema":99}\n')
    app = make_app(launcher=FakeLauncher(recorded))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        await shows(pilot, app, "quickstart 0002")
        app.view.action_compare(recorded[0].id, recorded[1].id)
        await shows(pilot, app, "written by a newer program")


# --- the plot ------------------------------------------------------------------------------------------------------


def line_of(points, letter="A", log=False) -> Plot:
    return Plot((Series(letter, letter, tuple(points), "series-0"),), log=log)


async def plotted(app, plot) -> BigPlot:
    big = BigPlot()
    await app.mount(big)
    big.show_plot(plot, at_once=True)
    return big


async def test_a_plot_of_many_points_is_decimated_to_two_per_column(make_app, session, monkeypatch):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        big = await plotted(app, Plot())
        drawn = []
        monkeypatch.setattr(big.plt, "plot", lambda xs, ys, **_: drawn.append((xs, ys)))
        big.show_plot(line_of((x, 7.0 if x == 5000 else x % 3) for x in range(10_000)), at_once=True)
        await pilot.pause()
        big.render()
        (xs, ys), *_ = drawn
        assert len(xs) <= 2 * 80
        assert max(ys) == 7.0  # the one extreme survives


async def test_a_plot_that_nobody_waits_for_is_drawn_at_most_once_a_second(make_app, session):
    app = make_app(session)
    now = [100.0]
    app.clock = lambda: now[0]
    async with app.run_test(size=(80, 24)):
        big = await plotted(app, line_of([(0, 1), (1, 2)]))
        newer, newest = line_of([(0, 1), (1, 3)]), line_of([(0, 1), (1, 4)])
        now[0] += 0.9
        big.show_plot(newer)
        assert big.plot != newer
        now[0] += 0.1
        big.show_plot(newer)
        assert big.plot == newer
        big.show_plot(newest, at_once=True)
        assert big.plot == newest


async def test_a_logarithmic_axis_is_labelled_with_the_values_and_leaves_out_what_has_no_logarithm(make_app, session):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        big = await plotted(app, line_of([(0, 0.0), (1, 1.0), (2, 10.0), (3, 1000.0), (4, float("nan"))], log=True))
        await pilot.pause()
        labels = {line.split("┤")[0].strip() for line in big.render().plain.splitlines() if "┤" in line}
        assert {"1", "100"} <= labels <= {"1", "10", "100", "1000"}


async def test_a_plot_without_braille_consists_of_ascii(make_app, session):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        app.action_set("glyphs", "ascii")
        big = await plotted(app, line_of([(0, 1.0), (9, 2.0)]))
        await pilot.pause()
        text = big.render().plain
        assert text.isascii()
        assert text.count("A") > 20


async def test_nothing_measured_is_said(make_app, session):
    app = make_app(session)
    async with app.run_test(size=(80, 24)):
        big = await plotted(app, line_of([(0, float("nan"))]))
        assert big.render().plain == "nothing measured yet"


async def test_a_zoomed_chart_is_a_big_plot_with_its_marks_and_gives_the_room_back(make_app, session):
    session.release_epochs(20)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        app.frame()
        chart = app.view.query_one(Chart)
        chart.focus()
        await pilot.press("z")
        app.frame()
        await pilot.pause()
        big = chart.query_one(BigPlot)
        assert big.plot == chart.plot
        assert big.plot.series
        assert big.size.height > 20
        before = {mark.letter for mark in chart.plot.marks}
        assert before <= set(big.render().plain)
        await pilot.press("z")
        await pilot.pause()
        assert not chart.query(BigPlot)
        assert "┤" in screen_text(app)
