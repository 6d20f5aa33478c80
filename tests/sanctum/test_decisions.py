"""What was decided and why: the list, the explanation, what came of it."""

import copy
import json

import pytest
from fake import FakeSession, looking
from shapes import SLOTS, with_slots
from steered import SteeredSession, look_row

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.leyline.choices import LIVE_HEADS, Head, Op
from esper_tui.leyline.session import Breakpoint
from esper_tui.sanctum.decision_rows import DecisionRows, decision_columns, reason_of
from esper_tui.sanctum.explainlines import explain_lines, outcome_lines
from esper_tui.sanctum.ink import plain
from esper_tui.sanctum.mind import Feature, entropy_share, mind_of
from esper_tui.sanctum.outcome import gain_change

PERSON = {
    "seq": 900, "t": 1.0, "type": "DecisionTaken", "round": 0, "epoch": 12, "env": 2, "by": "human",
    "decision": {"op": "PRUNE", "slot": "r0c1", "alpha_speed": "FAST", "alpha_curve": "LINEAR"},
    "trace": [{"rule": "the gain is clearly negative", "slot": "r0c1", "value": 0.01, "threshold": -0.012,
               "fired": False}],
    "refused": None, "intended": {"op": "WAIT"}, "intervention": 7, "agreed": False, "closed": [],
}  # fmt: skip
ASKED = {
    "seq": 899, "t": 1.0, "type": "InterventionChanged", "round": 0, "epoch": 12, "env": 2, "fate": "applied",
    "reason": "", "left": None,
    "intervention": {"id": 7, "env": 2, "decision": PERSON["decision"], "author": "ann@box", "note": "too greedy"},
}  # fmt: skip
LEARNED = {
    "seq": 901, "t": 1.0, "type": "DecisionTaken", "round": 0, "epoch": 12, "env": 3, "by": "tamiyo",
    "decision": {"op": "ADVANCE", "slot": "r0c1"}, "refused": None, "intended": None, "intervention": None,
    "agreed": None, "closed": [], "trace": [
        {"rule": "value", "value": 0.42, "fired": False},
        {"rule": "head op", "choice": "ADVANCE", "fired": True, "value": 0.75,
         "probabilities": {"ADVANCE": 0.75, "WAIT": 0.25}, "entropy": 0.8},
        {"rule": "head slot", "choice": "r0c1", "fired": True, "value": 1.0, "probabilities": {"r0c1": 1.0}},
        {"rule": "saw", "fired": False, "env": {"left": 0.6}, "slot": {"alpha": 1.0}},
    ],
}  # fmt: skip


@pytest.fixture
def record(quick_events):
    """The whole recording."""
    found = RunRecord()
    for event in copy.deepcopy(quick_events):
        reduce(found, event)
    return found


def explained(record, event, head=Head.OP, width=70):
    return "\n".join(plain(content) for content in explain_lines(record.round, event, head, width))


def outcome(record, event, what_if=False, width=70):
    return "\n".join(plain(content) for content in outcome_lines(record.round, event, what_if, width))


def decided(record, op, env):
    """The last decision of this kind for an environment."""
    return next(d for d in reversed(record.round.decisions) if d["decision"]["op"] == op and d["env"] == env)


# --- what came of it ---------------------------------------------------------------------------------------------


def test_the_outcome_is_how_the_gain_moved(record):
    gains = [e.columns["gain/loss"][0] for e in record.round.epochs]
    change = gain_change(record.round, 0, 11, 5)
    assert change.value == pytest.approx(gains[15] - gains[10])
    assert change.se == record.round.epochs[15].columns["gain/se"][0]
    assert gain_change(record.round, 0, 28, 5) is None
    record.round.epochs[11].columns["gain/loss"][0] = None
    assert gain_change(record.round, 0, 11, 1) is None


