"""State files: named tensors and one JSON document, nothing that could run code.  Written whole or not at all."""

import hashlib
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
    flat = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    text = json.dumps(document)
    meta = {"format": "esper", "version": str(VERSION), "kind": kind, "document": text, "checksum": _sum(flat, text)}
    write_atomically(path, _canonical(save(flat, metadata=meta)))


def _canonical(data: bytes) -> bytes:
    """The same file with its header in one order: equal states are equal files, whichever process wrote them."""
    size = int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def _sum(tensors: dict[str, torch.Tensor], document: str) -> str:
    """A fingerprint of names, types, shapes and values."""
    digest = hashlib.blake2b(document.encode(), digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


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
    if meta.get("version") != str(VERSION):
        raise Incompatible(
            f"{path} has version {meta.get('version', '?')[:9]}, this program reads {VERSION}; update esper"
        )
    if meta.get("checksum") != _sum(tensors, meta["document"]):
        raise Incompatible(f"{path} is damaged: its checksum does not fit")
    return tensors, document
