"""The door: ``esper`` and its commands.  Whatever is heavy is imported inside the command that needs it."""

import os
import sys
from typing import NoReturn

from esper_tui.leyline.errors import EsperError, ExitCode


def main() -> NoReturn:
    """Entry point of the console command; turns errors into one sentence and an exit code."""
    from esper_tui.cli.app import app

    try:
        code = app(standalone_mode=False)
    except EsperError as error:
        print(f"esper: {error}", file=sys.stderr)
        code = int(error.code)
    except KeyboardInterrupt:
        code = int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = int(ExitCode.DONE)
    except Exception as error:
        code = _usage_code(error)
    sys.exit(code or 0)


def _usage_code(error: Exception) -> int:
    """Exit code 2 for a command line that Typer refused; anything else is a defect and keeps its traceback."""
    show = getattr(error, "show", None)
    if show is None:
        if type(error).__name__ in ("Exit", "Abort"):
            return int(getattr(error, "exit_code", 1))
        raise error
    show()
    return int(ExitCode.USAGE)
