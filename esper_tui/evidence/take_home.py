"""From a run to an export folder: picks a network and writes it with its origin."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import esper_tui
from esper_tui.evidence.export import refuse_filled, size_text, write_export
from esper_tui.evidence.grown import load
from esper_tui.karn.read import read_run_file
from esper_tui.leyline.errors import Incompatible
from esper_tui.runtime.picking import Picked, pick_network

EXPORTS = "exports"


@dataclass(frozen=True)
class Taken:
    """What was exported, and where it is from."""

    folder: Path
    picked: Picked
    size: str

    def lines(self) -> list[str]:
        picked = self.picked
        at = f", epoch {picked.epoch}" if picked.epoch is not None else ""
        lines = [f"{self.folder}  {self.size}", f"environment {picked.env}{at}, from {picked.source}"]
        if picked.left_out:
            lines.append(f"left out, still on trial: {', '.join(picked.left_out)}")
        return lines


def take_home(run: Path, to: Path | None = None, env: int | None = None) -> Taken:
    """Exports a network of a run folder; ``env`` None takes the best one, ``to`` None a folder inside the run.

    Raises:
        UsageError: if there is no such environment.
        Incompatible: if the run holds no usable network.
        CannotWrite: if the folder is not empty or cannot be written.
    """
    if to is not None:
        refuse_filled(to)
    picked = pick_network(run, env)
    to = to or run / EXPORTS / f"r{picked.round:03d}-e{picked.epoch or 0:04d}-env-{picked.env:03d}"
    write_export(picked.network, picked.mean, picked.std, to, origin_of(run, picked))
    return Taken(to, picked, size_text(picked.network, load(to)))


def origin_of(run: Path, picked: Picked) -> dict[str, Any]:
    """What ``origin.json`` says besides the network.

    Raises:
        Incompatible: if ``run.toml`` is missing or damaged.
    """
    document = read_run_file(run)
    if "config" not in document:
        raise Incompatible(f"{run / 'run.toml'} is missing or damaged, so the recipe of the network is not known")
    place = {"env": picked.env, "round": picked.round, "epoch": picked.epoch, "left_out": list(picked.left_out)}
    head = {"esper": esper_tui.__version__, "run": run.name, "preset": document.get("preset"), "source": picked.source}
    return head | place | {"config": document["config"]}
