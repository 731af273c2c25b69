"""One adapter's outputs, measured text by text on prompts that it was not trained on.

The style encoder given here must be another one than the reward's: a policy is never judged by what paid it.

_N output; an input may have several outputs, contiguous. _M mode.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from app.learning.copying import invented_addresses, is_copy, is_surface, longest_borrowed_run
from app.learning.rewards import entities, length, meaning
from app.learning.rewards.human import Detector
from app.learning.rewards.style import References
from app.learning.types import Encoder, EntityFinder, LanguageModelScore, Told


@dataclass(frozen=True)
class Yardstick:
    """What outputs are measured with."""

    references: References
    """The person's modes, calibrated, under the evaluation encoder."""
    encode_meaning: Encoder
    neutralise: meaning.Neutralise
    find_entities: EntityFinder
    share_told: Told
    log_likelihood: LanguageModelScore
    training_samples: Sequence[str]
    held_out_samples: Sequence[str]
    p_human: Detector | None = None


@dataclass(frozen=True)
class Assessment:
    """One adapter's outputs for N inputs. `values` holds a list of N per measure; NaN where there is nothing to say."""

    outputs: list[str]
    values: dict[str, list[float]]
    """style, style_raw, meaning, entities, sentences, length_ratio, log_likelihood, copy, surface, borrowed_words (and
    human)."""
    modes: dict[str, float]
    """Share of the outputs nearest to each mode."""
    mode_style: dict[str, float]
    """Mean style of the outputs that were told each mode, where some were."""

    @property
    def perplexity(self) -> float:
        return perplexity(self.values["log_likelihood"])

    @property
    def averaged(self) -> list[str]:
        """The measures whose mean says something."""
        return [name for name in self.values if name not in ("log_likelihood", "borrowed_words")]

    @property
    def mode_entropy(self) -> float:
        return entropy(self.modes)

    def mean(self, name: str) -> float:
        """Mean of a measure over the outputs that have it; NaN if none has."""
        return torch.tensor(self.values[name], dtype=torch.float64).nanmean().item()

    def summary(self) -> dict[str, Any]:
        return {name: finite(self.mean(name)) for name in self.averaged} | {
            "perplexity": finite(self.perplexity),
            "borrowed_words": max(self.values["borrowed_words"]),
            "modes": self.modes,
            "mode_entropy": self.mode_entropy,
            "mode_style": self.mode_style,
        }


def assess(
    inputs: Sequence[str], outputs: Sequence[str], tags: Sequence[str | None], yardstick: Yardstick
) -> Assessment:
    """Measure one side's outputs; style is that of the told mode, or of the nearest one where none was told."""
    per_prompt = len(outputs) // len(inputs)
    sources = [text for text in inputs for _ in range(per_prompt)]
    told = [tag for tag in tags for _ in range(per_prompt)]
    texts = [output.strip() or "." for output in outputs]
    references = yardstick.references
    modes = list(references.shares)
    cosine_N_K = references.cosine(texts)
    placed_N_M = references.by_mode(references.scaled(cosine_N_K))
    asked_N_M = torch.tensor([[tag is None or tag == mode for mode in modes] for tag in told])
    style_N = placed_N_M.clamp(-1, 1).masked_fill(~asked_N_M, -torch.inf).amax(-1)

    values = {
        "style": style_N,
        "style_raw": references.by_mode(cosine_N_K).masked_fill(~asked_N_M, -torch.inf).amax(-1),
        "meaning": meaning.similarity(yardstick.encode_meaning, yardstick.neutralise, sources, texts),
        "entities": entities.recall(yardstick.find_entities, sources, texts),
        "length_ratio": length.ratios(sources, texts),
        "log_likelihood": yardstick.log_likelihood(texts),
    }
    if yardstick.p_human is not None:
        values["human"] = yardstick.p_human(texts)
    pairs = list(zip(sources, texts, strict=True))
    counted = {
        "sentences": [yardstick.share_told(source, text) for source, text in pairs],
        "copy": [float(is_copy(source, text)) for source, text in pairs],
        "surface": [float(is_surface(source, text)) for source, text in pairs],
        "borrowed_words": [
            float(longest_borrowed_run(text, source, yardstick.training_samples)) for source, text in pairs
        ],
        "invented_addresses": [float(invented_addresses(text, source)) for source, text in pairs],
    }
    return Assessment(
        outputs=[output.strip() for output in outputs],
        values={name: value_N.tolist() for name, value_N in values.items()} | counted,
        modes=_shares(placed_N_M, modes),
        mode_style={mode: style_N[[tag == mode for tag in told]].mean().item() for mode in modes if mode in told},
    )


def nearest(references: References, texts: Sequence[str]) -> list[str]:
    """The mode that each text is nearest to, on the calibrated scale."""
    placed_N_M = references.by_mode(references.scaled(references.cosine(texts)))
    modes = list(references.shares)
    return [modes[place] for place in placed_N_M.argmax(-1).tolist()]


def nearest_modes(references: References, texts: Sequence[str]) -> dict[str, float]:
    """Share of the texts nearest to each mode, on the calibrated scale."""
    placed_N_M = references.by_mode(references.scaled(references.cosine(texts)))
    return _shares(placed_N_M, list(references.shares))


def entropy(shares: dict[str, float]) -> float:
    """In nats; 0 if everything is one mode."""
    return -sum(share * math.log(share) for share in shares.values() if share > 0)


def perplexity(log_likelihoods: Sequence[float]) -> float:
    """exp of the mean negative log-likelihood per token, every text that has one weighing the same; NaN if none has."""
    known = [value for value in log_likelihoods if not math.isnan(value)]
    return math.exp(-sum(known) / len(known)) if known else math.nan


def finite(value: float) -> float | None:
    """The value as JSON can say it: None for NaN and infinities."""
    return value if math.isfinite(value) else None


def _shares(placed_N_M: Tensor, modes: Sequence[str]) -> dict[str, float]:
    counts = placed_N_M.argmax(-1).bincount(minlength=len(modes))
    return {mode: count / len(placed_N_M) for mode, count in zip(modes, counts.tolist(), strict=True)}
