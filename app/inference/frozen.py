"""A frozen linear map, and the copy of its matrix that the processor multiplies fastest.

For 3-128 rows, which is where decoding a batch lives, oneDNN reads a matrix in its own blocked layout 1.3-2 times
faster than a plain one (measured on AVX-512); for one or two rows, and for prefill and training, plain is as good or
better. The copy doubles the memory of the weights, so only small bases get it.
"""

import platform
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

FEWEST_ROWS, MOST_ROWS = 3, 128
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
            rows = x.numel() // x.shape[-1]
            if FEWEST_ROWS <= rows <= MOST_ROWS:
                y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")
                return y
        return F.linear(x, self.matrix, self.bias)
