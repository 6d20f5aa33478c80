"""Finding presets and laying them over each other."""

import json
from pathlib import Path

import pytest

from esper_tui.leyline.config import RunConfig
from esper_tui.runtime.presets import find_preset, find_presets, flat, resolve, shipped_folder, to_toml, user_folder
from tests import console

SHIPPED = ("quickstart", "cifar10", "cifar10_deep", "cifar10_blind")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def names_of() -> dict[str, str]:
    return {preset.name: preset.origin for preset in find_presets()}


@pytest.mark.parametrize("path", sorted(shipped_folder().glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_preset_is_valid_and_says_what_it_does(path):
    resolved = resolve(path.stem)
    assert resolved.description.endswith(".")
    assert resolved.notes == ()
    assert len(path.read_text().splitlines()) <= 40


def test_the_presets_of_the_first_version_are_there():
    assert dict.fromkeys(SHIPPED, "shipped").items() <= names_of().items()


def test_shipped_presets_are_what_they_are_called():
    quick, small, deep, blind = (resolve(name).config for name in SHIPPED)
    assert (quick.data.name, quick.data.image_size, quick.run.epochs) == ("procedural", 16, 30)
    assert (small.data.name, small.data.image_size, small.host.kernel) == ("cifar10", 32, 3)
    assert (deep.host.blocks, len(deep.growth.slots)) == (5, 5)
    assert (blind.host.kernel, blind.host.channels) == (1, 8)


def test_layers_lie_over_each_other_and_every_value_knows_where_it_comes_from(tmp_path):
    (tmp_path / "base.toml").write_text('extends = "quickstart"\n[run]\nenvs = 3\nepochs = 50\n')
    (tmp_path / "mine.toml").write_text('extends = "base"\ndescription = "Mine."\n[run]\nepochs = 60\n')
    resolved = resolve("mine", ["run.seed=9", "optim.lr=0.05", "optim.lr=0.07"])
    config, origins = resolved.config, resolved.origins
    assert (config.run.envs, config.run.epochs, config.run.seed, config.optim.lr) == (3, 60, 9, 0.07)
    assert config.tamiyo.slot_order == ("r0c0", "r0c1", "r0c2")
    assert resolved.description == "Mine."
    assert origins["tamiyo.slot_order"] == "shipped preset quickstart"
    assert origins["run.envs"] == "preset here base"
    assert origins["run.epochs"] == "preset here mine"
    assert origins["run.seed"] == "command line"
    assert "optim.batch" not in origins


def test_a_value_of_an_override_is_toml_or_else_text(tmp_path):
    config = resolve("quickstart", ['tamiyo.slot_order=["r0c2", "r0c0"]', "engine.device=cpu", "optim.lr=1e-2"]).config
    assert config.tamiyo.slot_order == ("r0c2", "r0c0")
    assert (config.engine.device, config.optim.lr) == ("cpu", 0.01)


def test_a_file_of_the_working_directory_goes_before_yours_and_yours_before_the_shipped_one(tmp_path):
    user_folder().mkdir(parents=True)
    (user_folder() / "quickstart.toml").write_text("[run]\nenvs = 2\n")
    yours = resolve("quickstart")
    assert (yours.config.run.envs, len(yours.notes)) == (2, 1)
    assert str(user_folder() / "quickstart.toml") in yours.notes[0]
    assert yours.notes[0].endswith("shadows the shipped one")
    (tmp_path / "quickstart.toml").write_text("[run]\nenvs = 3\n")
    here = resolve("quickstart")
    assert here.config.run.envs == 3
    assert here.notes[0].endswith("shadows yours")


def test_shadowing_is_said_aloud_by_every_command_that_reads_the_preset(tmp_path):
    (tmp_path / "cifar10.toml").write_text("[run]\nenvs = 2\n")
    for words in (["show", "cifar10"], ["validate", "cifar10"], ["diff", "quickstart", "cifar10"]):
        done = console.esper("presets", *words)
        assert done.code == 0
        assert "shadows the shipped one" in done.err
    assert "shadows the shipped one" in console.esper("presets", "show", "cifar10_blind").err, "in a chain as well"
    assert names_of()["cifar10"] == "here"


def test_a_preset_may_extend_the_one_that_it_shadows(tmp_path):
    (tmp_path / "quickstart.toml").write_text('extends = "quickstart"\n[run]\nenvs = 4\n')
    for name in ("quickstart", "./quickstart.toml"):
        config = resolve(name).config
        assert (config.run.envs, config.growth.slots) == (4, ("r0c0", "r0c1", "r0c2"))


def test_a_file_extends_relative_to_itself(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "base.toml").write_text("[run]\nenvs = 5\n")
    (tmp_path / "deep" / "top.toml").write_text('extends = "./base.toml"\n')
    assert resolve("deep/top.toml").config.run.envs == 5
    monkeypatch.chdir("/")
    assert resolve(str(tmp_path / "deep" / "top.toml")).config.run.envs == 5


def test_toml_files_of_other_programs_are_not_listed(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.x]\na = 1\n')
    (tmp_path / "other.toml").write_text('description = "x"\n[server]\nport = 1\n')
    (tmp_path / "mixed.toml").write_text("[run]\nx = 1\n[a]\n[b]\n[c]\n")
    (tmp_path / "torn.toml").write_text("[run\n")
    (tmp_path / "mine.toml").write_text('description = "x"\n[run]\nenvs = 2\n')
    assert set(names_of()) - {*SHIPPED} == {"mine"} | {p.stem for p in shipped_folder().glob("*.toml")} - {*SHIPPED}


def test_a_file_that_is_named_is_meant_whatever_it_holds(tmp_path):
    (tmp_path / "other.toml").write_text("[server]\nport = 1\n")
    assert "unknown section [server]" in console.esper("run", "other").err


def test_a_torn_file_that_would_shadow_a_preset_is_not_passed_over(tmp_path):
    (tmp_path / "quickstart.toml").write_text("[run\n")
    done = console.esper("run", "quickstart")
    assert (done.code, "quickstart.toml line 1: not valid TOML" in done.err) == (2, True)


def test_a_broken_preset_does_not_hide_the_others(tmp_path):
    user_folder().mkdir(parents=True)
    (user_folder() / "broken.toml").write_text("[run]\nenvs = 0\nepochs = 0\n")
    (user_folder() / "folder.toml").mkdir()
    done = console.esper("presets", "list")
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert done.code == 0
    assert {*SHIPPED, "broken", "folder"} <= lines.keys()
    assert "2 problems" in lines["broken"]
    rows = json.loads(console.esper("presets", "list", "--json").out)
    assert {"name", "origin", "path", "description"} <= rows[0].keys()


def test_the_whole_configuration_can_be_written_and_read_again(tmp_path):
    config = resolve("cifar10_deep", ["run.seed=5"]).config
    (tmp_path / "again.toml").write_text(to_toml(config))
    assert resolve("again.toml").config == config


def test_show_prints_every_setting_with_its_value_and_origin():
    done = console.esper("presets", "show", "cifar10_blind", "--set", "run.seed=7")
    for key, value in flat(resolve("cifar10_blind", ["run.seed=7"]).config).items():
        assert f"\n{key.split('.')[1]} = {json.dumps(value)} " in done.out
    origins = {line.split(" = ")[0]: line.split("# ")[1] for line in done.out.splitlines() if "# " in line}
    assert origins["kernel"] == "shipped preset cifar10_blind"
    assert origins["blocks"] == "shipped preset cifar10"
    assert origins["seed"] == "command line"
    assert origins["momentum"] == "default"
    rows = json.loads(console.esper("presets", "show", "cifar10_blind", "--json").out)
    assert rows["host.kernel"] == {"value": 1, "origin": "shipped preset cifar10_blind"}
    assert rows.keys() == flat(RunConfig()).keys()


def test_show_prints_a_preset_again(tmp_path):
    (tmp_path / "copy.toml").write_text(console.esper("presets", "show", "cifar10_deep").out.split("\n", 1)[1])
    assert resolve("copy.toml").config == resolve("cifar10_deep").config


def test_diff_lists_what_differs_and_nothing_else():
    lines = console.esper("presets", "diff", "cifar10", "cifar10_blind").out.splitlines()
    assert lines[0].split() == ["host.kernel", "3", "->", "1"]
    one, other = flat(resolve("cifar10").config), flat(resolve("cifar10_blind").config)
    assert sorted(line.split()[0] for line in lines) == sorted(key for key in one if one[key] != other[key])
    assert console.esper("presets", "diff", "cifar10", "cifar10").out == "no differences\n"


def test_path_says_where_a_preset_is_and_where_presets_are_looked_for(tmp_path):
    assert Path(console.esper("presets", "path", "cifar10").out.strip()) == shipped_folder().resolve() / "cifar10.toml"
    console.tiny_preset(tmp_path)
    assert console.esper("presets", "path", "tiny").out.strip() == str((tmp_path / "tiny.toml").resolve())
    out = console.esper("presets", "path").out
    assert all(str(folder) in out for folder in (tmp_path, user_folder(), shipped_folder()))


def test_a_name_that_is_nearly_right_gets_a_suggestion():
    done = console.esper("run", "cifar10_blnd")
    assert (done.code, "did you mean 'cifar10_blind'" in done.err) == (2, True)


def test_the_same_file_is_not_its_own_shadow(monkeypatch):
    monkeypatch.chdir(shipped_folder())
    assert find_preset("quickstart").shadows is None
    assert find_preset("quickstart").origin == "shipped"


@pytest.mark.parametrize(
    ("epochs", "policy", "least"),
    [(21, "heuristic", 22), (22, "heuristic", 0), (19, "random", 20), (20, "random", 0), (4, "wait", 0)],
)
def test_an_episode_that_is_too_short_for_growth_is_said_aloud(epochs, policy, least):
    """5 epochs before the first seed, 6 until the heuristic plants whatever happens (germinate_by), 11 of its life, the
    last fifth of the episode: 20 - 4 - 11 = 5 and 22 - 5 - 11 = 6."""
    resolved = resolve("quickstart", [f"run.epochs={epochs}", f"tamiyo.policy={policy}", "tamiyo.germinate_by=6"])
    notes = (f"run.epochs = {epochs} is too short for a seed to be planted and judged; growth needs at least {least}",)
    assert resolved.notes == (notes if least else ())
