"""Esper from a notebook or a script: what ``import esper_tui`` gives.

    >>> import esper_tui
    >>> preset = esper_tui.load_preset("quickstart", run={"epochs": 24, "envs": 4})
    >>> done = esper_tui.run(preset)
    >>> print(done)

Importing this costs nothing: torch comes with the first call that computes.  Every error that a person can fix is an
``esper_tui.leyline.errors.EsperError`` with one sentence.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esper_tui.karn.read import read_records
from esper_tui.karn.record import RunRecord, reduce
from esper_tui.leyline.errors import EsperError, ExitCode, UsageError
from esper_tui.leyline.session import Stop
from esper_tui.leyline.stages import Stage
from esper_tui.runtime.presets import Resolved, resolve
from esper_tui.runtime.receipt import receipt
from esper_tui.runtime.runs import find_run

if TYPE_CHECKING:
    from torch import nn

    from esper_tui.runtime.session import LocalSession

Row = dict[str, Any]
OnEvent = Callable[[Row], object]
POLL_S = 0.05


def load_preset(name: str, **settings: Mapping[str, Any]) -> Resolved:
    """A checked preset by name or path, with settings by section: ``load_preset("cifar10", run={"epochs": 40})``.

    Raises:
        UsageError: if there is no such preset.
        ConfigError: with every problem of the preset and of the settings at once.
    """
    words = []
    for section, values in settings.items():
        if not isinstance(values, Mapping):
            raise UsageError(f"settings of {section} must be a dictionary, for example {section}={{...}}")
        words += [f"{section}.{key}={_toml(value)}" for key, value in values.items()]
    return resolve(name, words)


def _toml(value: Any) -> str:
    """A value as it would be written in a preset."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class Finished:
    """A run that ended; printing it shows its receipt.

    Attributes:
        folder: the run folder; ``esper replay``, ``esper report`` and ``export`` take it.
        record: everything its events say, folded.
    """

    folder: Path
    record: RunRecord

    @property
    def status(self) -> str:
        """done, or stopped if it was interrupted."""
        return self.record.status

    @property
    def rows(self) -> list[Row]:
        """One row per environment: what was kept, validation and test figures; test ones are named ``test_…``."""
        test = {row["env"]: row for row in self.record.test}
        rows = self.record.round.rows if self.record.round is not None else []
        return [row | {f"test_{k}": v for k, v in test.get(row["env"], {}).items() if k != "env"} for row in rows]

    @property
    def gain(self) -> Row:
        """What growth bought in test accuracy: mean, low and high of its 95 % interval, n; empty if unknown."""
        return dict(self.record.test_summary)

    def table(self) -> list[Row]:
        """The measurements of every epoch, see ``read_run``."""
        return read_run(self.folder)

    def __str__(self) -> str:
        return receipt(self.record, self.folder)


def run(preset: Resolved | str, on_event: OnEvent | None = None, run_dir: str | Path | None = None) -> Finished:
    """Runs a preset to its end, without a screen, in a folder of its own.

    An interrupt (Ctrl-C, the stop button of a notebook) ends it after the epoch and keeps what was reached; a second
    one ends it at once.

    Args:
        on_event: called with every event record as it is logged; what it raises ends the run and is raised again.
        run_dir: the folder of this one run; a new one among the others, unless given.

    Raises:
        EsperError: for whatever is wrong before it starts, and for how it failed.
    """
    from esper_tui.evidence.examine import examine
    from esper_tui.runtime.start import prepare_session

    resolved = resolve(preset) if isinstance(preset, str) else preset
    session = prepare_session(resolved, Path(run_dir) if run_dir is not None else None, examine)
    record = RunRecord()

    def take(event: Row) -> None:
        reduce(record, event)
        if on_event is not None:
            on_event(event)

    session.start()
    _follow(session, take)
    ending = session.join()
    if ending.code not in (ExitCode.DONE, ExitCode.STOPPED):
        failed = EsperError(ending.error)
        failed.code = ending.code
        raise failed
    assert session.path is not None
    return Finished(session.path, record)


def _follow(session: "LocalSession", take: OnEvent) -> None:
    """Hands on every event until the run has ended, whatever interrupts."""
    stopped = False
    try:
        while True:
            try:
                alive = session.thread.is_alive()
                for event in session.poll()[1]:
                    take(event)
                if not alive:
                    return
                time.sleep(POLL_S)
            except KeyboardInterrupt:
                if stopped:
                    raise
                stopped = True
                session.submit(Stop())
    except BaseException:
        session.abort()
        session.join()
        raise


