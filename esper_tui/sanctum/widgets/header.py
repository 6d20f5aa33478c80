"""The first line: which run, what it does, how far it is, what the machine does, what was overruled."""

from dataclasses import dataclass
from pathlib import Path

from esper_tui.karn.record import RunRecord
from esper_tui.leyline.folder import RUN_ID
from esper_tui.leyline.session import Progress, Role
from esper_tui.sanctum.ink import Line, Piece, line, width_of
from esper_tui.sanctum.text import duration, size
from esper_tui.sanctum.widgets.panel import Panel

WIDE, MIDDLE, SMALL = 160, 100, 60
NO_PROGRESS = Progress()


@dataclass(frozen=True)
class Playback:
    """Where a replay is and how it moves."""

    playing: bool = False
    speed: float = 1.0


@dataclass(frozen=True)
class Status:
    """What the header line is made from.  ``role`` is None on the launch screen."""

    role: Role | None = None
    path: Path | None = None
    progress: Progress = NO_PROGRESS
    readonly: bool = False
    playback: Playback = Playback()


def run_name(path: Path | None) -> str:
    """The short name of a run folder: preset and the four letters that tell runs apart."""
    if path is None:
        return "run"
    name = path.name
    if not RUN_ID.match(name):
        return name
    preset, letters = name.split("-", 2)[2].rsplit("-", 1)
    return f"{preset} {letters}"


def header_line(status: Status, record: RunRecord, width: int) -> Line:
    """The header in at most so many cells: parts that matter less are left out first."""
    if status.role is None:
        return line(("esper", "title"), "  choose what to grow")
    parts = _parts(status, record, width)
    while len(parts) > 2 and sum(width_of(p) for p in parts) + 3 * (len(parts) - 1) > width:
        parts.pop()
    joined: list[Piece] = []
    for part in parts:
        joined += [(" │ ", "line"), *part] if joined else list(part)
    return tuple(joined)


def _parts(status: Status, record: RunRecord, width: int) -> list[Line]:
    """Parts from the most to the least important."""
    parts = [_title(status, record, width), _state(status, record, width)]
    waiting = queued(record)
    if waiting:
        parts.append(line((f"ovr {waiting} queued" if width >= MIDDLE else f"ovr {waiting}q", "human")))
    progress = status.progress
    if status.role != "replay" and progress.eta_s is not None and progress.state in ("running", "pausing"):
        parts.append(line(f"{duration(progress.eta_s)} left"))
    if machine := _machine(progress, width):
        parts.append(machine)
    if width >= WIDE:
        parts += _extras(status, record)
    return parts


def queued(record: RunRecord) -> int:
    """Overrides that have not been applied yet."""
    return sum(e["fate"] == "queued" for e in record.round.interventions.values()) if record.round else 0


def assisted(record: RunRecord) -> int:
    """Steps of all rounds in which a person changed what Tamiyo wanted."""
    return sum(sum(r.assisted.values()) for r in record.rounds)


def _title(status: Status, record: RunRecord, width: int) -> Line:
    badges: list[Piece] = []
    if count := assisted(record):
        badges += [(" ", ""), (f"ASSISTED({count})" if width >= MIDDLE else f"ASST({count})", "badge")]
    if status.role == "watch":
        badges += [(" ", ""), ("WATCH", "badge")]
    elif status.role == "control" and status.readonly:
        badges += [(" ", ""), ("READ-ONLY" if width >= MIDDLE else "RO", "badge")]
    return line(("esper", "title"), f" {run_name(status.path)}", badges)


def _state(status: Status, record: RunRecord, width: int) -> Line:
    epochs = record.config.get("run", {}).get("epochs", status.progress.epochs)
    measured = record.epoch.number if record.epoch else 0
    if status.role == "replay":
        sign = f"▶ x{status.playback.speed:g}" if status.playback.playing else "‖"
        return line(("REPLAY", "badge"), f" {sign} ep {measured}/{epochs}")
    if record.state == "ended":
        style = "bad" if record.status in ("failed", "diverged") else "good"
        return line((f"■ {record.status.upper()}", style), f" ep {measured}/{epochs}")
    return _LIVE[status.progress.state](status.progress, measured, int(epochs), width)


def _running(progress: Progress, measured: int, epochs: int, width: int) -> Line:
    word = "RUNNING" if width >= MIDDLE else "RUN"
    batch = "batch " if width >= MIDDLE else "b"
    now = min(epochs, measured + 1)
    steps = f" {batch}{progress.steps_done}/{progress.steps}" if progress.phase == "training" else f" {progress.phase}"
    return line((f"▶ {word}", "run"), f" ep {now}/{epochs}{steps}")


def _pausing(progress: Progress, measured: int, epochs: int, width: int) -> Line:
    limit = f" ≤ {duration(progress.epoch_s)}" if progress.epoch_s else ""
    return line((f"‖ PAUSING{limit}", "pause"), f" ep {min(epochs, measured + 1)}/{epochs}")


def _paused(progress: Progress, measured: int, epochs: int, width: int) -> Line:
    if progress.phase == "training":
        return line(("‖ PAUSED", "pause"), f" inside ep {measured + 1}, decisions are not open")
    if width >= MIDDLE:
        return line(("‖ PAUSED", "pause"), f" between ep {measured} and {measured + 1} of {epochs}")
    return line(("‖ PAUSED", "pause"), f" ep {measured}|{measured + 1}" + (f" of {epochs}" if width >= SMALL else ""))


def _starting(progress: Progress, measured: int, epochs: int, width: int) -> Line:
    return line(("… STARTING", "pause"), "" if progress.phase == "starting" else f" {progress.phase}")


def _ended(progress: Progress, measured: int, epochs: int, width: int) -> Line:
    """Without an ending in the log: its process is gone."""
    return line(("■ ENDED", "bad"), f" ep {measured}/{epochs} its process is gone")


def _stopping(progress: Progress, measured: int, epochs: int, width: int) -> Line:
    return line(("■ STOPPING", "pause"), f" ep {measured}/{epochs} {progress.phase}")


_LIVE = {
    "starting": _starting,
    "running": _running,
    "pausing": _pausing,
    "paused": _paused,
    "stopping": _stopping,
    "ended": _ended,
}


def _machine(progress: Progress, width: int) -> Line:
    resources = progress.resources
    if resources.devices:
        return line(resources.devices[0])
    if not resources.memory:
        return ()
    return line(f"cpu {resources.cpu_pct:.0f}% {size(resources.memory)}")


def _extras(status: Status, record: RunRecord) -> list[Line]:
    parts = [line(f"up {duration(status.progress.elapsed_s)}")] if status.progress.elapsed_s else []
    if status.progress.images_per_s:
        parts.append(line(f"{status.progress.images_per_s / 1000:.1f}k img/s"))
    if "seed" in record.config.get("run", {}):
        parts.append(line((f"seed {record.config['run']['seed']}", "dim")))
    return parts


class Header(Panel):
    """The header line; it is compared and painted as one line."""

    DEFAULT_CSS = "Header { height: 1; }"

    def show(self, status: Status, record: RunRecord) -> None:
        self.show_lines([header_line(status, record, self.size.width)])
