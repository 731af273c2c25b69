"""How predictable a text is to the base model: a metric of fluency, and, on long machine text only, of its origin."""

from collections.abc import Sequence

import torch
from torch import Tensor

from app.inference.model import CausalLM
from app.learning.types import LanguageModelScore

ROWS_AT_ONCE = 16


def base_likelihood(model: CausalLM) -> LanguageModelScore:
    """Mean log-likelihood per token [N] in nats under the base without adapters; the first token is given."""

    @torch.no_grad()
    def score(texts: Sequence[str]) -> Tensor:
        ids = [model.encode(text)[:512] for text in texts]
        values = torch.zeros(len(texts))
        # Rows of like length together: padding is the whole cost of a mixed batch.
        order = sorted((i for i in range(len(ids)) if len(ids[i]) > 1), key=lambda i: len(ids[i]))
        for start in range(0, len(order), ROWS_AT_ONCE):
            rows = order[start : start + ROWS_AT_ONCE]
            logprobs_B_T = model.logprobs([ids[i][:1] for i in rows], [ids[i][1:] for i in rows])
            lengths_B = torch.tensor([len(ids[i]) - 1 for i in rows])
            values[rows] = logprobs_B_T.sum(-1).cpu().float() / lengths_B
        return values

    return score
