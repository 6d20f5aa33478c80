"""Decisions as people write them, ``op=PRUNE slot=r0c1 …``: read, and explained where they cannot be."""

import difflib
from collections.abc import Iterator, Mapping, Sequence

from esper_tui.leyline.choices import HEAD_CHOICES, LIVE_HEADS, TOPOLOGY_BLUEPRINTS, Decision, Head, Op
from esper_tui.leyline.errors import ConfigError

Offered = dict[Head, tuple[str, ...]]


def offered(slots: Sequence[str] = (), blueprints: Sequence[str] = TOPOLOGY_BLUEPRINTS["cnn"]) -> Offered:
    """What every head may be in a run with these slots and blueprints."""
    return HEAD_CHOICES | {Head.SLOT: tuple(slots), Head.BLUEPRINT: tuple(blueprints)}


def read_decision(words: Sequence[str], choices: Offered) -> Decision:
    """The decision of words like ``op=PRUNE``; upper and lower case do not matter.

    Raises:
        ConfigError: with everything that is wrong, what is permitted, and an example.
    """
    pairs = [word.partition("=")[::2] for word in words if "=" in word]
    heads = {name.strip().lower(): value.strip().upper() for name, value in pairs}
    heads |= {Head.SLOT: heads[Head.SLOT].lower()} if Head.SLOT in heads else {}
    problems = [
        *(f"{word!r} is not written as HEAD=VALUE" for word in words if "=" not in word),
        *_wrong(heads, choices),
    ]
    if problems:
        op = Op[heads["op"]] if heads.get("op") in Op.__members__ else Op.GERMINATE
        raise ConfigError("the decision", problems, f"for example {example(op, choices, heads)}")
    return Decision.from_named(heads)


def _wrong(heads: dict[str, str], choices: Offered) -> Iterator[str]:
    for name in heads:
        if name not in tuple(Head):
            near = difflib.get_close_matches(name, list(Head), n=1)
            yield f"{name} is no head" + (f"; did you mean {near[0]}" if near else f"; choose from {', '.join(Head)}")
    op = heads.get("op", "")
    if op not in Op.__members__:
        yield f"op{f'={op} does not exist' if op else ' is missing'}; choose from {', '.join(choices[Head.OP])}"
    live = LIVE_HEADS[Op[op]] if op in Op.__members__ else tuple(head for head in Head if head in heads)
    for head in list(Head)[1:]:
        value, permitted = heads.get(head), ", ".join(choices[head])
        if head in live and not value:
            yield f"{op} needs {head}; choose from {permitted}"
        elif value is not None and head not in live:
            yield f"{op} takes no {head}"
        elif value and choices[head] and value not in choices[head]:
            yield f"{head}={value} does not exist here; choose from {permitted}"


def example(op: Op, choices: Offered, said: Mapping[str, str] | None = None) -> str:
    """One decision of this operation, in words; as it was ``said`` where that is possible."""
    first = {head: (choices[head] or ("r0c0",))[0] for head in Head}
    first |= {head: said[head] for head in Head if said and said.get(head) in choices[head]}
    return " ".join(f"{head}={op.name if head is Head.OP else first[head]}" for head in LIVE_HEADS[op])


def described(choices: Offered) -> list[str]:
    """Which heads an operation has, and what each may be: a line each."""
    lines = [f"op={op.name} {' '.join(f'{head}=…' for head in LIVE_HEADS[op][1:])}".rstrip() for op in Op]
    return [
        *lines,
        *(f"{head}: {', '.join(choices[head]) or 'as the host has them, r0c0 …'}" for head in list(Head)[1:]),
    ]
