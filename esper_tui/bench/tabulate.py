"""Real gain curves of the procedural task: what one seed brings by slot, blueprint and time of planting.

Every cell is one network with one seed, on the same instance as a control that never grows.  The table is measured
once and kept beside this file; ``esper bench policy --tabulate FILE`` measures it anew.
"""

import json
from collections.abc import Callable
from importlib.resources import files
from itertools import product
from pathlib import Path

import numpy as np

from esper_tui.data.load import load_splits
from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.errors import UsageError
from esper_tui.leyline.stages import Stage
from esper_tui.leyline.state import Instance, SlotState
from esper_tui.runtime.build import Parts, build_parts
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.seeding import generator

TABLE = "surrogate_table.json"
EPOCHS = 40
PLANTED = (5, 13, 21)
"""Epochs at whose boundary the seed is planted: the first, a middle one, the last that can still be judged."""
OVERRIDES = (
    f"run.epochs={EPOCHS}",
    "data.train_images=1000",
    "reward.control=none",
    "tamiyo.policy=wait",
)
"""The images of ``learn_quickstart``, in episodes in which a second seed can follow the first."""
BLENDING_AFTER = 2
"""Epochs from germination to the start of blending: one to germinate, one to incubate."""
HELD_UNTIL = 25
"""Epochs from germination until the slot takes a seed away that nobody committed (5 until HOLDING, 20 there).  A curve
ends here: later losses are those of a host that has lost what it had come to lean on, not of a committed seed."""
Cell = tuple[str, str, int]
"""Slot, blueprint, epoch of planting."""


def tabulate(say: Callable[[str], None], path: Path) -> None:
    """Measures the table and writes it."""
    first = resolve("quickstart", list(OVERRIDES)).config
    cells = list(product(first.growth.slots, first.growth.blueprints, PLANTED))
    config = resolve("quickstart", [*OVERRIDES, f"run.envs={len(cells) + 1}"]).config
    parts = build_parts(config, load_splits(config.data, generator))
    gains = measure_cells(parts, cells, say)
    parts.engine.close()
    path.write_text(json.dumps(document(parts, cells, gains)) + "\n")
    say(f"wrote {path}")


def measure_cells(parts: Parts, cells: list[Cell], say: Callable[[str], None]) -> np.ndarray:
    """Loss of the control minus loss of every cell after every epoch, in nats: ``[cells, epochs]``."""
    engine = parts.engine
    engine.reset([Instance(parts.config.run.seed, 0)] * (len(cells) + 1))
    gains = np.zeros((len(cells), EPOCHS))
    for epoch in range(1, EPOCHS + 1):
        engine.begin_epoch()
        engine.train_epoch(epoch)
        losses = np.array([m.losses.mean(dtype=np.float64) for m in engine.validate([[]] * (len(cells) + 1))])
        gains[:, epoch - 1] = losses[-1] - losses[:-1]
        engine.end_epoch()
        for env, cell in enumerate(cells):
            if decision := due(cell, epoch):
                engine.apply(env, decision, epoch)
        say(f"epoch {epoch} of {EPOCHS}, largest gain {gains[:, epoch - 1].max():.3f} nat")
    return gains


def due(cell: Cell, epoch: int) -> Decision | None:
    """The fixed life of a cell's seed: planted, on at once, a fast ramp to full strength, kept there."""
    slot, blueprint, planted = cell
    if epoch == planted:
        return Decision(
            op=Op.GERMINATE, slot=slot, blueprint=blueprint, style="LINEAR_ADD", tempo="FAST", alpha_target="FULL"
        )
    return Decision(op=Op.ADVANCE, slot=slot) if epoch - planted in (1, BLENDING_AFTER, 5) else None


def document(parts: Parts, cells: list[Cell], gains: np.ndarray) -> dict:
    """Curves from the start of blending on, and what seeds cost; numbers with four digits."""
    work = {stage: {} for stage in ("TRAINING", "BLENDING")}  # type: dict[str, dict[str, float]]
    for slot, blueprint in product(parts.shape.slots, parts.config.growth.blueprints):
        for stage, table in work.items():
            seen = SlotState(slot, Stage[stage], seed=1, blueprint=blueprint)
            table[f"{slot} {blueprint}"] = round(parts.seed_work(seen), 4)
    curves = {
        f"{slot} {blueprint} {planted}": [
            round(float(g), 4) for g in row[planted + BLENDING_AFTER : planted + HELD_UNTIL]
        ]
        for (slot, blueprint, planted), row in zip(cells, gains, strict=True)
    }
    return {
        "task": {"preset": "quickstart", "overrides": list(OVERRIDES), "seed": parts.config.run.seed},
        "epochs": EPOCHS, "slots": list(parts.shape.slots), "blueprints": list(parts.config.growth.blueprints),
        "planted": list(PLANTED), "host_params": parts.host_params, "params": parts.rules.seed_params,
        "ln_classes": parts.ln_classes, "work": work, "curves": curves,
    }  # fmt: skip


def load_table(path: Path | None = None) -> dict:
    """A table by its file; the one beside this file without.

    Raises:
        UsageError: if there is no such file, or it holds no table.
    """
    try:
        found = json.loads((path or files("esper_tui.bench") / TABLE).read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is not a table of curves ({error}); --tabulate writes one") from None
    if not isinstance(found, dict) or "curves" not in found:
        raise UsageError(f"{path} is not a table of curves; --tabulate writes one")
    return found
