"""The pictures in ``screenshots/`` are what the screens show; ``esper screenshots`` makes them again."""

import re
from pathlib import Path

import pytest

from esper_tui.cli import showroom
from esper_tui.cli.screenshots import SCENES, render
from esper_tui.leyline.errors import UsageError

FOLDER = Path(__file__).parents[2] / "screenshots"
FILES = [scene.file for scene in SCENES]


@pytest.fixture(scope="module")
def pictures() -> dict[str, str]:
    """Made where nothing of this machine should be seen: with colours off, in another language and time zone."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"NO_COLOR": "1", "TZ": "Pacific/Auckland", "LC_ALL": "C", "ESPER_GLYPHS": "ascii"}.items():
            patch.setenv(name, value)
        return render()


@pytest.mark.parametrize("name", FILES)
def test_a_picture_is_what_the_screen_shows(name, pictures):
    kept = (FOLDER / name).read_text(encoding="utf-8")
    assert pictures[name] == kept, f"{name} is out of date: run `esper screenshots`"


def test_there_is_no_other_picture():
    assert {path.name for path in FOLDER.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_no_picture_speaks_of_the_machine_it_was_made_on(name, pictures):
    shown = "".join(re.findall(r">([^<]*)</text>", pictures[name]))
    assert len(shown) > 500
    assert not re.search(r"/(home|root|tmp|var|work|Users)\b", pictures[name])


def test_without_the_recordings_it_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(showroom, "RECORDINGS", tmp_path)
    with pytest.raises(UsageError, match=r"no quick\.jsonl; screenshots are made in a checkout"):
        render()
