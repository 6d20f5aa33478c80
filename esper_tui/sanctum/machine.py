"""What the machine does and what limits the run, as lines: devices, time by phase, rates, the screen itself.  Pure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esper_tui.karn.record import RunRecord
from esper_tui.leyline.folder import segments
from esper_tui.leyline.session import Progress, Visitors
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.pace import SLOW_MS, FramePace
from esper_tui.sanctum.text import DASH, duration, figure, si, size

PHASES = ("training", "measuring", "boundary")
"""Phases that every epoch has, in order; others are shown when they were met."""
NAME = 14


@dataclass(frozen=True)
class Queues:
    """What waits somewhere between the loop and the screen.

    Attributes:
        seen: events that were folded.
        waiting: events that came but are not folded yet.
        dropped: events that never came, by the gap in their numbers.
        commands: commands that no boundary has answered yet.
        ring: events that the screen keeps.
    """

    seen: int = 0
    waiting: int = 0
    dropped: int = 0
    commands: int = 0
    ring: int = 0


def machine_lines(progress: Progress, log_bytes: int | None) -> list[Line]:
    r = progress.resources
    devices = [_row(device.split()[0], " ".join(device.split()[1:])) for device in r.devices]
    sampled = bool(r.memory)
    return [
        *(devices or [_row("device", "cpu, no CUDA device")] if sampled else []),
        _row("cpu", f"{r.cpu_pct:.0f}% of a core" if sampled else DASH),
        _row("memory", f"{size(r.memory)} used, {size(r.memory_free)} free" if sampled else DASH),
        _row("disk", f"{size(r.disk_free)} free" if r.disk_free else DASH),
        _row("event log", size(log_bytes)),
        *_visitor_lines(progress.visitors),
    ]


def _visitor_lines(visitors: Visitors) -> list[Line]:
    """Who is connected from outside, and what was refused; nothing while nobody came."""
    if visitors == Visitors():
        return []
    style = "warn" if visitors.refused or visitors.dropped else ""
    refused = (f"{visitors.refused} refused, {visitors.dropped} dropped", style)
    return [_row("attached", line(f"{visitors.clients}, ", refused))]


def time_lines(progress: Progress, width: int) -> list[Line]:
    """Seconds of every phase when it was met last, and its share of an epoch as a bar."""
    spent = {name: s for name, s in progress.phase_s.items() if name != "starting"}
    names = [*(n for n in PHASES if n in spent), *(n for n in spent if n not in PHASES)]
    total, room = sum(spent.get(n, 0.0) for n in PHASES), max(0, width - NAME - 16)
    lines = [line((f" {'phase':<{NAME}}{'last':>7}{'share':>6}", "head"))]
    for name in names:
        share = spent[name] / total if total and name in PHASES else None
        text = DASH if share is None else f"{100 * share:.0f}%"
        bar = "█" * round((share or 0.0) * room)
        lines.append(line(f" {name:<{NAME}}{duration(spent[name]):>7}{text:>6} ", (bar, "series-0")))
    return lines if names else [*lines, line((" no epoch was finished yet", "dim"))]


def rate_lines(progress: Progress) -> list[Line]:
    per_minute = 60 / progress.epoch_s if progress.epoch_s else None
    breakpoints = "; ".join(progress.breakpoints) or "none"
    return [
        _row("state", f"{progress.state}, {progress.phase}"),
        _row("epoch", f"{duration(progress.epoch_s)}, {figure(per_minute)} a minute"),
        _row("images", f"{si(progress.images_per_s)} a second"),
        _row("up", f"{duration(progress.elapsed_s)} without pauses"),
        _row("paused", duration(progress.paused_s)),
        _row("left", duration(progress.eta_s)),
        _row("breakpoints", breakpoints),
    ]


def screen_lines(pace: FramePace, queues: Queues, record: RunRecord) -> list[Line]:
    """How the screen keeps up; a rate that was lowered says so."""
    work = sorted(pace.work_ms)
    median, slow = (work[len(work) // 2], pace.p95(pace.work_ms)) if work else (None, None)
    late = pace.p95(pace.lag_ms) if pace.lag_ms else None
    rate = line(f"{pace.hz:g} Hz")
    if pace.divisor > 1:
        rate = line((f"{pace.hz:g} Hz", "warn"), f", asked for {pace.wanted_hz:g}: frames take over {SLOW_MS:g} ms")
    dropped = "bad" if queues.dropped else ""
    skipped = record.unknown + record.unfit
    return [
        _row("frames", rate),
        _row("frame work", f"{figure(median)} ms, p95 {figure(slow)} ms"),
        _row("frame lag", f"p95 {figure(late)} ms"),
        _row("events", f"{queues.seen}, {queues.ring} kept"),
        _row("waiting", f"{queues.waiting} to be folded"),
        _row("dropped", line((str(queues.dropped), dropped), f", {skipped} not understood")),
        _row("commands", f"{queues.commands} without an answer"),
    ]


def origin_lines(record: RunRecord) -> list[Line]:
    """What the run was started with, as its first event tells; tables as ``key value`` pairs."""
    return [_row(name, _told(value) or DASH) for name, value in record.provenance.items()]


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{key} {part}" for key, part in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def log_size(folder: Path | None) -> int | None:
    """Bytes of the event log; None where there is none."""
    try:
        return sum(path.stat().st_size for path in segments(folder)) if folder is not None else None
    except OSError:
        return None


def _row(name: str, value: str | Line) -> Line:
    return line((f" {name:<{NAME}}", "dim"), value)
