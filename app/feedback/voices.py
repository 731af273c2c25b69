"""A person's voices as scores and evaluation measure them, which is not as they are rewarded."""

from functools import lru_cache

from app.assets.neutral import neutral_prompts
from app.inference.encoders import centred
from app.learning.modes import find_modes
from app.learning.rewards.style import References, references
from app.learning.types import Encoder

Written = tuple[tuple[str, str | None], ...]
"""A person's samples: (text, context)."""


@lru_cache(maxsize=16)
def measured_voices(written: Written, style: Encoder, evaluation: Encoder) -> References:
    """Found with the encoder that learns them, measured by the one that judges. Both are seen from plain text."""
    texts, contexts = [text for text, _ in written], [context for _, context in written]
    modes = find_modes(texts, contexts, centred(style, neutral_prompts()), neutral_texts=neutral_prompts())
    return references(centred(evaluation, neutral_prompts()), modes, neutral_prompts())
