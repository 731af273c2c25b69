"""Who wrote this, a person or a machine? What the shipped detector can tell by length; and a scale that only evaluates.

Three scores of a text, all by the base model as it comes: the mean log-likelihood of its tokens, Fast-DetectGPT's
curvature, and what ships, which weighs both with the rank by length.
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
from app.inference.detector import Calibration, glances, traits
from app.inference.language_model import LanguageModel
from app.inference.tokens import Tokens
from app.learning.types import LanguageModelScore

BANDS = (32, 64, 128, 200)
"""Tokens of a text that are read: how long a text must be before anything can be told."""
FITTED_AT = 60
"""Tokens of the texts on which P(human) is fitted: about as long as what is rewritten here."""


@dataclass(frozen=True)
class Written:
    kind: str
    """Which set: news, stories, abstracts."""
    human: str
    machine: str


Pair = tuple[Tensor, Tensor]
"""Glances [T, 4] at the human's text and at the machine's."""


@dataclass(frozen=True)
class Separation:
    """AUROC of each score, over so many pairs."""

    pairs: int
    shipped: float
    likelihood: float
    curvature: float


def read(folder: Path) -> list[Written]:
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found.append(Written(path.stem.split("_")[0], *without_shared_opening(row["human"], row["machine"])))
    return found


@torch.no_grad()
def glanced(
    model: LanguageModel, tokens: Tokens, texts: Sequence[Written], each: Callable[[float], None] = lambda share: None
) -> list[Pair]:
    """What the base sees in the first 201 tokens of both sides."""
    found = []
    for place, text in enumerate(texts, start=1):
        human, machine = (tokens.completion(side)[: max(BANDS) + 1] for side in (text.human, text.machine))
        if min(len(human), len(machine)) > 1:
            found.append((glances(model, human), glances(model, machine)))
        each(place / len(texts))
    return found


def separation(pairs: Sequence[Pair], calibration: Calibration, tokens: int) -> Separation:
    """Of pairs that are both so long, cut to that length: a causal model sees no further anyway."""
    long = [pair for pair in pairs if min(map(len, pair)) >= tokens]
    traits_P_2_3 = [[traits(side[:tokens]) for side in pair] for pair in long]

    def of(score: Callable[[Tensor], float]) -> float:
        human, machine = ([score(sides[side]) for sides in traits_P_2_3] for side in (0, 1))
        return auroc(human, machine)

    return Separation(
        pairs=len(long),
        shipped=of(lambda traits_3: calibration.p_human(traits_3, tokens)),
        likelihood=of(lambda traits_3: -traits_3[1].item()),
        curvature=of(lambda traits_3: -traits_3[0].item()),
    )


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
