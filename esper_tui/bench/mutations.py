"""Broken inputs: random bytes, truncation, flipped bits, and documents in which something is not what it should be."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

Rng = random.Random
WORDS = (
    b"\0", b"\n", b"\xff\xfe", b"\xef\xbb\xbf", b"[" * 3000, b'{"a":' * 2000, b"9" * 6000, b"1e999", b"-Infinity",
    b"NaN", b'"\\ud800"', b"null", b"cos\nsystem\n(S'true'\ntR.", b"__import__('os').system('true')", b"true", b"-1",
    b"''", b"=", b"[[", b"#", b"../../../../etc/passwd", b"\x80\x04\x95", b"PK\x03\x04",
)  # fmt: skip
"""What has broken parsers before, and what would run where something is evaluated."""
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 10**30, -(10**18), 2.5, 1e308, float("nan"), float("inf"), "", "x", "NaN",
    "GERMINATE", "r0c0", "\ud800", "x" * 5000, [], [[]], {}, {"!": "dict", "v": [[1, 2]]},
    {"!": "os.system", "v": ["true"]}, [None] * 3, {"": ""},
)  # fmt: skip


def random_bytes(data: bytes, rng: Rng) -> bytes:
    return rng.randbytes(rng.choice((0, 1, 7, 8, 64, 700, 5000)))


def cut(data: bytes, rng: Rng) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def flip(data: bytes, rng: Rng) -> bytes:
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 64)) if found else 0):
        found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def insert(data: bytes, rng: Rng) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(WORDS) + data[at + rng.choice((0, 0, 1, 5)) :]


def shuffle(data: bytes, rng: Rng) -> bytes:
    """A piece is lost, doubled or moved."""
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return rng.choice((data[:a] + data[b:], data[:b] + data[a:], data[a:b] + data[:a] + data[b:]))


BROKEN: tuple[Callable[[bytes, Rng], bytes], ...] = (random_bytes, cut, flip, insert, shuffle)


def broken(data: bytes, rng: Rng) -> bytes:
    """Bytes with something wrong in them."""
    return rng.choice(BROKEN)(data, rng)


def mangled(document: Any, rng: Rng) -> Any:
    """A copy of a JSON document in which one to three values, keys or entries are others."""
    found = copy.deepcopy(document)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        found = _mangle(found, rng)
    return found


def _mangle(document: Any, rng: Rng) -> Any:
    """Walks down to some place, and changes what is there."""
    if not isinstance(document, dict | list) or not document:
        return rng.choice(VALUES)
    parent = document
    while True:
        key = rng.choice(list(parent)) if isinstance(parent, dict) else rng.randrange(len(parent))
        inner = parent[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.8:
            parent = inner
            continue
        _change(parent, key, rng)
        return document


def _change(parent: Any, key: Any, rng: Rng) -> None:
    what = rng.random()
    if what < 0.2:
        del parent[key]
    elif what < 0.3 and isinstance(parent, dict):
        parent[rng.choice(("x", "", str(key) + "s", "__class__"))] = parent.pop(key)
    elif what < 0.4 and isinstance(parent, list):
        parent.append(parent[key])
    else:
        parent[key] = copy.deepcopy(rng.choice(VALUES))


def line_of(document: Any) -> bytes:
    """A document as a line of JSON Lines, or what is closest to it."""
    return json.dumps(document).encode() + b"\n"


def broken_lines(lines: list[bytes], rng: Rng) -> bytes:
    """A log in which a record is mangled, lost, doubled or moved, or which is broken as bytes."""
    if rng.random() < 0.4:
        return broken(b"".join(lines), rng)
    found, at = list(lines), rng.randrange(len(lines))
    what = rng.random()
    if what < 0.7:
        found[at] = line_of(mangled(json.loads(found[at]), rng))
    elif what < 0.8:
        del found[at]
    else:
        found.insert(rng.randrange(len(found) + 1), found[at])
    return b"".join(found)
