"""Rotary positions (arXiv:2104.09864). Scaled ones take transformers' own formulas, so they are the reference's."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from app.inference.architecture import Architecture, UnsupportedModel
from app.inference.family import SCALINGS, scaling_of


@dataclass(frozen=True)
class Rotation:
    """Cosines and sines of some positions, [.., T, 1, D]; the sines of the first half negated."""

    cosines: Tensor
    sines: Tensor

    def apply(self, x: Tensor) -> Tensor:
        """Rotate x [B, T, heads, D]."""
        first, second = x.chunk(2, -1)
        return torch.addcmul(x * self.cosines, torch.cat((second, first), -1), self.sines)


@dataclass(frozen=True)
class Rotations:
    frequencies: Tensor
    """[D / 2], float32, radians per position."""
    scale: float
    dtype: torch.dtype

    @classmethod
    def load(cls, folder: Path, *, device: str, dtype: torch.dtype) -> Self:
        """As config.json says, in the words of any version of transformers. Raises UnsupportedModel."""
        architecture, config = Architecture.load(folder), json.loads((folder / "config.json").read_text())
        settings = config.get("rope_parameters") or config.get("rope_scaling") or {}
        kind = scaling_of(config)
        if kind not in SCALINGS:
            raise UnsupportedModel(f"{folder.name} scales positions by {kind!r}; supported are {', '.join(SCALINGS)}")
        if kind == "default":
            base = settings.get("rope_theta") or config.get("rope_theta") or 10_000.0
            size = architecture.head_dim
            frequencies, scale = base ** (-torch.arange(0, size, 2, dtype=torch.float32) / size), 1.0
        else:
            # Importing transformers takes seconds, which the packaged base need not wait for.
            from transformers import AutoConfig
            from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

            frequencies, scale = ROPE_INIT_FUNCTIONS[kind](AutoConfig.from_pretrained(folder))
        return cls(frequencies.float().to(device), float(scale), dtype)

    def at(self, positions: Tensor) -> Rotation:
        """The rotation of int64 `positions` [T] or [B, T]."""
        angles = positions.unsqueeze(-1).float() * self.frequencies
        cosines, sines = angles.cos() * self.scale, angles.sin() * self.scale
        return Rotation(
            torch.cat((cosines, cosines), -1).unsqueeze(-2).to(self.dtype),
            torch.cat((-sines, sines), -1).unsqueeze(-2).to(self.dtype),
        )
