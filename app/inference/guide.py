"""While a row is written: make the names of its passage easier to spell. No torch.

A small model that writes in small letters loses names to words that begin alike (vienna: vien, lucy: lucre) or takes a
likelier one (Monday: Thursday). So the tokens that begin a name not yet written are made a little likelier, and those
that go on with one that has begun, much. This is contextual biasing, known from speech recognition (Zhao et al. 2019,
Shallow-Fusion End-to-End Contextual Biasing): it decides only where the model hesitates, and forces nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from app.inference.facts import names
from app.inference.tokens import Tokens

BEGIN = 1.5
"""Added to the logit of a token that begins a name; in nats."""
GO_ON = 4.0
"""Added to the logit of a token that goes on with it."""

Spelling = tuple[int, ...]


@dataclass
class Fact:
    spellings: frozenset[Spelling]
    """As in the passage, in small and in large letters; with and without a space before."""
    left: int
    """How often it may still be written with help: as often as the passage has it."""
    is_said: bool = False


class Guide:
    """Of one row: it follows what is written."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._facts = list(facts)

    @classmethod
    def of(cls, passage: str, tokens: Tokens) -> Self:
        return cls(Fact(frozenset(_spellings(name, tokens)), count) for name, count in Counter(names(passage)).items())

    def likelier(self, ids: Sequence[int]) -> dict[int, float]:
        """What to add to which logits after these ids; to be asked once after every token, from none on."""
        added: dict[int, float] = {}
        for fact in self._facts:
            if any(_ends_with(ids, spelling) for spelling in fact.spellings):
                fact.left, fact.is_said = fact.left - 1, True
            if fact.left < 1:
                continue
            for spelling in fact.spellings:
                begun = next((size for size in range(len(spelling) - 1, 0, -1) if _ends_with(ids, spelling[:size])), 0)
                if begun or not fact.is_said:
                    word, more = spelling[begun], GO_ON if begun else BEGIN
                    added[word] = max(more, added.get(word, 0.0))
        return added


def _spellings(name: str, tokens: Tokens) -> Iterable[Spelling]:
    for form in {name, name.lower(), name.upper()}:
        yield tuple(tokens.completion(form))
        yield tuple(tokens.completion(" " + form))


def _ends_with(ids: Sequence[int], spelling: Spelling) -> bool:
    return len(ids) >= len(spelling) and tuple(ids[-len(spelling) :]) == spelling
