"""State files: named tensors and one JSON document, nothing that could run code.  Written whole or not at all."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from esper_tui.leyline.errors import Incompatible
from esper_tui.runtime.runs import write_atomically

VERSION = 1


def save_state(path: Path, kind: str, tensors: dict[str, torch.Tensor], document: dict[str, Any]) -> None:
    """Writes a state file of a kind, for example ``network``."""
    meta = {"format": "esper", "version": str(VERSION), "kind": kind, "document": json.dumps(document)}
    write_atomically(path, save({k: v.contiguous().cpu() for k, v in tensors.items()}, metadata=meta))


def load_state(path: Path, kind: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and document of a state file.

    Raises:
        Incompatible: if it is damaged, of another kind or of a newer version.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            meta = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
        document = json.loads(meta.get("document", "null"))
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise Incompatible(f"{path} is not a readable state file ({error})") from None
    if meta.get("format") != "esper" or meta.get("kind") != kind or not isinstance(document, dict):
        raise Incompatible(f"{path} is not a {kind} file of esper")
    if not meta.get("version", "").isdigit() or int(meta["version"]) > VERSION:
        raise Incompatible(f"{path} was written by a newer program; update esper")
    return tensors, document
