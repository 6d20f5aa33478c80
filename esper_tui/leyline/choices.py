"""The decision as tables: operations, the eight heads and their choices, which heads count for which operation.

Choices are written to files by name, never by index.
"""

from dataclasses import dataclass, fields
from enum import IntEnum, StrEnum


class Op(IntEnum):
    WAIT = 0
    GERMINATE = 1
    SET_ALPHA_TARGET = 2
    PRUNE = 3
    FOSSILIZE = 4
    ADVANCE = 5


class Head(StrEnum):
    OP = "op"
    SLOT = "slot"
    BLUEPRINT = "blueprint"
    STYLE = "style"
    TEMPO = "tempo"
    ALPHA_TARGET = "alpha_target"
    ALPHA_SPEED = "alpha_speed"
    ALPHA_CURVE = "alpha_curve"


class Form(StrEnum):
    """How a seed's residual is blended into the host."""

    ADD = "ADD"
    MULTIPLY = "MULTIPLY"
    GATED = "GATED"


@dataclass(frozen=True)
class Curve:
    """Shape of an alpha ramp; ``steepness`` is k of the sigmoid and unused by the others."""

    kind: str
    steepness: float = 0.0


@dataclass(frozen=True)
class Style:
    """Blend form and the curve of the first ramp."""

    form: Form
    curve: Curve


BLUEPRINTS = (
    "NOOP", "CONV_LIGHT", "ATTENTION", "NORM", "DEPTHWISE", "BOTTLENECK", "CONV_SMALL", "CONV_HEAVY",
    "LORA", "LORA_LARGE", "MLP_SMALL", "MLP", "FLEX_ATTENTION",
)  # fmt: skip
TOPOLOGY_BLUEPRINTS: dict[str, tuple[str, ...]] = {
    "cnn": ("CONV_LIGHT", "ATTENTION", "NORM", "DEPTHWISE", "BOTTLENECK", "CONV_SMALL", "CONV_HEAVY"),
    "transformer": ("ATTENTION", "NORM", "LORA", "LORA_LARGE", "MLP_SMALL", "MLP", "FLEX_ATTENTION"),
}
CURVES: dict[str, Curve] = {
    "LINEAR": Curve("linear"),
    "COSINE": Curve("cosine"),
    "SIGMOID_GENTLE": Curve("sigmoid", 6.0),
    "SIGMOID": Curve("sigmoid", 12.0),
    "SIGMOID_SHARP": Curve("sigmoid", 24.0),
}
STYLES: dict[str, Style] = {
    "LINEAR_ADD": Style(Form.ADD, CURVES["LINEAR"]),
    "LINEAR_MULTIPLY": Style(Form.MULTIPLY, CURVES["LINEAR"]),
    "SIGMOID_ADD": Style(Form.ADD, CURVES["SIGMOID"]),
    "GATED": Style(Form.GATED, CURVES["LINEAR"]),
}
TEMPOS: dict[str, int] = {"FAST": 3, "STANDARD": 5, "SLOW": 8}
ALPHA_TARGETS: dict[str, float] = {"HALF": 0.5, "SEVENTY": 0.7, "FULL": 1.0}
ALPHA_SPEEDS: dict[str, int] = {"INSTANT": 0, "FAST": 3, "MEDIUM": 5, "SLOW": 8}

HEAD_CHOICES: dict[Head, tuple[str, ...]] = {
    Head.OP: tuple(op.name for op in Op),
    Head.BLUEPRINT: BLUEPRINTS,
    Head.STYLE: tuple(STYLES),
    Head.TEMPO: tuple(TEMPOS),
    Head.ALPHA_TARGET: tuple(ALPHA_TARGETS),
    Head.ALPHA_SPEED: tuple(ALPHA_SPEEDS),
    Head.ALPHA_CURVE: tuple(CURVES),
}
"""Choices of every head but ``slot``, whose choices are the host's slots."""

LIVE_HEADS: dict[Op, tuple[Head, ...]] = {
    Op.WAIT: (Head.OP,),
    Op.GERMINATE: (Head.OP, Head.SLOT, Head.BLUEPRINT, Head.STYLE, Head.TEMPO, Head.ALPHA_TARGET),
    Op.SET_ALPHA_TARGET: (
        Head.OP, Head.SLOT, Head.STYLE, Head.ALPHA_TARGET, Head.ALPHA_SPEED, Head.ALPHA_CURVE,
    ),
    Op.PRUNE: (Head.OP, Head.SLOT, Head.ALPHA_SPEED, Head.ALPHA_CURVE),
    Op.FOSSILIZE: (Head.OP, Head.SLOT),
    Op.ADVANCE: (Head.OP, Head.SLOT),
}  # fmt: skip
"""The causal mask: heads that count for an operation.  The others carry no choice at all."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One factored action for one environment; exactly the live heads of its operation are set.

    Raises:
        ValueError: if a live head is missing, an unused one is set, or a choice does not exist.
    """

    op: Op
    slot: str | None = None
    blueprint: str | None = None
    style: str | None = None
    tempo: str | None = None
    alpha_target: str | None = None
    alpha_speed: str | None = None
    alpha_curve: str | None = None

    def __post_init__(self) -> None:
        live = LIVE_HEADS[self.op]
        for head in list(Head)[1:]:
            choice = getattr(self, head)
            if (choice is not None) != (head in live):
                needs = "needs" if head in live else "takes no"
                raise ValueError(f"{self.op.name} {needs} {head.value}")
            if choice is not None and head in HEAD_CHOICES and choice not in HEAD_CHOICES[head]:
                raise ValueError(f"{head.value} has no choice {choice!r}; choose from {', '.join(HEAD_CHOICES[head])}")

    def named(self) -> dict[str, str]:
        """Heads by name, unused ones left out: the form that files hold."""
        heads = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"op": self.op.name} | {k: v for k, v in heads.items() if k != "op" and v is not None}

    @classmethod
    def from_named(cls, heads: dict[str, str]) -> "Decision":
        return cls(op=Op[heads["op"]], **{k: v for k, v in heads.items() if k != "op"})


WAIT = Decision(op=Op.WAIT)


def slot_id(row: int, column: int) -> str:
    return f"r{row}c{column}"
