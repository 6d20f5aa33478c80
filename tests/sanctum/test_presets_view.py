"""The form derived from the schema, the text beside it, and the view that keeps both in step."""

import tomllib

import pytest
from fake_launcher import FakeLauncher, shows, until
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.leyline.config import RunConfig, sections
from esper_tui.sanctum.pictures import screen_text
from esper_tui.sanctum.schema import settings
from esper_tui.sanctum.toml_edit import document_of, line_of, with_value, without
from esper_tui.sanctum.widgets.form import Form
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.widgets.rawtext import RawText

BY_NAME = {setting.name: setting for setting in settings()}

# --- the schema ----------------------------------------------------------------------------------------------------


def test_every_setting_is_in_the_form_with_its_sentence():
    wanted = [f"{name}.{key}" for name, kind in sections().items() for key in kind.model_fields]
    assert [setting.name for setting in settings()] == wanted
    assert all(setting.help for setting in settings())


@pytest.mark.parametrize(
    ("name", "kind", "limits", "choices"),
    [
        ("run.envs", "whole", "1 … 256", ()),
        ("data.train_images", "whole", "16 … 1,000,000", ()),
        ("optim.momentum", "number", "≥ 0, < 1", ()),
        ("optim.lr", "number", "> 0, ≤ 10", ()),
        ("data.image_size", "choice", "", (8, 16, 32)),
        ("growth.slots", "list", "", ()),
        ("gates.auto_forward", "list", "", ("G1", "G2", "G3")),
        ("tamiyo.schedule", "table", "", ()),
        ("engine.device", "text", "", ()),
    ],
)
def test_what_a_setting_takes(name, kind, limits, choices):
    setting = BY_NAME[name]
    assert (setting.kind, setting.limits, setting.choices) == (kind, limits, choices)


def test_the_default_of_every_setting_can_be_typed():
    config = RunConfig()
    for setting in settings():
        value = getattr(getattr(config, setting.section), setting.key)
        if setting.kind != "table":
            typed = setting.parse(setting.text(value))
            assert (tuple(typed) if isinstance(typed, list) else typed) == value


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("run.envs", "many", "run.envs = many: must be a whole number"),
        ("run.envs", "", "run.envs = nothing: must be a whole number"),
        ("optim.lr", "fast", "optim.lr = fast: must be a number"),
        ("data.image_size", "24", "data.image_size = 24: choose from 8, 16, 32"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_is_typed(name, typed, sentence):
    with pytest.raises(ValueError, match=sentence):
        BY_NAME[name].parse(typed)


def test_left_and_right_go_to_the_value_beside():
    assert BY_NAME["data.image_size"].beside(32, 1) == 8
    assert BY_NAME["run.envs"].beside(8, -1) == 7
    assert BY_NAME["optim.lr"].beside(0.1, 1) == 0.1


# --- one setting in a text -----------------------------------------------------------------------------------------

TEXT = """# why these figures
description = "mine"  # not [run]

[run]
envs = 8      # as many as fit
epochs = 30

[growth]
slots = ["r0c0", "r0c1"]  # "two # signs"
"""


def test_a_changed_line_keeps_the_rest_and_its_comment():
    edit = with_value(TEXT, "run", "envs", 4)
    assert edit.text == TEXT.replace("envs = 8      # as many", "envs = 4  # as many")
    assert not edit.rewritten
    edit = with_value(TEXT, "growth", "slots", ["r0c0"])
    assert edit.text == TEXT.replace('["r0c0", "r0c1"]', '["r0c0"]')


def test_a_new_line_goes_to_the_end_of_its_section():
    edit = with_value(TEXT, "run", "seed", 7)
    assert edit.text == TEXT.replace("epochs = 30\n", "epochs = 30\nseed = 7\n")
    assert with_value(TEXT, "optim", "lr", 0.1).text == TEXT + "\n[optim]\nlr = 0.1\n"
    assert with_value("", "optim", "lr", 0.1).text == "[optim]\nlr = 0.1\n"


def test_what_is_written_in_another_way_is_written_anew_and_says_so():
    dotted = "# kept no longer\nrun.envs = 8\n"
    edit = with_value(dotted, "run", "envs", 4)
    assert edit.rewritten
    assert document_of(edit.text) == {"run": {"envs": 4}}
    several = '[growth]\nslots = [\n  "r0c0",\n]\n'
    edit = with_value(several, "growth", "slots", ["r0c1"])
    assert not edit.rewritten  # there was no comment to lose
    assert document_of(edit.text) == {"growth": {"slots": ["r0c1"]}}


def test_a_setting_can_be_taken_out():
    assert without(TEXT, "run", "envs").text == TEXT.replace("envs = 8      # as many as fit\n", "")
    assert without(TEXT, "run", "seed") is None
    assert without("run = 3\n", "run", "seed") is None


def test_a_text_that_is_not_toml_is_left_alone():
    assert with_value("[run\n", "run", "envs", 4) is None
    assert with_value("run = 3\n", "run", "envs", 4) is None


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)
values = st.one_of(st.integers(-(2**31), 2**31), st.floats(allow_nan=False), st.booleans(), words, st.lists(words))
keys = st.sampled_from(["envs", "epochs", "x", "slots"])
tables = st.dictionaries(st.sampled_from(["run", "growth", "optim"]), st.dictionaries(keys, values, max_size=3))


