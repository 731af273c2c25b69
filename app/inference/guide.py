"""While a row is written: make the names of its passage easier to spell.

A small model that writes in small letters loses names to words that begin alike (vienna: vien, lucy: lucre), takes a
likelier one (Monday: Thursday), or goes on where they end (poland: polandia). So the tokens that begin a name not yet
written are made a little likelier from about where it stands in the passage, those that go on with one that has begun
much, and letters right after its end unlikely. This is contextual biasing, known from speech recognition (Zhao et al.
2019, Shallow-Fusion End-to-End Contextual Biasing): it decides where the model hesitates, and forces nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from app.inference.facts import placed_names
from app.inference.tokens import Tokens
from app.inference.types import PREFIX
from app.inference.writing import NO_HELP, Help

BEGIN = 3.0
"""Added to the logit of a token that begins a name; in nats."""
GO_ON = 8.0
"""Added to the logit of a token that goes on with it."""
END = 8.0
"""Taken from the logits of tokens that would go on with a name that is written."""
AHEAD = 0.25
"""A name is offered so much of the passage before its place: one that is too early would push out what comes first."""

Spelling = tuple[int, ...]


@dataclass
class Fact:
    spellings: frozenset[Spelling]
    """As in the passage, in small and in large letters; with and without a space before."""
    glued: frozenset[Spelling]
    """Those without: they begin a text, or follow a space or what is no letter, and never stand amid a word."""
    place: float
    """The share of the passage that is before it."""
    left: int
    """How often it may still be written with help: as often as the passage has it."""
    is_said: bool = False


class Guides:
    """What all rows have in common."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.start = len(tokens.completion(PREFIX.rstrip()))
        """Tokens that every text begins with."""

    @cached_property
    def inside(self) -> Tensor:
        """Tokens that go on with a word: they begin with a letter or digit, and without a space."""
        # After a letter, since some tokenizers hide the space of whatever stands first.
        before = self.tokens.completion("a")
        known = len(self.tokens.text(before))
        words = range(self.tokens.tokenizer.get_vocab_size())
        return torch.tensor([word for word in words if self.tokens.text([*before, word])[known : known + 1].isalnum()])

    def of(self, passage: str) -> "Guide":
        facts: dict[str, Fact] = {}
        for name, place in placed_names(passage):
            if name in facts:
                facts[name].left += 1
            else:
                facts[name] = self._fact(name, place)
        return Guide(facts.values(), self, len(self.tokens.completion(passage)) if facts else 0)

    def is_open(self, ids: Sequence[int], at: int) -> bool:
        """Whether a word can begin there without a space."""
        return at == 0 or not self.tokens.text(ids[at - 1 : at])[-1:].isalnum()

    def _fact(self, name: str, place: float) -> Fact:
        forms = {name, name.lower(), name.upper()}
        glued = {tuple(self.tokens.completion(form)) for form in forms}
        spaced = {tuple(self.tokens.completion(" " + form)) for form in forms}
        # Where the space is a token of its own it begins anything, such as a number, and no name yet.
        bare = {spelling for spelling in spaced if not self.tokens.text(spelling[:1]).strip()}
        glued |= {spelling[1:] for spelling in bare}
        return Fact(frozenset(glued | spaced - bare), frozenset(glued), place, left=1)


class Guide:
    """Of one row: it follows what is written."""

    def __init__(self, facts: Iterable[Fact], guides: Guides, tokens: int) -> None:
        """`tokens` are those of the passage."""
        self._facts, self._guides, self._tokens = list(facts), guides, tokens

    def help(self, ids: Sequence[int]) -> Help:
        """What to do to which logits after these ids; to be asked once after every token, from none on."""
        if not self._facts:
            return NO_HELP
        added: dict[int, float] = {}
        ends = False
        progress = (len(ids) - self._guides.start) / self._tokens
        for fact in self._facts:
            if any(self._stands(ids, spelling, len(spelling), fact) for spelling in fact.spellings):
                fact.left, fact.is_said, ends = fact.left - 1, True, True
            if fact.left < 1:
                continue
            possible = {
                spelling: size for spelling in fact.spellings if (size := self._begun(ids, spelling, fact)) >= 0
            }
            if any(possible.values()):
                # What has begun in one form is not begun in another: that is how "c Chicago" is written.
                added.update((spelling[size], GO_ON) for spelling, size in possible.items() if size)
            elif not fact.is_said and progress >= max(0.0, fact.place - AHEAD):
                added.update((spelling[0], max(BEGIN, added.get(spelling[0], 0.0))) for spelling in possible)
        if ends and GO_ON not in added.values():
            return Help(added, self._guides.inside, END)
        return Help(added)

    def _begun(self, ids: Sequence[int], spelling: Spelling, fact: Fact) -> int:
        """How many of its tokens, the last left out, the ids end with; -1 where it cannot stand, amid a word."""
        sizes = range(len(spelling) - 1, -1, -1)
        return next((size for size in sizes if self._stands(ids, spelling, size, fact)), -1)

    def _stands(self, ids: Sequence[int], spelling: Spelling, size: int, fact: Fact) -> bool:
        """Whether the ids end with so many tokens of it, at a place where they can."""
        before = len(ids) - size
        if before < 0 or tuple(ids[before:]) != spelling[:size]:
            return False
        return spelling not in fact.glued or self._guides.is_open(ids, before)
