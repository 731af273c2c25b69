"""How rare and how bookish a word is: a table that the style recipe counts and keeps beside the head's weights.

`rarity` is the log of a word's place among the words of books and encyclopaedias; `register` is how many times rarer
it is there than where people chat (log2, positive: chatty). Both help where no list of ours knows the word.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

STEPS = 8
"""Of the stored whole numbers to one doubling."""
RAREST = 15.0
"""log2 of the place of a word that the table does not have."""
_ENDINGS = (
    ("ies", "y"), ("ied", "y"), ("es", ""), ("s", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""), ("ly", ""),
    ("er", ""), ("est", ""),
)  # fmt: skip
_VOWELS = re.compile(r"[aeiouy]+")


@dataclass(frozen=True)
class Word:
    rarity: float
    register: float
    syllables: int
    is_known: bool


@dataclass(frozen=True)
class Words:
    """Words in lower case with both numbers, in any order."""

    words: tuple[str, ...]
    rarity: tuple[float, ...]
    register: tuple[float, ...]

    @classmethod
    def of(cls, tensors: dict[str, Tensor]) -> "Words":
        """From what `tensors` gave. Raises KeyError where a file has no such table."""
        words = bytes(tensors["words.text"].tolist()).decode("ascii").split("\n")
        rarity_W, register_W = (tensors[f"words.{name}"].float() / STEPS for name in ("rarity", "register"))
        return cls(tuple(words), tuple(rarity_W.tolist()), tuple(register_W.tolist()))

    def tensors(self) -> dict[str, Tensor]:
        """The table as bytes, to lie in one file with the weights that were trained on it."""
        numbers = {"rarity": self.rarity, "register": self.register}
        stored = {f"words.{name}": _stored(values) for name, values in numbers.items()}
        return stored | {"words.text": torch.tensor(list("\n".join(self.words).encode("ascii")), dtype=torch.uint8)}

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.words)}

    @cached_property
    def _seen(self) -> dict[str, Word]:
        return {}

    def look_up(self, word: str) -> Word:
        """`word` in lower case; an inflected form is looked up by its stem if the table lacks it."""
        found = self._seen.get(word)
        if found is None:
            found = self._found(word)
            if len(self._seen) < 100_000:  # a server runs for months and people make up words
                self._seen[word] = found
        return found

    def _found(self, word: str) -> Word:
        place = self._places.get(word)
        for ending, instead in _ENDINGS:
            if place is not None:
                break
            if word.endswith(ending) and len(word) > len(ending) + 2:
                place = self._places.get(word[: -len(ending)] + instead)
        if place is None:
            return Word(RAREST, 0.0, syllables(word), is_known=False)
        return Word(self.rarity[place], self.register[place], syllables(word), is_known=True)


def syllables(word: str) -> int:
    """Groups of vowels, a silent final `e` not counted; at least 1."""
    count = len(_VOWELS.findall(word))
    return max(1, count - (word.endswith("e") and not word.endswith(("le", "ee"))))


def _stored(values: Sequence[float]) -> Tensor:
    return (torch.tensor(values) * STEPS).round().clamp(-127, 127).to(torch.int8)
