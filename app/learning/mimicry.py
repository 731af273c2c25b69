"""More to imitate than a person has written: plain texts given the rule-made style that is nearest to theirs.

Thirty samples teach a small model how somebody writes, and also to forget how to carry over a name it has not seen
in them. So random rule styles are tried on plain texts, those that the style encoder finds most like the person are
kept, and their results join the person's own samples: content and names are kept by construction. (OURS; the filter is
the one of TinyStyler, arXiv 2406.15586, with rules in place of its generator.)
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import torch
from torch import Tensor

from app.learning.neutralise import EMOTICON
from app.learning.restyle import restyle
from app.learning.rewards.additions import strange, vocabulary
from app.learning.rewards.style import References
from app.learning.seeding import generator
from app.learning.styles import Style, random_style

_SIGN = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}|"
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff]\ufe0f?[\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]*)"
)
_ONE_EMOJI = re.compile(f"{_SIGN}(?:\u200d{_SIGN})*")
"""Several signs that are joined are one picture, as are the two letters of a flag."""
_DASH = re.compile(r"\s[-–—]+\s|—")
_SMALL_WORD = re.compile(
    r"\b(?:the|an?|i|you|he|she|it|we|they|am|is|are|was|were|be|been|has|have|had|will|shall|would|do|does|did|"
    r"my|your|our|his|her|their|this|that)\b",
    re.IGNORECASE,
)
TERSE = 0.7
"""Share of the small words that plain texts have for their words, below which somebody leaves them out."""
DEVICES: Final = {
    "emoji": _ONE_EMOJI,
    "face": EMOTICON,
    "tag": re.compile(r"(?<!\w)[#@]\w"),
    "shouting": re.compile(r"^[^a-z]*[A-Z][^a-z]*$"),
    "large letters": re.compile(r"\b[A-Z]{4,}\b"),
    "small beginning": re.compile(r"^[a-z]"),
    "no end": re.compile(r"\w$"),
    "exclamation": re.compile("!"),
    "drawing out": re.compile(r"([A-Za-z])\1\1"),
    "dash": _DASH,
    "semicolon": re.compile(";"),
    "contraction": re.compile(r"(?i)\b(?:\w+n['’]t|\w+['’](?:m|re|ve|ll|d)|(?:it|that|there|he|she|what)['’]s)\b"),
}
"""What a style may do that plain text does not."""
SELDOM = 0.1
"""Share of a voice's texts that do it, below which it is not theirs."""
STYLES_TRIED = 320
TEXTS_TRIED = 6
STYLES_KEPT = 8
LEAST_SIMILARITY = 0.35
"""Calibrated: below it no rule style is like the person, and nothing is better than something wrong."""
PRICE_PER_WORD, PRICE_PER_WORD_AROUND = 0.02, 0.08
"""Of similarity, for each word more than the plain text has. Courtesy takes words ("I should be grateful if you
would"); an opener or a closer must earn itself, or every line gets one."""
PRICE_PER_STRANGE_WORD, PRICE_PER_STRANGE_WORD_AROUND = 0.15, 0.5
"""For each word put into a mouth that has never said it: a kiss at the end is not everybody's."""
PRICE_PER_DEVICE = 1.0
"""For each device that the voice does not use: no likeness makes up for a face under a solicitor's letter."""


class Variant(NamedTuple):
    plain: str
    styled: str
    is_framed: bool
    """Something may stand before or behind what was said."""


@dataclass(frozen=True)
class _Manners:
    """What the texts of a voice do; an imitation of it pays, in likeness, for whatever else it does."""

    words: frozenset[str]
    devices: frozenset[str]
    is_terse: bool

    @classmethod
    def of(cls, texts: Sequence[str], plain: Sequence[str]) -> Self:
        counted = Counter(device for text in texts for device in _devices(text))
        devices = frozenset(device for device, count in counted.items() if count >= SELDOM * len(texts))
        return cls(vocabulary(texts), devices, _is_terse(texts, plain))

    def price(self, variant: Variant) -> float:
        plain, styled, is_framed = variant
        added = max(0, len(styled.split()) - len(plain.split()))
        # What changed nothing would teach to copy.
        foreign = len(_devices(styled) - self.devices) + (styled == plain)
        foreign += not self.is_terse and _is_clipped(plain, styled)
        per_word = PRICE_PER_WORD_AROUND if is_framed else PRICE_PER_WORD
        per_strange = PRICE_PER_STRANGE_WORD_AROUND if is_framed else PRICE_PER_STRANGE_WORD
        return added * per_word + strange(plain, styled, self.words) * per_strange + foreign * PRICE_PER_DEVICE


