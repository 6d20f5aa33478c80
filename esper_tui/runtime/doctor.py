"""The check-up of a machine: one line per finding, and the exit code that a run would end with."""

import locale
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable

import psutil

from esper_tui.data.catalogue import DATA_SETS, DataSet, has_files
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import EsperError, ExitCode
from esper_tui.runtime.runs import runs_folder

LEAST_MEMORY, LEAST_DISK = 2 * 2**30, 1 * 2**30


class Finding(Exception):
    """Something that would stop a run; carries the exit code."""

    def __init__(self, text: str, code: ExitCode):
        super().__init__(text)
        self.code = code


def examine_machine() -> tuple[list[str], int]:
    """Runs every check; the code is that of the first one that failed, 0 if none did."""
    checks: dict[str, Callable[[], str]] = {
        "python": _python, "platform": _platform, "torch": _torch, "cuda": _cuda, "memory": _memory,
        "disk": _disk, "data": _data, "terminal": _terminal, "engine": _engine,
    }  # fmt: skip
    lines, code = [], 0
    for name, check in checks.items():
        try:
            lines.append(f"ok   {name:<9} {check()}")
        except (Finding, EsperError) as problem:
            lines.append(f"FAIL {name:<9} {problem}")
            code = code or int(problem.code)
        except Exception as error:  # a check that breaks is a finding, not the end of the check-up
            lines.append(f"FAIL {name:<9} {type(error).__name__}: {error}")
            code = code or int(ExitCode.INTERNAL)
    return lines, code


def _python() -> str:
    return f"{platform.python_version()} ({sys.executable})"


def _platform() -> str:
    system = platform.system()
    notes = {"Linux": "supported", "Darwin": "best effort", "Windows": "not supported; use WSL"}
    return f"{platform.platform()}: {notes.get(system, 'untested')}"


def _torch() -> str:
    import torch

    return f"{torch.__version__}, {os.cpu_count()} cores"


def _cuda() -> str:
    import torch

    from esper_tui.tolaria.probe import cuda_problem

    if problem := cuda_problem():
        return f"not used: {problem}"
    return ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))


def _memory() -> str:
    memory = psutil.virtual_memory()
    text = f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free"
    if memory.available < LEAST_MEMORY:
        raise Finding(f"{text}; the quickstart needs about 1.5 GiB", ExitCode.OUT_OF_MEMORY)
    return text


def _disk() -> str:
    folder = runs_folder().absolute()
    there = next(p for p in (folder, *folder.parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"1")
    except OSError as error:
        text = f"cannot write to {there} ({error.strerror}); set ESPER_RUNS_DIR"
        raise Finding(text, ExitCode.CANNOT_WRITE) from None
    free = shutil.disk_usage(there).free
    if free < LEAST_DISK:
        raise Finding(f"{free / 2**20:.0f} MiB free in {there}; free some space", ExitCode.CANNOT_WRITE)
    return f"{free / 2**30:.1f} GiB free in {folder}"


def _data() -> str:
    return "; ".join(f"{entry.name} {_whereabouts(entry)}" for entry in DATA_SETS)


def _whereabouts(entry: DataSet) -> str:
    if not entry.needs_files:
        return "built in"
    where = has_files(entry.name)
    return f"in {where}" if where else f"not here (esper data fetch {entry.name})"


def _terminal() -> str:
    size = shutil.get_terminal_size()
    kind = os.environ.get("TERM", "none")
    utf8 = "UTF-8" in locale.getpreferredencoding(False).upper()
    return f"TERM={kind}, {size.columns}x{size.lines}, {'unicode' if utf8 else 'no unicode: glyphs will be ASCII'}"


def _engine() -> str:
    from esper_tui.runtime.build import build_shape
    from esper_tui.runtime.probe_cache import cached_step_seconds, choose_engine

    config = RunConfig()
    shape = build_shape(config)
    choice = choose_engine(shape, config)
    step = cached_step_seconds(shape, config)
    rate = f", {config.rows * config.optim.batch / step:,.0f} images/s" if step else ""
    return f"{choice.device}: chunks of {choice.chunk}, {choice.threads} threads, isolation {choice.isolation}{rate}"
