"""View 3: what the policy did, counted, and figures of learning as far as they exist."""

from collections import Counter

import pytest
from fake import FakeSession
from test_fleet import folded
from test_shell import frame

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.karn.replay import Player
from esper_tui.leyline.metrics import METRICS, MetricSpec
from esper_tui.sanctum.glyphs import UNICODE
from esper_tui.sanctum.ink import plain
from esper_tui.sanctum.metric_groups import GROUPS, grouped, learning_lines, levels_text, verdict
from esper_tui.sanctum.pictures import screen_text
from esper_tui.sanctum.policy_charts import Charted, chartable, policy_plot
from esper_tui.sanctum.policy_lines import blueprint_lines, gate_lines, narrative, op_lines
from esper_tui.sanctum.tally import Tally, tallied
from esper_tui.sanctum.text import figure
from esper_tui.sanctum.widgets.chart import Chart

# --- counting ------------------------------------------------------------------------------------------------------


def test_a_tally_grows_with_the_run_as_if_it_had_been_counted_at_once(quick_events):
    record, grown = RunRecord(), Tally()
    for event in quick_events:
        reduce(record, event)
        if record.round is not None:
            grown = tallied(grown, record.round)
    assert grown == tallied(Tally(), record.round)


def test_the_counts_are_those_of_the_events(quick_events):
    tally = tallied(Tally(), folded(quick_events, 30).round)
    changes = [e for e in quick_events if e["type"] == "StageChanged"]
    planted = Counter(e["blueprint"] for e in changes if e["target"] == "GERMINATED")
    assert tally.planted == planted == Counter(CONV_LIGHT=3, CONV_HEAVY=3)
    assert tally.kept == Counter(e["blueprint"] for e in changes if e["target"] == "FOSSILIZED")
    assert tally.lost == Counter()
    waits = sum(len(e["waits"]) for e in quick_events if e["type"] == "EpochMeasured")
    assert tally.ops == Counter(GERMINATE=6, ADVANCE=18, FOSSILIZE=6, WAIT=waits)
    assert waits + 30 == 29 * 6, "every environment decides at every boundary but the last"


def change(epoch: int, target: str, blueprint: str = "NORM", env: int = 0) -> dict:
    return {"epoch": epoch, "env": env, "slot": "r0c0", "target": target, "blueprint": blueprint}


def test_a_pruned_seed_keeps_the_gain_that_was_measured_last():
    tally = Tally()
    tally._take_change(change(1, "GERMINATED"))
    for number, gain in ((2, 0.3), (3, 0.1)):
        tally._take_epoch(_Measured(number, gain), ["r0c0"])
    tally._take_change(change(3, "PRUNED"))
    tally._take_change(change(9, "GERMINATED"))
    tally._take_epoch(_Measured(10, 0.5), ["r0c0"])
    assert tally.gain_of("NORM") == (pytest.approx(0.3), pytest.approx(0.2), 2)  # of 0.1 and 0.5
    assert (tally.planted["NORM"], tally.lost["NORM"], tally.living) == (2, 1, {(0, "r0c0"): ("NORM", 9)})


class _Measured:
    """A measured epoch with one seed's gain and two looks at a gate."""

    def __init__(self, number, gain):
        self.number, self.waits, self.columns = number, [], {"seed/gain": [[[gain, 0.01]]]}
        self.verdicts = [[0, "r0c0", "G5", gain > 0.2, gain, 0.2, f"gain {gain}"]]


def test_gates_tell_what_was_missing_the_last_time():
    tally = Tally()
    for gain in (0.1, 0.15, 0.3):
        tally._take_epoch(_Measured(1, gain), [])
    assert (tally.gates["G5"].passed, tally.gates["G5"].failed, tally.gates["G5"].last) == (1, 2, "gain 0.15")
    assert plain(gate_lines(tally, 60)[1]).split() == ["G5", "1", "2", "gain", "0.15"]


def test_a_replay_that_went_back_is_counted_again(quick_events):
    player = Player(quick_events)
    tally = tallied(Tally(), player.record.round)
    assert tally.kept.total() == 6
    player.seek(17)
    assert tallied(tally, player.record.round).kept.total() == 5


# --- lines ---------------------------------------------------------------------------------------------------------


def test_the_narrative_says_what_why_and_what_next(quick_events):
    record = folded(quick_events, 18)
    text = " ".join(plain(content) for content in narrative(record, tallied(Tally(), record.round), [], 200))
    assert "NOW   heuristic policy, ep 18: 1 seed growing, 5 kept, 0 pruned. Decided at ep 16: 5 x FOSSILIZE" in text
    assert "WHY   env 4 r0c1 FOSSILIZE: G5 passed (0.107 against 0.0508)." in text
    assert "NEXT  1 seed before G5. Planting closed at ep 13." in text


def test_the_narrative_of_a_person_and_of_nothing(quick_events):
    record = folded(quick_events, 18)
    record.round.decisions[-1] = record.round.decisions[-1] | {"by": "human", "intervention": 12}
    assert "a person asked for it (#12)" in str(narrative(record, Tally(), [], 200))
    assert "the run is starting" in str(narrative(RunRecord(), Tally(), [], 80))
    assert "No rule has fired yet" in str(narrative(folded(quick_events, 2), Tally(), [], 80))


def test_shares_and_blueprints_without_anything_are_unmeasured(quick_events):
    record = folded(quick_events, 1)
    tally = tallied(Tally(), record.round)
    assert "nothing was planted yet" in plain(blueprint_lines(tally, 60)[1])
    assert plain(op_lines(record.round, tally, 60)[1]).split()[:2] == ["WAIT", "0"]


