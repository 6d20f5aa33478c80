"""``esper retrain``: is it just the architecture?  Trains what was found from new weights and measures both."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from esper_tui.evidence.examine import examine_exported
from esper_tui.evidence.export import refuse_filled, write_export
from esper_tui.evidence.grown import load
from esper_tui.evidence.origin import Origin, read_origin
from esper_tui.evidence.scratch import scratch_config, train_from_scratch
from esper_tui.evidence.stats import Interval, mean_interval, proportion_interval
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import CannotWrite, Incompatible, UsageError
from esper_tui.leyline.state import Instance
from esper_tui.runtime.build import build_parts
from esper_tui.runtime.runs import write_atomically

FRESH = 2_000_000
"""Indices from here on: first weights and orders of the data that no run and no evaluation has."""
RESULT = "retrain.json"


@dataclass(frozen=True)
class Retrained:
    """Test images that were classified correctly, bool ``[n]``: by the grown network, and by each new one."""

    folder: Path
    epochs: int
    grown: np.ndarray
    scratch: list[np.ndarray]

    def document(self) -> dict[str, Any]:
        rows = [{"seed": i, "test_acc": float(hits.mean())} for i, hits in enumerate(self.scratch)]
        shown = {"grown": self.grown_interval(), "from_scratch": self.scratch_interval(), "difference": self.gap()}
        told = {name: {"value": i.value, "low": i.low, "high": i.high, "n": i.n} for name, i in shown.items()}
        return {"epochs": self.epochs, "test_images": len(self.grown), "rows": rows, **told}

    def grown_interval(self) -> Interval:
        """Over test images."""
        return proportion_interval(int(self.grown.sum()), len(self.grown))

    def scratch_interval(self) -> Interval:
        """Over networks; over test images where there is only one."""
        whole = mean_interval([float(hits.mean()) for hits in self.scratch])
        return whole or proportion_interval(int(self.scratch[0].sum()), len(self.scratch[0]))

    def gap(self) -> Interval:
        """Grown minus from scratch: over networks, or paired over test images where there is only one."""
        units = [float(self.grown.mean() - hits.mean()) for hits in self.scratch]
        paired = self.grown.astype(np.float64) - self.scratch[0]
        found = mean_interval(units if len(units) > 1 else list(paired))
        assert found is not None
        return found

    def lines(self) -> list[str]:
        one = len(self.scratch) == 1
        over = "test images" if one else "networks"
        rows = [
            ("grown", _percent(self.grown_interval()), f"{len(self.grown):,} test images"),
            ("from scratch", _percent(self.scratch_interval()), f"{len(self.scratch)} x {self.epochs} epochs"),
            ("grown − from scratch", _points(self.gap()), f"over {over}"),
        ]
        head = f"{'':<22}test accuracy [95 % interval]"
        table = [f"{name:<22}{text:<34}{note}" for name, text, note in rows]
        paired = "the first new network has the first host weights and the order of the data of the grown one"
        few = "; one says nothing about the luck of its weights, --seeds 5 trains more" if one else ""
        return [head, *table, paired + few, f"new networks: {self.folder}"]


def _percent(i: Interval) -> str:
    return f"{100 * i.value:.2f} % [{100 * i.low:.2f}, {100 * i.high:.2f}]"


def _points(i: Interval) -> str:
    return f"{100 * i.value:+.2f} points [{100 * i.low:+.2f}, {100 * i.high:+.2f}]"


def retrain(
    folder: Path, to: Path | None = None, epochs: int | None = None, seeds: int = 1,
    done: Callable[[int, int], None] = lambda epoch, whole: None, device: str | None = None,
) -> Retrained:  # fmt: skip
    """Trains the architecture of an export folder ``seeds`` times and writes each network as an export of its own.

    Raises:
        UsageError, Incompatible: if the folder is not an export, or its files do not fit.
        CannotWrite: if the new folder is not empty or cannot be written.
    """
    origin = read_origin(folder)
    grown = _loaded(folder)
    to = to or folder.absolute().with_name(f"{folder.absolute().name}-retrained")
    refuse_filled(to)
    config = scratch_config(_placed(origin.config, device), origin.planted, seeds, epochs)
    written = _train(origin, config, to, lambda epoch: done(epoch, config.run.epochs))
    hits = examine_exported([grown, *(load(path) for path in written)], config)
    result = Retrained(to, config.run.epochs, hits[0], hits[1:])
    write_atomically(to / RESULT, json.dumps(result.document(), indent=1).encode())
    return result


def _placed(config: RunConfig, device: str | None) -> RunConfig:
    if device is None:
        return config
    try:
        engine = type(config.engine).model_validate(config.engine.model_dump() | {"device": device})
    except ValueError:
        raise UsageError(f"--device {device[:40]!r} is none of auto, cpu, cuda, cuda:<number>") from None
    return config.model_copy(update={"engine": engine})


def _loaded(folder: Path) -> Any:
    try:
        return load(folder)
    except (OSError, ValueError, RecursionError) as error:
        raise Incompatible(f"{folder} is not a whole export ({str(error).splitlines()[0]}); export it again") from None


def scratch_instances(origin: Origin, count: int) -> list[Instance]:
    """The grown network's own instance first, where it is known: some first weights are luckier than others."""
    seed, known = origin.config.run.seed, origin.config.run.mode == "grow" and origin.env >= 0
    fresh = [Instance(seed, FRESH + i) for i in range(count)]
    return [Instance(seed, origin.env), *fresh][:count] if known else fresh


def _train(origin: Origin, config: RunConfig, to: Path, tick: Callable[[int], None]) -> list[Path]:
    instances = scratch_instances(origin, config.run.envs)
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"cannot write {to}: {error.strerror}; choose another --to") from None
    parts = build_parts(config)
    try:
        networks = train_from_scratch(parts, instances, origin.planted, tick)
    finally:
        parts.engine.close()
    mean, std = parts.source.mean.tolist(), parts.source.std.tolist()
    about = {"run": f"{origin.run} from scratch", "config": config.model_dump(mode="json")}
    return [
        write_export(network.cpu(), mean, std, to / f"seed-{i}", about | {"env": instances[i].index})
        for i, network in enumerate(networks)
    ]
