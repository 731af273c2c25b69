"""A person's voices as scores and evaluation measure them, which is not as they are rewarded."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from app.assets.neutral import neutral_prompts
from app.inference.encoders import centred
from app.learning.modes import FEWEST_CLUSTERED, find_modes, named_voices
from app.learning.rewards.style import References, references
from app.learning.seeding import generator
from app.learning.tags import tag_of
from app.learning.types import Encoder

Written = tuple[tuple[str, str | None], ...]
"""A person's samples: (text, context)."""

MOST_MEASURED: Final = 400
"""Samples that a person is measured by, as many as a training learns from. Clustering compares each with each."""


@lru_cache(maxsize=16)
def measured_voices(written: Written, style: Encoder, evaluation: Encoder) -> References:
    """Found with the encoder that learns them, measured by the one that judges. Both are seen from plain text."""
    measured = evenly(written, MOST_MEASURED)
    texts, contexts = [text for text, _ in measured], [context for _, context in measured]
    modes = find_modes(texts, contexts, centred(style, neutral_prompts()), neutral_texts=neutral_prompts())
    return references(centred(evaluation, neutral_prompts()), modes, neutral_prompts())


def evenly(written: Written, most: int) -> Written:
    """All, or about so many from beginning to end: of each named voice, and of what is left, in proportion.

    Of a rare voice a few more, so that it stays one. Chance, the same each time, chooses within stretches: samples may
    have a rhythm, which every n-th of them would beat with.
    """
    if len(written) <= most:
        return written
    named = named_voices([context for _, context in written])
    groups: dict[str | None, list[int]] = {}
    for place, (_, context) in enumerate(written):
        tag = tag_of(context or "")
        groups.setdefault(tag if tag in named else None, []).append(place)
    kept = [
        place
        for places in groups.values()
        for place in _spread(places, max(FEWEST_CLUSTERED, most * len(places) // len(written)))
    ]
    return tuple(written[place] for place in sorted(kept))


def _spread(places: Sequence[int], count: int) -> list[int]:
    if len(places) <= count:
        return list(places)
    random = generator(len(places), "measured")
    edges = [turn * len(places) // count for turn in range(count + 1)]
    return [places[random.randrange(first, last)] for first, last in pairwise(edges)]