def test_before_it_is_measured_the_outcome_says_when(quick_events):
    early = RunRecord()
    for event in quick_events:
        if event["type"] == "EpochMeasured" and event["epoch"] > 12:
            break
        reduce(early, event)
    text = outcome(early, decided(early, "ADVANCE", 0))
    assert "after 5 ep  –" in text
    assert "known at ep 16" in text


# --- what she went by --------------------------------------------------------------------------------------------


def test_the_rules_are_told_in_order_with_value_and_threshold(record):
    text = explained(record, decided(record, "GERMINATE", 0))
    assert text.index("the host stalled over 3 epochs  .175 ≥ .023") < text.index("6 ≥ 6")
    assert " · the host stalled" in text
    assert " + next in the rotation  r0c1 CONV_LIGHT" in text
    assert reason_of(decided(record, "FOSSILIZE", 0)) == "G5 passed"


@pytest.mark.parametrize("op", ["GERMINATE", "ADVANCE", "FOSSILIZE"])
def test_heads_that_do_not_count_are_named_apart(record, op):
    text = explained(record, decided(record, op, 0), width=200)
    unused = [head.value for head in Head if head not in LIVE_HEADS[Op[op]]]
    assert f"not used by {op}: {', '.join(unused)}" in text
    assert "FAST  3 epochs" in text if op == "GERMINATE" else "FAST" not in text


def test_what_was_closed_is_told_once_for_slots_with_one_reason(record):
    text = outcome(record, decided(record, "FOSSILIZE", 5), width=200)
    assert "GERM  x r0c0 r0c1 r0c2: too late: a seed planted after epoch 13 cannot be judged in time" in text
    assert "FOSS  x r0c0 r0c2: DORMANT, needs HOLDING" in text
    open_ = decided(record, "FOSSILIZE", 5) | {"closed": []}
    assert "everything was legal" in outcome(record, open_)


def test_tamiyos_own_choice_stands_beside_a_persons(record):
    reduce(record, ASKED)
    reduce(record, PERSON)
    text = explained(record, PERSON)
    assert "person  PRUNE fast  ann@box" in text
    assert "tamiyo  WAIT" in text
    assert "overruled: this step counts as assisted" in text
    assert "too greedy" in text
    assert "what Tamiyo would have gone by" in text
    assert "the gain is clearly negative  r0c1 .010 ≥ -.012" in text
    assert "the same: nothing was overruled" in explained(record, PERSON | {"agreed": True})


def test_a_decision_that_was_not_carried_out_says_why(record):
    assert "refused the ramp still moves" in explained(record, LEARNED | {"refused": "the ramp still moves"})


# --- a learned policy ----------------------------------------------------------------------------------------------


def test_entropy_is_a_share_of_what_was_open():
    assert entropy_share({"A": 0.5, "B": 0.5, "C": 0.0}) == pytest.approx(1.0)
    assert entropy_share({"A": 0.75, "B": 0.25}) == pytest.approx(0.8113, abs=1e-4)
    assert entropy_share({"A": 1.0}) is None


def test_distributions_value_and_features_appear_where_the_event_has_them(record):
    text = explained(record, LEARNED)
    assert "V(s) +.42" in text
    assert "op           ADVANCE  p .75  H .81" in text
    assert "WAIT            .25 ███" in text
    assert "slot         r0c1  p 1.00  [forced]" in text
    assert "what she saw" in text
    assert "alpha" in text
    for absent in ("V(s)", "  p ", "what she saw"):
        assert absent not in explained(record, decided(record, "ADVANCE", 0))


def test_the_events_own_keys_win_over_the_trace():
    event = LEARNED | {
        "value": -0.1, "probabilities": {"op": {"ADVANCE": 0.9, "WAIT": 0.1}, "nonsense": {"A": 1.0}},
        "features": {"gain": [0.2, -3.0], "alpha": [1.0, 0.5], "slots": {"depth": 2}},
    }  # fmt: skip
    mind = mind_of(event)
    assert mind.value == -0.1
    assert mind.heads == {Head.OP: {"ADVANCE": 0.9, "WAIT": 0.1}}
    assert mind.features[0] == Feature("", "gain", 0.2, -3.0)
    assert mind.features[-1] == Feature("slots", "depth", 2.0)
    assert mind_of({"trace": None or [], "probabilities": 3, "features": []}).heads == {}


