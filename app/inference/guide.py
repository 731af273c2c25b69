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
    glued: frozenset[Spelling]
    """Those without: they begin a text, or follow what is no letter, and never stand amid a word."""
    left: int
    """How often it may still be written with help: as often as the passage has it."""
    is_said: bool = False


class Guide:
    """Of one row: it follows what is written."""

    def __init__(self, facts: Iterable[Fact], tokens: Tokens) -> None:
        self._facts = list(facts)
        self._tokens = tokens

    @classmethod
    def of(cls, passage: str, tokens: Tokens) -> Self:
        said = Counter(names(passage)).items()
        return cls((_fact(name, count, tokens) for name, count in said), tokens)

    def likelier(self, ids: Sequence[int]) -> dict[int, float]:
        """What to add to which logits after these ids; to be asked once after every token, from none on."""
        added: dict[int, float] = {}
        for fact in self._facts:
            if any(_ends_with(ids, spelling) for spelling in fact.spellings):
                fact.left, fact.is_said = fact.left - 1, True
            if fact.left < 1:
                continue
            possible = {
                spelling: size for spelling in fact.spellings if (size := self._begun(ids, spelling, fact)) >= 0
            }
            if any(possible.values()):
                # What has begun in one form is not begun in another: that is how "c Chicago" is written.
                added.update((spelling[size], GO_ON) for spelling, size in possible.items() if size)
            elif not fact.is_said:
                added.update((spelling[0], max(BEGIN, added.get(spelling[0], 0.0))) for spelling in possible)
        return added

    def _begun(self, ids: Sequence[int], spelling: Spelling, fact: Fact) -> int:
        """How many of its tokens, the last left out, the ids end with; -1 where it cannot stand, amid a word."""
        sizes = [size for size in range(len(spelling) - 1, -1, -1) if _ends_with(ids, spelling[:size])]
        if spelling not in fact.glued:
            return sizes[0]
        return next((size for size in sizes if self._is_open(ids, len(ids) - size)), -1)

    def _is_open(self, ids: Sequence[int], at: int) -> bool:
        """Whether a word can begin there without a space."""
        return at == 0 or not self._tokens.text(ids[at - 1 : at])[-1:].isalnum()


def _fact(name: str, count: int, tokens: Tokens) -> Fact:
    forms = {name, name.lower(), name.upper()}
    glued = frozenset(tuple(tokens.completion(form)) for form in forms)
    return Fact(glued | {tuple(tokens.completion(" " + form)) for form in forms}, glued, left=count)


def _ends_with(ids: Sequence[int], spelling: Spelling) -> bool:
    return len(ids) >= len(spelling) and tuple(ids[len(ids) - len(spelling) :]) == spelling
