"""settings.toml: what is wrong is said in one sentence, what is right survives a round trip."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.leyline.errors import CannotWrite, ConfigError, UsageError
from esper_tui.sanctum.settings import GLYPHS, THEMES, Settings, changed, load_settings, save_settings, settings_path


def written(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_no_file_means_the_defaults(tmp_path):
    assert load_settings(tmp_path / "none.toml") == Settings()
    assert settings_path().name == "settings.toml"


@given(st.sampled_from(THEMES), st.sampled_from(GLYPHS), st.floats(0.5, 10.0), st.booleans())
def test_what_is_saved_is_loaded_again(tmp_path_factory, theme, glyphs, hz, bell):
    path = tmp_path_factory.mktemp("settings") / "deep" / "settings.toml"
    settings = Settings(theme, glyphs, hz, bell=bell, keys={"pause": "P,f6"})
    assert load_settings(save_settings(settings, path)) == settings
    assert [p.name for p in path.parent.iterdir()] == ["settings.toml"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("theme = 'pink'", "theme = 'pink' does not exist; choose from auto, esper-dark"),
        ("hz = 100", "hz = 100 is not a number from 0.5 to 10"),
        ("hz = true", "hz = True is not a number"),
        ("hz = nan", "hz = nan is not a number"),
        ("mouse = 1", "mouse = 1 is neither true nor false"),
        ("colour = 'red'", "colour is no setting; choose from theme"),
        ("keys = 3", "keys must be a table"),
        ("[keys]\npauze = 'x'", "keys.pauze: there is no such action"),
        ("[keys]\npause = 3", "keys.pause = 3 is no text"),
        ("[keys]\npause = 's'", "keys.step = 's': pause is on that key already"),
        ("theme = ", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_what_is_wrong_is_one_sentence_that_names_the_file(tmp_path, text, sentence):
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load_settings(path)
    assert sentence in str(raised.value)
    assert str(path) in str(raised.value)


def test_all_problems_are_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as raised:
        load_settings(written(tmp_path, "theme = 'pink'\nhz = 0\nfoo = 1"))
    assert len(raised.value.problems) == 3


@given(st.binary(max_size=200))
def test_no_file_content_is_a_defect(tmp_path_factory, content):
    with contextlib.suppress(ConfigError):
        assert isinstance(load_settings(written(tmp_path_factory.mktemp("wild"), content)), Settings)


def test_set_changes_one_value_or_says_why_not():
    assert changed(Settings(), "hz", "2").hz == 2.0
    assert changed(Settings(), "mouse", "off").mouse is False
    assert changed(Settings(), "theme", "mono").theme == "mono"
    for name, text in (("hz", "fast"), ("mouse", "maybe"), ("theme", "pink"), ("size", "3"), ("keys", "x")):
        with pytest.raises(UsageError):
            changed(Settings(), name, text)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="cannot be written"):
        save_settings(Settings(hz=2.0), tmp_path / "file" / "settings.toml")
