"""A slot in a few letters: ``STAGE_LETTER blueprint alpha|epochs flag``, in the room there is."""

from dataclasses import dataclass
from typing import Any

from esper_tui.karn.record import Round
from esper_tui.leyline.stages import CLEANUP, LETTERS, Stage, parse_stage
from esper_tui.sanctum.ink import Line
from esper_tui.sanctum.text import short

SHORT_NAMES = {
    "CONV_LIGHT": "convL", "CONV_SMALL": "convS", "CONV_HEAVY": "convH", "ATTENTION": "attn", "NORM": "norm",
    "DEPTHWISE": "dwise", "BOTTLENECK": "bottl", "LORA": "lora", "LORA_LARGE": "loraL", "MLP_SMALL": "mlpS",
    "MLP": "mlp", "FLEX_ATTENTION": "flexA", "NOOP": "noop",
}  # fmt: skip
"""Blueprints in at most five letters."""
FLAGS = {"exploding": "^", "vanishing": "v", "ransom": "!", "nan": "N"}
"""Alerts of a slot in one letter; * is a hand on the slot in this seed's life."""


@dataclass(frozen=True)
class Slot:
    """A slot as it is drawn; ``figure`` is alpha while blending, else the epochs in its stage."""

    stage: Stage
    blueprint: str
    figure: str
    flag: str


LEGENDS = (
    "G germinated  T training  B blending  H holding  F fossilized  P pruned  E embargoed  R resetting",
    "G germinated  T training  B blending  H holding  F fossilized  P pruned",
    "G germ  T train  B blend  H hold  F fossil  P prune",
)
"""What the letters of stages mean, in less and less room."""


def stage_legend(width: int) -> str:
    """The longest legend that fits into so many cells; empty where none does."""
    return next((legend for legend in LEGENDS if len(legend) <= width), "")


def slot_of(current: Round, env: int, index: int, alerts: list[dict[str, Any]]) -> Slot:
    """The slot now, decisions of the last boundary included."""
    name, last = current.slots[index], current.epochs[-1] if current.epochs else None
    stage = parse_stage(current.stages[env][index])
    seed = current.seeds.get((env, name), {})
    fresh = last is None or last.stages[env][index] != int(stage)
    in_stage = 0 if fresh or last is None else last.in_stage[env][index]
    if stage is Stage.BLENDING and last is not None:
        figure = short(last.alphas[env][index], 1).removesuffix(".0") if not fresh else ".0"
    else:
        figure = "" if stage in (Stage.DORMANT, Stage.FOSSILIZED) else str(in_stage)
    raised = [a["rule"] for a in alerts if a.get("env") == env and a.get("slot") == name]
    flags = [FLAGS[rule] for rule in raised if rule in FLAGS]
    touched = "*" if seed and _touched(current, env, name) else ""
    return Slot(stage, str(seed.get("blueprint") or ""), figure, flags[0] if flags else touched)


def _touched(current: Round, env: int, slot: str) -> bool:
    """Whether a person decided about the seed that lives in the slot."""
    born = current.births.get((env, slot), 0)
    return any(
        e["fate"] == "applied" and e["env"] == env and e["intervention"]["decision"].get("slot") == slot
        and (e.get("epoch") or 0) >= born for e in current.interventions.values()
    )  # fmt: skip


def chip(slot: Slot, width: int, selected: bool = False) -> Line:
    """The slot in exactly so many cells: letter and flag, then blueprint and figure; underlined if selected."""
    letter = LETTERS[slot.stage]
    name = "" if slot.stage in CLEANUP else SHORT_NAMES.get(slot.blueprint, slot.blueprint.lower()[:5])
    text, room = letter, width - len(slot.flag)
    if width >= 4 and slot.stage is not Stage.DORMANT:
        text = f"{letter} {name:<5}" if name else letter
        text += f" {slot.figure}" if slot.figure and len(text) + 1 + len(slot.figure) <= room else ""
        text = text.rstrip()[: max(1, room)]
    style = f"stage-{letter}" + (" underline" if selected else "")
    text = (text + slot.flag)[:width]
    return (text, style), (" " * (width - len(text)), "")