# --- figures of learning -------------------------------------------------------------------------------------------


@pytest.fixture
def leveled(monkeypatch):
    monkeypatch.setitem(METRICS, "ppo/kl", MetricSpec("ppo/kl", "nat", "down", "how far she moved", 0.02, 0.1))
    monkeypatch.setitem(METRICS, "ppo/explained_variance", MetricSpec("ppo/explained_variance", "", "up", "", 0.3, 0.0))


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("ppo/kl", 0.01, "ok"),
        ("ppo/kl", 0.03, "warn"),
        ("ppo/kl", 0.2, "critical"),
        ("ppo/kl", "NaN", "critical"),
        ("ppo/kl", None, ""),
        ("ppo/explained_variance", 0.2, "warn"),
        ("ppo/explained_variance", -1.0, "critical"),
        ("ppo/explained_variance", 0.9, "ok"),
        ("val/acc", 0.1, ""),
        ("nobody/knows", 1.0, ""),
    ],
)
def test_verdicts_follow_the_levels_and_the_good_direction(key, value, word, leveled):
    assert verdict(key, value) == word


def test_levels_as_text(leveled):
    assert levels_text(METRICS["ppo/kl"]) == "warn > 0.02, critical > 0.1"
    assert levels_text(METRICS["ppo/explained_variance"]) == "warn < 0.3, critical < 0"
    assert levels_text(METRICS["val/acc"]) == ""


def test_metrics_stand_in_columns_where_there_is_room():
    updates = [dict.fromkeys(("ppo/kl", "ppo/lr", "return/mean"), 0.5)]
    narrow, wide = (learning_lines(updates, width, UNICODE) for width in (79, 80))
    names = ["optimisation", "ppo/kl", "ppo/lr", "value", "return/mean"]
    assert [plain(content).split()[0] for content in narrow] == names
    assert [plain(content).split()[0::2] for content in wide[1:]] == [["ppo/kl", "return/mean"], ["ppo/lr"]]


def test_every_key_has_a_group_and_only_what_exists_is_shown():
    keys = ["ppo/kl", "entropy/op", "return/mean", "ppo/grad_norm", "time/update", "strange"]
    assert grouped(keys) == {
        "optimisation": ["ppo/kl"], "value": ["return/mean"], "gradient and advantage": ["ppo/grad_norm"],
        "action space": ["entropy/op"], "infrastructure": ["time/update"], "other": ["strange"],
    }  # fmt: skip
    assert list(GROUPS)[-1] == "other"
    assert grouped([]) == {}


def test_a_metric_that_was_not_measured_is_a_dash():
    updates = [{"ppo/kl": 0.01}, {"ppo/kl": None}]
    assert "–" in plain(learning_lines(updates, 40, UNICODE)[1])
    assert (figure(0.000012345), figure(14200.0, 4), figure(None), figure("NaN")) == (
        "1.23e-05",
        "1.42e+04",
        "–",
        "NaN",
    )


async def learning(make_app, quick_events, count=3):
    session = FakeSession(quick_events)
    session.release_epochs(18)
    for update in range(1, count + 1):
        metrics = {"ppo/kl": 0.01 * update, "entropy/op": 0.7, "return/mean": 0.1 * update}
        session.emit("PolicyUpdated", update=update, episodes=8 * update, metrics=metrics)
    return make_app(session)


async def test_figures_of_learning_appear_with_the_first_update(make_app, quick_events, leveled):
    app = await learning(make_app, quick_events)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        text = await frame(app, pilot)
        assert "learning · update 3" in text
        assert "optimisation" in text
        assert "0.03 warn" in text
        assert "WHY   ppo/kl: how far she moved (warn > 0.02, critical > 0.1)" in text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (60, 16), (40, 12)])
async def test_the_view_is_drawn_at_every_size(size, session, make_app):
    session.release_epochs(18)
    app = make_app(session)
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        text = await frame(app, pilot)
        assert "NOW" in text
        assert ("CONV_LIGHT" in text) == (size[0] >= 80)


async def test_m_charts_the_next_metric_even_where_there_was_no_room(session, make_app):
    session.release_epochs(18)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await frame(app, pilot)
        chart = app.view.query_one(Chart)
        assert not chart.display
        await pilot.press("m")
        await frame(app, pilot)
        assert chart.display
        before = app.view.charted
        await pilot.press("m", ".", "comma")
        assert app.view.charted == Charted(before.next_key(chartable(app.record)).key, True, 5)
        await pilot.press("escape")
        assert not chart.display


async def test_a_metric_by_name_and_one_that_does_not_exist(make_app, quick_events):
    app = await learning(make_app, quick_events)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await frame(app, pilot)
        app.view.action_metric("return/mean")
        plot = app.view.query_one(Chart).plot
        assert plot.series[0].points == ((1, 0.1), (2, 0.2), (3, pytest.approx(0.3)))
        app.view.action_metric("nothing")
        assert "nothing called nothing was measured" in screen_text(app)


def test_means_over_environments_are_charted_in_percent(quick_events):
    record = folded(quick_events, 3)
    plot = policy_plot(record, Charted("val/acc"))
    values = record.round.epochs[1].columns["val/acc"]
    environment = next(s for s in plot.series if s.name == "environment")
    assert environment.points[1] == (2, pytest.approx(100 * sum(values) / len(values)))
    acts = policy_plot(record, Charted("decided")).series[0].points
    assert acts[2][1] == pytest.approx(1 - len(record.round.epochs[2].waits) / 6)
