"""Pay against texts that read less fluently than the person writes: whoever is paid for style alone is soon paid for
leaving out every small word, as in "four hours week".

Fluency is what the base, without any adapter, foresees: the mean log-likelihood of a token in nats. How much of it a
person's way of writing costs is measured on their own texts beside the same in plain words, so a rewrite is compared
with its own source, and a writer of telegrams may write telegrams.

Per token alone, smooth words at the end would pay for rough ones ("and I have to tell you"). So what a longer text
costs is told per word of its source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from app.learning.rewards.length import ratios
from app.learning.types import LanguageModelScore

ALLOWANCE = 0.1
"""Nats a token that may be lost beyond what the person's own way costs."""
FALL = 0.7
"""How much further the reward reaches 0: half as foreseeable."""


@dataclass(frozen=True)
class Fluency:
    log_likelihood: LanguageModelScore
    costs: Mapping[str, float]
    """What each voice costs, in nats a token; never below 0, since no rewrite has to read better than its source."""

    @classmethod
    def measured(cls, log_likelihood: LanguageModelScore, written: Mapping[str, Sequence[tuple[str, str]]]) -> Self:
        """`written`: (plain, own) of each voice's texts. Those too short to say anything are left out."""
        costs = {}
        for tag, pairs in written.items():
            plain, own = [plain for plain, _ in pairs], [own for _, own in pairs]
            lost_N = _lost(log_likelihood(plain), log_likelihood(own), plain, own)
            known_N = lost_N[~lost_N.isnan()]
            costs[tag] = max(0.0, known_N.mean().item()) if len(known_N) else 0.0
        return cls(log_likelihood, costs)

    def __call__(self, sources: Sequence[str], texts: Sequence[str], tags: Sequence[str | None]) -> Tensor:
        """1 for a rewrite that costs no more than its voice does, down to 0 [N]; `tags` are what each was told.

        A row that was told nothing may cost what the dearest voice does, one too short to say anything gets 1.
        """
        dearest = max(self.costs.values(), default=0.0)
        cost_N = torch.tensor([dearest if tag is None else self.costs.get(tag, dearest) for tag in tags])
        plain = {source: i for i, source in enumerate(dict.fromkeys(sources))}
        before_N = self.log_likelihood(list(plain))[[plain[source] for source in sources]]
        lost_N = _lost(before_N, self.log_likelihood(texts), sources, texts)
        return (1 - (lost_N - cost_N - ALLOWANCE) / FALL).clamp(0, 1).nan_to_num(1.0)


def _lost(before_N: Tensor, after_N: Tensor, sources: Sequence[str], texts: Sequence[str]) -> Tensor:
    """Nats a token that texts cost more than their sources did [N], those of longer texts per word of the source."""
    return before_N - after_N * ratios(sources, texts).clamp(min=1)
