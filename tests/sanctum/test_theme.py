"""Themes can be read by everybody, and no colour says what no letter says."""

import pytest

from esper_tui.leyline.stages import LETTERS
from esper_tui.sanctum.glyphs import ASCII, SETS, choose_glyphs
from esper_tui.sanctum.pictures import screen_text
from esper_tui.sanctum.theme import PALETTES, contrast, styles_of, textual_theme

TEXT = ("foreground", "dim", "accent", "good", "warn", "bad", "human")


@pytest.mark.parametrize("name", PALETTES)
def test_text_and_series_stand_out_from_every_background(name):
    palette = PALETTES[name]
    for ground in (palette.background, palette.surface):
        for color in (*(getattr(palette, key) for key in TEXT), *palette.series):
            assert contrast(color, ground) >= 4.5, f"{color} on {ground}"
    assert contrast(palette.foreground, palette.cursor) >= 4.5


def test_contrast_worked_by_hand():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", PALETTES)
def test_every_theme_has_the_same_styles(name):
    assert styles_of(name).keys() == styles_of("esper-dark").keys()
    assert textual_theme(name).generate() if hasattr(textual_theme(name), "generate") else True


def test_without_colour_nothing_is_coloured_but_the_cursor_is_seen():
    for styles in (styles_of("mono"), styles_of("esper-dark", no_color=True)):
        assert all(style.color is None and style.bgcolor is None for style in styles.values())
        assert styles["cursor"].reverse
        assert styles["bad"] != styles["good"]


def test_stage_letters_tell_all_stages_apart():
    assert len(set(LETTERS.values())) == len(LETTERS)


@pytest.mark.parametrize(
    ("wanted", "environ", "name"),
    [
        ("block", {"ESPER_GLYPHS": "ascii"}, "block"),
        ("auto", {"ESPER_GLYPHS": "ascii", "LANG": "en_US.UTF-8"}, "ascii"),
        ("auto", {"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, "ascii"),
        ("auto", {"LANG": "C.UTF-8"}, "unicode"),
        ("auto", {"LANG": "de_DE.ISO-8859-1"}, "ascii"),
        ("auto", {"LANG": "C.UTF-8", "TERM": "linux"}, "block"),
    ],
)
def test_glyphs_are_chosen_by_wish_then_variable_then_locale(wanted, environ, name):
    assert choose_glyphs(wanted, environ).name == name


def test_exchanged_characters_take_the_same_room():
    assert ASCII.shown("▶ ep 47 · ± ≤ é") == "> ep 47 . ~ < ?"
    assert ASCII.shown("plain") == "plain"
    assert all(len(g.shown("─│·")) == 3 for g in SETS.values())


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_ascii_set_shows_nothing_else(size, session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    app.settings = type(app.settings)(glyphs="ascii", hz=0.5)
    async with app.run_test(size=size) as pilot:
        app.frame()
        await pilot.pause()
        await pilot.press("q")
        assert screen_text(app).isascii()


@pytest.mark.parametrize("name", PALETTES)
async def test_themes_can_be_changed_while_the_screen_is_open(name, session, make_app):
    session.release_epochs(12)
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        app.action_set("theme", name)
        await pilot.pause()
        assert app.theme == name
        assert app.ink.styles["good"] == styles_of(name)["good"]
