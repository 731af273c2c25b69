"""The style encoder that ships: countable habits and a small head, trained by contrast (app/assets/build/style.py)."""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from app.inference.stylometry import FEATURES, features
from app.learning.types import Encoder

STYLE_DIMENSIONS, STYLE_HIDDEN = 64, 96


class StyleHead(nn.Module):
    """Features [N, F] to unit rows [N, 64]."""

    mean: Tensor
    std: Tensor

    def __init__(self, feature_count: int = len(FEATURES)) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(feature_count))
        self.register_buffer("std", torch.ones(feature_count))
        self.hidden = nn.Linear(feature_count, STYLE_HIDDEN)
        self.out = nn.Linear(STYLE_HIDDEN, STYLE_DIMENSIONS)

    @classmethod
    def fresh(cls, mean_F: Tensor, std_F: Tensor) -> "StyleHead":
        head = cls(len(mean_F))
        head.mean.copy_(mean_F)
        head.std.copy_(std_F)
        return head

    @classmethod
    def load(cls, path: Path) -> "StyleHead":
        """Raises RuntimeError when the file was built for another set of features."""
        head = cls()
        head.load_state_dict(load_file(path))
        return head.eval()

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({k: v.contiguous() for k, v in self.state_dict().items()}, path)

    def forward(self, features_N_F: Tensor) -> Tensor:
        standard = ((features_N_F - self.mean) / self.std).clamp(-6, 6)
        return F.normalize(self.out(torch.tanh(self.hidden(standard))), dim=-1)


def packaged_style(path: Path) -> Encoder:
    head = StyleHead.load(path)

    @torch.no_grad()
    def encode(texts: Sequence[str]) -> Tensor:
        return head(torch.tensor(features(texts))) if texts else torch.zeros(0, STYLE_DIMENSIONS)

    return encode
