"""The door: ``esper`` and its commands.  Whatever is heavy is imported inside the command that needs it."""

import sys
from typing import NoReturn

from esper_tui.leyline.errors import EsperError, ExitCode


def main() -> NoReturn:
    """Entry point of the console command; turns errors into one sentence and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Unicode gets ? and not a traceback
    from esper_tui.cli.app import app

    try:
        code = app(standalone_mode=False, prog_name="esper")
    except EsperError as error:
        print(f"esper: {error}", file=sys.stderr)
        code = int(error.code)
    except KeyboardInterrupt:
        code = int(ExitCode.INTERRUPTED)
    except Exception as error:
        code = _usage_code(error)
    sys.exit(code or 0)


def _usage_code(error: Exception) -> int:
    """Exit code of a command line that Typer refused, or of a question without an answer; a defect is raised again."""
    if show := getattr(error, "show", None):
        show()
        return int(ExitCode.USAGE)
    if type(error).__name__ == "Exit":
        return int(getattr(error, "exit_code", ExitCode.INTERNAL))
    if type(error).__name__ == "Abort":
        interrupted = isinstance(error.__context__, KeyboardInterrupt)
        print("\nesper: no answer, nothing was done; --yes answers beforehand", file=sys.stderr)
        return int(ExitCode.INTERRUPTED if interrupted else ExitCode.USAGE)
    raise error
