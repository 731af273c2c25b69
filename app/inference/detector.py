"""Was this written by a person? Fast-DetectGPT in its analytic form, with the packaged base as the only model.

Machine text sits where the model's own samples would: its log-likelihood is above what the model expects of itself.
The curvature d = (sum log p(x_t) - sum mu_t) / sqrt(sum var_t), with mu and var over the whole vocabulary at each
place, measures that (Bao et al., arXiv 2310.05130). On texts this short the plain likelihood and rank say more than the
curvature does, so all three are weighed, with weights of their own for each length; the card tells how often they are
right, and below how many tokens they are not.

The model is the packaged base as it comes, without the warm-up: what was calibrated stays calibrated whatever rewrites.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import torch
from torch import Tensor

from app.config import Settings
from app.inference.base import BaseUnavailable, read_card, unmerged_base
from app.inference.language_model import LanguageModel, load_model
from app.inference.places import CALIBRATION
from app.inference.tokens import Tokens

LONGEST: Final = 256
"""Tokens read of a text; calibrated no further."""
PLACES_AT_ONCE: Final = 128
"""Rows of vocabulary size that are held at a time."""
TRAITS: Final = ("curvature", "likelihood", "rank")


@dataclass(frozen=True)
class Band:
    """How texts of at least `tokens` tokens are judged: P(human) = sigmoid(weights . traits + bias)."""

    tokens: int
    weights: tuple[float, float, float]
    bias: float


@dataclass(frozen=True)
class Calibration:
    base: str
    """Digest of the model it was fitted for."""
    bands: tuple[Band, ...]
    """Shortest first."""

    @classmethod
    def load(cls, path: Path) -> Self:
        read = json.loads(path.read_text(encoding="utf-8"))
        bands = (Band(band["tokens"], tuple(band["weights"]), band["bias"]) for band in read["bands"])
        return cls(read["base"], tuple(bands))

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    def p_human(self, traits_3: Tensor, tokens: int) -> float:
        """Of a text of `tokens` tokens. Shorter than the first band: towards .5, as there is less to see."""
        band = next((band for band in reversed(self.bands) if band.tokens <= tokens), self.bands[0])
        logit = float(traits_3 @ torch.tensor(band.weights)) + band.bias
        return float(torch.tensor(logit * min(1.0, tokens / band.tokens)).sigmoid())


@torch.no_grad()
def glances(model: LanguageModel, ids: Sequence[int]) -> Tensor:
    """Of each token after the first [T - 1, 4]: log p, its mean and variance under the model, and its log rank."""
    hidden_T_E = model.hidden(torch.tensor([ids], device=model.device))[0, :-1]
    words_T = torch.tensor(ids[1:], device=model.device)
    parts = []
    for hidden, words in zip(hidden_T_E.split(PLACES_AT_ONCE), words_T.split(PLACES_AT_ONCE), strict=True):  # type: ignore[no-untyped-call]
        log_p_T_V = model.logits(hidden).float().log_softmax(-1)
        p_T_V = log_p_T_V.exp()
        mean_T = (p_T_V * log_p_T_V).sum(-1)
        variance_T = (p_T_V * log_p_T_V.square()).sum(-1) - mean_T.square()
        own_T = log_p_T_V.gather(-1, words.unsqueeze(-1)).squeeze(-1)
        rank_T = 1 + (log_p_T_V > own_T.unsqueeze(-1)).sum(-1)
        parts.append(torch.stack([own_T, mean_T, variance_T, rank_T.log()], -1))
    return torch.cat(parts).cpu()


def traits(glances_T_4: Tensor) -> Tensor:
    """Curvature, mean log p, and minus the mean log rank [3]; all higher for machine text."""
    own_T, mean_T, variance_T, rank_T = glances_T_4.unbind(-1)
    curvature = (own_T - mean_T).sum() / variance_T.sum().clamp(min=1e-6).sqrt()
    return torch.stack([curvature, own_T.mean(), -rank_T.mean()])


def detector(model: LanguageModel, tokens: Tokens, calibration: Calibration) -> Callable[[Sequence[str]], Tensor]:
    """Texts to P(human) [N] in [0, 1]; .5 for a text of fewer than two tokens."""

    def p_human(texts: Sequence[str]) -> Tensor:
        values = []
        for text in texts:
            ids = tokens.completion(text)[:LONGEST]
            long_enough = len(ids) > 1
            values.append(calibration.p_human(traits(glances(model, ids)), len(ids)) if long_enough else 0.5)
        return torch.tensor(values)

    return p_human


def packaged_detector(settings: Settings) -> Callable[[Sequence[str]], Tensor]:
    """With the packaged base, fetched and converted if it is not there yet. Raises BaseUnavailable."""
    folder = unmerged_base(settings)
    calibration = Calibration.load(CALIBRATION)
    if calibration.base != read_card(folder).digest:
        raise BaseUnavailable(
            f"{CALIBRATION.name} was fitted for another base than {folder.name}: run `idiolect models build human`."
        )
    return detector(load_model(folder, device=settings.device), Tokens.load(folder), calibration)
