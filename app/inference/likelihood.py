"""How predictable a text is to the base model: a metric of fluency, and, on long machine text only, of its origin."""

from collections.abc import Sequence

import torch
from torch import Tensor

from app.inference.language_model import LanguageModel
from app.inference.tokens import Tokens
from app.learning.types import LanguageModelScore

ROWS_AT_ONCE = 16
LONGEST = 512
"""Tokens read of a text."""


def base_likelihood(model: LanguageModel, tokens: Tokens) -> LanguageModelScore:
    """Mean log-likelihood per token [N] in nats under the base without adapters; the first token is given.

    NaN for a text of fewer than two tokens: there is nothing to predict, and 0 would call it perfectly predictable.
    """

    @torch.no_grad()
    def score(texts: Sequence[str]) -> Tensor:
        ids = [tokens.completion(text)[: min(LONGEST, model.architecture.context_tokens)] for text in texts]
        values = torch.full((len(texts),), torch.nan)
        order = [i for i in range(len(ids)) if len(ids[i]) > 1]
        for start in range(0, len(order), ROWS_AT_ONCE):
            rows = order[start : start + ROWS_AT_ONCE]
            counts = [len(ids[i]) - 1 for i in rows]
            logprobs_N = model.logprobs([ids[i] for i in rows], [1] * len(rows)).cpu()
            values[rows] = torch.stack([part.mean() for part in torch.split(logprobs_N, counts)])
        return values

    return score