def test_the_reward_is_a_list_of_terms_whose_sum_is_checked(record):
    columns = record.round.epochs[12].columns
    columns["reward/terms"] = [{"gain": 0.5, "rent": -0.125}] * 6
    columns["reward/total"] = [0.375] * 6
    text = outcome(record, LEARNED)
    assert "reward      +.375  for ep 12" in text
    assert "rent            -.125" in text
    columns["reward/total"] = [0.5] * 6
    assert "the terms sum to +.375, not to +.500" in outcome(record, LEARNED)


# --- what if -----------------------------------------------------------------------------------------------------


def test_what_if_is_a_measurement_after_the_decision(record):
    event = decided(record, "ADVANCE", 0)
    text = outcome(record, event, what_if=True)
    assert "leans on them, not what would have" in text
    assert "at ep 16" in text
    first = record.round.epochs[15].shapley[0]["subsets"]
    assert f"on: none              loss {first[0][1]:.3f}" in text
    for epoch in record.round.epochs:
        epoch.shapley.clear()
    record.round.shapley.clear()
    assert "not measured after ep 11" in outcome(record, event, what_if=True)
    record.round.shapley[0] = (30, look_row(0))
    assert "on: r0c0 r0c1         loss 1.000" in outcome(record, event, what_if=True)


# --- the list ------------------------------------------------------------------------------------------------------


def test_rows_are_newest_first_and_pins_before_all(record):
    made = DecisionRows()
    rows = made.rows(record.round, {9})
    assert [row.key for row in rows][:2] == [9, 82]
    assert plain(rows[0].cells["number"]) == "=9"
    assert "own" not in [c.key for c in decision_columns(record.round)]
    reduce(record, PERSON)
    row = made.rows(record.round, ())[0]
    assert "own" in [c.key for c in decision_columns(record.round)]
    assert (plain(row.cells["by"]), plain(row.cells["own"]), row.facts["by"]) == ("#7", "WAIT", "human")
    reduce(record, LEARNED)
    assert "p" in [c.key for c in decision_columns(record.round)]
    assert plain(made.rows(record.round, ())[0].cells["p"]) == ".75"


def test_rows_change_until_their_outcome_is_known_and_not_after(quick_events):
    record, made = RunRecord(), DecisionRows()
    outcomes = []
    for event in copy.deepcopy(quick_events):
        reduce(record, event)
        if event["type"] == "EpochMeasured" and event["epoch"] in (11, 12, 16, 17):
            row = next(r for r in made.rows(record.round, ()) if r.key == 9)
            outcomes.append((row, plain(row.cells["+5"])))
    assert [told for _, told in outcomes] == ["+.054", "+.054", "+.054", "+.054"]
    assert outcomes[0][0] is outcomes[-1][0]
    early = RunRecord()
    for event in quick_events[:30]:
        reduce(early, event)
    assert plain(made.rows(early.round, ())[-1].cells["+5"]) == "–"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (40, 12)])
async def test_the_view_is_drawn_at_every_size(size, session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=size) as pilot:
        text = await looking(app, pilot, "4")
        assert "ADVANCE" in text
        assert ("what was closed" in text) is (size[1] >= 40)


@pytest.mark.parametrize("count", [1, 12])
async def test_one_slot_and_twelve(count, quick_events, make_app):
    session = FakeSession(with_slots(quick_events, count))
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        text = await looking(app, pilot, "4", "e")
        assert f"ADVANCE {SLOTS[min(1, count - 1)]}" in text
        assert "what was closed" in text
        assert ("12 slots: 1 seed" in text) is (count == 12)


