"""Inside one environment: the slot table, the inspector, what may be done, the history of a slot."""

import copy
import json
from dataclasses import replace

import pytest
from fake import FakeSession, looking
from shapes import SLOTS, with_slots
from steered import SteeredSession

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.karn.view import legality_now
from esper_tui.leyline.choices import Op
from esper_tui.leyline.session import Breakpoint, Look
from esper_tui.sanctum.glyphs import UNICODE
from esper_tui.sanctum.ink import plain
from esper_tui.sanctum.legallines import legal_lines
from esper_tui.sanctum.slotfacts import alpha_of, gates_of, seed_of, slot_document
from esper_tui.sanctum.slotlines import inspector_lines
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.worth import (
    Measure,
    gradient_ratio,
    interval,
    pair_measures,
    seed_measure,
    shapley_measure,
    tone,
)

SIZES = [(80, 24), (120, 40), (200, 60), (40, 12)]


def told(events, until=None):
    """The record of a recording up to and including an epoch."""
    record = RunRecord()
    for event in events:
        if until is not None and event["type"] == "EpochMeasured" and event["epoch"] > until:
            break
        reduce(record, copy.deepcopy(event))
    return record


def inspected(record, env=0, slot="r0c1", width=100):
    return "\n".join(plain(content) for content in inspector_lines(record, env, slot, width, UNICODE))


# --- what is known of a seed -------------------------------------------------------------------------------------


def test_an_interval_is_two_standard_errors_wide_and_says_its_age():
    measure = Measure(0.2, 0.05, 7)
    assert (measure.low, measure.high) == (pytest.approx(0.1), pytest.approx(0.3))
    assert plain(interval(measure, 7)) == "+.200 [+.100, +.300]"
    assert plain(interval(measure, 19)) == "+.200 [+.100, +.300] (12 ep old)"
    assert plain(interval(None, 19)) == "–"
    assert [tone(Measure(v, 0.05, 7)) for v in (0.2, 0.05, -0.2)] == ["good", "", "bad"]


def test_what_was_measured_is_of_this_seed_and_the_newest(quick_events):
    current = told(quick_events, 19).round
    last = current.epochs[-1].columns
    assert seed_measure(current, "seed/gain", 0, "r0c1") == Measure(*last["seed/gain"][0][1], 19)
    last["seed/gain"][0][1] = None
    before = current.epochs[-2].columns["seed/gain"][0][1]
    assert seed_measure(current, "seed/gain", 0, "r0c1") == Measure(*before, 18)
    current.births[0, "r0c1"] = 18
    assert seed_measure(current, "seed/gain", 0, "r0c1") is None
    assert shapley_measure(current, 0, "r0c1").epoch == 19
    current.births[0, "r0c1"] = 19
    assert shapley_measure(current, 0, "r0c1") is None


def test_the_gradient_is_told_as_a_multiple_of_the_hosts(quick_events):
    current = told(quick_events, 12).round
    columns = current.epochs[-1].columns
    assert gradient_ratio(current, 0, "r0c1") == columns["grad/seed"][0][1] / columns["grad/host"][0]
    columns["grad/host"][0] = 0.0
    assert gradient_ratio(current, 0, "r0c1") is None
    assert gradient_ratio(current, 0, "r0c0") is None


def test_the_inspector_tells_a_committed_seed(quick_events):
    text = inspected(told(quick_events, 19))
    assert "seed     1 CONV_LIGHT  2.3k parameters" in text
    assert "planted  ep 6 tamiyo  LINEAR_ADD FAST FULL" in text
    assert "life ep  G6  T7  B8  H11  F16" in text
    assert "······GTBBBHHHHHFFF" in text
    assert "gain     +.221 [+.173, +.268]  n 300×5 ep" in text
    assert "depend.  +.357 [+.287, +.427]  reliance, not benefit" in text
    assert "index .38  credit +.236" in text
    assert "gradient 0.36x of the host's" in text
    assert "age      13 ep, 3 in FOSSILIZED" in text
    assert "G2      + -.004 < .116  ep 8" in text
    assert "people   had no hand in it" in text


def test_a_seed_on_its_way_says_how_far_it_is(quick_events):
    record = told(quick_events, 9)
    ramp = alpha_of(record.round, 0, "r0c1")
    assert (ramp.left, ramp.target, ramp.curve, ramp.ticks) == (2, 1.0, "LINEAR", 3)
    text = inspected(record)
    assert "→ 1.00  2 ep left LINEAR" in text
    assert "gain     – after 5 ep at full strength" in text
    assert "G3      x ep 9  2 epochs of ramp are left" in text
    assert "G5      – after HOLDING" in text
    assert "– 2 of 5 ep at full strength" in inspected(told(quick_events, 13))


