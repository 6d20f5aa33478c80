"""Alerts: the list with what the rules mean, acknowledgement, toasts that do not flood the screen."""

import pytest
from test_shell import frame

from esper_tui.sanctum.pictures import screen_text
from esper_tui.sanctum.running import TOAST_EVERY_S, TOASTS
from esper_tui.sanctum.widgets.alerts import open_alerts
from esper_tui.sanctum.widgets.grid import Grid


def raise_alert(session, rule="exploding", env=1, slot="r0c1", severity="warn") -> None:
    session.emit("AlertRaised", env=env, slot=slot, rule=rule, text="14 times the host's", severity=severity)


@pytest.fixture
def alerted(session):
    session.release_epochs(5)
    raise_alert(session)
    raise_alert(session, "stalled", env=2, slot=None)
    raise_alert(session, "nan", env=3, slot=None, severity="error")
    return session


async def test_the_list_explains_the_rule_under_the_cursor(alerted, make_app):
    app = make_app(alerted)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("A")
        text = await frame(app, pilot)
        rows = [row.facts["rule"] for row in app.screen.query_one(Grid).shown]
        assert rows == ["nan", "stalled", "exploding"], "errors first, then the newest"
        assert "the loss left the finite numbers" in text
        await pilot.press("j")
        assert "has not reached a new low for 10 epochs" in screen_text(app)


async def test_acknowledged_alerts_leave_the_strip_and_stay_in_the_list(alerted, make_app):
    app = make_app(alerted)
    async with app.run_test(size=(80, 24)) as pilot:
        await frame(app, pilot)
        await pilot.press("A", "a")
        await frame(app, pilot)
        assert [a["rule"] for a in open_alerts(app.record, app.acknowledged)] == ["stalled", "exploding"]
        assert len(app.screen.query_one(Grid).shown) == 3
        await pilot.press("escape", "a")
        assert [a["rule"] for a in open_alerts(app.record, app.acknowledged)] == ["exploding"]
        assert "acknowledged" in screen_text(app)


async def test_enter_goes_to_where_it_was_raised(alerted, make_app):
    app = make_app(alerted)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("A")
        await frame(app, pilot)
        await pilot.press("G", "enter")
        await pilot.pause()
        assert (app.view.scope, app.selected_env, app.selected_slot) == ("environment", 1, "r0c1")


@pytest.mark.parametrize(("rule", "view"), [("disk", "system"), ("no_progress", "system"), ("collapse", "policy")])
async def test_alerts_of_the_machine_and_of_tamiyo_are_shown_and_lead_to_their_view(rule, view, session, make_app):
    session.release_epochs(5)
    raise_alert(session, rule, env=None, slot=None)
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        assert (await frame(app, pilot)).splitlines()[1].startswith(f"! 1  {rule}: 14 times")
        await pilot.press("A")
        assert "run" in await frame(app, pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert app.view.scope == view


async def test_there_is_no_prompt_line_in_a_dialog(alerted, make_app):
    app = make_app(alerted)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("A")
        assert "filter" not in (await frame(app, pilot)).splitlines()[-1]
        await pilot.press("/")
        assert app.prompt.question is None


async def test_without_alerts_all_rules_are_explained(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("A")
        text = await frame(app, pilot)
        assert "nothing is raised" in text
        assert "exploding: a seed's gradient norm" in text
        await pilot.press("enter", "a")


def toasts(app) -> list[str]:
    return [str(toast._notification.title) for toast in app.screen.query("Toast")]


async def test_a_rule_is_toasted_once_in_half_a_minute(session, make_app):
    now = [100.0]
    app = make_app(session)
    app.clock = lambda: now[0]
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        raise_alert(session)
        await frame(app, pilot)
        raise_alert(session, env=2)
        await frame(app, pilot)
        assert toasts(app) == ["env 1 r0c1 exploding"]
        now[0] += TOAST_EVERY_S
        raise_alert(session, env=3)
        await frame(app, pilot)
        assert toasts(app) == ["env 1 r0c1 exploding", "env 3 r0c1 exploding"]


async def test_there_are_few_toasts_at_once_and_errors_stay(session, make_app):
    app = make_app(session)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        raise_alert(session, "nan", severity="error")
        for rule in ("exploding", "vanishing", "ransom", "stalled"):
            raise_alert(session, rule)
        await frame(app, pilot)
        assert len(toasts(app)) == TOASTS
        kept = [toast._notification for toast in app.screen.query("Toast")]
        assert [n.timeout > 1e5 for n in kept] == [True, False, False]
