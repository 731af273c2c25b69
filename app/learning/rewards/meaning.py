"""Pay for saying the same thing, up to a target and no further: beyond it more similarity only means less voice.

Both texts are neutralised first, so that "c u tmrw" is compared for what it says and not for how.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from app.learning.types import Encoder

Neutralise = Callable[[str], str]

DIFFERENT = 0.5
"""Below this cosine the texts no longer say the same, and the reward falls steeply."""
STEEPNESS = 4


def similarity(encoder: Encoder, neutralise: Neutralise, sources: Sequence[str], texts: Sequence[str]) -> Tensor:
    """Cosine of each neutralised text with its neutralised source [N]; every distinct text is encoded once."""
    plain = {text: neutralise(text) or "." for text in dict.fromkeys([*sources, *texts])}
    distinct = {sentence: row for row, sentence in enumerate(dict.fromkeys(plain.values()))}
    rows_N_D = encoder(list(distinct))
    left = torch.tensor([distinct[plain[source]] for source in sources], dtype=torch.long)
    right = torch.tensor([distinct[plain[text]] for text in texts], dtype=torch.long)
    return (rows_N_D[left] * rows_N_D[right]).sum(-1)


def kept_meaning(cosine_N: Tensor, target: float) -> Tensor:
    """cosine / target, at most 1; below .5 multiplied by (cosine / .5)^4, so .4 is worth .41 of its line [N]."""
    line_N = cosine_N.clamp(0, target) / target
    return line_N * (cosine_N / DIFFERENT).clamp(0, 1) ** STEEPNESS
