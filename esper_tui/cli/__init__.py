"""The door: ``esper`` and its commands.  Whatever is heavy is imported inside the command that needs it."""

import os
import sys
from typing import Any, NoReturn

from esper_tui.leyline.errors import EsperError, ExitCode


def main() -> NoReturn:
    """Entry point of the console command; turns errors into one sentence and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Unicode gets ? and not a traceback
    try:
        code = _run()
    except EsperError as error:
        print(f"esper: {error}", file=sys.stderr)
        code = int(error.code)
    except KeyboardInterrupt:
        code = int(ExitCode.INTERRUPTED)
    except Exception as error:
        code = _usage_code(error)
    sys.exit(code or 0)


def _run() -> int | None:
    """Carries out the command line; the launch screen is there sooner without all the other commands."""
    if not sys.argv[1:] and "_ESPER_COMPLETE" not in os.environ:  # a shell that completes passes no words
        from esper_tui.cli.screen import open_launch

        return open_launch()
    from esper_tui.cli.app import app

    return app(standalone_mode=False, prog_name="esper")


def _usage_code(error: Exception) -> int:
    """Exit code of a command line that Typer refused, or of a question without an answer; a defect is raised again."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # type: ignore[attr-defined]  # a group without a command: its help
        return int(ExitCode.USAGE)
    if hasattr(error, "format_message"):
        print(f"esper: {_refused(error)}", file=sys.stderr)
        return int(ExitCode.USAGE)
    if type(error).__name__ == "Exit":
        return int(getattr(error, "exit_code", ExitCode.INTERNAL))
    if type(error).__name__ == "Abort":
        interrupted = isinstance(error.__context__, KeyboardInterrupt)
        print("\nesper: no answer, nothing was done; --yes answers beforehand", file=sys.stderr)
        return int(ExitCode.INTERRUPTED if interrupted else ExitCode.USAGE)
    raise error


def _refused(error: Any) -> str:
    """What Typer refused, as one sentence."""
    said = " ".join(error.format_message().split()).rstrip(".?").replace(". Did you mean", ", did you mean")
    said = said.replace("Input should be", "must be")
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "esper"
    return f"{said[:1].lower()}{said[1:]}; `{command} --help` shows what there is"
