"""Several people measured against each other: does everybody's adapter write like them and not like the others?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.feedback.voices import measured_voices
from app.inference.encoders import entity_finder, evaluation_encoder, meaning_encoder, style_encoder
from app.learning.neutralise import neutralise
from app.learning.rewards.entities import recall
from app.learning.rewards.meaning import similarity
from app.learning.rewards.style import References


@dataclass(frozen=True)
class Fidelity:
    """Means over texts, in [0, 1]; entities over the texts that name some."""

    meaning: float
    entities: float


def person_references(samples: Sequence[tuple[str, str | None]]) -> References:
    """A person's modes under the evaluation encoder, which is never a reward. `samples`: (text, context)."""
    written = tuple((text, context) for text, context in samples)
    return measured_voices(written, style_encoder(), evaluation_encoder())


def style_matrix(
    rewrites: Mapping[str, Sequence[str]], people: Mapping[str, References]
) -> dict[str, dict[str, float]]:
    """Row: whose adapter wrote. Column: whose samples it is held against. Cell: mean calibrated similarity to that
    person's best mode; 0 = plain text, 1 = as typical as their own sentences."""
    return {
        writer: {person: _best_mode(own, texts).mean().item() for person, own in people.items()}
        for writer, texts in rewrites.items()
    }


def mode_distribution(texts: Sequence[str], person: References) -> dict[str, float]:
    """Share of the texts that are nearest to each of the person's modes."""
    # On the unbounded scale: where several modes are met in full, the nearer one is still the nearer.
    nearest_N = person.by_mode(person.scaled(person.cosine(texts))).argmax(-1)
    return {tag: (nearest_N == k).float().mean().item() for k, tag in enumerate(person.shares)}


def fidelity(sources: Sequence[str], texts: Sequence[str]) -> Fidelity:
    meaning_N = similarity(meaning_encoder(), neutralise, sources, texts)
    entities_N = recall(entity_finder(), sources, texts)
    return Fidelity(meaning_N.mean().item(), torch.nanmean(entities_N).item())


def _best_mode(person: References, texts: Sequence[str]) -> Tensor:
    return person.by_mode(person.similarity(texts)).amax(-1)
