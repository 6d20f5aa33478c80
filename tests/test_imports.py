"""Who may import whom, and which commands answer without torch."""

import json
import tomllib

from importlinter.cli import lint_imports

from tests import console

CONFIG = console.ROOT / "pyproject.toml"
WITHOUT_TORCH = """
import json, sys
from esper_tui.cli import main
first = {}
for words in json.loads(sys.argv[1]):
    sys.argv = ["esper", *words]
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    heavy = sorted({"torch", "torchvision", "textual"} & set(sys.modules))
    print("@", json.dumps([words, code, heavy]))
"""


def test_the_import_contracts_hold(capsys):
    assert lint_imports(config_filename=str(CONFIG), no_cache=True) == 0, capsys.readouterr().out


def test_the_contracts_say_what_the_architecture_says():
    """A contract that is taken away would hold as well."""
    contracts = tomllib.loads(CONFIG.read_text())["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    names = [[part.strip().removeprefix("esper_tui.") for part in layer.split("|")] for layer in layers]
    order = {name: height for height, row in enumerate(names) for name in row}
    chain = ["cli", "bench", "evidence", "runtime", "tolaria", "kasmina", "leyline"]
    assert sorted(chain, key=order.__getitem__) == chain
    assert {order[name] for name in ("data", "kasmina", "tamiyo", "simic", "nissa", "karn")} == {order["kasmina"]}
    free_of_torch = {m for c in contracts if "torch" in c.get("forbidden_modules", ()) for m in c["source_modules"]}
    assert {f"esper_tui.{name}" for name in ("leyline", "karn", "nissa", "sanctum")} <= free_of_torch


def test_commands_that_only_look_import_no_torch(finished_run, tmp_path):
    """`runs check` is not among them: it verifies tensors."""
    preset, run = str(console.tiny_preset(tmp_path)), str(finished_run.folder)
    commands = [
        ["--version"], ["--help"], ["run", "--help"], ["presets", "list"], ["presets", "show", "quickstart"],
        ["presets", "validate", preset, "cifar10"], ["presets", "diff", "quickstart", preset], ["presets", "path"],
        ["runs", "list"], ["runs", "show", run], ["runs", "path", run], ["runs", "gc"],
        ["data", "list"], ["nosuch"], ["run", "nosuch"],
    ]  # fmt: skip
    done = console.python("-c", WITHOUT_TORCH, json.dumps(commands))
    rows = [json.loads(line[2:]) for line in done.out.splitlines() if line.startswith("@ ")]
    assert [row[0] for row in rows] == commands, done.err
    assert [row for row in rows if row[2]] == []
    assert [row[1] for row in rows] == [0] * (len(commands) - 2) + [2, 2]
