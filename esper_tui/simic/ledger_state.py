"""A ledger as named arrays and one plain document, and back: what a checkpoint keeps of it."""

from collections import deque
from dataclasses import asdict
from typing import Any

import numpy as np

from esper_tui.leyline.state import Estimate
from esper_tui.simic.attribution import WINDOW
from esper_tui.simic.ledger import Half, Ledger

Arrays = dict[str, np.ndarray]


def capture_ledger(ledger: Ledger) -> tuple[Arrays, dict[str, Any]]:
    """Arrays (copies) and document of everything that was measured of one environment."""
    arrays: Arrays = {}
    for name, half in (("gate", ledger.gate), ("reward", ledger.reward)):
        arrays[f"{name}/mask"] = half.mask.copy()
        if half.window:
            arrays[f"{name}/window"] = np.stack(half.window)
        arrays |= {f"{name}/before/{seed}": rows.copy() for seed, rows in half.before.items()}
    coalitions = [sorted(on) for on in ledger.subsets]
    if coalitions:
        arrays["subsets"] = np.stack(list(ledger.subsets.values()))
    return arrays, {
        "losses": list(ledger.losses),
        "reward_losses": list(ledger.reward_losses),
        "control_losses": list(ledger.control_losses),
        "latest": asdict(ledger.latest) if ledger.latest else None,
        "players": list(ledger.players),
        "measured_at": ledger.measured_at,
        "coalitions": coalitions,
    }


def restore_ledger(arrays: Arrays, document: dict[str, Any]) -> Ledger:
    return Ledger(
        _half(arrays, "gate"),
        _half(arrays, "reward"),
        losses=list(document["losses"]),
        reward_losses=list(document["reward_losses"]),
        control_losses=list(document["control_losses"]),
        latest=Estimate(**document["latest"]) if document["latest"] else None,
        subsets=dict(zip(map(frozenset, document["coalitions"]), arrays.get("subsets", ()), strict=True)),
        players=tuple(document["players"]),
        measured_at=document["measured_at"],
    )


def _half(arrays: Arrays, name: str) -> Half:
    prefix = f"{name}/before/"
    before = {int(key.removeprefix(prefix)): rows for key, rows in arrays.items() if key.startswith(prefix)}
    return Half(arrays[f"{name}/mask"], deque(arrays.get(f"{name}/window", ()), maxlen=WINDOW), before)
