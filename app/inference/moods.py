"""The encoder that the satisfaction scorer stands on: all-MiniLM-L6-v2, its last three layers adapted to moods.

A sentence encoder is taught to forget mood; its lower layers still know it. So every layer from the second on is
pooled, and rank-16 adapters, merged when loaded, turn the last three. A text costs what the plain encoder costs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file
from torch import Tensor

from app.inference.minilm import MiniLm
from app.inference.places import MEANING, verified_folder
from app.learning.satisfaction.static import CLASSES, GROUPS, PARTS, WIDTH, SatisfactionHead, words

FIRST_ADAPTED: Final = 3
"""Layers of six, from 0; those before are as they come."""
FIRST_POOLED: Final = 2
"""Of the states after 0 to 6 layers."""
LONGEST: Final = 96
"""Tokens read of a text."""
ROWS_AT_ONCE: Final = 64
HEAD = "head."
"""What the names of the head's tensors begin with; all others are the adapter's."""


@torch.inference_mode()
def mood_rows(encoder: MiniLm, texts: Sequence[str]) -> Tensor:
    """Pooled layers [N, 6, 384], texts of like length read together."""
    rows_N_P_E = torch.zeros(len(texts), PARTS, WIDTH)
    ids = encoder.tokens(texts, LONGEST)
    order = sorted(range(len(texts)), key=lambda place: len(ids[place]))
    for start in range(0, len(order), ROWS_AT_ONCE):
        places = order[start : start + ROWS_AT_ONCE]
        states, mask_N_T = encoder.states([ids[place] for place in places])
        rows_N_P_E[places] = pooled(states[FIRST_POOLED:], mask_N_T)
    return rows_N_P_E


def pooled(layers: Sequence[Tensor], mask_N_T: Tensor) -> Tensor:
    """Token states of five layers [N, T, 384] to rows [N, 6, 384]: the means of all, the maximum of the last."""
    weights_N_T_1 = (mask_N_T / mask_N_T.sum(1, keepdim=True)).unsqueeze(-1)
    means = [(layer * weights_N_T_1).sum(1) for layer in layers]
    highest = layers[-1].masked_fill(~mask_N_T.unsqueeze(-1), -1e4).amax(1)
    return torch.stack([*means, highest], 1)


class PackagedMoods:
    """The scorer that ships. Texts to probabilities, by either of its two opinions."""

    def __init__(self, scorer: Path) -> None:
        shipped = load_file(scorer)
        self.head = SatisfactionHead({n.removeprefix(HEAD): x for n, x in shipped.items() if n.startswith(HEAD)})
        encoder = MiniLm.load(verified_folder(MEANING) / "model")
        self.encoder = encoder.merged({name: x for name, x in shipped.items() if not name.startswith(HEAD)})

    def groups(self, texts: Sequence[str]) -> Tensor:
        """P of each of GROUPS [N, 4]."""
        return self.head.groups(*self._seen(texts)) if texts else torch.zeros(0, len(GROUPS))

    def moods(self, texts: Sequence[str]) -> Tensor:
        """P of each of CLASSES [N, 3], the texts being replies."""
        return self.head.moods(*self._seen(texts)) if texts else torch.zeros(0, len(CLASSES))

    def _seen(self, texts: Sequence[str]) -> tuple[Tensor, list[list[int]]]:
        # An empty text has neither words nor marks; a full stop stands for it.
        said = [text if text.strip() else "." for text in texts]
        return mood_rows(self.encoder, said), [words(text) for text in said]