def test_an_empty_slot_says_what_could_be_planted(quick_events):
    record = told(quick_events, 5)
    assert seed_of(record.round, 0, "r0c0") is None
    text = inspected(record, slot="r0c0")
    assert "empty; nothing was planted here" in text
    assert "CONV_LIGHT" in text
    assert "% of the host" in text
    record.rules["parameter_budget"] = 1
    assert "over the budget" in inspected(record, slot="r0c0")


def test_a_seed_that_was_taken_away_stays_readable_until_the_next(quick_events):
    record = told(quick_events, 12)
    reduce(record, {"seq": 900, "t": 1.0, "type": "StageChanged", "round": 0, "epoch": 12, "env": 0, "slot": "r0c1",
                    "source": "HOLDING", "target": "PRUNED", "cause": "timeout", "seed": 1, "blueprint": "CONV_LIGHT",
                    "style": "LINEAR_ADD", "params": 2336, "gate": None})  # fmt: skip
    text = inspected(record)
    assert "taken away" in text
    assert "P12 timeout" in text
    assert "slot     free again about ep 18" in text
    assert "depend." not in text
    closed = [plain(content) for content in legal_lines(legality_now(record, 0), "r0c1", 80)]
    assert closed[0] == "GERM   x  being cleaned up; opens about ep 18"


def test_a_decision_that_was_just_taken_counts_in_what_may_be_done(quick_events):
    planted = told(quick_events, 6)
    legal = legality_now(planted, 0)
    assert planted.round.epochs[-1].stages[0] == [1, 1, 1]
    assert legal.slots(Op.GERMINATE) == []
    assert legal.ops[Op.ADVANCE]["r0c1"].text == "G1 has not been looked at yet"
    assert legal.ops[Op.ADVANCE]["r0c1"].opens == 7


def test_gates_behind_ahead_and_next(quick_events):
    states = [(g.name, g.state) for g in gates_of(told(quick_events, 12).round, 0, "r0c1")]
    assert states == [("G1", "passed"), ("G2", "passed"), ("G3", "passed"), ("G5", "ahead")]
    looked = told(quick_events, 16).round
    looked.changes = [c for c in looked.changes if c["target"] != "FOSSILIZED"]
    looked.stages[0][1] = 6
    looked.verdicts[0, "r0c1"] = (16, ["G5", False, 0.01, 0.05, "not enough"])
    gate = gates_of(looked, 0, "r0c1")[-1]
    assert (gate.state, gate.measured, gate.threshold, gate.epoch) == ("closed", 0.01, 0.05, 16)


def test_what_people_asked_for_is_told_with_the_slot(quick_events):
    record = told(quick_events, 12)
    reduce(record, {"seq": 901, "t": 1.0, "type": "InterventionChanged", "round": 0, "epoch": 12, "env": 0,
                    "fate": "rejected", "reason": "GATE_FAILED: no", "left": None,
                    "intervention": {"id": 4, "env": 0, "decision": {"op": "ADVANCE", "slot": "r0c1"}}})  # fmt: skip
    assert "people   #4 ADV rejected ep 12" in inspected(record)
    assert "had no hand" in inspected(record, slot="r0c2")


def test_flags_and_interactions_are_marked(quick_events):
    record = told(quick_events, 12)
    current = record.round
    record.alerts.append({"rule": "exploding", "env": 0, "slot": "r0c1", "text": "ratio 14", "epoch": 12})
    current.seeds[0, "r0c0"], current.births[0, "r0c0"] = current.seeds[0, "r0c1"], 6
    current.shapley[0] = (10, {"values": {"r0c1": [0.2, 0.01]}, "pairs": [["r0c0", "r0c1", -0.09, 0.02]]})
    assert pair_measures(current, 0, "r0c1") == {"r0c0": Measure(-0.09, 0.02, 10)}
    text = inspected(record)
    assert "! exploding" in text
    assert "+r0c0   -.090 [-.130, -.050] (2 ep old)  they get in each other's way" in text


def test_everything_can_be_copied_as_plain_values(quick_events):
    document = json.loads(json.dumps(slot_document(told(quick_events, 19), 0, "r0c1")))
    assert document["stage"] == "FOSSILIZED"
    assert document["seed"]["number"] == 1
    assert document["measured"]["gain"]["epoch"] == 19
    assert document["closed"]["PRUNE"]["code"] == "WRONG_STAGE"


# --- the screen ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_the_view_is_drawn_at_every_size(size, session, make_app):
    session.release_epochs(13)
    app = make_app(session)
    async with app.run_test(size=size) as pilot:
        text = await looking(app, pilot, "2", "j")
        assert ">r0c1" in text
        assert "HOLDING" in text
        if size[0] >= 80:
            assert "2 of 5 ep at full strength" in text
            assert "GERM   x" in text