def imitations(
    person: References, plain: Sequence[str], count: int, *, seed: int, written: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, str]]:
    """Up to `count` (plain text, imitation, mode) triples, modes by their shares.

    `person` is measured by the encoder that rewards. `written` are their own texts by mode: emoji and dashes are drawn
    from there, and nothing is done in a mode that its texts do not do.
    """
    everything = [text for texts in written.values() for text in texts]
    lines = [line for text in everything for line in text.splitlines()]
    manners = {mode: _Manners.of(texts, plain) for mode, texts in written.items()}
    drawn = [(sign, own) for sign in (_ONE_EMOJI, _DASH) if (own := [s for line in lines for s in sign.findall(line)])]
    random = generator(seed, "imitations")
    texts = random.sample(list(plain), min(len(plain), max(count, TEXTS_TRIED)))
    styles = [random_style(random) for _ in range(STYLES_TRIED)]

    def imitate(text: str, style: Style) -> Variant:
        styled = restyle(text, style, random)
        for sign, own in drawn:
            styled = sign.sub(lambda _, own=own: random.choice(own), styled)  # type: ignore[misc]
        return Variant(text, styled, bool(style.opener or style.closer))

    def prices(variants: Sequence[Variant], mode: str) -> Tensor:
        return torch.tensor([manners[mode].price(variant) for variant in variants])

    tried = [imitate(text, style) for style in styles for text in texts[:TEXTS_TRIED]]
    likeness_N_M = _likeness(person, tried)
    found = []
    for place, (mode, share) in enumerate(person.shares.items()):
        fit_N = (_apart(likeness_N_M, place) - prices(tried, mode)).view(len(styles), -1).mean(1)
        best = fit_N.argsort(descending=True)[:STYLES_KEPT].tolist()
        # The same texts for every mode: what differs is then the mode's, and its tag is what tells it.
        own = texts[: max(1, round(count * share))]
        variants = [imitate(text, styles[index]) for text in own for index in best]
        score_N = (_apart(_likeness(person, variants), place) - prices(variants, mode)).view(len(own), -1)
        for row in range(len(own)):
            # Any of the better half, not always the best: a person's lines are not all alike.
            ranked = score_N[row].argsort(descending=True).tolist()
            chosen = random.choice(ranked[: max(1, len(ranked) // 2)])
            if score_N[row, chosen] >= LEAST_SIMILARITY:
                variant = variants[row * len(best) + chosen]
                found.append((variant.plain, variant.styled, mode))
    return found


def _devices(text: str) -> set[str]:
    return {name for name, sign in DEVICES.items() if sign.search(text)}


def _is_terse(texts: Sequence[str], plain: Sequence[str]) -> bool:
    def rate(those: Sequence[str]) -> float:
        return sum(len(_SMALL_WORD.findall(t)) for t in those) / max(1, sum(len(t.split()) for t in those))

    return rate(texts) < TERSE * rate(plain)


def _is_clipped(plain: str, styled: str) -> bool:
    """Small words were left out: more than the one that may go with a phrase, and not just `u` for `you`."""
    if len(styled.split()) >= len(plain.split()):
        return False
    return len(_SMALL_WORD.findall(styled)) < len(_SMALL_WORD.findall(plain)) - 1


def _apart(likeness_N_M: Tensor, place: int) -> Tensor:
    """Likeness to one mode [N], less what a text is more like another: whatever departs from plain English is a little
    like every voice that does."""
    own_N = likeness_N_M[:, place]
    return own_N - (likeness_N_M.amax(-1) - own_N)


def _likeness(person: References, variants: Sequence[Variant]) -> Tensor:
    """Similarity to each mode [N, M]. Unbounded, unlike the reward: among many that are typical enough, the finer
    habits still decide."""
    return person.by_mode(person.scaled(person.cosine([variant.styled for variant in variants])))
