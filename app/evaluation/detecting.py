"""Who wrote this, a person or a machine? What the base model itself can tell, by length, and with what certainty.

Two statistics of a text, both higher for machine text: the mean log-likelihood of its tokens, and Fast-DetectGPT's
curvature (Bao et al. 2024, analytic): d = (sum log p - sum mu) / sqrt(sum var), with mu and var the mean and variance
of log p under the model's own next-token distribution.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from app.evaluation.measures.classifying import auroc
from app.evaluation.subjects import without_shared_opening
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.learning.types import LanguageModelScore

BANDS = (20, 40, 80, 120)
"""Tokens of a text that are read: how long a text must be before anything can be told."""
ROWS_AT_ONCE = 4
FITTED_AT = 60
"""Tokens of the texts on which P(human) is fitted: about as long as what is rewritten here."""


@dataclass(frozen=True)
class Trail:
    """Per token after the first [T]: its log-likelihood, and the mean and variance of log p there."""

    loglik_T: Tensor
    mean_T: Tensor
    variance_T: Tensor

    def likelihood(self, tokens: int) -> float:
        return self.loglik_T[:tokens].mean().item()

    def curvature(self, tokens: int) -> float:
        spread = self.variance_T[:tokens].sum().clamp(min=1e-6).sqrt()
        return ((self.loglik_T[:tokens] - self.mean_T[:tokens]).sum() / spread).item()


@dataclass(frozen=True)
class Written:
    kind: str
    """Which set: news, stories, abstracts."""
    human: str
    machine: str


def read(folder: Path) -> list[Written]:
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found.append(Written(path.stem.split("_")[0], *without_shared_opening(row["human"], row["machine"])))
    return found


@torch.no_grad()
def trails(
    model: LlamaModel, tokens: Tokens, texts: Sequence[str], each: Callable[[float], None] = lambda share: None
) -> list[Trail]:
    """What the base sees in the first 121 tokens of each text. A text of one token gets an empty trail."""
    ids = [tokens.completion(text)[: max(BANDS) + 1] for text in texts]
    found: list[Trail] = []
    for start in range(0, len(ids), ROWS_AT_ONCE):
        rows = ids[start : start + ROWS_AT_ONCE]
        longest = max(map(len, rows))
        padded = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=model.device)
        logprobs_B_T_V = model.logits(model.hidden(padded)).float().log_softmax(-1)[:, :-1]
        probability_B_T_V = logprobs_B_T_V.exp()
        mean_B_T = (probability_B_T_V * logprobs_B_T_V).sum(-1)
        variance_B_T = (probability_B_T_V * logprobs_B_T_V.square()).sum(-1) - mean_B_T.square()
        loglik_B_T = logprobs_B_T_V.gather(-1, padded[:, 1:].unsqueeze(-1)).squeeze(-1)
        for place, row in enumerate(rows):
            columns = (loglik_B_T[place], mean_B_T[place], variance_B_T[place])
            found.append(Trail(*(column[: len(row) - 1].cpu() for column in columns)))
        each(min(1.0, (start + len(rows)) / len(ids)))
    return found


def separation(human: Sequence[Trail], machine: Sequence[Trail], tokens: int) -> tuple[float, float, int]:
    """AUROC of likelihood and of curvature on texts of at least so many tokens, cut to them; and how many pairs."""
    pairs = [(h, m) for h, m in zip(human, machine, strict=True) if min(len(h.loglik_T), len(m.loglik_T)) >= tokens]
    likelihood = auroc([m.likelihood(tokens) for _, m in pairs], [h.likelihood(tokens) for h, _ in pairs])
    curvature = auroc([m.curvature(tokens) for _, m in pairs], [h.curvature(tokens) for h, _ in pairs])
    return likelihood, curvature, len(pairs)


@dataclass(frozen=True)
class HumanScale:
    """Mean log-likelihood per token to P(human), by one bell curve of each kind of author."""

    human: tuple[float, float]
    """Mean and deviation."""
    machine: tuple[float, float]

    @classmethod
    def fitted(cls, human: Sequence[float], machine: Sequence[float]) -> "HumanScale":
        return cls(_bell(human), _bell(machine))

    def __call__(self, likelihoods: Tensor) -> Tensor:
        """NaN where there was nothing to say."""
        log_odds = _log_density(likelihoods, self.human) - _log_density(likelihoods, self.machine)
        return torch.sigmoid(log_odds)


def human_scale(texts: Sequence[Written], likelihood: LanguageModelScore, tokens: Tokens) -> HumanScale:
    """Fitted on these texts cut to 60 tokens."""

    def cut(text: str) -> str:
        return tokens.text(tokens.completion(text)[:FITTED_AT])

    human = likelihood([cut(text.human) for text in texts]).tolist()
    machine = likelihood([cut(text.machine) for text in texts]).tolist()
    return HumanScale.fitted([v for v in human if v == v], [v for v in machine if v == v])


def _bell(values: Sequence[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1)) or 1e-3


def _log_density(values: Tensor, bell: tuple[float, float]) -> Tensor:
    mean, deviation = bell
    return -0.5 * ((values - mean) / deviation).square() - math.log(deviation)
