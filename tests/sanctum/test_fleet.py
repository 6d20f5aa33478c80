"""View 1: who is in trouble stands first and stays there, and every slot is told in letters."""

import json
from dataclasses import replace

import pytest
from fake import FakeSession
from shapes import widened
from test_shell import frame

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.leyline.stages import Stage
from esper_tui.sanctum.chips import Slot, chip, slot_of
from esper_tui.sanctum.ink import plain, width_of
from esper_tui.sanctum.order import StableOrder
from esper_tui.sanctum.summaries import mean_se, op_shares, seeds_by_stage
from esper_tui.sanctum.views.fleet_rows import fleet_columns
from esper_tui.sanctum.widgets.grid import Grid, fit_columns


def folded(events, epochs):
    record = RunRecord()
    for event in events:
        if record.epoch and record.epoch.number == epochs and event["type"] == "EpochMeasured":
            break
        reduce(record, event)
    return record


def test_trouble_rises_at_once_and_sinks_after_three_calm_epochs():
    order = StableOrder()
    assert order.arrange([0, 0, 0], 1) == [0, 1, 2]
    assert order.arrange([0, 0, 1], 2) == [2, 0, 1]
    assert order.arrange([0, 2, 1], 3) == [1, 2, 0]
    assert order.arrange([0, 0, 0], 4) == [1, 2, 0]
    assert order.arrange([0, 0, 0], 6) == [1, 2, 0]
    assert order.arrange([0, 0, 0], 7) == [0, 1, 2]


def test_a_short_calm_does_not_move_a_row():
    order = StableOrder()
    for epoch, severity in enumerate([1, 0, 0, 1, 0, 0, 1]):
        assert order.arrange([0, severity], epoch) == [1, 0]


@pytest.mark.parametrize(
    ("slot", "width", "shown"),
    [
        (Slot(Stage.DORMANT, "", "", ""), 9, "·        "),
        (Slot(Stage.BLENDING, "ATTENTION", ".4", "^"), 10, "B attn^   "),
        (Slot(Stage.BLENDING, "ATTENTION", ".4", "^"), 13, "B attn  .4^  "),
        (Slot(Stage.TRAINING, "CONV_LIGHT", "6", ""), 8, "T convL "),
        (Slot(Stage.HOLDING, "CONV_LIGHT", "6", "*"), 2, "H*"),
        (Slot(Stage.PRUNED, "", "2", ""), 10, "P 2       "),
        (Slot(Stage.FOSSILIZED, "DEPTHWISE", "", ""), 13, "F dwise      "),
    ],
)
def test_chips(slot, width, shown):
    assert plain(chip(slot, width)) == shown
    assert width_of(chip(slot, width, selected=True)) == width


@pytest.mark.parametrize("slots", [1, 3, 12])
@pytest.mark.parametrize("width", [38, 76, 116, 196])
def test_columns_fit_with_any_number_of_slots(slots, width):
    columns = fleet_columns([f"r{i // 6}c{i % 6}" for i in range(slots)], width, control=True)
    widths = fit_columns(columns, width)
    kept = [key for key in widths if key.startswith("slot-")]
    assert len(kept) == slots
    assert sum(widths.values()) + len(widths) - 1 <= max(width, 60)


def test_shares_seeds_and_means_of_a_recorded_run(quick_events):
    current = folded(quick_events, 11).round
    # boundaries 2 to 11 of six environments: six germinate at 6, six advance at 7 and 8, and 11
    shares = op_shares(current)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares[1] == pytest.approx(6 / (6 + 18 + sum(len(e.waits) for e in current.epochs[-10:])))
    assert seeds_by_stage(current) == {Stage.DORMANT: 12, Stage.HOLDING: 6}
    assert mean_se([1.0, 3.0, None]) == (2.0, 1.0)
    assert mean_se([None]) == (None, None)


def test_a_slot_shows_the_decision_that_was_just_taken(quick_events):
    current = folded(quick_events, 6).round
    assert slot_of(current, 0, 1, []) == Slot(Stage.GERMINATED, "CONV_LIGHT", "0", "")
    alert = {"env": 0, "slot": "r0c1", "rule": "exploding"}
    assert slot_of(current, 0, 1, [alert]).flag == "^"