@given(tables, st.sampled_from(["run", "growth", "optim"]), keys, values)
def test_an_edit_changes_one_value_and_nothing_else(document, section, key, value):
    import tomli_w

    text = tomli_w.dumps(document)
    wanted = {name: dict(content) for name, content in document.items()}
    wanted.setdefault(section, {})[key] = value
    edit = with_value(text, section, key, value)
    assert tomllib.loads(edit.text) == wanted
    assert line_of(edit.text, section, key) is not None
    del wanted[section][key]
    assert tomllib.loads(without(edit.text, section, key).text) == wanted


# --- the view ------------------------------------------------------------------------------------------------------


def opened(make_app, name="quickstart", **options):
    app = make_app(launcher=FakeLauncher(**options))
    app.editing = name
    return app


async def into(pilot, app, setting: str) -> Form:
    """The presets view with the cursor of the form on a setting."""
    await app.action_view_presets()
    await until(pilot, app, lambda: app.view.scope == "presets" and bool(app.view.query_one(Form).fields))
    form = app.view.query_one(Form)
    form.select(setting)
    await pilot.pause()
    return form


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_value_range_origin_and_sentence_stand_together(size, make_app):
    app = opened(make_app)
    async with app.run_test(size=size) as pilot:
        await into(pilot, app, "run.envs")
        text = screen_text(app)
        told = next(line for line in text.splitlines() if ">envs" in line)
        assert "8  1 … 256" in told
        assert "quickstart" in told
        assert "Environments that grow" in text
        assert "✓ valid  as shipped" in text


async def test_a_change_in_the_form_is_in_the_text_at_once(make_app):
    app = opened(make_app)
    async with app.run_test(size=(120, 40)) as pilot:
        form = await into(pilot, app, "run.envs")
        await pilot.press("right", "right", "left")
        raw = app.view.query_one(RawText)
        assert "envs = 9\n" in raw.text
        assert raw.selection.end[0] + 1 == line_of(raw.text, "run", "envs")
        assert form.field.origin == "edited"
        text = screen_text(app)
        assert "1 setting off the shipped preset" in text
        assert "quickstart*" in text
        await pilot.press("x")
        assert "envs" not in document_of(raw.text)["run"]
        assert form.field.value == 8


async def test_a_number_is_asked_for_in_the_prompt_line(make_app):
    app = opened(make_app)
    async with app.run_test(size=(120, 40)) as pilot:
        form = await into(pilot, app, "optim.lr")
        await pilot.press("enter", "ctrl+u", *"fast", "enter")
        assert "optim.lr = fast: must be a number" in screen_text(app)
        await pilot.press("ctrl+u", *"0.2", "enter")
        await pilot.pause()
        assert app.focused is form
        assert document_of(app.view.text)["optim"]["lr"] == 0.2
        assert form.field.changed


