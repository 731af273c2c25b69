"""The augmented traces: what a person was shown and how satisfied they seemed, as the ARF scorer learns from it.

Reading ARF-RLHF (arXiv 2507.03069): every logged (prompt, output, reply) is kept, and copied with synonyms put in and
with its end cut off; a score is biased towards what the learned scorer believes, by a weight that grows as that scorer
has heard more; stored scores are worked out anew from time to time. The paper gives no formulas; these are ours:

    kept, synonym   score = s0, what the reply said
    truncated       score = (1 - l * doubt) * s0 + l * doubt * S_arf        a prefix has no reply of its own
    rescored        score = (1 - l) * s0 + l * S_arf                        every few updates
    l               MOST_BIAS * min(1, replies / WARM_UP)
    doubt           entropy of the three class probabilities / log 3: lean on S_arf where the reply was hard to read
    weight          confidence * exp(-age / FADES_AFTER), age in replies: a taste that turned must win

A score is always derived from s0 and never from an earlier score, so errors of the scorer cannot pile up. Without
torch, as the web shows weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.learning.satisfaction.synonyms import substitute
from app.learning.seeding import derive, generator

REPLY, EDIT, SYNONYM, TRUNCATION = "reply", "edit", "synonym", "truncation"
SAID: Final = (REPLY, EDIT)
"""Origins of what the person really reacted to or wrote; the others are made from these."""

MOST_BIAS: Final = 0.4
WARM_UP: Final = 40
FADES_AFTER: Final = 20.0
"""Replies after which a trace weighs 1/e."""
SYNONYM_RATE: Final = 0.15
SHORTEST_PREFIX: Final = 0.4
PREFIX_CONFIDENCE: Final = 0.3
"""Of its text's: nobody reacted to the prefix, and what was cut off may be what they reacted to."""
FEWEST_WORDS: Final = 5
"""Texts shorter than this are not truncated: two words of a greeting say nothing about style."""


@dataclass(frozen=True)
class Trace:
    id: str
    """What every draw about this trace derives from."""
    prompt: str
    output: str
    static: float
    """s0 in [0, 1]: read from the reply, the rating or the correction; it never changes."""
    doubt: float
    """How unsure that reading was, in [0, 1]; 0 for ratings and corrections."""
    confidence: float
    """How much the reply was about the text at all, in (0, 1]."""
    origin: str
    reply: int
    """The person's how-manieth reply it comes from, from 1."""
    score: float
    """The present label, in [0, 1]."""
    rejected: str | None = None
    """For a correction: the output it replaced, which is worse."""


def bias(replies: int, most: float = MOST_BIAS) -> float:
    """The weight of the learned scorer in a score, after it has heard this many replies."""
    return most * min(1.0, replies / WARM_UP)


def biased(static: float, believed: float, share: float) -> float:
    return (1 - share) * static + share * believed


def weight(confidence: float, age: float, fades_after: float = FADES_AFTER) -> float:
    """Of a trace in every draw; age in replies since."""
    return confidence * math.exp(-max(0.0, age) / fades_after)


def augmented(trace: Trace) -> list[Trace]:
    """A copy with synonyms and a truncated one, where the text allows; a truncated one waits for its score (= s0)."""
    copies = []
    other = substitute(trace.output, SYNONYM_RATE, generator(trace.id, SYNONYM))
    if other != trace.output:
        copies.append(_copy(trace, SYNONYM, other))
    words = trace.output.split()
    if len(words) >= FEWEST_WORDS:
        shortest = math.ceil(SHORTEST_PREFIX * len(words))
        length = generator(trace.id, TRUNCATION).randint(shortest, len(words) - 1)
        prefix = _copy(trace, TRUNCATION, _prefix(trace.output, length))
        copies.append(replace(prefix, confidence=PREFIX_CONFIDENCE * trace.confidence))
    return copies


def with_prefixes_scored(traces: Sequence[Trace], believed: Sequence[float], share: float) -> list[Trace]:
    """`traces` with the score of each truncated one biased towards `believed`, one value a trace."""
    return [
        replace(trace, score=biased(trace.static, value, share * trace.doubt)) if trace.origin == TRUNCATION else trace
        for trace, value in zip(traces, believed, strict=True)
    ]


def rescored(traces: Sequence[Trace], believed: Sequence[float], share: float) -> list[Trace]:
    return [
        replace(trace, score=biased(trace.static, value, share)) for trace, value in zip(traces, believed, strict=True)
    ]


def draw(trace_id: str) -> float:
    """A number in [0, 1) that is the trace's own: the long memory keeps those with the smallest."""
    return derive(trace_id, "reservoir") / 2**31


def _copy(trace: Trace, origin: str, output: str) -> Trace:
    return replace(trace, id=f"{trace.id}/{origin}", output=output, origin=origin, rejected=None)


def _prefix(text: str, words: int) -> str:
    """The first `words` words with the white space between them."""
    rest = text.split(None, words)[words:]
    return text[: len(text) - len(rest[0])].rstrip() if rest else text
