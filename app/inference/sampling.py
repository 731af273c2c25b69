"""Drawing the next token of every row, from streams of chance that belong to the rows.

Token t of a row is drawn with number t of the row's own seeded stream, so a text does not depend on which other rows
share its batch, nor on when they come and leave (except where rounding in a batched matrix product tips a near-tie).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

NUCLEUS_GUESS = 128
"""Candidates looked at first for top-p; rows whose nucleus is larger are sorted whole."""


COLDEST = 1e-4
"""Rows of lower temperatures take the likeliest word, as they all but always would: dividing by less may overflow."""


class NotFinite(ValueError):
    """The model's logits hold NaN or infinity: its adapter is broken."""


@dataclass(frozen=True)
class Sampler:
    temperatures_B: Tensor
    """0: take the likeliest."""
    top_p_B: Tensor

    @classmethod
    def new(cls, temperatures: Sequence[float], top_p: Sequence[float], *, device: torch.device) -> Self:
        return cls(
            torch.tensor(temperatures, dtype=torch.float32, device=device),
            torch.tensor(top_p, dtype=torch.float32, device=device),
        )

    def select(self, rows: Sequence[int]) -> Self:
        places = torch.tensor(rows, device=self.top_p_B.device)
        return type(self)(self.temperatures_B[places], self.top_p_B[places])

    def draw(self, logits_B_V: Tensor, chances: Sequence[float]) -> tuple[Tensor, Tensor]:
        """Ids [B] and their log-probabilities [B] at the row's temperature (1 where it is 0), before any top-p cut.

        `chances` are uniform in (0, 1], one for each row. A row of logits that are not finite has a log-probability
        that is not, and disturbs no other.
        """
        is_greedy_B = self.temperatures_B == 0
        scores_B_V = logits_B_V.float() / self.temperatures_B.masked_fill(is_greedy_B, 1.0).unsqueeze(-1)
        norm_B = scores_B_V.logsumexp(-1, keepdim=True)
        if is_greedy_B.all():
            ids_B = scores_B_V.argmax(-1)
        else:
            weights_B_V = self._nucleus((scores_B_V - norm_B).exp_())
            cumulative_B_V = weights_B_V.cumsum(-1)
            # Chance is never 0, so the word found has a positive probability; inverting the cumulative sum takes a
            # fraction of torch.multinomial's time over a large vocabulary.
            target_B = torch.tensor(chances, device=logits_B_V.device)[:, None] * cumulative_B_V[:, -1:]
            ids_B = torch.searchsorted(cumulative_B_V, target_B).squeeze(-1).clamp_(max=logits_B_V.shape[-1] - 1)
            if is_greedy_B.any():
                ids_B = torch.where(is_greedy_B, scores_B_V.argmax(-1), ids_B)
        return ids_B, (scores_B_V.gather(1, ids_B.unsqueeze(-1)) - norm_B).squeeze(-1)

    def _nucleus(self, probabilities_B_V: Tensor) -> Tensor:
        """Zero all words outside the smallest set whose probability reaches the row's top-p."""
        for row in (self.top_p_B < 1).nonzero().flatten().tolist():
            words_V, top_p = probabilities_B_V[row], float(self.top_p_B[row])
            ranked = words_V.topk(min(NUCLEUS_GUESS, len(words_V))).values
            if ranked.sum() < top_p:
                ranked = words_V.sort(descending=True).values
            kept = int(((ranked.cumsum(0) - ranked) < top_p).sum())
            words_V.masked_fill_(words_V < ranked[max(kept, 1) - 1], 0.0)
        return probabilities_B_V
