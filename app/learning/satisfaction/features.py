"""What the ARF scorer sees of a rewrite: frozen numbers, shared by everybody, so that a person's own part stays small.

Per (prompt, output): the counted habits of the output, its sentence embedding, and how the two texts relate: meaning
kept (cosine), log length ratio, log length. Style carries most of what people ask for; the embedding what it misses,
scaled down because few replies cannot tell which of its hundreds of directions matter (measured: at full size it cost a
third of the correlation with simulated people, whose taste is all style).

_N pair, _F feature.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from app.learning.types import Encoder

Describe = Callable[[Sequence[str]], list[list[float]]]
"""Texts to counted habits, each number roughly in [-3, 3]."""

PairFeatures = Callable[[Sequence[str], Sequence[str]], Tensor]
"""Prompts and outputs to features [N, F]."""

EMBEDDING_SCALE: Final = 0.3
REMEMBERED: Final = 4096
"""Texts whose numbers are kept: at most 8 MB."""


def pair_features(encode: Encoder, describe: Describe) -> PairFeatures:
    """Both are asked once per text, and the numbers of the latest 4,096 texts are remembered."""
    rows = _remembered(encode, describe)

    def features(prompts: Sequence[str], outputs: Sequence[str]) -> Tensor:
        known = rows([*prompts, *outputs])
        relation = []
        for prompt, output in zip(prompts, outputs, strict=True):
            asked, given = max(1, len(prompt.split())), max(1, len(output.split()))
            cosine = float(known[prompt][0] @ known[output][0])
            relation.append([cosine, _clip(math.log(given / asked)), _clip(math.log(given) - 2.5)])
        return torch.cat(
            [
                torch.stack([known[output][1] for output in outputs]),
                EMBEDDING_SCALE * torch.stack([known[output][0] for output in outputs]),
                torch.tensor(relation),
            ],
            dim=-1,
        )

    return features


def _remembered(encode: Encoder, describe: Describe) -> Callable[[Sequence[str]], dict[str, tuple[Tensor, Tensor]]]:
    memory: OrderedDict[str, tuple[Tensor, Tensor]] = OrderedDict()

    def rows(texts: Sequence[str]) -> dict[str, tuple[Tensor, Tensor]]:
        wanted = list(dict.fromkeys(texts))
        new = [text for text in wanted if text not in memory]
        if new:
            habits = torch.tensor(describe(new))
            for text, embedding, habit in zip(new, encode(new), habits, strict=True):
                memory[text] = (embedding, habit)
        known = {text: memory[text] for text in wanted}
        for text in wanted:
            memory.move_to_end(text)
        while len(memory) > REMEMBERED:
            memory.popitem(last=False)
        return known

    return rows


def _clip(value: float) -> float:
    return min(2.0, max(-2.0, value))
