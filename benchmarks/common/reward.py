"""A reward that costs nothing and that every side computes alike, so that only sampling and learning are compared."""

from collections.abc import Sequence

VOWELS = frozenset("aeiouAEIOU")


def vowels(texts: Sequence[str]) -> list[float]:
    """The share of vowels among the characters of each text."""
    return [sum(letter in VOWELS for letter in text) / max(1, len(text)) for text in texts]
