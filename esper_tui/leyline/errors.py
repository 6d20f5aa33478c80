"""Errors that a person can fix, and the exit code each one ends the program with.

``EsperError``
├── ``UsageError``        2   a command line that makes no sense
│   └── ``ConfigError``   2   a preset or ``--set`` that is not valid
├── ``Diverged``          3   every network left the finite numbers
├── ``OutOfMemory``       4
├── ``Incompatible``      5   a file of another version or another shape
├── ``NoSuchDevice``      6
├── ``DataMissing``       7
├── ``CannotWrite``       8
└── ``Busy``              9   a run folder that is taken, a command that was refused

The message of each is one sentence: what is wrong, where, and what to do.  Anything else that is raised is a
defect and keeps its traceback (exit code 1).
"""

from enum import IntEnum


class ExitCode(IntEnum):
    DONE = 0
    INTERNAL = 1
    USAGE = 2
    DIVERGED = 3
    OUT_OF_MEMORY = 4
    INCOMPATIBLE = 5
    NO_DEVICE = 6
    DATA_MISSING = 7
    CANNOT_WRITE = 8
    BUSY = 9
    STOPPED = 10
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class EsperError(Exception):
    """Base of everything a person can fix; ``code`` is the exit code."""

    code: ExitCode = ExitCode.INTERNAL


class UsageError(EsperError):
    code = ExitCode.USAGE


class ConfigError(UsageError):
    """All problems of one configuration at once.

    Attributes:
        problems: one sentence each.
        hint: what would be right, said once after them.
    """

    def __init__(self, source: str, problems: list[str], hint: str = ""):
        self.source, self.problems, self.hint = source, problems, hint
        if len(problems) == 1:
            super().__init__("; ".join(filter(None, [problems[0], hint])))
            return
        lines = "\n".join(f"  {line}" for line in [*problems, hint] if line)
        super().__init__(f"{len(problems)} problems in {source}:\n{lines}")


class Diverged(EsperError):
    code = ExitCode.DIVERGED


class OutOfMemory(EsperError):
    code = ExitCode.OUT_OF_MEMORY


class Incompatible(EsperError):
    code = ExitCode.INCOMPATIBLE


class NoSuchDevice(EsperError):
    code = ExitCode.NO_DEVICE


class DataMissing(EsperError):
    code = ExitCode.DATA_MISSING


class CannotWrite(EsperError):
    code = ExitCode.CANNOT_WRITE


class Busy(EsperError):
    code = ExitCode.BUSY
