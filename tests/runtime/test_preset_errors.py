"""Every kind of broken preset gets its own sentence: the file, the line, the key, the value, what would be right."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from esper_tui.leyline.config import sections
from esper_tui.leyline.errors import ConfigError, EsperError, UsageError
from esper_tui.leyline.folder import MAX_PRESET_BYTES
from esper_tui.runtime.presets import resolve
from tests import console

BROKEN = {
    "unknown section": ("[rum]\nenvs = 2", "x.toml line 1: unknown section [rum], did you mean 'run'"),
    "unknown key": ("[run]\nepoks = 2", "x.toml line 2: unknown key run.epoks, did you mean 'epochs'"),
    "a key of another section": (
        "[run]\nbatch = 8",
        "x.toml line 2: unknown key run.batch, did you mean 'optim.batch'",
    ),
    "a key outside of its section": (
        "epochs = 3",
        "x.toml line 1: epochs stands outside of its section, did you mean 'run.epochs'",
    ),
    "a section that is a value": ("run = 3", "x.toml line 1: run must be a section, [run]"),
    "a section that is a list": ("[[run]]\nenvs = 3", "x.toml line 1: run must be a section, [run]"),
    "above the range": ("[run]\n\nenvs = 300", "x.toml line 3: run.envs = 300: must be from 1 to 256"),
    "below the range": ("[optim]\nbatch = 1", "x.toml line 2: optim.batch = 1: must be from 2 to 8192"),
    "an open range": (
        "[optim]\nmomentum = 1",
        "x.toml line 2: optim.momentum = 1: must be at least 0.0 and less than 1.0",
    ),
    "text for a number": (
        '[run]\nenvs = "many"',
        "x.toml line 2: run.envs = 'many': must be a whole number from 1 to 256",
    ),
    "a fraction for a count": (
        "[run]\nenvs = 2.5",
        "x.toml line 2: run.envs = 2.5: must be a whole number from 1 to 256",
    ),
    "a truth for a count": ("[run]\nenvs = true", "x.toml line 2: run.envs = true: must not be true or false"),
    "a date for a count": (
        "[run]\nenvs = 2020-01-31",
        "x.toml line 2: run.envs = 2020-01-31: must be a whole number from 1 to 256",
    ),
    "not finite": ("[optim]\nlr = nan", "x.toml line 2: optim.lr = nan: must be a finite number"),
    "no such choice": (
        '[data]\naugment = "flips"',
        "x.toml line 2: data.augment = 'flips': must be 'none', 'flip' or 'flip+shift', did you mean 'flip'",
    ),
    "no such form": (
        '[engine]\ndevice = "gpu"',
        "x.toml line 2: engine.device = 'gpu': must be auto, cpu, cuda or cuda:<number>",
    ),
    "text for a list": (
        '[growth]\nslots = "r0c0"',
        'x.toml line 2: growth.slots = \'r0c0\': must be a list, for example ["a", "b"]',
    ),
    "an empty list": (
        "[growth]\nslots = []",
        "x.toml line 2: growth.slots = []: must have at least 1 and at most 12 entries",
    ),
    "a slot twice": ('[growth]\nslots = ["r0c0", "r0c0"]', "x.toml line 2: growth.slots: a slot is named twice"),
    "a slot that the host lacks": ('[growth]\nslots = ["r0c7"]', "x.toml line 2: growth.slots: r0c7 is not one of"),
    "no such blueprint": (
        '[growth]\nblueprints = ["CONV"]',
        "x.toml line 2: growth.blueprints: CONV is not one of CONV_LIGHT",
    ),
    "two keys that disagree": (
        "[host]\nblocks = 2\npools = 5",
        "x.toml line 3: host.pools: 5 is more than host.blocks = 2",
    ),
    "two sections that disagree": (
        "[optim]\nbatch = 128\n[data]\ntrain_images = 64",
        "x.toml line 2: optim.batch: 128 is more than the 64 images of an epoch",
    ),
    "more images than there are": (
        '[data]\nname = "cifar10"\ntrain_images = 50000',
        "x.toml line 3: data.train_images: 50000 is more than the 45000 of cifar10",
    ),
    "no such operation": (
        '[tamiyo]\nschedule = [{epoch = 3, decision = {op = "GROW"}}]',
        "x.toml line 2: tamiyo.schedule.0",
    ),
    "no such head": (
        '[tamiyo]\nschedule = [{epoch = 3, decision = {op = "WAIT", colour = "red"}}]',
        "decision: colour is not one of op, slot, blueprint",
    ),
    "a decision about a slot that is not used": (
        '[tamiyo]\nschedule = [{epoch = 3, decision = {op = "ADVANCE", slot = "r1c1"}}]',
        "x.toml line 2: tamiyo.schedule: r1c1 is not in growth.slots",
    ),
    "a decision without its heads": (
        '[tamiyo]\nschedule = [{epoch = 3, decision = {op = "PRUNE"}}]',
        "PRUNE needs slot",
    ),
    "not TOML": ("[run\nenvs = 2", "x.toml line 1: not valid TOML: Expected ']'"),
    "a key twice": ("[run]\nenvs = 2\nenvs = 3", "x.toml line 3: not valid TOML: Cannot overwrite a value"),
    "an end too soon": ('[growth]\nslots = ["r0c0"', "x.toml: not valid TOML: Unclosed array"),
    "nested too deeply": (f"[run]\nenvs = {'[' * 4000}{']' * 4000}", "x.toml is nested too deeply"),
    "dotted too deeply": (f"[run]\nenvs{'.a' * 4000} = 1", "x.toml is nested too deeply"),
    "a giant integer": (f"[run]\n\nseed = {'9' * 5000}", "x.toml line 3: an integer has more than 64 bits"),
    "a giant integer in hexadecimal": (
        f"[run]\nseed = 0x{'f' * 6000}",
        "x.toml line 2: an integer has more than 64 bits",
    ),
    "a large integer": (f"[run]\nseed = {2**64}", "x.toml line 2: an integer has more than 64 bits"),
    "a description that is none": ("description = 3", "x.toml line 1: description must be text in quotes"),
    "extends two": ('extends = ["a", "b"]', "x.toml line 1: extends must be the name of one preset"),
    "extends nothing": (
        '\nextends = "quikstart"',
        "x.toml line 2: extends = 'quikstart': there is no preset 'quikstart', did you mean 'quickstart'",
    ),
    "extends a missing file": (
        'extends = "./base.toml"',
        "x.toml line 1: extends = './base.toml': there is no preset file",
    ),
    "extends itself": ('extends = "x"', "x.toml line 1: extends runs in a circle at 'x'"),
    "written as one dotted key": ("host.blocks = 99", "x.toml line 1: host.blocks = 99: must be from 2 to 8"),
    "written as a table in a line": ("\nhost = {blocks = 99}", "x.toml line 2: host.blocks = 99: must be from 2 to 8"),
    "written in quotes": ('["run"]\n"envs" = 999', "x.toml line 2: run.envs = 999: must be from 1 to 256"),
}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def complaint(name: str = "x.toml", *overrides: str) -> str:
    with pytest.raises(UsageError) as caught:
        resolve(name, list(overrides))
    return str(caught.value)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_preset_gets_its_sentence(kind, tmp_path):
    text, sentence = BROKEN[kind]
    (tmp_path / "x.toml").write_text(text)
    found = complaint()
    assert sentence in found
    assert len(found) < 400, "one sentence, whatever was in the file"
    assert "\n" not in found


BYTES = {
    "16-bit text": ("[run]\nenvs = 2".encode("utf-16"), "x.toml is not UTF-8 text; save it as UTF-8"),
    "Latin-1 text": ('description = "é"'.encode("latin-1"), "x.toml is not UTF-8 text; save it as UTF-8"),
    "zeros": (b"\0" * 100, "x.toml line 1: not valid TOML"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0", "x.toml is not UTF-8 text"),
    "too large": (b"#" * (MAX_PRESET_BYTES + 1), "x.toml is larger than 256 KiB; a preset is 5 to 40 lines"),
}


@pytest.mark.parametrize("kind", BYTES)
def test_a_file_that_is_no_text_gets_its_sentence(kind, tmp_path):
    data, sentence = BYTES[kind]
    (tmp_path / "x.toml").write_bytes(data)
    assert sentence in complaint()


def test_the_largest_file_that_is_allowed_is_read(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"[run]\nenvs = 2\n".ljust(MAX_PRESET_BYTES, b"#"))
    assert resolve("x.toml").config.run.envs == 2


def test_a_byte_order_mark_does_no_harm(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"\xef\xbb\xbf[run]\r\nenvs = 2\r\n")
    assert resolve("x.toml").config.run.envs == 2


def test_a_folder_is_not_a_preset(tmp_path):
    (tmp_path / "x.toml").mkdir()
    assert complaint() == "x.toml is not a file but a folder"


@pytest.mark.parametrize("name", ["nosuch", "", "a" * 5000, "./nosuch.toml", "~nobody-here/x.toml", "/" + "a" * 5000])
def test_a_preset_that_is_not_there(name):
    assert "there is no preset" in complaint(name)


def test_all_problems_of_a_file_are_told_at_once(tmp_path):
    (tmp_path / "x.toml").write_text(
        'description = 1\n[run]\nepoks = 1\nenvs = 0\n[rum]\n[growth]\nslots = ["r7c7"]\n[optim]\nlr = "x"\n'
    )
    with pytest.raises(ConfigError) as caught:
        resolve("x.toml", ["data.val_images=3", "nonsense.key=1"])
    keys = ["description", "run.epoks", "run.envs", "[rum]", "optim.lr", "data.val_images", "[nonsense]"]
    assert [sum(key in problem for problem in caught.value.problems) for key in keys] == [1] * len(keys)
    assert str(caught.value).startswith("7 problems in x.toml:\n")


def test_all_conditions_between_settings_are_told_at_once(tmp_path):
    (tmp_path / "x.toml").write_text('[growth]\nslots = ["r7c7"]\n[optim]\nwarmup_frac = 0.9\n')
    with pytest.raises(ConfigError) as caught:
        resolve("x.toml")
    assert [problem.split(": ")[:2] for problem in caught.value.problems] == [
        ["x.toml line 2", "growth.slots"],
        ["x.toml line 4", "optim.warmup_frac"],
    ]


def test_a_problem_of_the_base_names_the_base(tmp_path):
    (tmp_path / "base.toml").write_text("[run]\nenvs = 0\n")
    (tmp_path / "x.toml").write_text('extends = "base"\n[run]\nepochs = 5\n')
    assert complaint() == "base.toml line 2: run.envs = 0: must be from 1 to 256"


def test_a_circle_of_presets_ends(tmp_path):
    for name, base in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.toml").write_text(f'extends = "{base}"\n')
    assert complaint("a") == "c.toml line 1: extends runs in a circle at 'a'"


def test_a_chain_of_presets_has_an_end(tmp_path):
    for i in range(12):
        (tmp_path / f"p{i}.toml").write_text(f'extends = "p{i + 1}"\n[run]\nenvs = 2\n')
    assert "extends goes over more than 8 presets" in complaint("p0")


OVERRIDES = {
    "run.epochs": "--set 'run.epochs' is not section.key=value, for example --set run.epochs=40",
    "=": "--set '=' is not section.key=value",
    "run.=3": "--set 'run.=3' is not section.key=value",
    "extends=quickstart": "--set 'extends=quickstart' is not section.key=value",
    "rum.envs=2": "command line: unknown section [rum], did you mean 'run'",
    "run.epoks=2": "command line: unknown key run.epoks, did you mean 'epochs'",
    "run.envs=": "command line: run.envs = '': must be a whole number from 1 to 256",
    "run.envs=true": "command line: run.envs = true: must not be true or false",
    "run.envs=300": "command line: run.envs = 300: must be from 1 to 256",
    "run.envs=2\nx=3": r"command line: run.envs = '2\nx=3': must be a whole number from 1 to 256",
    "growth.slots=r0c0": "command line: growth.slots = 'r0c0': must be a list",
    "host.pools=5": "command line: host.pools: 5 is more than host.blocks = 3",
    f"run.seed={'9' * 5000}": "command line: run.seed",
    f"run.seed=0x{'f' * 6000}": "command line: an integer has more than 64 bits",
    f"run.seed={'[' * 4000}": "command line: run.seed",
}


@pytest.mark.parametrize("override", OVERRIDES, ids=lambda text: text[:20])
def test_an_override_that_is_wrong_gets_its_sentence(override):
    found = complaint("quickstart", override)
    assert found.startswith(OVERRIDES[override])
    assert len(found) < 300


def test_the_command_line_ends_with_code_two_and_one_sentence(tmp_path):
    (tmp_path / "x.toml").write_text("[run]\nenvs = 300\n")
    sentence = "x.toml line 2: run.envs = 300: must be from 1 to 256\n"
    for words in (["run", "x"], ["--preset", "x.toml", "--no-ui"], ["presets", "show", "x"]):
        done = console.esper(*words)
        assert (done.code, done.err) == (2, f"esper: {sentence}")
    done = console.esper("presets", "validate", "x", "quickstart")
    assert (done.code, done.err) == (2, f"x: {sentence}")
    assert "quickstart: valid" in done.out


KEYS = [f"{section}.{key}" for section, content in sections().items() for key in content.model_fields]
WORDS = st.recursive(
    st.one_of(st.integers().map(str), st.floats().map(str), st.text(max_size=5).map(repr), st.just("true")),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(KEYS), WORDS)
def test_wild_text_never_ends_in_a_traceback(key, word):
    try:
        found = resolve("quickstart", [f"{key}={word}"]).config
    except EsperError as error:
        found = str(error)
    assert found