async def test_an_environment_in_trouble_comes_first_and_is_acknowledged(session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        session.emit("AlertRaised", env=4, slot="r0c1", rule="exploding", severity="warn", text="ratio 14.2 > 10")
        text = await frame(app, pilot)
        await pilot.pause()
        assert [row.key for row in app.query_one(Grid).shown][:3] == [4, 0, 1]
        assert "! 1  env 4 r0c1 exploding: ratio 14.2 > 10" in text
        await pilot.press("a")
        text = await frame(app, pilot)
        assert "1 acknowledged" in text
        assert "GRAD^" in text


async def test_the_cursor_selects_environment_and_slot(session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await frame(app, pilot)
        await pilot.press("j", "j", "l")
        await pilot.pause()
        assert (app.selected_env, app.selected_slot) == (2, "r0c1")
        assert "env 2  val acc %" in await frame(app, pilot)
        await pilot.press("]", "}")
        assert (app.selected_env, app.selected_slot) == (3, "r0c2")
        await frame(app, pilot)
        assert app.query_one(Grid).key == 3


async def test_the_chart_changes_metric_scale_and_smoothing(session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("m")
        assert "val loss" in await frame(app, pilot)
        await pilot.press(".", "comma")
        assert "val loss · log · mean of 5" in await frame(app, pilot)


async def test_where_the_chart_has_no_room_m_gives_it_the_view(session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await frame(app, pilot)
        await pilot.press("m")
        await pilot.pause()
        assert "val acc" in await frame(app, pilot)
        await pilot.press("escape")
        assert "last act" in await frame(app, pilot)


async def test_an_environment_is_copied_as_json(session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await frame(app, pilot)
        await pilot.press("j", "y")
        document = json.loads(app.clipboard)
        assert (document["env"], document["epoch"]) == (1, 12)
        assert document["slots"]["r0c1"]["blueprint"] == "CONV_HEAVY"


async def test_filter_zoom_and_the_way_back(session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await frame(app, pilot)
        await pilot.press("slash", *"st=best")
        grid = app.query_one(Grid)
        assert [row.key for row in grid.shown] == [2]
        await pilot.press("enter")
        assert app.focused is grid
        await pilot.press("escape")
        assert len(grid.shown) == 6
        await pilot.press("tab", "z")
        await pilot.pause()
        assert app.query_one("#chart").size.width > 100
        assert not app.query_one("#lower").display
        await pilot.press("escape")
        await pilot.pause()
        assert app.query_one("#lower").display


@pytest.mark.parametrize(
    ("slots", "size", "shown"),
    [
        (12, (80, 24), "·  H  ·  ·  H"),
        (12, (200, 60), "·  H  ·  ·  H"),
        (1, (80, 24), "·             ADV"),
    ],
)
async def test_slots_are_letters_where_there_are_many(slots, size, shown, quick_events, make_app):
    session = FakeSession(with_slots(quick_events, slots))
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=size) as pilot:
        await frame(app, pilot)
        await pilot.pause()
        assert shown in await frame(app, pilot)


def with_slots(events, count):
    """The recording with so many slots: copies of the three there are."""
    per_slot = ("stages", "alphas", "targets", "ramps", "ages", "in_stage", "clocks")
    names = [f"r{i // 6}c{i % 6}" for i in range(count)]
    result = []
    for event in events:
        if event["type"] == "RunStarted":
            known = event["rules"]["seed_params"]
            event = event | {"rules": event["rules"] | {"seed_params": dict.fromkeys(names, known["r0c0"])}}
        elif event["type"] == "RoundStarted":
            event = event | {"slots": names}
        elif event["type"] == "EpochMeasured":
            event = event | {k: [[row[i % 3] for i in range(count)] for row in event[k]] for k in per_slot}
            event["columns"] = {
                k: [[row[i % 3] for i in range(count)] for row in v] if k.startswith(("seed/", "grad/seed")) else v
                for k, v in event["columns"].items()
            }
        result.append(event)
    return result


async def test_resizing_keeps_everything_in_place(session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(200, 60)) as pilot:
        for size in ((40, 12), (80, 24), (60, 16), (120, 40)):
            await pilot.resize_terminal(*size)
            await frame(app, pilot)
            await pilot.pause()
            lines = (await frame(app, pilot)).splitlines()
            assert lines[0].startswith("esper")
            assert "quit" in lines[-1]
            assert all(len(text) <= size[0] for text in lines)


async def test_sixtyfour_environments_have_their_mean(quick_events, make_app):
    session = FakeSession(widened(quick_events, 64))
    session.release_epochs(9)
    app = make_app(session)
    async with app.run_test(size=(200, 60)) as pilot:
        assert "64 env" in await frame(app, pilot)


def test_the_fake_answers_like_a_session(session):
    from esper_tui.leyline.session import Pause, Resume

    session.release_epochs(1)
    number = session.submit(Pause())
    assert [a.state for a in session.poll()[0]] == ["accepted"]
    session.release_epochs(1)
    assert [(a.id, a.state, a.epoch) for a in session.poll()[0]] == [(number, "applied", 2)]
    session.submit(Resume())
    assert session.progress().state == "running"
    session.now = replace(session.now, state="ended")
    session.submit(Pause())
    assert session.poll()[0][-1].state == "rejected"
