"""From a free-form reply to how satisfied its writer is, how sure that is, and how much it was about the text.

The reply is data. It is read here and goes nowhere else: not into a prompt, not into a trace, not into a log. One that
gives the machine orders ("ignore your instructions …") is no feedback, and what it says is not read for its mood.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from app.learning.satisfaction.injections import is_injection
from app.learning.satisfaction.readable import INJECTION, SIGNS, STATIC, UNREAD, is_english, of_signs

Moods = Callable[[Sequence[str]], Tensor]
"""Texts to P(displeased), P(neither), P(pleased) [N, 3]."""

WORDS_AT_ONCE: Final = 60
"""Longer replies are read in pieces: a sentence encoder forgets what stands far apart."""
PIECES: Final = 32
"""Of a very long reply the first and the last half of these: people say what they think at the ends."""
LEAST_CONFIDENCE: Final = 0.1


@dataclass(frozen=True)
class Reading:
    value: float
    """P(pleased) + P(neither) / 2, in [0, 1]."""
    doubt: float
    """Entropy of the three probabilities / log 3, in [0, 1]."""
    confidence: float
    """1 - P(neither), at least .1: a remark about lunch says little about the text."""
    source: str
    """`static` or `emoji`; or `unread` or `injection`, whose value .5 says nothing."""


NOTHING_READ: Final = Reading(0.5, 1.0, 0.0, UNREAD)
NO_FEEDBACK: Final = Reading(0.5, 1.0, 0.0, INJECTION)


def read(reply: str, moods: Moods) -> Reading:
    """Emoji by the table, English by `moods`; orders to the machine and anything else not at all."""
    if (signs := of_signs(reply)) is not None:
        return _reading(torch.tensor(signs), SIGNS)
    if is_injection(reply):
        return NO_FEEDBACK
    if not is_english(reply):
        return NOTHING_READ
    moods_N_3 = moods(pieces(reply))
    # Pieces that hold an opinion speak for the whole.
    opinion_N = 1 - moods_N_3[:, 1] + 0.05
    return _reading((opinion_N @ moods_N_3) / opinion_N.sum(), STATIC)


def pieces(text: str) -> list[str]:
    """The text in stretches of at most 60 words, cut at sentence ends where possible; at most 32, at least one."""
    stretches: list[list[str]] = []
    for sentence in re.split(r"(?<=[.!?…])\s+|\n+", text.strip()):
        words = sentence.split()
        for start in range(0, len(words), WORDS_AT_ONCE):
            part = words[start : start + WORDS_AT_ONCE]
            if stretches and len(stretches[-1]) + len(part) <= WORDS_AT_ONCE:
                stretches[-1] += part
            else:
                stretches.append(part)
    if len(stretches) > PIECES:
        stretches = stretches[: PIECES // 2] + stretches[-PIECES // 2 :]
    return [" ".join(words) for words in stretches] if len(stretches) > 1 else [text]


def _reading(mood_3: Tensor, source: str) -> Reading:
    displeased, neither, pleased = (float(value) for value in mood_3)
    entropy = -sum(p * math.log(p) for p in (displeased, neither, pleased) if p > 0)
    return Reading(
        value=min(max(pleased + 0.5 * neither, 0.0), 1.0),
        doubt=min(entropy / math.log(3), 1.0),
        confidence=max(1 - neither, LEAST_CONFIDENCE),
        source=source,
    )
