"""Every command and option there is.  ``commands.txt`` is what people's scripts rely on: change it on purpose only.

To write it anew:  python -m tests.cli.test_commands
"""

from collections.abc import Iterator
from pathlib import Path

from typer.main import get_command

from esper_tui.cli.app import app
from tests import console

GOLDEN = Path(__file__).with_name("commands.txt")


def described() -> str:
    return "\n".join(_command("esper", get_command(app))) + "\n"


def _command(path: str, command) -> Iterator[str]:
    params = [p for p in command.params if p.name != "help"]
    yield " ".join([path, *(_argument(p) for p in params if p.param_type_name == "argument")])
    for option in (p for p in params if p.param_type_name == "option"):
        yield f"    {_option(option)}"
    for name, sub in sorted(getattr(command, "commands", {}).items()):
        yield from _command(f"{path} {name}", sub)


def _argument(param) -> str:
    name = param.name.upper() + ("..." if param.nargs == -1 else "")
    return name if param.required else f"[{name}]"


def _option(param) -> str:
    names = "/".join([*param.opts, *param.secondary_opts])
    if param.is_flag:
        return names
    default = "" if param.default is None or param.multiple else f" = {param.default}"
    return f"{names} VALUE{'...' if param.multiple else ''}{default}"


def test_the_commands_are_those_of_the_golden_list():
    assert described() == GOLDEN.read_text(), "changed on purpose?  python -m tests.cli.test_commands"


def test_every_command_and_option_has_a_sentence_of_help():
    def walk(path, command):
        if not (command.help or "").strip():
            yield path
        for param in command.params:
            if not (param.help or "").strip():
                yield f"{path} {param.name}"
        for name, sub in getattr(command, "commands", {}).items():
            yield from walk(f"{path} {name}", sub)

    assert list(walk("esper", get_command(app))) == []


def test_shells_can_complete_commands_presets_and_runs(finished_run, tmp_path):
    console.tiny_preset(tmp_path, "mine")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / finished_run.folder.name).symlink_to(finished_run.folder)
    asked = {
        "esper pre": "presets", "esper presets va": "validate", "esper run qui": "quickstart",
        "esper run mi": "mine", "esper runs show 2026": finished_run.folder.name, "esper run quickstart --se": "--set",
    }  # fmt: skip
    for words, expected in asked.items():
        done = console.python(
            "-m", "esper_tui", cwd=tmp_path, _ESPER_COMPLETE="complete_bash", COMP_WORDS=words,
            COMP_CWORD=str(len(words.split()) - 1), ESPER_RUNS_DIR=str(tmp_path / "runs"),
        )  # fmt: skip
        assert expected in done.out.split(), (words, done)


def test_the_completion_script_is_for_esper():
    """Told which shell it is for, because none may be found above the suite."""
    words = ("-m", "esper_tui", "--show-completion", "bash")
    script = console.python(*words, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert script.code == 0
    assert "_ESPER_COMPLETE" in script.out


if __name__ == "__main__":
    GOLDEN.write_text(described())
    print(f"wrote {GOLDEN}")