async def test_the_text_leads_the_form_and_errors_stand_where_they_are(make_app):
    app = opened(make_app)
    async with app.run_test(size=(120, 40)) as pilot:
        form = await into(pilot, app, "run.envs")
        raw = app.view.query_one(RawText)
        raw.replace("envs = 999\nepochz = 3", (3, 0), (3, 8))
        await until(pilot, app, lambda: form.field.value == 999)
        assert form.field.problems == ("run.envs = 999: must be from 1 to 256",)
        assert raw.bad == {4, 5}
        text = screen_text(app)
        assert "✗ line 5  unknown key run.epochz, did you mean 'epochs'" in text
        assert "✗ line 4  run.envs = 999: must be from 1 to 256" in text
        assert "run.envs = 999: must be from 1 to" in text.split("✗")[0]  # under the field too


async def test_text_that_is_not_toml_is_told_with_its_line_and_keeps_the_last_values(make_app):
    app = opened(make_app)
    async with app.run_test(size=(120, 40)) as pilot:
        form = await into(pilot, app, "run.envs")
        raw = app.view.query_one(RawText)
        raw.replace("envs = = 3", (3, 0), (3, 8))
        await shows(pilot, app, "✗ line 4  not valid TOML")
        assert form.field.value == 8
        await pilot.press("right")
        await pilot.pause()
        assert "envs = = 3" in raw.text
        assert "the text is not TOML yet" in screen_text(app)


async def test_a_change_of_the_form_can_be_undone_in_the_text(make_app):
    app = opened(make_app)
    async with app.run_test(size=(120, 40)) as pilot:
        form = await into(pilot, app, "run.envs")
        await pilot.press("right")
        await pilot.press("ctrl+t", "ctrl+z")
        await until(pilot, app, lambda: form.field.value == 8)
        await pilot.press("escape")
        assert app.focused is form
        assert app.view.scope == "presets"


async def test_differences_to_the_shipped_preset_are_listed(make_app):
    app = opened(make_app)
    async with app.run_test(size=(120, 40)) as pilot:
        await into(pilot, app, "run.envs")
        await pilot.press("right", "ctrl+l")
        assert "run.envs  8 → 9" in await shows(pilot, app, "differs from the shipped preset")


async def test_the_form_can_be_searched(make_app):
    app = opened(make_app)
    async with app.run_test(size=(120, 40)) as pilot:
        form = await into(pilot, app, "run.envs")
        await pilot.press("/", *"learning rate host", "enter")
        assert {field.setting.name for field in form.shown} == {"growth.seed_lr", "optim.lr"}
        await pilot.press("escape")
        assert len(form.shown) == len(settings())


async def test_what_was_changed_stays_with_its_preset(make_app):
    app = opened(make_app)
    async with app.run_test(size=(120, 40)) as pilot:
        form = await into(pilot, app, "run.envs")
        await pilot.press("right")
        app.view.query_one("#choice", Grid).focus()
        await pilot.press("up", "down", "enter")
        await pilot.pause()
        assert app.view.name_ == "quickstart"
        assert app.focused is form
        assert form.field.value == 9


async def test_save_as_keeps_a_preset_of_the_users_own(make_app):
    app = opened(make_app)
    async with app.run_test(size=(120, 40)) as pilot:
        await into(pilot, app, "run.envs")
        await pilot.press("right", "ctrl+o", "ctrl+u", *"quickstart", "enter")
        assert "shipped preset" in screen_text(app).splitlines()[-2]
        await pilot.press("ctrl+u", *"nine", "enter")
        await shows(pilot, app, "kept as nine")
        assert app.view.name_ == "nine"
        assert document_of(app.launcher.preset_text("nine"))["run"]["envs"] == 9
        assert app.launcher.preset_text("quickstart").count("envs = 8") == 1
        assert not app.view.drafts


async def test_what_is_wrong_is_not_started_and_what_is_right_is(make_app):
    app = opened(make_app)
    async with app.run_test(size=(120, 40)) as pilot:
        form = await into(pilot, app, "run.envs")
        await pilot.press("enter", "ctrl+u", *"0", "enter", "ctrl+g")
        await pilot.pause()
        assert "quickstart cannot start: run.envs = 0: must be from 1 to 256" in screen_text(app)
        await pilot.press("right", "ctrl+g")
        await until(pilot, app, lambda: app.session is not None)
        start = next(call for call in app.launcher.calls if call[0] == "start")
        assert start[1] == "quickstart"
        assert document_of(start[2])["run"]["envs"] == form.field.value == 1
