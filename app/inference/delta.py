"""The seam where adapters meet the base: every fused linear of the model passes its output through a Delta.

Axes: _B row of the batch, _T token. The base computes `y = x @ W.T (+ bias)` with W frozen; a Delta returns y plus what
its adapter adds. One trainable adapter for all rows (lora.py) and one adapter per row from a bank both fit.
"""

from typing import Protocol, Self

from torch import Tensor

Group = str
"""Linears that are multiplied as one, in every layer: a key of the base's `fused` (architecture.py)."""

GROUPS: tuple[Group, ...] = ("qkv", "o", "gate_up", "down")
"""Those of the fast path: q, k, v are one matrix, gate and up are one."""


class Delta(Protocol):
    """What is added to the frozen linears. Dtype and device of x, y and the delta are those of the model."""

    def add(self, layer: int, group: Group, x: Tensor, y: Tensor) -> Tensor:
        """y [B, T, sum(out)] plus the adapter's part for x [B, T, in]; may write into y where gradients are off.

        Parts of a fused group lie side by side in y in the order of the group's name: q, k, v or gate, up.
        """
        ...

    def select(self, rows: Tensor) -> Self:
        """The delta of a batch whose row i is row `rows[i]` of this one (int64; repeats and omissions occur).

        Decoding calls it when prompts become groups and when finished rows leave. A delta that treats all rows alike
        returns itself.
        """
        ...


class PackedDelta(Delta, Protocol):
    """A delta that also fits rows laid end to end, as learning computes them."""

    def along(self, rows: Tensor) -> Self:
        """The delta of a batch of one row, whose token n is of row `rows[n]` of this one (int64)."""
        ...
