"""Rotary positions: the tables come from transformers' own formulas, so every scaling it knows is the reference's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from app.inference.architecture import UnsupportedModel

SCALINGS = ("default", "linear", "llama3", "yarn")
"""Those whose frequencies do not depend on the length of the text."""


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
        from transformers import AutoConfig
        from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
        from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

        config = AutoConfig.from_pretrained(folder)
        kind = config.rope_parameters["rope_type"]
        if kind not in SCALINGS:
            raise UnsupportedModel(f"{folder.name} scales positions by {kind!r}; supported are {', '.join(SCALINGS)}")
        plain = LlamaRotaryEmbedding.compute_default_rope_parameters
        frequencies, scale = (plain if kind == "default" else ROPE_INIT_FUNCTIONS[kind])(config)
        return cls(frequencies.float().to(device), float(scale), dtype)

    def at(self, positions: Tensor) -> Rotation:
        """The rotation of int64 `positions` [T] or [B, T]."""
        angles = positions.unsqueeze(-1).float() * self.frequencies
        cosines, sines = angles.cos() * self.scale, angles.sin() * self.scale
        return Rotation(
            torch.cat((cosines, cosines), -1).unsqueeze(-2).to(self.dtype),
            torch.cat((-sines, sines), -1).unsqueeze(-2).to(self.dtype),
        )
