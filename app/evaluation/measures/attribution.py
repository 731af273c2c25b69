"""Whose text is this? A classifier that shares nothing with the rewards: naive Bayes over character n-grams.

P(author | text) is proportional to the product of the author's smoothed frequencies of the text's 2- to 5-grams, all
authors equally likely beforehand. Learned from what the authors wrote, asked about texts it has not seen; how often it
is right about real ones is the ceiling of every other row.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SIZES = (2, 3, 4, 5)
SMOOTHING = 0.1


def grams(text: str) -> Counter[str]:
    padded = f" {' '.join(text.split())} "
    return Counter(padded[start : start + size] for size in SIZES for start in range(len(padded) - size + 1))


def evenly(writings: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Of everybody as many characters as of who wrote least, from beginning to end of what they wrote.

    Whoever is known by more n-grams than others is named for plain texts too, or hardly ever: by length, not by style.
    """
    fewest = min(sum(map(len, texts)) for texts in writings.values())
    found: dict[str, list[str]] = {}
    for author, texts in writings.items():
        whole = sum(map(len, texts))
        kept, taken, passed = [0] * len(texts), 0, 0
        for place, text in enumerate(texts):
            # A text is taken where the share taken so far lags behind the share passed by.
            if taken * whole <= passed * fewest:
                kept[place] = min(len(text), fewest - taken)
                taken += kept[place]
            passed += len(text)
        # What is wanting then, of long texts and short ones, is in those that were passed by.
        for place, text in enumerate(texts):
            more = min(len(text) - kept[place], fewest - taken)
            kept[place] += more
            taken += more
        found[author] = [text[:length] for text, length in zip(texts, kept, strict=True) if length]
    return found


@dataclass(frozen=True)
class Attribution:
    frequency: dict[str, dict[str, float]]
    """Author to n-gram to log-probability."""
    unseen: dict[str, float]
    """Author to the log-probability of an n-gram they never wrote."""

    @classmethod
    def learned(cls, writings: Mapping[str, Sequence[str]]) -> "Attribution":
        """Raises ValueError for fewer than two authors, or one without a text."""
        if len(writings) < 2 or not all(writings.values()):
            raise ValueError("attribution needs two authors or more, and a text of each")
        counts: dict[str, Counter[str]] = {author: Counter() for author in writings}
        for author, texts in writings.items():
            for text in texts:
                counts[author].update(grams(text))
        vocabulary = len(set().union(*counts.values()))
        frequency, unseen = {}, {}
        for author, own in counts.items():
            total = math.log(sum(own.values()) + SMOOTHING * (vocabulary + 1))
            frequency[author] = {gram: math.log(count + SMOOTHING) - total for gram, count in own.items()}
            unseen[author] = math.log(SMOOTHING) - total
        return cls(frequency, unseen)

    def author_of(self, text: str) -> str:
        found = grams(text)

        def likelihood(author: str) -> float:
            own, unseen = self.frequency[author], self.unseen[author]
            return sum(count * own.get(gram, unseen) for gram, count in found.items())

        return max(self.frequency, key=likelihood)
