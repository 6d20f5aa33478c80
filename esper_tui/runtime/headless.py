"""A run without a screen: one line per epoch on stdout, warnings on stderr, a receipt at the end."""

import time
from collections.abc import Callable, Iterator
from signal import Signals as Signal
from typing import Any

import psutil

from esper_tui.karn.record import RunRecord, reduce, thin
from esper_tui.karn.tail import Tail
from esper_tui.leyline.events import to_line
from esper_tui.leyline.metrics import ALERTS
from esper_tui.leyline.stages import LETTERS, Stage
from esper_tui.runtime.interrupts import Signals
from esper_tui.runtime.output import Output, warn
from esper_tui.runtime.receipt import DASH, is_number, receipt
from esper_tui.runtime.session import LocalSession

POLL_S = 0.05
News = Callable[[], list[dict[str, Any]]]


def run_headless(prepare: Callable[[], LocalSession], json: bool, on_hangup: str = "headless") -> int:
    """Runs a session to its receipt; returns the exit code.

    Args:
        prepare: makes the session; a signal meanwhile ends the program.
        on_hangup: what becomes of the run when the terminal is closed: headless or checkpoint-exit.

    Raises:
        EsperError: for whatever is wrong before the run starts.
    """
    signals = Signals(on_hangup)
    try:
        session = prepare()
        signals.follow(session)
        resumed, record = bool(session.past), _behind(session)
        if resumed and not json:
            Output().say(resumed_line(session))
        session.start()
        return _attend(session, signals, record, lambda: session.poll()[1], json)
    finally:
        signals.restore()


def _behind(session: LocalSession) -> RunRecord:
    """What lies behind a run that goes on; nothing for a new one."""
    record = RunRecord()
    for event in session.poll()[1] if session.past else []:
        reduce(record, event)
    return record


def attend(
    session: LocalSession, quiet: bool = False, on_hangup: str = "headless", received: int = 0, times: int = 1
) -> int:
    """Stays with a run that was started elsewhere to its receipt; returns the exit code.

    Nothing makes the run rest any more.  What happened before is read from the log, because whoever watched has
    emptied the session's queue.

    Args:
        quiet: shows the receipt alone.
        received: the signal for which the screen was left, 0 if there was none; it is obeyed here.
        times: how often it came.
    """
    assert session.path is not None
    signals, tail, record = Signals(on_hangup), Tail(session.path), RunRecord()
    try:
        signals.follow(session)
        session.leave_alone()
        if received and not session.over:
            for _ in range(times):
                signals.take(Signal(received))
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
        say = (lambda text: None) if json or quiet else output.say
        for event in _until_end(session, signals, news, say):
            reduce(record, event)
            thin(record)
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
    return int(ending.code)


def _until_end(
    session: LocalSession, signals: Signals, news: News, say: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """Everything that happens until the session has ended.

    Controls that are trained alone are part of no record: ``say`` is told of them, because they may take long.
    """
    shown = ""
    while True:
        alive = session.thread.is_alive()
        yield from news()
        signals.look()
        if not alive:
            return
        before, shown = shown, session.pace.phase_name
        if shown == "controls" != before:
            say(controls_line(session))
        time.sleep(POLL_S)


def _show(event: dict[str, Any], record: RunRecord, session: LocalSession, output: Output, json: bool) -> None:
    if json:
        output.say(to_line(event))
    elif event["type"] == "EpochMeasured":
        output.say(epoch_line(record, session))
    elif event["type"] == "PolicyUpdated":
        output.say(update_line(event))
    if text := _worth_a_warning(event):
        warn(text)


def _worth_a_warning(event: dict[str, Any]) -> str:
    """What is said of an event on stderr; empty for nearly all of them."""
    if event["type"] == "AlertRaised":
        return f"{_whom(event)}: {event['text']} (epoch {event['epoch']})"
    if event["type"] == "CheckpointSaved" and event["problem"]:
        return f"a checkpoint is missing: {event['problem']}"
    if event["type"] == "SessionChanged" and event["state"] in ("thinned", "complete"):
        return event["text"]
    if event["type"] == "SessionChanged" and event["state"] == "paused":
        return f"rests after epoch {event['epoch']}" + f": {event['text']}" * bool(event["text"])
    if event["type"] == "InterventionChanged":
        why = f": {event['reason']}" * bool(event["reason"])
        return f"override #{event['intervention']['id']} {event['fate']} at epoch {event['epoch']}{why}"
    return ""


def _whom(alert: dict[str, Any]) -> str:
    """Whom an alert is about: an environment, Tamiyo, or the machine."""
    if alert.get("env") is not None:
        return f"env {alert['env']}"
    rule = ALERTS.get(alert["rule"])
    return "the machine" if rule is not None and rule.wall else "Tamiyo"


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


def resumed_line(session: LocalSession) -> str:
    """Where a run goes on; what was told after that is played again."""
    run = session.loop.config.run
    which = f"round {session.loop.round + 1} of {run.rounds}, " if run.rounds > 1 else ""
    return f"goes on after {which}epoch {session.done} of {run.epochs}"


def controls_line(session: LocalSession) -> str:
    """One line before the silence in which the controls of a round's new instances train."""
    run = session.loop.config.run
    which = f"round={session.loop.round + 1}/{run.rounds} " if run.rounds > 1 else ""
    return f"{which}controls: networks that never grow train for {run.epochs} epochs and are kept"


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
