"""Every view and dialog on runs of other shapes: few and many environments, one slot and twelve."""

import pytest
from fake import FakeSession
from fake_launcher import FakeLauncher
from shapes import SLOTS, widened, with_slots

from esper_tui.sanctum.actions import VIEWS
from esper_tui.sanctum.pictures import screen_text

DIALOGS = {"o": "OverrideDialog", "Q": "QueueDialog", "A": "AlertsDialog", "question_mark": "HelpDialog",
           "ctrl+p": "PaletteDialog", "q": "QuitDialog"}  # fmt: skip


@pytest.mark.parametrize("slots", [1, 12])
@pytest.mark.parametrize("envs", [1, 16, 64])
async def test_every_view_and_dialog_holds_the_shape(envs, slots, quick_events, make_app):
    session = FakeSession(widened(with_slots(quick_events, slots), envs))
    session.release_epochs(12)
    app = make_app(session, launcher=FakeLauncher())
    async with app.run_test(size=(80, 24)) as pilot:

        async def seen() -> list[str]:
            app.frame()
            await pilot.pause()
            lines = screen_text(app).splitlines()
            assert all(len(text) <= 80 for text in lines)
            return lines

        app.frame()
        app.select(envs - 1, SLOTS[slots - 1])
        for view in VIEWS:
            await app.show_view(view)
            lines = await seen()
            assert lines[0].startswith("esper quickstart")
            assert "quit…" in lines[-1], view
            assert (app.selected_env, app.selected_slot) == (envs - 1, SLOTS[slots - 1])
        await app.show_view("environment")
        assert any(f"2 env {envs - 1} " in text for text in await seen())
        assert any(f">{SLOTS[slots - 1]} " in text for text in await seen())
        for key, name in DIALOGS.items():
            await pilot.press(key)
            assert type(app.screen).__name__ == name
            assert len(await seen()) == 24
            await pilot.press("escape")
