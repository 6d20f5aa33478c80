"""Counts floating-point operations with PyTorch's own formulas, but without its compiler.

``torch.utils.flop_counter.FlopCounterMode`` imports ``torch._dynamo`` at its first operation, which would add two
seconds to the start of every run.
"""

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class OperationCounter(TorchDispatchMode):
    """Counts while it is entered.

    Attributes:
        total: floating-point operations of convolutions and matrix products, two per multiply-accumulate.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here: the wrapper that keeps the compiler away would import it."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        count = flop_registry.get(func._overloadpacket)
        if count is None:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        out = func(*args, **kwargs)
        self.total += count(*args, **kwargs, out_val=out) if count is not None else 0
        return out