@pytest.mark.parametrize("count", [1, 12])
async def test_one_slot_and_twelve(count, quick_events, make_app):
    session = FakeSession(with_slots(quick_events, count))
    session.release_epochs(13)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        text = await looking(app, pilot, "2", "G")
        assert app.selected_slot == SLOTS[count - 1]
        assert f">{SLOTS[count - 1]}" in text
        text = await looking(app, pilot, "g", *(["j"] if count > 1 else []))
        assert "H HOLDING    CONV_LIGHT" in text
        assert "planted  ep 6" in text


async def test_slots_and_environments_are_gone_through(session, make_app):
    session.release_epochs(9)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        assert ">r0c0" in await looking(app, pilot, "2")
        await looking(app, pilot, "j")
        assert app.selected_slot == "r0c1"
        assert "env 1" in await looking(app, pilot, "l")
        assert "env 0" in await looking(app, pilot, "h")
        await looking(app, pilot, "}")
        assert app.selected_slot == "r0c2"
        await looking(app, pilot, "]")
        assert (app.selected_env, app.selected_slot) == (1, "r0c2")


async def test_enter_gives_the_inspector_the_screen_and_the_room_back(session, make_app):
    session.release_epochs(19)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "budget" not in await looking(app, pilot, "2", "j")
        zoomed = await looking(app, pilot, "enter")
        assert "budget   seeds use" in zoomed
        assert "stages   ······GTBBB" in zoomed
        assert "may be done here" in await looking(app, pilot, "escape")


async def test_the_chart_gets_room_and_other_metrics(session, make_app):
    session.release_epochs(9)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "val loss" not in await looking(app, pilot, "2")
        assert "env 0  val loss" in await looking(app, pilot, "m")
        assert "env 0  gain nat" in await looking(app, pilot, "m")
        assert "log" in await looking(app, pilot, ".")
        assert "mean of 5" in await looking(app, pilot, ",")


async def test_where_there_is_room_the_chart_is_there_from_the_start(session, make_app):
    session.release_epochs(9)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        assert "env 0  val loss" in await looking(app, pilot, "2")
        assert "env 0  gain nat" in await looking(app, pilot, "m")


async def test_copy_raw_and_pin(session, make_app, tmp_path):
    session.release_epochs(9)
    session.path = tmp_path
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await looking(app, pilot, "2", "j", "y")
        kept = json.loads((tmp_path / "exports" / "env-0-r0c1.json").read_text())
        assert kept["seed"]["blueprint"] == "CONV_LIGHT"
        assert app.clipboard == json.dumps(kept, indent=1, ensure_ascii=False)
        assert '"stage": "BLENDING"' in await looking(app, pilot, "i")
        assert "life ep" in await looking(app, pilot, "i")
        assert "env =0" in await looking(app, pilot, "P")
        assert app.pinned == {0}


async def test_decisions_of_the_slot_are_explained(session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await looking(app, pilot, "2")
        assert "nothing was decided about this slot" in await looking(app, pilot, "e")
        assert "ep 11 env 0 #50  ADVANCE r0c1  by tamiyo" in await looking(app, pilot, "j", "e")
        await looking(app, pilot, "escape")
        app.view.query_one("#history", Grid).focus()
        assert "ep 8 env 0 #35  ADVANCE r0c1  by tamiyo" in await looking(app, pilot, "j", "enter")


async def test_a_breakpoint_on_what_was_decided_last_for_the_environment(session, make_app):
    session.release_epochs(8)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await looking(app, pilot, "2", "b")
        assert session.commands == [Breakpoint("op", "ADVANCE", 0)]


async def test_coalitions_are_measured_only_while_the_run_rests(quick_events, make_app):
    session = SteeredSession(quick_events)
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        assert "pause the run first" in await looking(app, pilot, "2", "j", "L")
        assert session.commands == []
        session.now = replace(session.now, state="paused")
        text = await looking(app, pilot, "L")
        assert session.commands == [Look(0)]
        assert "shapley  +.300 [+.280, +.320]" in text


async def test_typed_environments_and_slots(session, make_app):
    session.release_epochs(9)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "2 env 3" in await looking(app, pilot, *":env 3", "enter")
        await looking(app, pilot, *":slot 4 r0c1", "enter")
        assert (app.selected_env, app.selected_slot) == (4, "r0c1")
        assert "no environment 9" in await looking(app, pilot, *":env 9", "enter")
        assert "no slot r7c7" in await looking(app, pilot, *":slot 1 r7c7", "enter")
        assert app.selected_env == 4
