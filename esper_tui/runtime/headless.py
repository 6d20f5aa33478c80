"""A run without a screen: one line per epoch on stdout, warnings on stderr, a receipt at the end."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil

from esper_tui.karn.read import read_run
from esper_tui.karn.record import RunRecord, reduce
from esper_tui.karn.tail import Tail
from esper_tui.leyline.errors import ExitCode
from esper_tui.leyline.events import to_line
from esper_tui.leyline.session import Stop
from esper_tui.leyline.stages import LETTERS, Stage
from esper_tui.runtime.receipt import DASH, is_number, receipt
from esper_tui.runtime.session import LocalSession

POLL_S = 0.05
News = Callable[[], list[dict[str, Any]]]

ENDINGS = {
    signal.SIGHUP: ExitCode.HANGUP,
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGUSR2: ExitCode.STOPPED,
}


class Signals:
    """The first signal asks the run to stop at the boundary, the second ends it now; ``first`` is its exit code.

    While there is no session yet, a signal ends the program, and whoever is at work cleans up.  A hang-up that was
    ignored from the start (``nohup``) stays ignored.
    """

    def __init__(self) -> None:
        self.session: LocalSession | None = None
        self.first: ExitCode | None = None
        wanted = [n for n in ENDINGS if n != signal.SIGHUP or signal.getsignal(n) is not signal.SIG_IGN]
        self.previous = {number: signal.signal(number, self._receive) for number in wanted}

    def _receive(self, number: int, frame: Any) -> None:
        if self.session is None:
            raise SystemExit(int(ENDINGS[signal.Signals(number)]))
        if self.first is not None:
            self.session.abort()
            return
        self.first = ENDINGS[signal.Signals(number)]
        self.session.submit(Stop())
        warn("stopping at the end of this epoch; once more ends it now")

    def restore(self) -> None:
        for number, action in self.previous.items():
            signal.signal(number, action)


def warn(text: str) -> None:
    """A line on stderr, which may be gone."""
    with contextlib.suppress(OSError):
        print(f"esper: {text}", file=sys.stderr, flush=True)


class Output:
    """Standard output.  A closed pipe, a hung-up terminal or a full disk behind it does not end the run."""

    def __init__(self) -> None:
        self.lost = False

    def say(self, text: str) -> None:
        if self.lost:
            return
        try:
            print(text, flush=True)
        except OSError as error:
            self.lost = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # takes what Python still has in its buffer
            warn(f"nobody reads the output any more ({error.strerror}); the run goes on")


def run_headless(prepare: Callable[[], LocalSession], json: bool) -> int:
    """Runs a session to its receipt; returns the exit code.

    Args:
        prepare: makes the session; a signal meanwhile ends the program.

    Raises:
        EsperError: for whatever is wrong before the run starts.
    """
    signals = Signals()
    try:
        session = signals.session = prepare()
        record = _behind(session)
        session.start()
        return _attend(session, signals, record, lambda: session.poll()[1], json)
    finally:
        signals.restore()


def _behind(session: LocalSession) -> RunRecord:
    """What lies behind a run that goes on, read from its log; nothing for a new one."""
    if not session.done or session.path is None:
        return RunRecord()
    session.poll()
    return read_run(session.path)


def attend(session: LocalSession, quiet: bool = False) -> int:
    """Stays with a run that was started elsewhere to its receipt; returns the exit code.

    Nothing makes the run rest any more.  What happened before is read from the log, because whoever watched has
    emptied the session's queue.  ``quiet`` shows the receipt alone.
    """
    assert session.path is not None
    signals, tail, record = Signals(), Tail(session.path), RunRecord()
    try:
        signals.session = session
        session.leave_alone()
        for event in tail.catch_up():
            reduce(record, event)

        def news() -> list[dict[str, Any]]:
            session.poll()
            return tail.catch_up()

        return _attend(session, signals, record, news, quiet=quiet)
    finally:
        signals.restore()


def _attend(
    session: LocalSession, signals: Signals, record: RunRecord, news: News, json: bool = False, quiet: bool = False
) -> int:
    output = Output()
    try:
        for event in _until_end(session, news):
            reduce(record, event)
            if not quiet:
                _show(event, record, session, output, json)
    except BaseException:  # a defect here must not leave the loop running without anyone who listens
        session.abort()
        session.join()
        raise
    ending = session.join()
    if not json:
        output.say(receipt(record, session.path))
    if ending.error:
        warn(ending.error)
    return int(signals.first if signals.first and ending.code == ExitCode.STOPPED else ending.code)


def _until_end(session: LocalSession, news: News) -> Iterator[dict[str, Any]]:
    """Everything that happens until the session has ended."""
    while True:
        alive = session.thread.is_alive()
        yield from news()
        if not alive:
            return
        time.sleep(POLL_S)


def _show(event: dict[str, Any], record: RunRecord, session: LocalSession, output: Output, json: bool) -> None:
    if json:
        output.say(to_line(event))
    elif event["type"] == "EpochMeasured":
        output.say(epoch_line(record, session))
    elif event["type"] == "PolicyUpdated":
        output.say(update_line(event))
    if event["type"] == "AlertRaised":
        who = "Tamiyo" if event.get("env") is None else f"env {event['env']}"
        warn(f"{who}: {event['text']} (epoch {event['epoch']})")


def epoch_line(record: RunRecord, session: LocalSession) -> str:
    """One line of fixed keys about the latest epoch; accuracies are means over environments, in percent."""
    epoch, progress = record.epoch, session.progress()
    assert epoch is not None
    assert record.round is not None
    columns = epoch.columns
    best = max((v for e in record.round.epochs for v in e.columns["val/acc"] if is_number(v)), default=None)
    rate = f"{progress.images_per_s / 1000:.1f}k" if progress.images_per_s else DASH
    eta = f"{progress.eta_s:.0f}s" if progress.eta_s is not None else DASH
    memory = psutil.Process().memory_info().rss / 2**30
    rounds = record.config["run"]["rounds"]
    which = f"round={record.round.number + 1}/{rounds} " if rounds > 1 else ""
    return (
        f"{which}ep={epoch.number}/{record.config['run']['epochs']} acc={_mean_pct(columns['val/acc'])} "
        f"best={_mean_pct([best])} gain={_mean(columns['gain/loss'])} seeds={seed_letters(epoch.stages)} "
        f"img/s={rate} eta={eta} mem={memory:.2f}G"
    )


def update_line(event: dict[str, Any]) -> str:
    """One line about what Tamiyo learnt between two rounds."""
    keys = {"return": "return/mean", "best": "return/best", "kl": "ppo/kl", "ev": "ppo/explained_variance",
            "entropy": "ppo/entropy"}  # fmt: skip
    shown = {name: event["metrics"].get(key) for name, key in keys.items()}
    figures = " ".join(f"{name}={f'{v:.3f}' if is_number(v) else DASH}" for name, v in shown.items())
    return f"update={event['update']} episodes={event['episodes']} {figures}" + " taught" * event["taught"]


def seed_letters(stages: list[list[int]]) -> str:
    """How many seeds are in which stage over all environments, for example T2B3; – where there is none."""
    counts = {stage: sum(row.count(stage) for row in stages) for stage in Stage}
    return "".join(f"{LETTERS[s]}{n}" for s, n in counts.items() if n and s is not Stage.DORMANT) or DASH


def _mean(values: list[Any]) -> str:
    known = [v for v in values if is_number(v)]
    return f"{sum(known) / len(known):+.4f}" if known else DASH


def _mean_pct(values: list[Any]) -> str:
    known = [v for v in values if is_number(v)]
    return f"{100 * sum(known) / len(known):.1f}" if known else DASH
