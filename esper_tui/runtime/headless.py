"""A run without a screen: one line per epoch on stdout, warnings on stderr, a receipt at the end."""

import signal
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.leyline.errors import ExitCode
from esper_tui.leyline.events import to_line
from esper_tui.leyline.session import Stop
from esper_tui.leyline.stages import LETTERS, Stage
from esper_tui.runtime.build import build_parts
from esper_tui.runtime.folder import RunFolder
from esper_tui.runtime.presets import Resolved
from esper_tui.runtime.receipt import receipt
from esper_tui.runtime.session import Examine, LocalSession

POLL_S = 0.05


class Signals:
    """SIGINT and SIGTERM: the first asks the run to stop at the boundary, the second ends it now."""

    def __init__(self, session: LocalSession):
        self.session = session
        self.first: ExitCode | None = None
        self.previous = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}

    def _receive(self, number: int, frame: Any) -> None:
        if self.first is not None:
            self.session.abort()
            return
        self.first = ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED
        self.session.submit(Stop())
        print("stopping at the end of this epoch; once more ends it now", file=sys.stderr)

    def restore(self) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)


def run_headless(resolved: Resolved, run_dir: Path | None, json: bool, examine: Examine) -> int:
    """Runs a configuration to its receipt; returns the exit code.

    Raises:
        EsperError: for whatever is wrong before the run starts.
    """
    folder = RunFolder(resolved, run_dir)
    try:
        parts = build_parts(resolved.config)
        hub = folder.open_hub(parts)
    except BaseException:
        folder.discard()
        raise
    session = LocalSession(parts, folder, hub, examine)
    signals = Signals(session)
    session.start()
    record = _follow(session, json)
    ending = session.join()
    signals.restore()
    if not json:
        print(receipt(record, folder.path))
    if ending.error:
        print(f"esper: {ending.error}", file=sys.stderr)
    return int(signals.first if signals.first and ending.code == ExitCode.STOPPED else ending.code)


def _follow(session: LocalSession, json: bool) -> RunRecord:
    """Prints what happens until the session has ended; returns everything that happened."""
    record = RunRecord()
    while True:
        alive = session.thread.is_alive()
        for event in session.poll()[1]:
            reduce(record, event)
            _show(event, record, session, json)
        if not alive:
            return record
        time.sleep(POLL_S)


def _show(event: dict[str, Any], record: RunRecord, session: LocalSession, json: bool) -> None:
    if json:
        print(to_line(event), flush=True)
    elif event["type"] == "EpochMeasured":
        print(epoch_line(record, session), flush=True)
    if event["type"] == "AlertRaised":
        print(f"esper: env {event['env']}: {event['text']} (epoch {event['epoch']})", file=sys.stderr)


def epoch_line(record: RunRecord, session: LocalSession) -> str:
    """One line of fixed keys about the latest epoch; accuracies are means over environments, in percent."""
    epoch, progress = record.epoch, session.progress()
    assert epoch is not None
    assert record.round is not None
    columns = epoch.columns
    best = max((v for e in record.round.epochs for v in e.columns["val/acc"] if isinstance(v, float)), default=None)
    rate = f"{progress.images_per_s / 1000:.1f}k" if progress.images_per_s else "–"
    eta = f"{progress.eta_s:.0f}s" if progress.eta_s is not None else "–"
    memory = psutil.Process().memory_info().rss / 2**30
    return (
        f"ep={epoch.number}/{record.config['run']['epochs']} acc={_mean_pct(columns['val/acc'])} "
        f"best={_mean_pct([best])} gain={_mean(columns['gain/loss'])} seeds={seed_letters(epoch.stages)} "
        f"img/s={rate} eta={eta} mem={memory:.2f}G"
    )


def seed_letters(stages: list[list[int]]) -> str:
    """How many seeds are in which stage over all environments, for example T2B3; – where there is none."""
    counts = {stage: sum(row.count(stage) for row in stages) for stage in Stage}
    return "".join(f"{LETTERS[s]}{n}" for s, n in counts.items() if n and s is not Stage.DORMANT) or "–"


def _mean(values: list[float | None]) -> str:
    known = [v for v in values if isinstance(v, float | int)]
    return f"{sum(known) / len(known):+.4f}" if known else "–"


def _mean_pct(values: list[float | None]) -> str:
    known = [v for v in values if isinstance(v, float | int)]
    return f"{100 * sum(known) / len(known):.1f}" if known else "–"
