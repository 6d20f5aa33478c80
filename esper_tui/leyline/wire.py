"""Commands, acknowledgements and progress as JSON objects: what goes over a socket, checked on the way in.

A message is one line, at most ``MAX_MESSAGE`` bytes.  Whatever is not exactly a known message is refused with one
sentence; nothing in it is ever evaluated.
"""

import json
from dataclasses import asdict, fields, replace
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from esper_tui.leyline.choices import Decision
from esper_tui.leyline.errors import UsageError
from esper_tui.leyline.session import (
    Abandon,
    Ack,
    Breakpoint,
    Cancel,
    Checkpoint,
    Command,
    Look,
    Note,
    Override,
    Pause,
    Progress,
    Resume,
    Step,
    Stop,
)

VERSION = 1
MAX_MESSAGE = 64 * 2**10
COMMANDS: dict[str, type[Command]] = {
    c.__name__: c for c in (Pause, Resume, Step, Stop, Note, Override, Cancel, Breakpoint, Look, Checkpoint, Abandon)
}


WAITING = {"decision": {"op": 0}}
"""Stands in for a decision while the other fields of an override are checked."""


class BadMessage(UsageError):
    """A message that is refused; the sentence says why."""


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The object of one line.

    Raises:
        BadMessage: if it is too long, not JSON, not an object, or has no type.
    """
    if len(line) > MAX_MESSAGE:
        raise BadMessage(f"a message of more than {MAX_MESSAGE // 1024} KiB")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise BadMessage("a message that is not JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BadMessage("a message without a type")
    return message


def command_document(command: Command) -> dict[str, Any]:
    """A command by the name of its class and its fields; decisions by the names of their heads."""
    values = {f.name: getattr(command, f.name) for f in fields(command)}
    if isinstance(command, Override):
        values["decision"] = command.decision.named()
    return {"name": type(command).__name__} | values


def load_command(document: Any) -> Command:
    """The command of an untrusted document.

    Raises:
        BadMessage: for an unknown name, an unknown or missing field, a value of another type or out of range.
    """
    if not isinstance(document, dict):
        raise BadMessage("a command must be an object")
    values = dict(document)
    kind = COMMANDS.get(str(values.pop("name", "")))
    if kind is None:
        raise BadMessage(f"unknown command {str(document.get('name'))[:40]!r}; choose from {', '.join(COMMANDS)}")
    if unknown := set(values) - {f.name for f in fields(kind)}:
        raise BadMessage(f"{kind.__name__} has no field {sorted(map(str, unknown))[0][:40]!r}")
    decision = _decision(values.get("decision")) if kind is Override else None
    try:
        command = TypeAdapter(kind).validate_json(json.dumps(values | WAITING if decision else values), strict=True)
        return replace(cast(Override, command), decision=decision) if decision else command
    except ValidationError as error:
        first = error.errors()[0]
        raise BadMessage(f"{kind.__name__}.{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from None


def _decision(document: Any) -> Decision:
    if not isinstance(document, dict) or not all(isinstance(v, str) for v in document.values()):
        raise BadMessage("Override.decision must name its heads, for example {op: WAIT}")
    try:
        return Decision.from_named(document)
    except KeyError as error:
        raise BadMessage(f"Override.decision: unknown or missing op {error}") from None
    except (TypeError, ValueError) as error:
        raise BadMessage(f"Override.decision: {error}") from None


def ack_document(ack: Ack) -> dict[str, Any]:
    return {"type": "ack", "ack": asdict(ack)}


def load_ack(message: dict[str, Any]) -> Ack:
    return _load(Ack, message.get("ack"))


def progress_document(progress: Progress) -> dict[str, Any]:
    return {"type": "progress", "progress": asdict(progress)}


def load_progress(message: dict[str, Any]) -> Progress:
    return _load(Progress, message.get("progress"))


def _load(kind: type, document: Any) -> Any:
    """A dataclass from an untrusted document; keys it does not know are ignored, so that versions may differ."""
    if not isinstance(document, dict):
        raise BadMessage(f"{kind.__name__} must be an object")
    known = {f.name for f in fields(kind)}
    try:
        return TypeAdapter(kind).validate_python({k: v for k, v in document.items() if k in known})
    except ValidationError as error:
        raise BadMessage(f"{kind.__name__}: {error.errors()[0]['msg'].lower()}") from None
