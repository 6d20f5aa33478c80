"""The life of a seed as one table: stages, legal transitions, the letter each stage is shown by."""

from enum import IntEnum


class Stage(IntEnum):
    """Stage of a slot.  The numbers are part of the event format; 5 is retired and refused."""

    DORMANT = 1
    GERMINATED = 2
    TRAINING = 3
    BLENDING = 4
    HOLDING = 6
    FOSSILIZED = 7
    PRUNED = 8
    EMBARGOED = 9
    RESETTING = 10


TRANSITIONS: dict[Stage, frozenset[Stage]] = {
    Stage.DORMANT: frozenset({Stage.GERMINATED}),
    Stage.GERMINATED: frozenset({Stage.TRAINING, Stage.PRUNED}),
    Stage.TRAINING: frozenset({Stage.BLENDING, Stage.PRUNED}),
    Stage.BLENDING: frozenset({Stage.HOLDING, Stage.PRUNED}),
    Stage.HOLDING: frozenset({Stage.FOSSILIZED, Stage.BLENDING, Stage.PRUNED}),
    Stage.FOSSILIZED: frozenset(),
    Stage.PRUNED: frozenset({Stage.EMBARGOED}),
    Stage.EMBARGOED: frozenset({Stage.RESETTING}),
    Stage.RESETTING: frozenset({Stage.DORMANT}),
}

LETTERS: dict[Stage, str] = dict(zip(Stage, "·GTBHFPER", strict=True))

DEVELOPING = frozenset({Stage.GERMINATED, Stage.TRAINING, Stage.BLENDING, Stage.HOLDING})
"""Alive and not yet committed: counts against ``growth.concurrent`` and may be pruned."""
GRAFTED = frozenset({Stage.BLENDING, Stage.HOLDING, Stage.FOSSILIZED})
"""Takes part in the host's forward pass."""
CLEANUP = frozenset({Stage.PRUNED, Stage.EMBARGOED, Stage.RESETTING})
"""Nothing lives here any more, but the slot is not free yet."""

EMBARGO_EPOCHS = 5
RESET_EPOCHS = 1


def parse_stage(number: int) -> Stage:
    """The stage of a number read from a file.

    Raises:
        ValueError: for 5, which is retired, and for anything that was never a stage.
    """
    if number == 5:
        raise ValueError("stage 5 is retired; the file was written by a program of another kind")
    return Stage(number)


def is_legal_transition(source: Stage, target: Stage) -> bool:
    return target in TRANSITIONS[source]
