"""The layout of a run folder, and what its id looks like."""

import re
from pathlib import Path

RUN_FILE = "run.toml"
LOCK_FILE = "lock.json"
LOG_FILE = "log.txt"
EVENTS_GLOB = "events-*.jsonl"
ARTEFACTS = "artefacts"
CHECKPOINTS = "checkpoints"
SUBFOLDERS = (CHECKPOINTS, ARTEFACTS, "exports", "reports", "screenshots")

RUN_ID = re.compile(r"^\d{8}-\d{6}-[A-Za-z0-9_.-]+-[0-9a-f]{4}$")
CHECKPOINT = re.compile(r"^r(\d{3,})-e(\d{4,})\.safetensors$")
MAX_EVENT_LINE = 4 * 2**20
MAX_PRESET_BYTES = 256 * 2**10


def events_file(folder: Path, segment: int) -> Path:
    return folder / f"events-{segment:03d}.jsonl"


def segments(folder: Path) -> list[Path]:
    """The event logs of a run in the order they were written."""
    return sorted(folder.glob(EVENTS_GLOB))


def is_run(folder: Path) -> bool:
    return (folder / RUN_FILE).is_file() or bool(segments(folder))


def checkpoint_file(folder: Path, round_: int, epoch: int) -> Path:
    return folder / CHECKPOINTS / f"r{round_:03d}-e{epoch:04d}.safetensors"


def checkpoint_files(folder: Path) -> list[tuple[tuple[int, int], Path]]:
    """All checkpoints of a run by round and epoch, the newest first; what a write that was cut short left is none."""
    found = []
    for path in (folder / CHECKPOINTS).glob("*.safetensors"):
        if match := CHECKPOINT.match(path.name):
            found.append(((int(match[1]), int(match[2])), path))
    return sorted(found, reverse=True)
