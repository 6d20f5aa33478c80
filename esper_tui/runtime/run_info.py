"""A run folder at a glance.  Imports no torch."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from esper_tui.karn.read import parse_line, read_run_file
from esper_tui.leyline.folder import MAX_EVENT_LINE, checkpoint_files, segments
from esper_tui.leyline.launcher import RunCard
from esper_tui.runtime.lock import holder, writer_of
from esper_tui.runtime.receipt import is_number, run_name
from esper_tui.runtime.runs import FINISHED, folder_size, tags_of

TAIL_BYTES = 2**16


def describe_run(folder: Path) -> RunCard:
    """Reads ``run.toml``, the first record of the log and its last ones only.  Never raises for what they hold."""
    document, end = read_run_file(folder), end_of_log(folder)
    ended, round_ = end.get("RunEnded"), end.get("RoundEnded", {})
    epochs = _number(end.get("EpochMeasured", round_).get("epoch"))
    state, text = "running" if holder(folder) else "crashed", f"epoch {epochs:.0f}" if epochs else ""
    if ended is not None:
        state, text = str(ended.get("status", "ended")), _how_it_ended(ended)
    rows, best = _rows(round_), round_.get("best")
    summary = end.get("TestMeasured", {}).get("summary")
    mean = summary.get("mean") if isinstance(summary, dict) else None
    return RunCard(
        folder.name, folder, str(document.get("preset", "?")), state, text, folder_size(folder),
        tuple(tags_of(document)), started=_started(folder), epochs=int(epochs),
        best=next((row.get("acc") for row in rows if row.get("env") == best), None),
        gain=100 * mean if is_number(mean) else None, assisted=int(sum(_number(row.get("assisted")) for row in rows)),
    )  # fmt: skip


def _rows(round_: dict[str, Any]) -> list[dict[str, Any]]:
    found = round_.get("rows")
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _number(value: Any) -> float:
    return value if is_number(value) else 0


def document_of(card: RunCard) -> dict[str, Any]:
    """A card as JSON can hold it."""
    return asdict(card) | {"path": str(card.path), "tags": list(card.tags)}


def _how_it_ended(ended: dict[str, Any]) -> str:
    seconds = ended.get("seconds")
    return str(ended.get("text") or (f"{seconds:.0f} s" if is_number(seconds) else ""))


def _started(folder: Path) -> float | None:
    """The time of the first record."""
    logs = segments(folder)
    try:
        with logs[0].open("rb") as file:
            record = parse_line(file.readline(MAX_EVENT_LINE))
    except (OSError, IndexError):
        return None
    started = record.get("t") if record else None
    return started if is_number(started) else None


def end_of_log(folder: Path) -> dict[str, dict[str, Any]]:
    """The last record of each type near the end of the log, the very last one under the empty name.

    Near is 64 KiB; of a run that ended, as far back as the summary of its round is.
    """
    logs, found = segments(folder), dict[str, dict[str, Any]]()
    try:
        size, tail = (logs[-1].stat().st_size, TAIL_BYTES) if logs else (0, 0)
        while logs:
            found = _last_of_each(logs[-1], size, tail)
            enough = found and ("RunEnded" not in found or "RoundEnded" in found)
            if enough or tail >= min(size, 2 * MAX_EVENT_LINE):
                break
            tail *= 8
    except OSError:
        pass
    return found


def _last_of_each(log: Path, size: int, tail: int) -> dict[str, dict[str, Any]]:
    with log.open("rb") as file:
        file.seek(max(0, size - tail))
        lines = file.read(tail).split(b"\n")
    found: dict[str, dict[str, Any]] = {}
    for line in reversed(lines[1:-1] if tail < size else lines[:-1]):
        if (record := parse_line(line + b"\n")) is not None:
            found.setdefault(record["type"], record)
            found.setdefault("", record)
    return found


def standing(folder: Path) -> str:
    """Whether a run lives or how it ended, and what can be done with it: one sentence."""
    name = run_name(folder)
    if holder(folder):
        return f"{name} goes on in process {writer_of(folder)}; `esper attach {name}` comes back to it"
    end = end_of_log(folder)
    ended = end.get("RunEnded", {})
    epoch = _number(end.get("EpochMeasured", end.get("RoundEnded", {})).get("epoch"))
    after = f" after epoch {epoch:.0f}" if epoch else ""
    if ended.get("status") in FINISHED:
        seconds = ended.get("seconds")
        took = f" in {seconds:.0f} s" if is_number(seconds) else ""
        status = "has ended" if ended["status"] == "done" else "was abandoned"
        ways = f"`esper runs show {name}` prints its receipt, `esper replay {name}` plays it"
        return f"{name} {status}{after}{took}; {ways}"
    how = f"ended ({ended['status']})" if ended.get("status") else "was cut short"
    return f"{name} {how}{after}; {way_on(folder)}"


def way_on(folder: Path) -> str:
    """How to go on with a run that did not come to its end."""
    name, kept = run_name(folder), checkpoint_files(folder)
    if not kept:
        return f"it has no checkpoint to go on from, `esper rerun {name}` repeats it"
    return f"`esper resume {name}` goes on after epoch {kept[0][0][1]}"
