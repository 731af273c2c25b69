"""How much does a text sound like this person? Similarity to references, calibrated to what plain text already has.

Raw cosine pays for not rewriting: plain text is close to any careful voice (.75 was measured), and a policy paid by it
learns to copy. So each reference k gets its own scale, g = (sim_k - neutral_k) / (self_k - neutral_k), on which 0 is
neutral text and 1 the person's own typical sentence.

_K reference: the centroid of a mode, or in the article's recipe a single sample. Embeddings are unit rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from app.learning.types import Encoder, Mode

FEWEST_TEXTS = 4
"""Fewer make no reference. Below 12 the scale is rough, and the person should be asked for more."""
NARROWEST_SCALE = 0.15


@dataclass(frozen=True)
class Calibration:
    neutral_K: Tensor
    """Mean similarity of neutral texts."""
    self_K: Tensor
    """Mean similarity of the person's own texts, each left out of the reference that it is compared with."""

    def __call__(self, cosine_N_K: Tensor) -> Tensor:
        """The cosines on each reference's own scale: 0 neutral, 1 the person."""
        scale_K = (self.self_K - self.neutral_K).clamp(min=NARROWEST_SCALE)
        return (cosine_N_K - self.neutral_K) / scale_K


@dataclass(frozen=True)
class References:
    """A person's references under one encoder. `tags[k]` is the mode that reference k belongs to."""

    encoder: Encoder
    tags: tuple[str, ...]
    rows_K_D: Tensor
    shares: dict[str, float]
    """Each mode's share of the samples, by tag, in the person's order."""
    calibration: Calibration | None

    def cosine(self, texts: Sequence[str]) -> Tensor:
        """Cosine with each reference [N, K]. An empty text is read as a full stop."""
        return self.encoder([text or "." for text in texts]) @ self.rows_K_D.T

    def scaled(self, cosine_N_K: Tensor) -> Tensor:
        """Cosines on the calibrated scale where there is one, unbounded: for asking which mode is nearest."""
        return self.calibration(cosine_N_K) if self.calibration else cosine_N_K

    def similarity(self, texts: Sequence[str]) -> Tensor:
        """What a text is paid by [N, K], in [-1, 1]: nobody is paid for being more like a person than they are."""
        return self.scaled(self.cosine(texts)).clamp(-1, 1)

    def of_mode(self, tag: str) -> Tensor:
        """Which references belong to the mode [K], bool."""
        return torch.tensor([owner == tag for owner in self.tags])

    def by_mode(self, similarity_N_K: Tensor) -> Tensor:
        """Each mode's nearest reference [N, M], modes in the order of `shares`."""
        return torch.stack([similarity_N_K[:, self.of_mode(tag)].amax(-1) for tag in self.shares], dim=-1)


def references(
    encoder: Encoder,
    modes: Sequence[Mode],
    neutral_texts: Sequence[str],
    *,
    kind: Literal["modes", "samples"] = "modes",
    is_calibrated: bool = True,
) -> References:
    """Measure a person: a centroid a mode (`modes`), or every sample by itself (`samples`, the article's recipe).

    Raises ValueError without modes, for a mode of fewer than 4 texts, and for a calibration without neutral texts.
    """
    if not modes:
        raise ValueError("there is no mode to refer to")
    if is_calibrated and not neutral_texts:
        raise ValueError("calibration needs neutral texts")
    tags: list[str] = []
    rows: list[Tensor] = []
    own: list[Tensor] = []
    for mode in modes:
        if len(mode.texts) < FEWEST_TEXTS:
            raise ValueError(f"mode {mode.tag!r} has {len(mode.texts)} texts; a reference needs {FEWEST_TEXTS}")
        samples_N_D = encoder(mode.texts)
        if kind == "modes":
            rows.append(centroid(samples_N_D).unsqueeze(0))
            own.append(left_out_similarity(samples_N_D).mean().unsqueeze(0))
        else:
            cosine_N_N = samples_N_D @ samples_N_D.T
            rows.append(samples_N_D)
            own.append((cosine_N_N.sum(-1) - cosine_N_N.diagonal()) / (len(samples_N_D) - 1))
        tags += [mode.tag] * len(rows[-1])
    rows_K_D = torch.cat(rows)
    calibration = None
    if is_calibrated:
        calibration = Calibration((encoder(neutral_texts) @ rows_K_D.T).mean(0), torch.cat(own))
    return References(encoder, tuple(tags), rows_K_D, {mode.tag: mode.share for mode in modes}, calibration)


def centroid(rows_N_D: Tensor) -> Tensor:
    """The unit vector nearest to all rows [D]."""
    return normalize(rows_N_D.mean(0), dim=-1)


def left_out_similarity(rows_N_D: Tensor) -> Tensor:
    """Cosine of each row with the centroid of the others [N]."""
    others_N_D = rows_N_D.sum(0) - rows_N_D
    return cosine_similarity(rows_N_D, others_N_D, dim=-1)
