"""Comparisons to be listed: folders as ``esper compare`` leaves them, made by hand."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import psutil

from esper_tui.leyline.comparison import comparisons_folder, pointer_file

ACCURACIES = """\
| arm |                                  |  n | parameters |     test accuracy, % |         − A0, points |
| --- | -------------------------------- | -: | ---------: | -------------------: | -------------------: |
| A0  | host alone                       |  5 |      6,418 | 72.10 [71.20, 73.00] |                    – |
| A2  | final network from scratch       |  5 |     10,106 | 75.50 [74.60, 76.40] | +3.40 [+2.20, +4.60] |
| A7  | heuristic                        |  5 |     10,106 | 76.20 [75.30, 77.10] | +4.10 [+2.90, +5.30] |
"""
COSTS = """\
| arm | epochs | training, GFLOPs | incubation, GFLOPs | ablation, GFLOPs | control, GFLOPs | waste | kept |
| --- | ------ | ---------------: | -----------------: | ---------------: | --------------: | ----: | ---: |
| A0  | 30.0   |             6.10 |               0.00 |             0.00 |            0.00 | 0.0 % | 0.00 |
| A2  | 30.0   |             8.40 |               0.00 |             0.00 |            0.00 | 0.0 % | 0.00 |
| A7  | 30.0   |             8.20 |               0.41 |             2.10 |            6.10 | 6.1 % | 1.10 |
"""
TABLE = f"""\
quickstart: procedural 16x16, 2,000 training, 500 validation, 2,000 test images, 30 epochs, learning rate 0.1, 5 paired
seeds

{ACCURACIES}
Interquartile means over seeds, [95 % bootstrap intervals]; differences are paired by seed.

{COSTS}
Per network. Waste: share of training and incubation that went into seeds which were not kept. Area: validation
accuracy averaged over FLOPs.
"""


def told(**values: Any) -> dict[str, Any]:
    """Progress of this very process."""
    base = {"state": "playing", "unit": "0005-0009-grown", "epoch": 12, "epochs": 30, "done": 3, "of": 8,
            "eta_s": 190.0, "seeds": 5, "pid": os.getpid(), "host": socket.gethostname(),
            "started": psutil.Process().create_time(), "written": 1.7e9}  # fmt: skip
    return base | values


def lay_out(folder: Path, arms: str = "A0 A2 A7", preset: str = "quickstart", begun: float = 1.7e9,
            table: str = TABLE, **values: Any) -> Path:  # fmt: skip
    """A comparison in a folder; one that is not in the default place is pointed to."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps({"preset": preset, "arms": arms.split()}))
    os.utime(folder / "plan.json", (begun, begun))
    say(folder, **values)
    if table:
        (folder / "table.md").write_text(table, encoding="utf-8")
    if folder.parent != comparisons_folder():
        comparisons_folder().mkdir(parents=True, exist_ok=True)
        pointer_file(folder).write_text(f"{folder}\n")
    return folder


def say(folder: Path, **values: Any) -> None:
    (folder / "progress.json").write_text(json.dumps(told(**values)))


def several() -> list[Path]:
    """One of every kind, in the default place, in the order in which they are listed."""
    home = comparisons_folder()
    return [
        lay_out(home / "quickstart-1b9ac04e"),
        lay_out(home / "cifar10-77aa3d10", "A0 A1 A2 A3 A4 A5 A6 A7 A8.1 A8.2", "cifar10", 1.6e9, state="interrupted",
                unit="0000-0004-whole-longer", done=2, of=None, seeds=0, table=""),
        lay_out(home / "cifar10_blind-c04e1234", "A0 A7", "cifar10_blind", 1.5e9, started=1.0, eta_s=None),
        lay_out(home / "quickstart-0000ffff", "A0 A7", begun=1.4e9, state="done", unit="", epoch=0, epochs=0, done=4,
                of=4, seeds=20, eta_s=None),
    ]  # fmt: skip
