"""Which texts stand within others, whatever marks either has: a test by words that are learned elsewhere shows nothing.

Only letters and digits count. Many of them that follow each other are no chance; few may be, so a short text stands
only where its words do. A text is read once, however many are looked for in it: wherever a long one stands, one of its
first blocks begins at a multiple of the block's length.
"""

import re
from collections.abc import Iterable

from app.samples.service import folded

TELLING_LETTERS = 24
"""A text that is so long is not part of another by chance."""
_BLOCK = TELLING_LETTERS // 2
_MARK = re.compile(r"[^\w\s]|_")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s")


def bare(text: str) -> str:
    """What stays the same if somebody adds a comma or writes it large: its words, without their marks."""
    return " ".join(_MARK.sub("", folded(text)).split())


def letters(text: str) -> str:
    return bare(text).replace(" ", "")


def sentences(text: str) -> list[str]:
    """The letters of its sentences, of those that are long enough to tell."""
    found = map(letters, _SENTENCE_END.split(text))
    return [each for each in found if len(each) >= TELLING_LETTERS]


class Phrases:
    """Texts that others are searched for."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.letters: set[str] = set()
        self._longest = 0
        self._places: dict[str, set[tuple[int, int]]] = {}
        """Of a block: where in long phrases it stands, and how long these are."""
        self._short: dict[int, set[tuple[str, ...]]] = {}
        """By their number of words."""
        for text in texts:
            self._add(bare(text).split())

    def quoted_in(self, words: str) -> set[str]:
        """The letters of those that stand in a bare text."""
        each = words.split()
        found = set(self.long_in(words))
        for count, phrases in self._short.items():
            grams = zip(*(each[start:] for start in range(count)), strict=False)
            found.update(map("".join, phrases.intersection(grams)))
        return found

    def long_in(self, words: str) -> set[str]:
        """As `quoted_in`, but only those that no chance puts there."""
        said = words.replace(" ", "")
        starts = (at for at in range(0, len(said), _BLOCK) if said[at : at + _BLOCK] in self._places)
        # Somebody who writes the same word a thousand times has few surroundings, but many places in them.
        surroundings = {(said[max(0, at - _BLOCK) : at + self._longest], min(at, _BLOCK)) for at in starts}
        return {
            piece
            for around, at in surroundings
            for offset, length in self._places[around[at : at + _BLOCK]]
            if (piece := around[max(0, at - offset) : at - offset + length]) in self.letters
        }

    def _add(self, words: list[str]) -> None:
        phrase = "".join(words)
        self.letters.add(phrase)
        if len(phrase) < TELLING_LETTERS:
            self._short.setdefault(len(words), set()).add(tuple(words))
            return
        self._longest = max(self._longest, len(phrase))
        for offset in range(_BLOCK):
            self._places.setdefault(phrase[offset : offset + _BLOCK], set()).add((offset, len(phrase)))
