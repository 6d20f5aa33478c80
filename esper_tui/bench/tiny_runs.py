"""Runs of a second or two in which everything happens, and what two of them must have in common at their end."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from esper_tui.bench.children import Child
from esper_tui.karn.read import read_records
from esper_tui.leyline.folder import ARTEFACTS, CHECKPOINTS, segments
from esper_tui.runtime.checkpoints import KIND, newest_checkpoint
from esper_tui.runtime.plain import MAPPINGS, TAG
from esper_tui.runtime.rerun import deterministic
from esper_tui.runtime.statefile import load_state

COMMON = """
[host]
blocks = 2
pools = 2
channels = {channels}
[growth]
slots = ["r0c0", "r1c0"]
[engine]
device = "cpu"
chunk = 4
threads = 1
[checkpoint]
every_epochs = 1
"""
SMALL = """
[data]
train_images = 64
val_images = 64
test_images = 40
image_size = 8
[optim]
batch = 16
"""
TWINS = """
[run]
envs = 2
epochs = 22
"""
KEPT = """
[run]
envs = 2
epochs = 22
[data]
train_images = 300
val_images = 200
test_images = 40
image_size = 16
augment = "none"
[optim]
batch = 50
[gates]
min_gain = 0.0
hold_epochs = 6
[reward]
control = "none"
[tamiyo]
germinate_by = 5
"""
LEARNT = """
[run]
mode = "learn"
envs = 2
rounds = 2
instances = 2
epochs = 20
[tamiyo]
policy = "ppo"
germinate_by = 5
[ppo]
clone_rounds = 1
episodes = 2
epochs = 2
width = 16
slot_width = 8
"""
TINY = {
    "twins": TWINS + SMALL + COMMON.format(channels=8),
    "kept": KEPT + COMMON.format(channels=4),
    "learnt": LEARNT + SMALL + COMMON.format(channels=8),
    "wide": TWINS.replace("22", "14") + SMALL + COMMON.format(channels=96),
}
"""Preset by name.  twins: seeds are planted, blended in and pruned beside controls; kept: some are fossilised; learnt:
PPO imitates in the first of two rounds and learns; wide: checkpoints of several megabytes."""
EPOCH_LINE = re.compile(r"^(?:round=(\d+)/\d+ )?ep=(\d+)/", re.MULTILINE)


@dataclass(frozen=True)
class End:
    """What is the same of two runs that are the same: events, files of networks and policies, every last tensor."""

    events: list[dict[str, Any]]
    files: dict[str, bytes]
    tensors: dict[str, Tensor]

    def difference(self, other: "End") -> str:
        """The first difference; empty if there is none."""
        for number, (a, b) in enumerate(zip(self.events, other.events, strict=False)):
            if a != b:
                return f"event {number} ({a['type']} of epoch {a['epoch']}) differs"
        if len(self.events) != len(other.events):
            return f"{len(other.events)} events instead of {len(self.events)}"
        if self.files.keys() != other.files.keys():
            return f"files differ: {sorted(self.files.keys() ^ other.files.keys())}"
        for name, data in self.files.items():
            if data != other.files[name]:
                return f"{name} differs"
        if self.tensors.keys() != other.tensors.keys():
            return "the last checkpoints hold other tensors"
        return next((f"{n} differs" for n, t in self.tensors.items() if not _same_bits(t, other.tensors[n])), "")


def _same_bits(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.numpy().tobytes() == b.numpy().tobytes()


def end_of(folder: Path) -> End:
    """The end state of a run."""
    files = [*(folder / ARTEFACTS).glob("*.safetensors"), *(folder / CHECKPOINTS).glob("policy-*.safetensors")]
    newest, *_ = newest_checkpoint(folder)
    tensors, document = load_state(newest, KIND)
    places = dict(_places(document["state"]))
    tensors = {places.get(name, name): tensor for name, tensor in tensors.items()}
    return End(deterministic(read_records(folder)), {p.name: p.read_bytes() for p in files}, tensors)


def _places(value: Any, path: str = "state") -> Iterator[tuple[str, str]]:
    """Name of a packed tensor and where it belongs; names count in the order of mappings, which is nobody's choice."""
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, f"{path}/{index}")
    elif isinstance(value, dict) and value.get(TAG) in ("array", "tensor"):
        yield value["v"], path
    elif isinstance(value, dict):
        items = value["v"] if value.get(TAG) in MAPPINGS else value.items()
        for key, inner in items:
            yield from _places(inner, f"{path}/{key}")


@dataclass(frozen=True)
class Reference:
    """A run that nobody disturbed; ``size`` bytes of log."""

    preset: str
    end: End
    size: int
    seconds: float
    stages: frozenset[str]


def reference(preset: str, work: Path) -> Reference:
    """Plays a preset undisturbed, in the folder ``<preset>-whole``.

    Raises:
        RuntimeError: if it does not come to its end.
    """
    (work / f"{preset}.toml").write_text(TINY[preset])
    folder, began = work / f"{preset}-whole", time.monotonic()
    child = Child(run_words(preset, folder), work)
    if (code := child.end()) != 0:
        raise RuntimeError(f"{preset} ended with {code}:\n{child.text}")
    end, seconds = end_of(folder), time.monotonic() - began
    stages = frozenset(e["target"] for e in end.events if e["type"] == "StageChanged")
    return Reference(preset, end, logged(folder), seconds, stages)


def logged(folder: Path) -> int:
    """Bytes of all segments of a run's log."""
    return sum(path.stat().st_size for path in segments(folder))


def run_words(preset: str, folder: Path) -> list[str]:
    return ["run", f"{preset}.toml", "--no-ui", "--run-dir", str(folder)]


def unlogged(printed: str, folder: Path) -> int:
    """Epochs that were printed and are not in the log."""
    told = {(int(r or 1) - 1, int(e)) for r, e in EPOCH_LINE.findall(printed)}
    logged = {(e["round"], e["epoch"]) for e in read_records(folder) if e["type"] == "EpochMeasured"}
    return len(told - logged)
