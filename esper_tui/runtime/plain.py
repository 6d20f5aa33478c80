"""Objects as plain JSON and named tensors, and back, without running anything that a file says.

Only the classes of a table come back as objects, by name and by their fields.  Everything keeps its type and its bits:
tuples, sets, enumerations, dictionaries with any keys, arrays and tensors.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np
import torch

from esper_tui.leyline.errors import Incompatible

Tensors = dict[str, torch.Tensor]
TAG = "!"
SEQUENCES: dict[str, Callable[[Iterable[Any]], Any]] = {
    "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque, "list": list,
}  # fmt: skip
MAPPINGS: dict[str, Callable[[Iterable[Any]], Any]] = {"dict": dict, "Counter": lambda items: Counter(dict(items))}


class Packer:
    """Turns objects of known classes into plain values; arrays and tensors go into ``tensors``, copied to the CPU."""

    def __init__(self, classes: Iterable[type]):
        self.classes = {c.__name__: c for c in classes}
        self.tensors: Tensors = {}

    def pack(self, value: Any) -> Any:
        """The plain form.

        Raises:
            TypeError: for a class that is not in the table.
        """
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, np.generic):
            return self.pack(value.item())
        if isinstance(value, torch.Tensor | np.ndarray):
            return self._tensor(value)
        if type(value) is list:
            return [self.pack(v) for v in value]
        return {TAG: type(value).__name__, "v": self._content(value)}

    def _content(self, value: Any) -> Any:
        kind = type(value)
        if kind is deque:
            return [value.maxlen, *map(self.pack, value)]
        if kind.__name__ in MAPPINGS:
            return [[self.pack(k), self.pack(v)] for k, v in value.items()]
        if kind in (set, frozenset):
            return [self.pack(v) for v in sorted(value, key=repr)]
        if kind is tuple:
            return [self.pack(v) for v in value]
        if self.classes.get(kind.__name__) is not kind:
            raise TypeError(f"{kind.__name__} has no plain form")
        if isinstance(value, Enum):
            return value.name
        if isinstance(value, tuple):
            return [self.pack(v) for v in value]
        return {f.name: self.pack(getattr(value, f.name)) for f in fields(value)}

    def _tensor(self, value: torch.Tensor | np.ndarray) -> dict[str, Any]:
        name = f"plain/{len(self.tensors)}"
        is_array = isinstance(value, np.ndarray)
        tensor = torch.from_numpy(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value
        self.tensors[name] = tensor.detach().to("cpu", copy=True).contiguous()
        return {TAG: "array" if is_array else "tensor", "v": name}


class Unpacker:
    """The way back.

    Args:
        device: where tensors go; arrays stay on the CPU.
    """

    def __init__(self, classes: Iterable[type], tensors: Tensors, device: torch.device | None = None):
        self.classes, self.tensors, self.device = {c.__name__: c for c in classes}, tensors, device

    def unpack(self, value: Any) -> Any:
        """The object of a plain form.

        Raises:
            Incompatible: if it is not one, or names a class that is not in the table.
        """
        try:
            return self._unpack(value)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise Incompatible(f"a checkpoint holds something this program does not know ({error})") from None

    def _unpack(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._unpack(v) for v in value]
        if not isinstance(value, dict):
            return value
        kind, content = value[TAG], value["v"]
        if kind in ("array", "tensor"):
            tensor = self.tensors[content]
            return tensor.numpy().copy() if kind == "array" else tensor.to(self.device, copy=True)
        if kind in MAPPINGS:
            return MAPPINGS[kind]((self._unpack(k), self._unpack(v)) for k, v in content)
        if kind == "deque":
            return deque(map(self._unpack, content[1:]), maxlen=content[0])
        if kind in SEQUENCES:
            return SEQUENCES[kind](self._unpack(v) for v in content)
        return self._object(self.classes[kind], content)

    def _object(self, kind: type, content: Any) -> Any:
        if issubclass(kind, Enum):
            return kind[content]
        if is_dataclass(kind):
            return kind(**{name: self._unpack(v) for name, v in content.items()})
        return kind(*(self._unpack(v) for v in content))
