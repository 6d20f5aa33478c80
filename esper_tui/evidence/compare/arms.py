"""The arms of a comparison: what each one is and what question it answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from esper_tui.leyline.errors import UsageError
from esper_tui.runtime.presets import nearest


@dataclass(frozen=True)
class Arm:
    """One way to come to a trained network.

    Attributes:
        what: what is trained.
        answers: the question that the difference to it answers.
        grows: whether a controller decides while it trains; the others are whole from the first step on.
        matched: whether it takes size, cost or rates from a grown arm, which has to be played before.
    """

    id: str
    what: str
    answers: str
    grows: bool = False
    matched: bool = False


ARMS = {
    arm.id: arm
    for arm in (
        Arm("A0", "host alone", "does growth add anything", grows=True),
        Arm("A1", "host alone, equal FLOPs", "is it just compute", matched=True),
        Arm("A2", "final network from scratch", "is it just the architecture", matched=True),
        Arm("A3", "final network from scratch, equal FLOPs", "is it just the architecture", matched=True),
        Arm("A4", "host widened to equal parameters", "is it just parameters", matched=True),
        Arm("A4b", "best 3x3 network of equal parameters", "is it just the kernel size", matched=True),
        Arm("A5", "all slots filled from the start", "does timing matter"),
        Arm("A6", "random decisions at matched rates", "does the policy do anything", grows=True, matched=True),
        Arm("A7", "heuristic", "does learning matter", grows=True),
        Arm("A7s", "best fixed schedule", "does learning matter", grows=True),
        Arm("A8", "learned policy", "the claim", grows=True),
        Arm("A9", "best schedule of a grid", "how far is the ceiling", grows=True),
        Arm("A10", "greedy by forking", "is a cheap planner enough", grows=True),
    )
}
DEAR = ("A7s", "A9", "A10")
"""Arms that are played only when they are named."""
MATCH = "A7"
"""The grown arm that others are matched to, unless another one is named."""
MATCHES = ("A7", "A7s", "A8", "A9", "A10")
"""Arms that others can be matched to."""
MATCHED = tuple(arm.id for arm in ARMS.values() if arm.matched)


def base(name: str) -> str:
    """``A8`` for ``A8.2``, the second of several learned policies."""
    return name.partition(".")[0]


def describe(name: str, policies: Sequence[str] = ()) -> str:
    number = name.partition(".")[2]
    suffix = f" {number}" if number else ""
    return ARMS[base(name)].what + suffix


def default_arms(kernel: int, policies: int) -> list[str]:
    """Everything that is affordable; A4b needs a blind host, A8 a policy."""
    left_out = {*DEAR, *(() if kernel == 1 else ("A4b",)), *(() if policies else ("A8",))}
    return [name for name in ARMS if name not in left_out]


def chosen_arms(wanted: Iterable[str], kernel: int, policies: int, match: str = MATCH) -> tuple[str, ...]:
    """The arms of a comparison in the order of the table; A0 and what others are matched to are always there.

    ``A8`` becomes ``A8.1``, ``A8.2``, … where there are several policies.

    Raises:
        UsageError: for an arm that does not exist or cannot be played here.
    """
    names = list(wanted) or default_arms(kernel, policies)
    for name in names:
        _check(name, kernel, policies)
    if not policies and base(match) == "A8":
        raise UsageError("--match A8 needs a learned policy; name its file with --policy")
    needed = {"A0", *names} | ({base(match)} if set(MATCHED) & set(names) else set())
    needed |= {"A8"} if policies else set()
    ordered = [name for name in ARMS if name in needed]
    return tuple(each for name in ordered for each in _numbered(name, policies))


def _numbered(name: str, policies: int) -> list[str]:
    return [f"A8.{i}" for i in range(1, policies + 1)] if name == "A8" and policies > 1 else [name]


def _check(name: str, kernel: int, policies: int) -> None:
    if name not in ARMS:
        raise UsageError(f"there is no arm {name!r}{nearest(name, list(ARMS))}; choose from {', '.join(ARMS)}")
    if name == "A8" and not policies:
        raise UsageError("A8 needs a learned policy; name its file with --policy, `esper policies list` shows them")
    if name == "A4b" and kernel != 1:
        raise UsageError("A4b is for blind hosts; this one sees its surroundings, and A4 is what it asks for")
