"""How a run ended, and what is said of what went wrong."""

import contextlib
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from esper_tui.leyline.errors import Diverged, EsperError, ExitCode, OutOfMemory
from esper_tui.leyline.folder import LOG_FILE, checkpoint_files

LOWER = "lower run.envs, optim.batch or engine.chunk"
MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "DefaultCPUAllocator")


@dataclass
class Ending:
    """``error`` is the sentence of what went wrong, if something did."""

    status: str
    code: ExitCode
    error: str = ""


def is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(w in str(error) for w in MEMORY_WORDS)


def ending_of(error: BaseException, folder: Path | None, advice: Callable[[], str] = lambda: LOWER) -> Ending:
    """What an exception means for a run; the traceback of a defect goes into the run's log.

    ``advice``: how much memory the run was thought to need, and what to change.
    """
    if isinstance(error, EsperError):
        return Ending("diverged" if isinstance(error, Diverged) else "failed", error.code, str(error))
    if is_out_of_memory(error):
        return Ending("failed", OutOfMemory.code, f"out of memory{_goes_on(folder)}: {advice()}")
    where = ""
    if folder is None:
        traceback.print_exception(error)
    else:
        with contextlib.suppress(OSError), (folder / LOG_FILE).open("a") as log:  # a full disk must not hide the error
            traceback.print_exception(error, file=log)
            where = f"; the traceback is in {folder / LOG_FILE}"
    return Ending("failed", ExitCode.INTERNAL, f"{type(error).__name__}: {error}{where}")


def _goes_on(folder: Path | None) -> str:
    """From where a run can go on; the state between two boundaries is lost."""
    kept = checkpoint_files(folder) if folder is not None else []
    if folder is None or not kept:
        return ""
    return f" (`esper resume {folder.name}` goes on after epoch {kept[0][0][1]})"