async def test_every_key_of_the_list(session, make_app, tmp_path):
    session.path = tmp_path
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        assert "nothing" not in await looking(app, pilot, "4")
        text = await looking(app, pilot, "j")
        assert (app.selected_env, app.selected_slot) == (4, "r0c1")
        assert "ep 11 env 4 #58  ADVANCE r0c1  by tamiyo" in text
        await looking(app, pilot, "b")
        assert session.commands == [Breakpoint("op", "ADVANCE")]
        assert "=58" in await looking(app, pilot, "P")
        assert app.view.grid.shown[0].key == 58
        await looking(app, pilot, "y")
        assert json.loads((tmp_path / "exports" / "decision-58.json").read_text())["env"] == 4
        assert '{"seq":58' in await looking(app, pilot, "i")
        await looking(app, pilot, "i", "enter")
        assert app.screen.event["seq"] == 58
        await looking(app, pilot, "escape", "e")
        assert app.screen.event["seq"] == 58


async def test_the_list_is_filtered(session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await looking(app, pilot, "4", "/", *"op=GERMINATE env=3", "enter")
        assert [row.key for row in app.view.grid.shown] == [15]
        await looking(app, pilot, "escape")
        assert len(app.view.grid.shown) == 24


async def test_the_newest_stays_under_the_cursor_until_it_is_moved(session, make_app):
    session.release_epochs(7)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await looking(app, pilot, "4")
        assert app.view.grid.key == 32
        session.release_epochs(1)
        await looking(app, pilot)
        assert app.view.grid.key == 45
        await looking(app, pilot, "j")
        session.release_epochs(3)
        await looking(app, pilot)
        assert app.view.grid.key == 43


async def test_the_audit_shows_where_people_had_a_hand(quick_events, make_app):
    session = SteeredSession(quick_events)
    session.release_epochs(12)
    session.tell_row(PERSON)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await looking(app, pilot, *":audit", "enter")
        assert [row.key for row in app.view.grid.shown] == [900]


async def test_before_anything_was_decided(session, make_app):
    session.release_epochs(3)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        text = await looking(app, pilot, "4", "e")
        assert "nothing was decided yet but to wait" in text
        await looking(app, pilot, "b", "P", "y", "i")
        assert session.commands == []


# --- the explanation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (40, 12)])
async def test_the_explanation_fits(size, session, make_app):
    session.release_epochs(20)
    app = make_app(session)
    async with app.run_test(size=size) as pilot:
        text = await looking(app, pilot, *":explain 75", "enter")
        assert "G5 passed" in text
        assert len(text.splitlines()) <= size[1]
        assert max(map(len, text.splitlines())) <= size[0]


async def test_every_key_of_the_explanation(session, make_app, tmp_path):
    session.path = tmp_path
    session.release_epochs(20)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await looking(app, pilot, *":explain 9", "enter")
        shown = app.screen
        assert "GERMINATE r0c1" in await looking(app, pilot, "[")
        assert shown.event["seq"] == 9
        await looking(app, pilot, "]")
        assert shown.event["seq"] == 11
        assert ">slot" in await looking(app, pilot, "l")
        assert ">blueprint" in await looking(app, pilot, "right")
        await looking(app, pilot, "h", "left", "left")
        assert shown.head is Head.ALPHA_TARGET
        assert "seeds switched off" in await looking(app, pilot, "c")
        assert "what came of it" in await looking(app, pilot, "c")
        await looking(app, pilot, "P")
        assert app.pinned_decisions == {11}
        await looking(app, pilot, "y")
        assert json.loads((tmp_path / "exports" / "decision-11.json").read_text()) == shown.event
        assert '{"seq":11' in await looking(app, pilot, "i")
        await looking(app, pilot, "i", "b")
        assert session.commands == [Breakpoint("op", "GERMINATE")]
        await looking(app, pilot, "escape")
        assert len(app.screen_stack) == 1


async def test_only_looking_sets_no_breakpoint(quick_events, make_app):
    session = FakeSession(quick_events, role="watch")
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await looking(app, pilot, "4", "b", "e", "b")
        assert app.screen.scope == "explain"
        assert session.commands == []
