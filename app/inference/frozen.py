"""A frozen linear map, and the copy of its matrix that the processor multiplies fastest.

oneDNN reads a matrix in its own blocked layout faster than a plain one: 1.4-1.7 times for the 1-16 rows of decoding,
1.05-1.3 for the hundreds of prefill (measured in bfloat16, on a processor that multiplies it; in float32 1.2-4). It
has no gradient. The copy doubles the memory of the weights, so only small bases get it.
"""

import platform
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

TYPICAL_ROWS = 16
"""The batch for which oneDNN chooses the layout."""


def can_pack(device: str) -> bool:
    return device == "cpu" and platform.machine() in ("x86_64", "AMD64") and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Frozen:
    """y = x @ matrix.T + bias."""

    matrix: Tensor
    """[out, in]."""
    bias: Tensor | None = None
    packed: Tensor | None = None
    """The same numbers in oneDNN's layout: opaque, for no-gradient use only."""

    @classmethod
    def new(cls, matrix: Tensor, bias: Tensor | None = None, *, is_packed: bool) -> Self:
        packed = torch.ops.mkldnn._reorder_linear_weight(matrix, TYPICAL_ROWS) if is_packed else None
        return cls(matrix, bias, packed)

    def with_packed(self) -> Self:
        """The same map with its packed copy; the matrix is shared."""
        return self if self.packed is not None else type(self).new(self.matrix, self.bias, is_packed=True)

    def __call__(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        if self.packed is not None and not x.requires_grad:
            y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")
            return y
        return F.linear(x, self.matrix, self.bias)