def read_run(run: str | Path) -> list[Row]:
    """A run as a table, finished or not: one row per round, epoch and environment, ready for any data frame.

    Columns are ``round``, ``epoch``, ``env``, ``params``, the metrics by key (``val/acc``, ``gain/loss``, …; fractions
    and nats), and per slot ``stage/<slot>``, ``alpha/<slot>`` and the metrics of seeds, for example
    ``seed/gain/<slot>`` with its standard error ``seed/gain_se/<slot>``.  None was not measured.

    Raises:
        UsageError: if there is no such run.
        Incompatible: if a newer program wrote it.
    """
    record = RunRecord()
    for event in read_records(find_run(str(run))):
        reduce(record, event)
    return [
        {"round": round_.number, "epoch": epoch.number, "env": env, "params": params}
        | _metrics(epoch.columns, env, round_.slots)
        | {f"stage/{slot}": Stage(epoch.stages[env][i]).name for i, slot in enumerate(round_.slots)}
        | {f"alpha/{slot}": epoch.alphas[env][i] for i, slot in enumerate(round_.slots)}
        for round_ in record.rounds
        for epoch in round_.epochs
        for env, params in enumerate(epoch.params)
    ]


def _metrics(columns: dict[str, list[Any]], env: int, slots: Sequence[str]) -> Row:
    """The cells of an environment by metric; those of seeds by metric and slot."""
    row: Row = {}
    for key, values in columns.items():
        value = values[env]
        if not isinstance(value, list):
            row[key] = value
            continue
        for slot, cell in zip(slots, value, strict=True):
            middle, se = cell if isinstance(cell, list) else (cell, None)
            row[f"{key}/{slot}"] = middle
            if key in ("seed/gain", "seed/dependence"):
                row[f"{key}_se/{slot}"] = se
    return row


def export(run: str | Path, to: str | Path | None = None, env: int | None = None) -> Path:
    """Writes a grown network as ordinary PyTorch, the best one or that of an environment; ``load_grown`` reads it.

    Returns the folder, which is one inside the run unless ``to`` says otherwise.

    Raises:
        UsageError: if there is no such run or environment.
        CannotWrite: if the folder is not empty or cannot be written.
    """
    from esper_tui.evidence.take_home import take_home

    return take_home(find_run(str(run)), Path(to) if to is not None else None, env).folder


def load_grown(path: str | Path) -> "nn.Sequential":
    """The network of an export folder: images ``[B, 3, H, W]``, pixels from 0 to 1, to logits.

    Raises:
        ValueError: if the folder's files do not fit together.
    """
    from esper_tui.evidence.grown import load

    return load(path)


def report(runs: str | Path | Sequence[str | Path], to: str | Path | None = None, measure: bool | None = None) -> Path:
    """Writes the report on runs, or on a comparison, as HTML and Markdown; returns the HTML file.

    ``measure``: whether the exported modules are measured on the test images; None does so for a single run that has
    its test result.

    Raises:
        EsperError: if a run cannot be read or a file cannot be written.
    """
    from esper_tui.evidence.report.write import make_report, write_report

    names = [str(runs)] if isinstance(runs, str | Path) else [str(name) for name in runs]
    found, home = make_report(names, measure)
    return write_report(found, Path(to) if to is not None else home)[0]


def compare(
    preset: Resolved | str, seeds: int = 5, arms: Sequence[str] = (), to: str | Path | None = None, forks: int = 0
) -> Row:
    """Plays growing against its rivals on paired seeds; a second call with the same plan goes on where it was.

    Returns what ``comparison.json`` says (``esper_tui.evidence.compare``): ``arms`` with intervals, ``rows``, and
    ``folder``, where ``report`` finds it.

    Raises:
        EsperError: for arms that do not exist, or whatever else is wrong before it starts.
    """
    from esper_tui.evidence.compare.plan import make_plan
    from esper_tui.evidence.compare.run import compare as play
    from esper_tui.evidence.report.comparison_pages import read_comparison

    resolved = resolve(preset) if isinstance(preset, str) else preset
    plan = make_plan(resolved.name, resolved.config, list(arms), [])
    folder = Path(to) if to is not None else plan.default_folder()
    play(plan, folder, seeds, None, forks)
    return read_comparison(folder) | {"folder": folder}
