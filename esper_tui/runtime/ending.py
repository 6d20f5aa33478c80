"""How a run ended, and what is said of what went wrong."""

import contextlib
import traceback
from dataclasses import dataclass
from pathlib import Path

import torch

from esper_tui.leyline.errors import Diverged, EsperError, ExitCode, OutOfMemory
from esper_tui.leyline.folder import LOG_FILE

MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "DefaultCPUAllocator")


@dataclass
class Ending:
    """``error`` is the sentence of what went wrong, if something did."""

    status: str
    code: ExitCode
    error: str = ""


def ending_of(error: BaseException, folder: Path | None) -> Ending:
    """What an exception means for a run; the traceback of a defect goes into the run's log."""
    if isinstance(error, EsperError):
        return Ending("diverged" if isinstance(error, Diverged) else "failed", error.code, str(error))
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or any(w in str(error) for w in MEMORY_WORDS):
        text = "out of memory; lower run.envs, optim.batch or engine.chunk, or set reward.control = none"
        return Ending("failed", OutOfMemory.code, text)
    where = ""
    if folder is None:
        traceback.print_exception(error)
    else:
        with contextlib.suppress(OSError), (folder / LOG_FILE).open("a") as log:  # a full disk must not hide the error
            traceback.print_exception(error, file=log)
            where = f"; the traceback is in {folder / LOG_FILE}"
    return Ending("failed", ExitCode.INTERNAL, f"{type(error).__name__}: {error}{where}")
